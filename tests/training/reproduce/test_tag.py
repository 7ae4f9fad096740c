"""`understudy reproduce tag`: its figures against sums by hand, and a whole run in small."""

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from play.main import main
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training import checkpoints
from training.evaluation.matches import Match, Rules, play_match
from training.reproduce import tag, tag_findings, tag_page
from training.reproduce.pieces import Piece, train_piece
from training.reproduce.tag_findings import BOTH, MATE, RUNNER, TRAINED
from training.runs import make_trainer


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["understudy", "reproduce", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


SMALL = {"world": "tag/simple", "num_envs": 8, "rollout_length": 20, "hidden": 8}
ARGUMENTS = (
    "--seeds", "0-1", "--steps", 160, "--episodes", 3, "--runner", "flee", "--unseen", "random",
    "--processes", 1,
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Results of two arms, one of them with a policy for each seat; stopped once on the way."""
    out = tmp_path_factory.mktemp("results") / "tag"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tag, "SETTINGS", SMALL)

        def stop(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(tag, "evaluate", stop)
        assert run(monkeypatch, "tag", "--out", out, "--only", "srpo", *ARGUMENTS) not in (0, 2)
        record = json.loads((out / "results.json").read_text())
        assert not record["finished"]
        assert record["settings"] == {"seeds": [0, 1], "steps": 160}
        trained = {path: path.read_bytes() for path in out.rglob("policy.onnx")}
        monkeypatch.undo()
        monkeypatch.setattr(tag, "SETTINGS", SMALL)
        assert run(monkeypatch, "tag", "--out", out, "--only", "srpo", *ARGUMENTS) == 0
        assert trained == {path: path.read_bytes() for path in out.rglob("policy.onnx")}
    assert len(trained) == 2 * (2 + 1)
    return out


def test_cells_are_the_touches_of_the_episodes(written):
    cells = pd.read_parquet(written / "cells.parquet")
    assert len(cells) == 2 * 2 * (4 + 2 * 2 * 2)  # arms, runners, pairs and the rule-based ones
    row = cells[(cells.arm == "ippo") & (cells.runner == "flee")]
    (mean,) = row[(row["first"] == "1") & (row["second"] == "0")].touches
    seats = ("tag/simple/ippo/seed1-seat0", "tag/simple/ippo/seed0-seat1", "flee")
    match = Match("play", "tag/simple/ippo/seed1", "tag/simple/ippo/seed0", seats)
    facts = make_world("tag/simple").facts
    rules = Rules("tag/simple", dict(facts.options), 3, 0, None, written / "policies")
    assert mean == pytest.approx(play_match(match, rules).contributions[:, :2, 0].sum(1).mean())


def test_the_record_and_the_page_say_what_was_done(written):
    record = json.loads((written / "results.json").read_text())
    assert record["finished"]
    assert record["command"].startswith("understudy reproduce tag --out")
    settings = record["settings"]
    assert settings["arms"] == ["ippo", "srpo"]
    assert settings["policies"] == {"flee": "rule-based", "random": "rule-based"}
    assert set(settings["commits"]) == {"ippo", "srpo"}
    assert settings["machine"]["processors"] >= 1
    own = record["findings"]["srpo"]
    assert own["touches"][TRAINED]["units"] == "seeds"
    assert own["touches"][TRAINED]["count"] == 2
    page = (written / "README.md").read_text()
    for picture in ("touches", "matrices"):
        assert f"({picture}.png)" in page
        assert (written / f"{picture}.png").read_bytes()[:4] == b"\x89PNG"
    assert tag_page.cell(own["touches"][BOTH]) in page
    assert "- **SRPO**: its own pair catches" in page


def test_the_same_command_needs_leave_to_go_on_and_then_trains_nothing(written, monkeypatch):
    assert run(monkeypatch, "tag", "--out", written, "--only", "srpo", *ARGUMENTS) == 2
    times = {path: path.stat().st_mtime_ns for path in written.rglob("policy.onnx")}
    before = json.loads((written / "results.json").read_text())["findings"]
    monkeypatch.setattr(tag, "SETTINGS", SMALL)
    again = ("tag", "--out", written, "--only", "srpo", *ARGUMENTS, "--overwrite")
    assert run(monkeypatch, *again) == 0
    assert times == {path: path.stat().st_mtime_ns for path in written.rglob("policy.onnx")}
    assert json.loads((written / "results.json").read_text())["findings"] == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (("--seeds", "0-2"), "holds pieces with seeds [0, 1], but seeds [0, 1, 2] were asked"),
        (("--steps", "320"), "holds pieces with steps 160, but steps 320 were asked"),
    ],
)
def test_pieces_of_other_seeds_or_steps_are_not_mixed(
    written, monkeypatch, capsys, changes, sentence
):
    """In a finished folder and in one that was begun, whose runs stay."""
    runs = {path: path.read_bytes() for path in written.rglob("checkpoint.pt")}
    finished = (written / "results.json").read_text()
    record = json.loads(finished)
    begun = json.dumps(record | {"finished": False})
    for kept in (finished, begun):
        (written / "results.json").write_text(kept)
        given = ("tag", "--out", written, "--only", "srpo", *ARGUMENTS, "--overwrite", *changes)
        assert run(monkeypatch, *given) == 2
        assert sentence in capsys.readouterr().err
        assert (written / "results.json").read_text() == kept
    assert runs == {path: path.read_bytes() for path in written.rglob("checkpoint.pt")}
    (written / "results.json").write_text(finished)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--only", "srpa"), "--only is srpa, but it must be one of ippo, "),
        (("--seeds", "3"), "--seeds is '3', but cross-play needs policies of at least 2"),
        (("--runner", "pursue"), "pursue plays as chaser only, but is to take seat 2"),
        (("--unseen", "tag/simple/nobody"), "no partner called 'tag/simple/nobody'"),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    named = ("--runner", "flee", "--unseen", "random")
    assert run(monkeypatch, "tag", "--out", tmp_path / "x", *named, *arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_piece_with_other_settings_is_refused(tmp_path):
    piece = Piece("mine", "ippo", [0, 1], SMALL | {"others": "stay", "steps": 160})
    assert train_piece(piece, tmp_path)
    assert train_piece(piece, tmp_path)
    other = Piece("mine", "ippo", [0, 1], {**piece.settings, "entropy": 0.5})
    with pytest.raises(UserError, match=r"was trained with other settings \(entropy\): choose"):
        train_piece(other, tmp_path)


def test_a_piece_that_was_killed_while_it_was_saving_goes_on(tmp_path):
    piece = Piece("mine", "ippo", [0, 1], SMALL | {"others": "stay", "steps": 480})
    assert train_piece(piece, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "torn")
    behind = make_trainer("ippo", piece.config(), [0, 1])
    behind.iterate()
    checkpoints.save(tmp_path / "torn/mine/seed1", behind, 0.0, 1)
    assert train_piece(piece, tmp_path / "torn")
    whole, torn = (
        torch.load(tmp_path / name / "mine/seed1/checkpoint.pt", weights_only=True)["trainer"]
        for name in ("whole", "torn")
    )
    assert whole["steps"] == torn["steps"] == 480
    for name, learner in whole["learners"].items():
        assert torch.equal(learner["network"]["flat"], torn["learners"][name]["network"]["flat"]), (
            name
        )


def evidence(**tables):
    """Two arms of known touches: arm_context -> [n, n]."""
    arms = [SimpleNamespace(name=name, title=name, tau=None) for name in ("one", "two")]
    kept = tag_findings.Evidence(arms, "seen", "new", {}, None, 1)
    for name, table in tables.items():
        arm, runner = name.split("_")
        kept._tables[arm, runner] = np.array(table, float)
    return kept


def test_figures_are_the_sums_of_the_definition():
    kept = evidence(
        one_seen=[[6, 2], [4, 8]], one_new=[[3, 1], [0, 5]],
        two_seen=[[4, 4], [4, 4]], two_new=[[4, 2], [2, 4]],
    )  # fmt: skip

    def means(function, *arguments, **options):
        return function(kept, *arguments, **options).mean

    contexts = (TRAINED, MATE, RUNNER, BOTH)
    assert [means(tag_findings.level, "one", c) for c in contexts] == [7, 3, 4, 0.5]
    assert [means(tag_findings.drop, "one", c) for c in contexts] == [0, 4, 3, 6.5]
    assert means(tag_findings.kept, "one", RUNNER) == pytest.approx(4 / 7)
    assert means(tag_findings.difference, "two", "one", TRAINED) == -3
    assert means(tag_findings.difference, "two", "one", MATE, drops=True) == 0 - 4
    even = tag_findings.level(kept, "two", TRAINED)
    assert (even.low, even.high) == (4, 4)


def test_words_follow_from_intervals():
    assert [tag_page.sign({"low": a, "high": b}) for a, b in ((1, 2), (-2, -1), (-1, 1))] == [
        1, -1, 0,
    ]  # fmt: skip


class Straight:
    """Always the same action."""

    encoding = None

    def __init__(self, action):
        self.action = action

    def act(self, observations, views, state, uniforms):
        return SimpleNamespace(actions=np.full(len(views), self.action))


def test_distance_is_the_way_that_a_chaser_goes(monkeypatch):
    """A push of 3 for each step of 0.1, a quarter of the speed lost, top speed 1."""
    monkeypatch.setattr(tag_findings, "WORLD", "tag/open_field")
    monkeypatch.setattr(tag_findings, "load_policy", lambda name, *rest: Straight(int(name)))
    gone = tag_findings.distances({0: "2", 1: "0"}, "0", None, 9)
    speed = way = 0.0
    for _ in range(100):
        way += 0.1 * speed
        speed = min(1.0, 0.75 * speed + 0.3)
    assert np.median(gone[:, 0]) == pytest.approx(way, abs=1e-9)  # some bump into another
    assert np.median(gone[:, 1]) == 0
    assert tag_findings.greater_share(np.array([[1.0, 3.0], [2.0, 2.0], [0.0, 0.0]])) == 0.625


def figure(mean, low, high):
    return {"mean": mean, "low": low, "high": high}


def test_the_short_part_says_whether_the_claim_holds_and_how_much_it_is():
    base = {"touches": {TRAINED: figure(20, 19, 21), BOTH: figure(10, 9, 11)},
            "drop": {BOTH: figure(10, 9, 11)}}  # fmt: skip
    less, more = figure(-2, -3, -1), figure(2, 1, 3)
    against = {"touches": {TRAINED: less, BOTH: figure(0, -1, 1)}, "drop": {BOTH: less}}
    assert tag_page.held("SRPO", against, base) == (
        "**SRPO**: holds in direction. In training it catches less (-2.00 on 20.00, -10%), its "
        "drop is smaller (-2.00 on 10.00, -20%), and in the end it catches about as much (+0.00 "
        "on 10.00, +0%)."
    )
    for own, drop in ((more, less), (less, more), (less, figure(-1, -3, 1))):
        against = {"touches": {TRAINED: own, BOTH: less}, "drop": {BOTH: drop}}
        assert tag_page.held("SRPO", against, base).startswith("**SRPO**: does not hold. ")
