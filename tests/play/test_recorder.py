"""Records of many games: written together, tried again, lost one by one."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import play.recorder
import play.scheduler
from play.episode import EpisodeWriter, read_episode, verify
from play.recorder import Entry, Lost, Recorder
from play.scheduler import Scheduler
from play.session import Line
from tests.play.games import Walker, Watcher, session


class Paper:
    """A journal in memory, and what was done with it."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, int]]] = []
        self.refuses = 0
        self.lost: set[str] = set()
        self.fault: Exception = Lost()
        self.open, self.touched = threading.Event(), threading.Event()
        self.open.set()

    def append_all(self, batch: Sequence[tuple[Any, list[Line]]]) -> None:
        self.touched.set()
        assert self.open.wait(20)
        if self.refuses:
            self.refuses -= 1
            raise OSError(28, "No space left on device")
        if any(record.id in self.lost for record, _ in batch):
            raise self.fault
        self.calls.append([(record.id, line["t"]) for record, lines in batch for line in lines])


class Page:
    """A record in a journal, or alone."""

    def __init__(self, name: str, paper: Paper, alone: bool = False) -> None:
        self.id, self._paper = name, paper
        self.journal = None if alone else paper

    def append(self, lines: list[Line]) -> None:
        self._paper.append_all([(self, lines)])

    def close(self) -> None:
        pass


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setattr(play.recorder, "STORE_RETRY_S", 0.01)
    made = Recorder()
    yield made
    made.stop()


