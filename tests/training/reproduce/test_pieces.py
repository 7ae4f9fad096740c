"""Pieces of experiments: policies on disk are those of the training that is on disk."""

import json
import shutil

import pytest

from training import export
from training.reproduce.pieces import Piece, export_piece, train_piece

WORLD = "kitchen/cramped_room"
TINY = {
    "world": WORLD, "steps": 80, "num_envs": 4, "rollout_length": 20, "hidden": 8,
    "options": "horizon=20",
}  # fmt: skip


@pytest.mark.parametrize("method", ["self-play", "ippo"])
def test_policies_of_another_training_are_replaced(tmp_path, monkeypatch, method):
    """A piece trained again, with other settings, used to keep the policies of the former run."""
    monkeypatch.setattr(export, "EPISODES", 2)
    runs, policies = tmp_path / "runs", tmp_path / "policies"

    def made(entropy):
        piece = Piece("own", method, (1, 10), TINY | {"entropy": entropy})
        assert train_piece(piece, runs)
        export_piece(piece, runs, policies)
        paths = sorted((policies / WORLD / "own").glob("*/card.json"))
        assert len(paths) == (4 if method == "ippo" else 2)
        return {path: json.loads(path.read_text()) for path in paths}

    first = made(0.01)
    assert made(0.01) == first  # `created` included: not written again
    shutil.rmtree(runs)
    second = made(0.02)
    assert second.keys() == first.keys()
    assert {card["hyperparameters"]["entropy"] for card in second.values()} == {0.02}
    assert all(second[path]["sha256"] != first[path]["sha256"] for path in first)
