"""Pieces of experiments: policies on disk are those of the training that is on disk."""

import json

import pytest

from training import export
from training.reproduce.pieces import Piece, export_piece, train_piece

WORLD = "kitchen/cramped_room"
TINY = {
    "world": WORLD, "steps": 80, "num_envs": 4, "rollout_length": 20, "hidden": 8,
    "options": "horizon=20",
}  # fmt: skip


@pytest.mark.parametrize("method", ["self-play", "ippo"])
def test_policies_from_before_the_training_are_replaced_and_no_others(
    tmp_path, monkeypatch, method
):
    monkeypatch.setattr(export, "EPISODES", 2)
    piece = Piece("own", method, (1, 10), TINY)
    assert train_piece(piece, tmp_path / "runs")

    def exported():
        export_piece(piece, tmp_path / "runs", tmp_path)
        paths = sorted((tmp_path / WORLD / "own").glob("*/card.json"))
        assert len(paths) == (4 if method == "ippo" else 2)
        return {path: json.loads(path.read_text()) for path in paths}

    first = exported()
    late = dict.fromkeys(first, "2099-01-01T00:00:00+00:00")
    early = dict.fromkeys(first, "2026-11-01T00:00:00+00:00")
    early |= {path: late[path] for path in list(first)[: len(first) // 2]}  # seed 1
    for created in (late, early):
        for path, card in first.items():
            path.write_text(json.dumps(card | {"title": "former", "created": created[path]}))
        kept = {path for path, card in exported().items() if card["title"] == "former"}
        assert kept == {path for path in first if created[path] == late[path]}
