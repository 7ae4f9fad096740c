"""`understudy reproduce private-kitchen`: scores, page, continuation, what it refuses."""

import json
import sys

import numpy as np
import pytest

from agents.library import load_policy
from play.main import main
from play.worlds.private_kitchen.world import INSTANCES
from training.evaluation.exact import exact_pair
from training.export import export_run
from training.reproduce import kitchen_scores, kitchen_variants, private_kitchen
from training.reproduce.kitchen_scores import TAUS
from training.reproduce.kitchen_summary import METRICS, worst_at

SMALL = ("--steps", "1600", "--settings", "scarce", "--variants", "ippo,srpo", "--seeds", "0-1")


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    words = ["understudy", "reproduce", "private-kitchen", *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Results of two variants of two seeds, stopped in the middle and continued."""
    base = tmp_path_factory.mktemp("kitchen")
    places = ("--out", base / "out", "--runs", base / "runs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kitchen_variants, "STRANGERS", kitchen_variants.STRANGERS[:1])
        monkeypatch.setattr(private_kitchen, "STRANGERS", kitchen_variants.STRANGERS[:1])
        monkeypatch.setattr(private_kitchen, "STRANGERS_SEEDS", (1000,))
        monkeypatch.setattr(kitchen_scores, "TAUS", TAUS[:2])
        make = private_kitchen.make_piece

        def stop_before_the_second(plan, setting, variant, strangers):
            if variant.name != "ippo":
                raise KeyboardInterrupt
            make(plan, setting, variant, strangers)

        monkeypatch.setattr(private_kitchen, "make_piece", stop_before_the_second)
        assert run(monkeypatch, *places, *SMALL) != 0
        first = (base / "out" / "pieces" / "scarce-ippo.json").stat().st_mtime_ns
        monkeypatch.setattr(private_kitchen, "make_piece", make)
        assert run(monkeypatch, *places, *SMALL) == 0
        assert (base / "out" / "pieces" / "scarce-ippo.json").stat().st_mtime_ns == first
    return base


def piece(folders, name):
    return json.loads((folders / "out" / "pieces" / f"scarce-{name}.json").read_text())


def test_scores_are_those_of_the_exported_policies(folders, tmp_path):
    """The table is of torch networks, the oracle of ONNX files, in both seatings."""
    found = piece(folders, "srpo")
    policies = []
    for seed in (0, 1):
        run_dir = folders / "runs" / "scarce" / "srpo" / f"seed{seed}"
        name = f"private-kitchen/scarce/s{seed}"
        export_run(run_dir, name, tmp_path)
        policies.append(load_policy(name, folder=tmp_path))
    options = INSTANCES["scarce"]
    for i, j in ((0, 0), (0, 1), (1, 0)):
        pair = exact_pair(policies[i], policies[j], options)
        assert found["table"][i][j] == pytest.approx(pair.returns, abs=1e-3)
    own = exact_pair(policies[0], policies[0], options)
    assert found["gains"][0] == pytest.approx(max(own.gains), abs=1e-3)
    assert found["unhelped"][0] == pytest.approx(np.mean(own.unhelped), abs=1e-3)


def test_counts_add_up_to_the_returns(folders):
    """Steps are what costs; each onion is worth the same to both."""
    found, options = piece(folders, "ippo"), INSTANCES["scarce"]
    for seed in (0, 1):
        returns = found["table"][seed][seed]
        moves = found["moves"][seed]
        collisions = found["collisions"][seed]
        costs = [
            options.move_cost * m + options.collision * c
            for m, c in zip(moves, collisions, strict=True)
        ]
        assert returns[0] + costs[0] == pytest.approx(returns[1] + costs[1], abs=1e-6)


def test_a_wider_bound_is_never_better(folders):
    for name in ("ippo", "srpo"):
        found = piece(folders, name)
        curve = [worst_at(bound)(found) for bound in (0.0, 1e-4, 1e-3)]
        for seed in (0, 1):
            own = np.mean(found["table"][seed][seed])
            assert curve[0][seed] == pytest.approx(own, abs=1e-9)
            assert curve[0][seed] >= curve[1][seed] >= curve[2][seed]
            assert np.all(np.diff(found["worst"][seed]) <= 1e-9)
            assert np.all(np.diff(found["kl"][seed]) >= -1e-12)
            assert found["least"][seed] <= min(found["worst"][seed])


def test_cross_play_is_of_different_seeds(folders):
    table = np.asarray(piece(folders, "ippo")["table"]).sum(-1)
    draws = np.array([[0, 1]])
    own = (table[0, 0] + table[1, 1]) / 2
    cross = (table[0, 1] + table[1, 0]) / 2
    found = piece(folders, "ippo")
    assert METRICS["own"](found, draws) == pytest.approx(own)
    assert METRICS["cross"](found, draws) == pytest.approx(cross)
    assert METRICS["gap"](found, draws) == pytest.approx(own - cross)


def test_the_page_tells_the_figures(folders):
    page = (folders / "out" / "README.md").read_text()
    found = json.loads((folders / "out" / "results.json").read_text())
    assert found["finished"]
    assert found["steps"] == 1600
    own = found["findings"]["scarce"]["rows"]["ippo"]["figures"]["own"]
    assert f"| IPPO | {own['mean']:.1f} [{own['low']:.1f}, {own['high']:.1f}]" in page
    for name in ("returns", "matrices", "worst-case"):
        assert (folders / "out" / f"scarce-{name}.png").stat().st_size > 5000
        assert f"scarce-{name}.png" in page


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--settings", "mild"), "--settings is 'mild'"),
        (("--settings", ","), "--settings is ','"),
        (("--variants", "ippo,sarpo"), "--variants is 'ippo,sarpo'"),
        (("--seeds", "3"), "--seeds is '3', but cross-play needs policies of at least 2"),
        (("--seeds", "999-1001"), "--seeds holds 1000"),
        (("--seeds", "a-b"), "--seeds is 'a-b'"),
    ],
)
def test_bad_input(monkeypatch, capsys, tmp_path, arguments, sentence):
    places = ("--out", tmp_path / "out", "--runs", tmp_path / "runs")
    assert run(monkeypatch, *places, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_pieces_of_other_seeds_or_steps_are_not_mixed(monkeypatch, capsys, folders):
    places = ("--out", folders / "out", "--runs", folders / "runs", "--overwrite")
    assert run(monkeypatch, *places, *SMALL[:-1], "0-2") == 2
    assert "holds pieces with seeds [0, 1], but seeds [0, 1, 2]" in capsys.readouterr().err
    assert (folders / "out" / "README.md").is_file()


def test_a_damaged_piece_is_named(monkeypatch, capsys, folders, tmp_path):
    import shutil

    shutil.copytree(folders / "out", tmp_path / "out")
    path = tmp_path / "out" / "pieces" / "scarce-ippo.json"
    path.write_text(path.read_text()[:100])
    places = ("--out", tmp_path / "out", "--runs", folders / "runs", "--overwrite")
    assert run(monkeypatch, *places, *SMALL) == 2
    assert f"{path} is damaged" in capsys.readouterr().err