class Log:
    """What a recorder says of entries."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, int]] = []
        self.news = threading.Condition()

    def entry(self, page: Page, t: int) -> Entry:
        def say(what: str) -> Callable[..., None]:
            def told(*_: object) -> None:
                with self.news:
                    self.said.append((what, page.id, t))
                    self.news.notify_all()

            return told

        return Entry(
            page, [{"kind": "tick", "t": t}],
            then=say("then"), failed=say("failed"), lost=say("lost"), gave_up=say("gave up"),
        )  # fmt: skip

    def wait(self, count: int, *what: str) -> None:
        with self.news:
            done = self.news.wait_for(lambda: sum(s[0] in what for s in self.said) >= count, 20)
            assert done, self.said


def test_what_waits_is_written_in_one_go_and_told_in_order(recorder: Recorder) -> None:
    paper, log = Paper(), Log()
    a, b = Page("a", paper), Page("b", paper)
    paper.open.clear()
    recorder.submit([log.entry(a, 0)])
    assert paper.touched.wait(20)  # the first is on its way and waits for the paper
    for t in range(1, 4):
        recorder.submit([log.entry(a, t), log.entry(b, t)])
    paper.open.set()
    log.wait(7, "then")
    assert paper.calls == [[("a", 0)], [(n, t) for t in range(1, 4) for n in "ab"]]
    assert [s[1:] for s in log.said] == [pair for call in paper.calls for pair in call]


def test_what_was_written_together_is_told_together_and_ends_come_after() -> None:
    paper, log = Paper(), Log()

    @contextmanager
    def telling() -> Iterator[None]:
        log.said.append(("begin", "", 0))
        yield
        log.said.append(("sent", "", 0))

    recorder = Recorder(telling)
    a, b = Page("a", paper), Page("b", paper)
    recorder.submit([log.entry(a, 1), log.entry(a, 2)._replace(last=True), log.entry(b, 1)])
    log.wait(3, "then")
    recorder.stop()
    then = ("then", "a", 1), ("then", "b", 1)
    assert log.said == [("begin", "", 0), *then, ("sent", "", 0), ("then", "a", 2)]


def test_what_the_disk_refuses_is_tried_again_and_told_once(recorder: Recorder) -> None:
    paper, log = Paper(), Log()
    paper.refuses = 3
    recorder.submit([log.entry(Page("a", paper), 1), log.entry(Page("b", paper), 1)])
    log.wait(2, "then")
    assert [s[0] for s in log.said] == ["failed"] * 6 + ["then"] * 2
    assert paper.calls == [[("a", 1), ("b", 1)]]


@pytest.mark.parametrize("fault", [Lost(), ZeroDivisionError("a mistake of ours")])
@pytest.mark.parametrize("alone", [False, True])
def test_a_lost_record_costs_the_others_nothing(
    recorder: Recorder, alone: bool, fault: Exception
) -> None:
    paper, log = Paper(), Log()
    paper.lost, paper.fault = {"b"}, fault
    pages = [Page(name, paper, alone) for name in "abc"]
    recorder.submit([log.entry(page, t) for t in (1, 2) for page in pages])
    log.wait(6, "then", "lost")
    assert {(what, name) for what, name, _ in log.said} == {
        ("then", "a"), ("lost", "b"), ("then", "c"),
    }  # fmt: skip
    assert sorted(pair for call in paper.calls for pair in call) == [
        ("a", 1),
        ("a", 2),
        ("c", 1),
        ("c", 2),
    ]


def test_after_one_entry_failed_none_of_its_record_overtakes_it(recorder: Recorder) -> None:
    paper, log = Paper(), Log()
    paper.refuses = 1
    page = Page("a", paper, alone=True)
    recorder.submit([log.entry(page, t) for t in (1, 2, 3)])
    log.wait(3, "then")
    assert [call[0][1] for call in paper.calls] == [1, 2, 3]
    assert log.said[0] == ("failed", "a", 1)


def test_what_cannot_be_written_before_the_end_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(play.recorder, "STORE_RETRY_S", 0.01)
    recorder, paper, log = Recorder(), Paper(), Log()
    paper.refuses = 10**9
    recorder.submit([log.entry(Page("a", paper), 1)])
    log.wait(1, "failed")
    recorder.stop()
    assert {s[0] for s in log.said} == {"failed", "gave up"}


class Losing(EpisodeWriter):
    """A record that somebody else goes on with after some steps."""

    def append(self, lines: list[Line]) -> None:
        if any(line.get("t", 0) > 5 for line in lines):
            raise Lost
        super().append(lines)


def test_a_game_whose_record_is_lost_is_gone_and_tells_nothing_more(tmp_path: Path) -> None:
    scheduler, watcher = Scheduler(), Watcher()
    scheduler.start()
    play_ = session(Walker(), None, horizon=50, tick_ms=5)
    game = scheduler.seat(play_, Losing(tmp_path, play_.header()), watcher)
    game.start(0)
    assert watcher.lost.wait(20)
    scheduler.close()
    assert [tick.t for tick in watcher.ticks] == list(range(1, 6))
    assert not watcher.ended.is_set()
    assert read_episode(game.writer.path, partial=True).end is None


def test_a_stall_is_a_pause_in_the_record_and_keys_before_it_mean_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play.recorder, "STORE_RETRY_S", 0.05)
    monkeypatch.setattr(play.scheduler, "AFTER_STALL_MS", 300.0)
    scheduler, watcher = Scheduler(), Watcher()
    scheduler.start()
    play_ = session(None, Walker(), horizon=20, tick_ms=20)
    writer = EpisodeWriter(tmp_path, play_.header())
    game = scheduler.seat(play_, writer, watcher)
    append, full = writer.append, threading.Event()

    def failing(lines: list[Line]) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        append(lines)

    monkeypatch.setattr(writer, "append", failing)
    game.start(0)
    while len(watcher.ticks) < 5:
        assert not watcher.ended.wait(0.01)
    game.press(0, 2, 0.0)
    full.set()
    while not watcher.errors:
        assert not watcher.ended.wait(0.01)
    full.clear()
    assert watcher.ended.wait(20)
    scheduler.close()
    assert verify(writer.path).steps == 20
    episode = read_episode(writer.path)
    waits = [(x["paused"], x["reason"]) for x in episode.connections]
    assert waits == [(True, "store"), (False, "")]
    back = next(x["at_ms"] for x in episode.connections if not x["paused"])
    after = [line for line in episode.ticks if line["at_ms"] > back]
    assert after[0]["at_ms"] - back >= 300
    assert after[0]["actions"][0] == 4  # the key that was held before is up
