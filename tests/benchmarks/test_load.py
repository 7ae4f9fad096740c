"""The load benchmark's arithmetic, and a short run of it with everything real."""

import random
from pathlib import Path
from typing import Any

import pytest

from play.session import Line
from studies.loading import load_study
from tests.benchmarks.__main__ import PAGE, between_markers
from tests.benchmarks.harness import BenchmarkError
from tests.benchmarks.load import __main__ as load
from tests.benchmarks.load.__main__ import (
    LONG,
    Part,
    Run,
    as_markdown,
    lost_inputs,
    lost_steps,
    measure,
    study_text,
)
from tests.benchmarks.load.clients import Player, delivery


def key(action: int, down: bool) -> Line:
    return {"kind": "input", "action": action, "down": down}


def tick(t: int, action: int) -> Line:
    return {"kind": "tick", "t": t, "actions": [4, action]}


HEADER: Line = {"kind": "header", "seats": [{"kind": "policy"}, {"kind": "human"}]}
LINES = [
    HEADER, key(2, True), key(2, False), tick(1, 2), key(1, True), key(3, True), tick(2, 3),
    tick(3, 3), key(3, False), key(1, False), tick(4, 4),
]  # fmt: skip
SENT = [(2, True), (2, False), (1, True), (3, True), (3, False), (1, False)]


def test_nothing_is_lost_where_every_press_is_recorded_and_counts() -> None:
    assert lost_inputs(LINES, SENT) == 0


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        (LINES, [*SENT, (0, True)]),  # one never came
        (LINES, SENT[:-1]),  # one that nobody sent
        (LINES, [SENT[1], SENT[0], *SENT[2:]]),  # another order
        ([HEADER, key(2, True), key(2, False), tick(1, 4)], SENT[:2]),  # it did not count
    ],
)
def test_what_is_lost_is_counted(lines: list[Line], sent: list[tuple[int, bool]]) -> None:
    assert lost_inputs(lines, sent) > 0


def test_steps_that_were_told_must_be_recorded_and_follow_one_another() -> None:
    assert lost_steps(LINES, [1, 2, 3, 4]) == 0
    assert lost_steps(LINES, [1, 2, 4]) == 1
    assert lost_steps(LINES, [3, 4, 5, 6]) == 2


def test_delivery_counts_from_the_promptest_message_of_a_game() -> None:
    slow, prompt = Player("", random.Random(0)), Player("", random.Random(0))
    for t in range(1, 101):
        slow.due[t] = prompt.due[t] = 150.0 * t
        prompt.ticks[t] = 9.0 + 0.15 * t  # the clocks differ by nine seconds
        slow.ticks[t] = 9.0 + 0.15 * t + (0.03 if t % 2 else 0.0)
    median, late, _ = delivery([slow, prompt], 0.0, 100.0)
    assert (median, late) == (pytest.approx(0.0, abs=1e-6), pytest.approx(30.0))


def test_the_study_has_one_long_round_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(study_text(Run(7, "sqlite", 1.0, layout="coordination_ring")))
    study = load_study(path)
    (played,) = study.block("b").rounds
    assert (played.steps, played.tick_ms, study.arms[0].target) == (LONG, 150, 7)
    assert study.partners["quokka"][0].policy == "kitchen/coordination_ring/srpo"
    assert not study.quiz
    assert not study.tutorial


def test_the_page_has_a_place_for_the_table() -> None:
    assert between_markers(PAGE.read_text(), "load", "") != PAGE.read_text()


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, print); print('on', flush=True)"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit(3)", r"the server ended with status 3; it says why above"),
        ("print('Hello')", r"the server said 'Hello', which has no \(http"),
    ],
)
def test_a_process_that_fails_is_one_sentence(tmp_path: Path, code: str, sentence: str) -> None:
    part = Part("the server", tmp_path, "-c", code)
    with pytest.raises(BenchmarkError, match=sentence):
        part.hear("(http.+)")
    part.kill()


def test_a_process_that_does_not_end_shows_what_it_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    part = Part("the server", tmp_path, "-c", f"{STUBBORN}; time.sleep(600)")
    assert part.hear("(on)") == "on"
    monkeypatch.setattr(load, "END_S", 0.2)
    with pytest.raises(BenchmarkError, match="the server did not end within"):
        part.end()
    assert "most recent call first" in capfd.readouterr().err


def test_a_process_that_ends_when_it_is_told_to_is_no_error(tmp_path: Path) -> None:
    part = Part("the server", tmp_path, "-c", "print('on', flush=True); import time; time.sleep(9)")
    assert part.hear("(on)") == "on"
    part.tell({"it": "reads nothing"})
    part.end()


@pytest.mark.full
def test_a_short_run_takes_every_step_and_loses_nothing() -> None:
    figures: dict[str, Any] = measure(Run(6, "sqlite", 2.0))
    assert figures["lost"] == 0
    assert figures["presses"] > 6
    assert figures["ticks"] > 6 * 5
    assert figures["server_us_per_tick"] > 0
    assert figures["client_processors"] > 0
    assert "| 6 | sqlite |" in as_markdown([figures])
