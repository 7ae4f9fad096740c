"""The arithmetic of the benchmarks, and our sides of them; nothing here looks at a clock."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks import harness
from tests.benchmarks.__main__ import choose, write
from tests.benchmarks.harness import Benchmark, BenchmarkError, Contender, Goal, measure
from tests.benchmarks.suites import suites


class Scripted(Contender):
    """A contender that reports what it is told to, turn by turn."""

    def run(self, turn: int) -> dict[str, Any]:
        self.settings["log"].append(self.name)
        return {"value": self.settings["values"][turn]}


def race(less_is_better: bool) -> tuple[harness.Result, list[str]]:
    log: list[str] = []
    contenders = [
        Scripted(name, "none", {"values": values, "log": log})
        for name, values in {"a": [8, 2, 40], "b": [1, 4, 2], "c": [3, 5, 4]}.items()
    ]
    goals = [
        Goal("at least twice the others", ["a"], ["b", "c"], at_least=2),
        Goal("at most a third of b", ["a"], ["b"], at_most=1 / 3),
    ]
    benchmark = Benchmark(
        "Race", "Laps.", "laps", lambda f: f["value"], contenders, goals, less_is_better
    )
    return measure(benchmark, 3, lambda _: None), log


def test_contenders_take_turns_and_each_turn_begins_with_another() -> None:
    assert race(less_is_better=False)[1] == list("abcbcacab")


def test_ratios_are_between_medians_and_against_the_best() -> None:
    more, less = race(less_is_better=False)[0], race(less_is_better=True)[0]
    assert more.ratio(more.benchmark.goals[0]) == 8 / 4  # the better of b (2) and c (4)
    assert less.ratio(less.benchmark.goals[0]) == 8 / 2
    assert "| at least twice the others | 2 times | yes |" in harness.as_markdown(more)
    assert "| at most a third of b | 4 times | no |" in harness.as_markdown(less)


def test_figures_and_machine_are_written(tmp_path: Any) -> None:
    write(tmp_path, "race", [race(less_is_better=False)[0]], {"processor": "abacus"})
    record = json.loads((tmp_path / "race.json").read_text())
    assert record["results"][0]["figures"]["a"] == [8, 2, 40]
    assert "processor: abacus" in (tmp_path / "race.md").read_text()


def test_unknown_names_are_one_sentence() -> None:
    with pytest.raises(BenchmarkError, match=r"no benchmark 'speed'; there are kitchen_engine, "):
        choose(["speed"], suites(quick=True))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"],
        capture_output=True, text=True, cwd=harness.ROOT, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_goals_name_contenders() -> None:
    for group in suites(quick=True).values():
        for benchmark in group:
            names = {contender.name for contender in benchmark.contenders}
            assert len(names) == len(benchmark.contenders)
            for goal in benchmark.goals:
                assert {*goal.ours, *goal.theirs} <= names


@pytest.mark.parametrize(
    ("side", "settings", "keys"),
    [
        ("ours_engine", {"batches": [16], "layout": "cramped_room"}, {"rates"}),
        ("overcooked_ai_engine", {"layout": "cramped_room"}, {"rates"}),
        (
            "ours_training",
            {"method": "srpo", "config": {"num_envs": 8, "rollout_length": 16}, "until": None},
            {"rate", "cpu_us_per_step"},
        ),
        (
            "ours_training",
            {"method": "ippo", "config": {"rollout_length": 400, "steps": 51_200}, "until": 1e9},
            {"reached", "steps", "seconds", "seconds_after_compiling"},
        ),
    ],
)
def test_our_sides_report_what_they_did(
    side: str, settings: dict[str, Any], keys: set[str]
) -> None:
    figures = Contender("ours", side, {"cores": 1, "seconds": 0.05, **settings}).run(0)
    assert figures.keys() == keys
    assert all(rate > 0 for rate in figures.get("rates", {}).values())
    if "reached" in figures:
        assert (figures["reached"], figures["steps"]) == (False, 51_200)


def test_a_process_that_fails_is_one_sentence() -> None:
    with pytest.raises(BenchmarkError, match=r"^ours failed: .*nowhere"):
        Contender("ours", "ours_engine", {"cores": 1, "layout": "nowhere", "batches": [1]}).run(0)
