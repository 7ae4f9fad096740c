"""`understudy reproduce matrix-games`: what it writes, and what it refuses."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from play.main import main
from play.worlds.matrix.games import make_game
from training.equilibria.games import Game, Preferences
from training.equilibria.search import find_equilibria
from training.reproduce import matrix_games
from training.reproduce.folders import open_folder, read_record


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["understudy", "reproduce", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "matrix-games"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(matrix_games, "ENTROPIES", (0.1, 0.2, 0.3))
        assert run(monkeypatch, "matrix-games", "--out", out, "--tau-max", 5, "--seeds", 0) == 0
    return out


def test_it_writes_branches_that_the_solver_confirms(written):
    rows = pd.read_parquet(written / "branches.parquet")
    assert len(rows) == len(pd.read_csv(written / "branches.csv"))
    some = rows[(rows.tau > 0.1) & (rows.tau < 4)].sample(3, random_state=0)
    for row in some.itertuples():
        game = Game.of(make_game(row.game).payoffs)
        preferences = Preferences.of(game, row.tau, row.epsilon, row.direction)
        near = [
            one
            for one in find_equilibria(game, preferences)
            if abs(one.strategies[0][0] - row.contributes_0) < 1e-5
        ]
        assert near, row
        x, y = row.contributes_0, row.contributes_1
        shared = x + y - x * y if row.game == "free-riding" else x * y
        assert row.shared_reward == pytest.approx(shared, abs=1e-9)
        assert row.welfare == pytest.approx(2 * shared - 0.4 * (x + y), abs=1e-9)
        assert row.cost_difference == pytest.approx(0.4 * abs(x - y), abs=1e-9)


def test_the_record_says_what_was_found_and_with_what(written):
    record = json.loads((written / "results.json").read_text())
    assert record["finished"]
    assert record["command"].startswith("understudy reproduce matrix-games --out")
    assert {"git_commit", "versions", "created", "settings"} <= record.keys()
    found = record["findings"]
    assert found["indices_sum_to_one"]
    assert found["free_riding"]["unequal_until_tau"] == pytest.approx(0.82879, abs=6e-6)
    assert found["free_riding"]["bounds_hold"]
    assert found["free_riding"]["unequal_welfare_at_0"] == pytest.approx(1.3807, abs=5e-5)
    assert [row["unequal_until_tau"] is None for row in found["entropy_control"]] == [
        False, False, True,
    ]  # fmt: skip
    assert found["stag_hunt"]["welfare_at_end"] < 0 < found["stag_hunt"]["welfare_at_0"]
    # utility is greatest at tau * epsilon = 1
    assert found["quadratic"]["welfare_best_tau"] == pytest.approx(5.0, abs=0.06)
    assert found["quadratic"]["welfare_best"] == pytest.approx(2 * (-0.1 - 0.15), abs=1e-6)
    assert found["quadratic"]["shared_rises_throughout"]


def test_the_page_shows_its_pictures_and_where_risk_aversion_hurts(written):
    page = (written / "README.md").read_text()
    shown = [part.split(")")[0] for part in page.split("](")[1:]]
    assert {"free-riding.png", "entropy.png", "stag-hunt.png", "quadratic.png"} <= set(shown)
    assert all((written / name).is_file() for name in shown)
    assert all((written / name).with_suffix(".svg").is_file() for name in shown if "png" in name)
    assert "It costs welfare" in page
    assert "destroys cooperation" in page
    assert "0.82879" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--quadratic-tau-max", "10"],
            "tau is 10, but .* only for tau below 10: choose a smaller",
        ),
        (["--quadratic-tau-max", "-1"], "'--quadratic-tau-max': -1.0 is not in the range"),
        (["--epsilon", "0"], "epsilon"),
        (["--tau-max", "inf"], "--tau-max is inf, but it must be finite"),
    ],
)
def test_settings_that_make_no_sense(monkeypatch, capsys, tmp_path, arguments, words):
    out = tmp_path / "new"
    assert run(monkeypatch, "matrix-games", "--out", out, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("understudy: ")
    assert said.count("\n") == 1
    assert re.search(words, said)
    assert not out.exists()


def test_folders_of_others_and_finished_ones_are_left_alone(monkeypatch, capsys, written, tmp_path):
    before = (written / "results.json").read_text()
    assert run(monkeypatch, "matrix-games", "--out", written) == 2
    assert "add --overwrite to replace them" in capsys.readouterr().err
    assert (written / "results.json").read_text() == before
    (tmp_path / "notes.txt").write_text("mine")
    assert run(monkeypatch, "matrix-games", "--out", tmp_path, "--overwrite") == 2
    assert "did not write: choose another folder" in capsys.readouterr().err
    assert run(monkeypatch, "matrix-games", "--out", tmp_path / "notes.txt") == 2
    assert "is a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unfinished_folder_is_taken_up_again(tmp_path):
    open_folder(tmp_path / "out", "matrix-games", overwrite=False)
    (tmp_path / "out" / "branches.csv").write_text("half")
    assert read_record(tmp_path / "out")["finished"] is False
    open_folder(tmp_path / "out", "matrix-games", overwrite=False)


def test_experiments_are_listed_and_near_names_offered(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    assert "matrix-games" in capsys.readouterr().out
    assert run(monkeypatch, "matrix-game") == 2
    assert "did you mean `understudy reproduce matrix-games`" in capsys.readouterr().err


def test_the_solver_alone_needs_no_torch():
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys\nimport training.reproduce.matrix_games\n"
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, capture_output=True)
