"""`understudy evaluate` against closed forms, on policies whose returns are known."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from agents.card import read_card, write_card
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from tests.training.evaluation.policies import write_goal, write_worker
from training.evaluation import runner
from training.evaluation.commands import evaluate, find_cast, known_failures, parse_seeds
from training.evaluation.matches import Rules, plan, play_match
from training.evaluation.report import as_markdown
from training.evaluation.statistics import Figure
from training.evaluation.summary import Results, cross_play_table, improvements, metrics
from training.evaluation.teams import find_teams

# In tiny/goal a player who names one of three goals earns 0.5, four times an episode.
KNOWS, GUESSES = 2.0, 2 / 3


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "policies"
    write_goal(folder, "srpo-0", "srpo", 0, knows=True)
    write_goal(folder, "srpo-1", "srpo", 1, knows=True)
    write_goal(folder, "srpo-2", "srpo", 2, knows=False)
    write_goal(folder, "ippo-seat0", "ippo", 0, knows=True, seats=(0,))
    write_goal(folder, "ippo-seat1", "ippo", 0, knows=False, seats=(1,))
    return folder


def run(folder, *arguments, world="tiny/goal"):
    """Runs the command, in this process alone."""
    words = [world, "--folder", str(folder), "--episodes", "20", "--processes", "1", *arguments]
    return CliRunner().invoke(evaluate, words, catch_exceptions=True)


def refused(folder, *arguments, world="tiny/goal"):
    said = run(folder, *arguments, world=world)
    assert isinstance(said.exception, UserError), said.output
    return str(said.exception)


def test_table_has_the_returns_that_follow_from_the_rules(folder):
    facts = make_world("tiny/goal").facts
    cast = find_cast(facts, folder, beside=["random"])
    assert [(team.method, team.seed) for team in cast.teams] == [
        ("srpo", 0), ("srpo", 1), ("srpo", 2), ("ippo", 0),
    ]  # fmt: skip
    rules = Rules("tiny/goal", {}, 4000, 0, folder=folder)
    played = {m: play_match(m, rules) for m in plan(cast, facts) if m.kind == "play"}
    results = Results(facts, cast, played, 0)
    table = cross_play_table(results)
    both, one, none = 2 * KNOWS, KNOWS + GUESSES, 2 * GUESSES
    expected = {
        ("srpo", "own pair"): (both + both + none) / 3,
        ("srpo", "other seeds"): (both + one + one) / 3,
        # seat 0 of IPPO knows, seat 1 guesses
        ("srpo", "with ippo"): (2 * (both + one) + (one + none)) / 6,
        ("ippo", "own pair"): one,
        ("ippo", "with srpo"): (2 * (both + one) + (one + none)) / 6,
        ("srpo", "beside random"): (2 * one + none) / 3,
    }
    for (method, column), value in expected.items():
        figure = table[method][column]
        assert figure.mean == pytest.approx(value, abs=0.03), (method, column)
        assert figure.low <= figure.mean <= figure.high
    assert table["srpo"]["own pair"].units == "seeds"
    assert table["srpo"]["own pair"].count == 3
    assert table["srpo"]["own pair"].low == pytest.approx(none, abs=0.03)
    assert (table["ippo"]["own pair"].units, table["ippo"]["own pair"].count) == ("episodes", 4000)
    assert table["ippo"]["beside random"].count == 8000
    assert "other seeds" not in table["ippo"]
    assert "| ippo | 3 [3, 3] |" in as_markdown(table)
    gap = metrics(results)["srpo"]["gap"]
    own, cross = table["srpo"]["own pair"].mean, table["srpo"]["other seeds"].mean
    assert gap.mean == pytest.approx(own - cross)


def test_probability_of_improvement_is_between_methods_with_several_seeds(folder):
    for seed in range(3):
        write_goal(folder, f"sp-{seed}", "self-play", seed, knows=True)
    facts = make_world("tiny/goal").facts
    cast = find_cast(facts, folder, beside=["random"])
    rules = Rules("tiny/goal", {}, 500, 0, folder=folder)
    played = {m: play_match(m, rules) for m in plan(cast, facts) if m.kind == "play"}
    found = improvements(Results(facts, cast, played, 0))
    assert found.keys() == {"other seeds", "beside random"}
    assert found["other seeds"].keys() == {"srpo", "self-play"}
    better = found["other seeds"]["self-play"]["srpo"]
    assert better.mean == 1  # every SRPO seed meets the one that guesses, or is it
    assert found["other seeds"]["srpo"]["self-play"].mean == 0


def test_command_prints_writes_and_never_overwrites(folder, tmp_path):
    table = tmp_path / "figures.json"
    said = run(folder, "--json", str(table))
    assert said.exit_code == 0, said.output
    assert said.output.startswith("| | own pair | other seeds |")
    assert json.loads(table.read_text())["ippo"]["own pair"]["count"] == 20
    assert "already exists" in refused(folder, "--json", str(table))


def test_result_folder_has_everything(tmp_path):
    for seed, probability in enumerate((0.9, 0.5)):
        write_worker(tmp_path / "p", f"srpo{seed}", "srpo", seed, probability)
    out = tmp_path / "out"
    arguments = ("--beside", "stay", "--saboteur", "stay", "--out", str(out), "--stop-at", "3")
    said = run(tmp_path / "p", *arguments, world="work/pair")
    assert said.exit_code == 0, said.output
    assert sorted(path.name for path in out.iterdir()) == [
        "episodes.parquet", "figures.json", "index.html", "plan.json",
    ]  # fmt: skip
    report = json.loads((out / "figures.json").read_text())
    assert report["command"].split()[0] == "understudy"
    assert report["machine"]["processors"] >= 1
    assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?|unknown", report["commits"][0])
    assert report["matrix"]["names"] == ["srpo0", "srpo1", "stay"]
    assert report["worst_case"]["curves"]["srpo"][0]["bound"] == 0
    rows = pq.read_table(out / "episodes.parquet").to_pylist()
    # 4 pairs, 4 with stay, 2 x 2 stops, 2 x 2 x 6 mixtures
    assert len(rows) == 20 * (4 + 4 + 4 + 24)
    row = next(row for row in rows if row["kind"] == "play" and row["first"] == "srpo1")
    assert (row["first_method"], row["first_seed"], row["policy_0"]) == ("srpo", 1, "srpo1")
    assert row["return"] == pytest.approx(row["reward_0"] + row["reward_1"])
    assert row["private_cost_0"] == 0.25 * row["work_done_0"]
    assert row["split_step"] == 3
    mean = np.mean([r["return"] for r in rows if (r["kind"], r["first"], r["second"]) == (
        "play", "srpo1", "srpo0")])  # fmt: skip
    assert report["matrix"]["returns"][1][0] == pytest.approx(mean)


def stopped_after(matches, monkeypatch):
    """Lets the command be interrupted when so many matches have been played."""
    left = [matches]

    def interrupted(match, rules):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return play_match(match, rules)

    monkeypatch.setattr(runner, "play_match", interrupted)


def test_a_stopped_evaluation_goes_on_where_it_was(folder, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(folder, "--out", str(whole)).exit_code == 0
    stopped_after(5, monkeypatch)
    said = run(folder, "--out", str(out))
    assert "The same command goes on with what is in" in said.output
    assert len(list((out / "matches").iterdir())) == 5
    (out / "matches" / "0123.partial").write_bytes(b"PAR1 and then the power went")
    stopped_after(16 + 8 - 5, monkeypatch)  # exactly what is missing
    said = run(folder, "--out", str(out))
    assert said.exit_code == 0, said.output
    assert "5 of 24 matches are there already" in said.output
    same = [path / "episodes.parquet" for path in (whole, out)]
    assert same[0].read_bytes() == same[1].read_bytes()
    stopped_after(0, monkeypatch)
    assert run(folder, "--out", str(out)).exit_code == 0
    stopped_after(4, monkeypatch)  # further partners are added to what is there
    assert run(folder, "--out", str(out), "--beside", "stay", "--policy", "ippo").exit_code == 1
    stopped_after(8, monkeypatch)
    said = run(folder, "--out", str(out), "--beside", "stay")
    assert said.exit_code == 0, said.output
    assert "24 of 32 matches are there already" in said.output


def test_other_options_other_policies_or_another_folder_are_one_sentence(folder, tmp_path):
    out = tmp_path / "out"
    assert run(folder, "--out", str(out), "--policy", "srpo-0").exit_code == 0
    before = (out / "episodes.parquet").read_bytes()
    alone = ("--out", str(out), "--policy", "srpo-0")
    said = refused(folder, *alone, "--seed", "1")
    assert "holds an evaluation with seed 0, but this one has seed 1" in said
    said = refused(folder, "--out", str(out), "--policy", "ippo")
    assert "holds an evaluation with srpo-0, which is not asked for now" in said
    shutil.rmtree(folder / "srpo-0")
    write_goal(folder, "srpo-0", "srpo", 0, knows=False)
    assert "games of another srpo-0, whose file has changed" in refused(folder, *alone)
    assert (out / "episodes.parquet").read_bytes() == before
    (out / "plan.json").write_text("{")
    assert "plan.json is damaged" in refused(folder, *alone)
    (out / "plan.json").unlink()
    assert "is not empty and no evaluation" in refused(folder, *alone)
    assert "is a file: give a folder" in refused(
        folder, "--out", str(folder / "ippo-seat0/card.json")
    )


def test_a_damaged_match_is_one_sentence_and_played_again_when_removed(
    folder, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    stopped_after(2, monkeypatch)
    run(folder, "--out", str(out))
    part = sorted((out / "matches").iterdir())[0]
    part.write_bytes(part.read_bytes()[:100])
    stopped_after(100, monkeypatch)
    assert f"{part} is damaged: remove it" in refused(folder, "--out", str(out))
    part.unlink()
    assert run(folder, "--out", str(out)).exit_code == 0


def test_a_killed_evaluation_of_several_processes_goes_on(tmp_path):
    out, command = tmp_path / "out", Path(sys.executable).with_name("understudy")
    words = [command, "evaluate", "kitchen/cramped_room", "--policy", "kitchen/cramped_room/srpo",
             "--beside", "greedy", "--episodes", "100", "--out", out]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen([*words, "--processes", "2"], **quiet)
    while not list(out.glob("matches/*.parquet")):
        assert killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (out / "figures.json").exists()
    done = len(list(out.glob("matches/*.parquet")))
    assert done < 5
    ended = subprocess.run([*words, "--processes", "1"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert f"{done} of 5 matches are there already" in ended.stderr
    words[-1] = tmp_path / "whole"
    subprocess.run([*words, "--processes", "1"], check=True, **quiet)
    same = [folder / "episodes.parquet" for folder in (out, tmp_path / "whole")]
    assert same[0].read_bytes() == same[1].read_bytes()


def test_cards_get_the_figures_of_single_runs_only(folder):
    assert "several of srpo" in refused(folder, "--write-cards")
    for name in ("srpo-1", "srpo-2"):
        shutil.rmtree(folder / name)
    assert run(folder, "--write-cards").exit_code == 0
    for name in ("srpo-0", "ippo-seat0", "ippo-seat1"):
        card = json.loads((folder / name / "card.json").read_text())
        method = name.partition("-")[0]
        other = {"srpo": "with ippo", "ippo": "with srpo"}[method]
        assert card["results"]["cross_play"][other]["count"] == 40


def test_partners_that_it_fails_with_are_named():
    def figure(mean):
        return Figure(mean, mean, mean, "seeds", 3)

    row = {"own pair": figure(240), "with ippo": figure(48), "beside stay": figure(47.9)}
    assert known_failures(row) == ["Scores 48 beside stay; its own pair scores 240."]


def test_runs_of_one_algorithm_are_told_apart_by_their_settings(tmp_path):
    for tau in (1.0, 10.0):
        for seed in (0, 1):
            name = f"srpo-{tau:.0f}-{seed}"
            write_goal(tmp_path, name, "srpo", seed, True, tau=tau, seed_of_run=3, hidden=64)
    write_goal(tmp_path, "ippo", "ippo", 0, True, hidden=32)
    teams = find_teams(make_world("tiny/goal").facts, tmp_path)
    assert [(team.method, team.seed) for team in teams] == [
        ("srpo (tau 1)", 0), ("srpo (tau 1)", 1), ("srpo (tau 10)", 0), ("srpo (tau 10)", 1),
        ("ippo", 0),
    ]  # fmt: skip


def test_a_folder_may_hold_policies_for_several_rules():
    def found(**options):
        return {
            team.name for team in find_teams(make_world("kitchen/cramped_room", **options).facts)
        }

    old, new = found(), found(dynamics="new")
    assert "kitchen/cramped_room/srpo" in old
    anywhere = "kitchens/generated/srpo"
    assert new == {"kitchen/cramped_room/srpo-new-dynamics", anywhere}
    assert old & new == {anywhere}


def test_missing_seats_seeds_and_policies_are_one_sentence(folder, tmp_path):
    srpo = [word for seed in range(3) for word in ("--policy", f"srpo-{seed}")]
    assert "srpo has no run of training seed 3, 4" in refused(folder, "--seeds", "0-4", *srpo)
    assert "ippo has no run of training seed 1" in refused(folder, "--seeds", "0,1")
    card = read_card(folder / "srpo-1")
    write_card(folder / "srpo-1", {**card.__dict__, "seed": 0})
    assert "srpo-0 and srpo-1 are both srpo with seed 0" in refused(folder)
    write_card(folder / "srpo-1", {**card.__dict__, "seed": None})
    assert "srpo-1 has no seed on its card" in refused(folder)
    assert "no partner called 'srpo-9'" in refused(folder, "--policy", "srpo-9")
    assert "stay is no training run" in refused(folder, "--policy", "stay")
    shutil.rmtree(folder / "ippo-seat1")
    assert "ippo-seat0 has no policy for seat 1 beside it" in refused(folder)
    (tmp_path / "empty").mkdir()
    assert "no trained policy for tiny/goal" in refused(tmp_path / "empty")


def test_exploiters_without_a_hero_are_one_sentence(folder):
    write_goal(folder, "spoiler", "exploiter", 0, True)
    said = refused(folder)
    assert "spoiler is a policy of kind exploiter" in said
    assert "do not name its hero" in said


@pytest.mark.parametrize(
    ("text", "seeds"), [("", None), ("3", [3]), ("0-2, 7", [0, 1, 2, 7]), ("1,1", [1])]
)
def test_seeds_are_ranges_and_numbers(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(("text", "words"), [("a", "0-9 or 0,1,5"), ("1-", "0-9"), ("-1", "0-9"),
                                             ("3-1", "write 1-3")])  # fmt: skip
def test_other_seeds_are_one_sentence(text, words):
    with pytest.raises(UserError, match=words):
        parse_seeds(text)
