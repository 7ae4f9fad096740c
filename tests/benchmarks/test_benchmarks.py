"""The arithmetic of the benchmarks, and our sides of them; nothing here looks at a clock."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks import harness
from tests.benchmarks.__main__ import PAGE, between_markers, choose, page, record
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
    return measure([benchmark], 3, lambda _: None)[0], log


def test_contenders_take_turns_and_each_turn_begins_with_another() -> None:
    assert race(less_is_better=False)[1] == list("abcbcacab")


def test_ratios_are_between_medians_and_against_the_best() -> None:
    more, less = race(less_is_better=False)[0], race(less_is_better=True)[0]
    assert more.ratio(more.benchmark.goals[0]) == 8 / 4  # the better of b (2) and c (4)
    assert less.ratio(less.benchmark.goals[0]) == 8 / 2
    assert more.ratios(more.benchmark.goals[0]) == [8 / 3, 2 / 5, 40 / 4]
    row = "| at least twice the others | 2 times | 0.4 to 10 | yes |"
    assert row in harness.as_markdown(more)
    assert "| at most a third of b | 4 times | 0.5 to 20 | no |" in harness.as_markdown(less)


def test_benchmarks_of_one_suite_share_runs() -> None:
    log: list[str] = []
    shared = Scripted("a", "none", {"values": [1, 2, 3], "log": log})
    single, double = (
        Benchmark("Race", "Laps.", "laps", lambda f, n=n: n * f["value"], [shared], [])
        for n in (1, 2)
    )
    first, second = measure([single, double], 3, lambda _: None)
    assert (log, first.figures, second.figures) == (["a"] * 3, {"a": [1, 2, 3]}, {"a": [2, 4, 6]})


def test_parts_are_medians_and_missing_ones_nothing() -> None:
    result, _ = race(less_is_better=True)
    assert harness.parts_table(result) == []
    result.reports = {
        "a": [{"parts": {"world": part}} for part in (3.0, 1.0, 2.0)],
        "b": [{"parts": {"world": 4.0, "learning": 5.0}}],
    }
    assert harness.parts_table(result)[-2:] == ["| world | 2 | 4 |", "| learning | 0 | 5 |"]


def test_return_that_is_not_reached_takes_for_ever_and_stays_valid_json() -> None:
    benchmark = suites(quick=True)["time_to_return"].benchmarks[0]
    reports = {"reached": False, "seconds": 3.0}, {"reached": True, "seconds": 4.0}
    assert [benchmark.figure(report) for report in reports] == [float("inf"), 4.0]
    result = race(less_is_better=True)[0]
    result.figures["a"] = [float("inf"), 3.0, 2.0]
    assert harness.as_json(result)["figures"]["a"] == [None, 3.0, 2.0]


def test_figures_and_machine_are_written(tmp_path: Any) -> None:
    results = [race(less_is_better=False)[0]]
    record(tmp_path, "race", results, {"processor": "abacus"})
    content = json.loads((tmp_path / "race.json").read_text())
    assert content["results"][0]["figures"]["a"] == [8, 2, 40]
    assert "processor: abacus" in page("race", results, {"processor": "abacus"}, quick=False)


def test_tables_replace_the_former_ones_between_their_markers() -> None:
    whole = "Before\n<!-- race -->\nold\n<!-- end of race -->\nafter\n"
    expected = "Before\n<!-- race -->\nnew\n<!-- end of race -->\nafter\n"
    assert between_markers(whole, "race", "new\n") == expected
    with pytest.raises(BenchmarkError, match="add them"):
        between_markers("Before\n", "race", "new\n")
    for name in suites(quick=False):
        assert between_markers(PAGE.read_text(), name, "") != PAGE.read_text()


def test_unknown_names_are_one_sentence() -> None:
    with pytest.raises(BenchmarkError, match=r"no benchmark 'speed'; there are kitchen_engine, "):
        choose(["speed"], suites(quick=True))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"],
        capture_output=True, text=True, cwd=harness.ROOT, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_goals_name_contenders() -> None:
    made = [*suites(quick=True).values(), *suites(quick=False).values()]
    for suite in made:
        for benchmark in suite.benchmarks:
            names = {contender.name for contender in benchmark.contenders}
            assert len(names) == len(benchmark.contenders)
            for goal in benchmark.goals:
                assert {*goal.ours, *goal.theirs} <= names


@pytest.mark.parametrize(
    ("side", "settings", "keys"),
    [
        ("ours_engine", {"batches": [16], "layout": "cramped_room"}, {"rates"}),
        ("overcooked_ai_engine", {"layout": "cramped_room"}, {"rates"}),
        ("ours_tag", {"batches": [16]}, {"rates"}),
        ("mpe2_tag", {}, {"rates"}),
        ("mpe2_tag", {"cores": 2}, {"rates"}),
        (
            "ours_tag_training",
            {
                "seeds": 2,
                "config": {"world": "tag/simple", "others": "random", "num_envs": 6, "hidden": 8},
            },
            {"rates"},
        ),
        (
            "ours_training",
            {
                "method": "srpo",
                "config": {"num_envs": 8, "rollout_length": 16, "tau": 3.0},
                "until": None,
            },
            {"rate", "us_per_step", "cpu_us_per_step", "parts", "adversary_plays"},
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
    if "parts" in figures:
        assert sum(figures["parts"].values()) == pytest.approx(figures["us_per_step"])
        assert {"world", "adversary learns"} <= figures["parts"].keys()
        assert figures["adversary_plays"]
    if "reached" in figures:
        assert (figures["reached"], figures["steps"]) == (False, 51_200)


def test_a_process_that_fails_is_one_sentence() -> None:
    with pytest.raises(BenchmarkError, match=r"^ours failed: .*nowhere"):
        Contender("ours", "ours_engine", {"cores": 1, "layout": "nowhere", "batches": [1]}).run(0)
