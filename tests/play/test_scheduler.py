"""The clock of live games: pace, batching, fallbacks, durability, pauses."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import play.recorder
from play.deciding import decide
from play.episode import read_episode, verify
from play.scheduler import Scheduler
from tests.play.games import Walker, seat, session


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    running = Scheduler()
    running.start()
    yield running
    running.close()


def test_a_game_runs_to_its_end_and_its_record_verifies(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    game, watcher = seat(scheduler, tmp_path, session(Walker(), Walker(), horizon=60))
    game.start(0)
    assert watcher.ended.wait(20)
    assert watcher.reason == "complete"
    assert [tick.t for tick in watcher.ticks] == list(range(1, 61))
    report = verify(game.writer.path)
    assert (report.steps, report.reason) == (60, "complete")


def test_every_step_is_on_disk_before_it_is_told(scheduler: Scheduler, tmp_path: Path) -> None:
    game, watcher = seat(scheduler, tmp_path, session(None, Walker(), horizon=20))
    game.start(0)
    assert watcher.ended.wait(20)
    for tick, last_line in zip(watcher.ticks, watcher.on_disk, strict=True):
        assert json.loads(last_line)["t"] == tick.t


def test_deadlines_are_absolute(scheduler: Scheduler, tmp_path: Path) -> None:
    """The k-th step is due k ticks after the start, whatever the steps before took."""
    game, watcher = seat(scheduler, tmp_path, session(Walker(delay=0.01), None, tick_ms=40))
    game.start(100)
    while len(watcher.ticks) < 10:
        assert not watcher.ended.wait(0.05)
    game.stop("left")
    assert watcher.ended.wait(20)
    ticks = read_episode(game.writer.path).ticks
    gaps = [b["due_ms"] - a["due_ms"] for a, b in itertools.pairwise(ticks)]
    on_time = [gap for a, gap in zip(ticks, gaps, strict=False) if a["at_ms"] - a["due_ms"] < 40]
    assert on_time
    assert all(abs(gap - 40) < 0.05 for gap in on_time)
    assert all(line["at_ms"] >= line["due_ms"] for line in ticks)


def test_decisions_of_waiting_games_are_made_in_one_call(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    shared = Walker(delay=0.05)
    games = [seat(scheduler, tmp_path, session(shared, None, tick_ms=200)) for _ in range(8)]
    for game, _ in games:
        game.start(0)
    while any(len(watcher.ticks) < 3 for _, watcher in games):
        time.sleep(0.01)
    assert max(shared.batches) >= 4
    assert len(shared.batches) < sum(shared.batches) / 2
    for game, watcher in games:
        game.stop("left")
        assert watcher.ended.wait(20)
        decisions = [decision for t in watcher.ticks for decision in t.lines[-1]["decisions"]]
        assert not all("fallback" in decision for decision in decisions)


def test_a_batched_decision_is_the_decision_alone() -> None:
    shared = Walker()
    plays = [session(shared, shared, seed=seed) for seed in range(4)]
    requests = [request for play_ in plays for request in play_.requests()]
    together = decide(requests)
    alone = [decide([request])[0] for request in requests]
    assert [(d.action, d.probabilities) for d in together] == [
        (d.action, d.probabilities) for d in alone
    ]


@pytest.mark.parametrize("broken", ["raises", "nan", "action", "short"])
def test_a_broken_policy_never_stops_a_game(
    scheduler: Scheduler, tmp_path: Path, broken: str
) -> None:
    game, watcher = seat(scheduler, tmp_path, session(None, Walker(broken=broken), horizon=10))
    game.start(0)
    assert watcher.ended.wait(20)
    assert watcher.reason == "complete"
    report = verify(game.writer.path)
    assert report.fallbacks == 10
    reason = watcher.ticks[-1].lines[-1]["decisions"][0]["fallback"]
    assert reason.startswith(("error", "late"))


def test_a_slow_policy_delays_nobody(scheduler: Scheduler, tmp_path: Path) -> None:
    slow_game, slow = seat(
        scheduler, tmp_path, session(None, Walker(delay=1), tick_ms=100, horizon=12)
    )
    quick_game, quick = seat(scheduler, tmp_path, session(None, Walker(), tick_ms=100, horizon=12))
    slow_game.start(0)
    quick_game.start(0)
    assert slow.ended.wait(20)
    assert quick.ended.wait(20)
    assert verify(slow_game.writer.path).fallbacks >= 9
    assert verify(quick_game.writer.path).fallbacks <= 4  # a busy machine has late ones of its own


def test_a_pause_stops_the_clock_and_forgets_keys(scheduler: Scheduler, tmp_path: Path) -> None:
    game, watcher = seat(scheduler, tmp_path, session(None, None, tick_ms=20))
    game.start(0)
    while not watcher.ticks:
        time.sleep(0.005)
    game.press(0, 2, 0.0)
    game.pause("pause")
    while game.unwritten:  # a step that was made is still told of
        time.sleep(0.005)
    reached = len(watcher.ticks)
    time.sleep(0.15)
    assert len(watcher.ticks) == reached
    game.resume(0)
    while len(watcher.ticks) == reached:
        time.sleep(0.005)
    assert watcher.ticks[reached].actions == (4, 4)
    game.stop("left")
    assert watcher.ended.wait(20)
    episode = read_episode(game.writer.path)
    assert [line["paused"] for line in episode.connections] == [True, False]


def test_a_full_disk_pauses_the_game_and_loses_nothing(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play.recorder, "STORE_RETRY_S", 0.05)
    game, watcher = seat(scheduler, tmp_path, session(None, Walker(), horizon=15))
    append, full = game.writer.append, threading.Event()

    def failing(lines: list[dict[str, object]]) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        append(lines)

    monkeypatch.setattr(game.writer, "append", failing)
    game.start(0)
    while len(watcher.ticks) < 4:
        time.sleep(0.002)
    full.set()
    while not watcher.errors:
        time.sleep(0.01)
    reached = len(watcher.ticks)
    time.sleep(0.2)
    assert len(watcher.ticks) == reached  # the game stands still
    assert game.session.t <= reached + 1
    full.clear()
    assert watcher.ended.wait(20)
    assert verify(game.writer.path).steps == 15


def test_stopping_the_clock_ends_every_record(tmp_path: Path) -> None:
    scheduler = Scheduler()
    scheduler.start()
    games = [seat(scheduler, tmp_path, session(None, Walker())) for _ in range(3)]
    for game, _ in games:
        game.start(0)
    time.sleep(0.1)
    scheduler.close()
    for game, watcher in games:
        assert watcher.reason == "server stopped"
        assert verify(game.writer.path).reason == "server stopped"
