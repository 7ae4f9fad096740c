"""Writing the records of many games: what waits is written in one go, and told afterwards."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple, Protocol

from play.session import Line

log = logging.getLogger("understudy.recorder")

STORE_RETRY_S = 1.0
"""Seconds between two attempts to write what the disk refused."""
WRITERS = 4
"""Threads that write; each journal, and each record without one, belongs to one of them."""


class Lost(Exception):
    """The record is not this process's any more: the game goes on elsewhere, or is erased."""


class Journal(Protocol):
    """What several records are written to in one go, such as a study's database."""

    def append_all(self, batch: Sequence[tuple[Any, list[Line]]]) -> None:
        """Returns when the lines of all these records are safe; writes all of them or none.

        Raises:
            OSError: Nothing could be written; it may be tried again.
            Lost: One of the records is; nothing was written.
        """
        ...


class Record(Protocol):
    """Where the lines of a game go: a file, or a study's database."""

    id: str

    @property
    def journal(self) -> Journal | None:
        """What it is written to together with other records, or None; compared by value."""
        ...

    def append(self, lines: list[Line]) -> None:
        """Returns when the lines are safe.

        Raises:
            OSError: They are not; it may be tried again.
            Lost: They never will be.
        """
        ...

    def close(self) -> None:
        """No line follows."""
        ...


Telling = Callable[[], AbstractContextManager[None]]


class Entry(NamedTuple):
    """Lines to be written.

    Attributes:
        then: Called when they are safe.
        failed: Called at each attempt that fails.
        lost: Called instead, when the record is lost; no entry of it is written afterwards.
        gave_up: Called instead, when the process ends before they could be written.
        last: Whether nothing follows in the record; then `then` may take its time.
    """

    record: Record
    lines: list[Line]
    then: Callable[[], None]
    failed: Callable[[OSError], None]
    lost: Callable[[], None]
    gave_up: Callable[[], None]
    last: bool = False


class Recorder:
    """A few threads that write records; entries of one record keep their order.

    Args:
        telling: Entered while `Entry.then` of entries that were written together is called.
    """

    def __init__(self, telling: Telling = nullcontext) -> None:
        self._telling = telling
        self._stopping = threading.Event()
        self._queues: list[queue.SimpleQueue[Sequence[Entry] | None]] = [
            queue.SimpleQueue() for _ in range(WRITERS)
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(q,), daemon=True, name="recorder")
            for q in self._queues
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, entries: Iterable[Entry]) -> None:
        """Queues entries; those of one journal that wait together are written together."""
        sorted_out: dict[int, list[Entry]] = {}
        for entry in entries:
            key = entry.record.journal or entry.record.id
            sorted_out.setdefault(hash(key) % WRITERS, []).append(entry)
        for index, own in sorted_out.items():
            self._queues[index].put(own)

    def give_up(self) -> None:
        """From now on what the disk refuses is not tried again."""
        self._stopping.set()

    def stop(self) -> None:
        """Finishes what is queued and ends the threads."""
        self.give_up()
        for q in self._queues:
            q.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def _run(self, q: "queue.SimpleQueue[Sequence[Entry] | None]") -> None:
        while True:
            entries, last = _take(q)
            while entries:
                entries = self._write(entries)
                if entries and self._stopping.is_set():
                    for entry in entries:
                        _guarded(entry.gave_up)
                    break
                if entries:
                    time.sleep(STORE_RETRY_S)
            if last:
                return

    def _write(self, entries: Sequence[Entry]) -> list[Entry]:
        """Writes entries and returns those that have to be tried again."""
        again: list[Entry] = []
        alone: list[Entry] = []
        together: dict[Journal, list[Entry]] = {}
        for entry in entries:
            journal = entry.record.journal
            (alone if journal is None else together.setdefault(journal, [])).append(entry)
        for journal, group in together.items():
            try:
                journal.append_all([(entry.record, entry.lines) for entry in group])
            except OSError as error:
                log.error("%d records cannot be written: %s", len(group), error)
                for entry in group:
                    _guarded(partial(entry.failed, error))
                again += group
            except Lost:
                alone += group
            except Exception:  # of one record, perhaps: the others need not go with it
                log.exception("%d records cannot be written together", len(group))
                alone += group
            else:
                with self._telling():
                    for entry in group:
                        if not entry.last:
                            _guarded(entry.then)
                for entry in group:
                    if entry.last:
                        _guarded(entry.then)
        return again + self._write_each(alone)

    def _write_each(self, entries: Sequence[Entry]) -> list[Entry]:
        again: list[Entry] = []
        failing: set[str] = set()
        for entry in entries:
            if entry.record.id in failing:
                again.append(entry)
                continue
            try:
                entry.record.append(entry.lines)
            except OSError as error:
                log.error("the record %s cannot be written: %s", entry.record.id, error)
                _guarded(partial(entry.failed, error))
                failing.add(entry.record.id)
                again.append(entry)
            except Lost:
                _guarded(entry.lost)
            except Exception:
                log.exception("the record %s cannot go on", entry.record.id)
                _guarded(entry.lost)
            else:
                _guarded(entry.then)
        return again


def _take(q: "queue.SimpleQueue[Sequence[Entry] | None]") -> tuple[list[Entry], bool]:
    """Everything that waits, at least one, and whether it is the last."""
    taken: list[Entry] = []
    entries = q.get()
    while True:
        if entries is None:
            return taken, True
        taken += entries
        try:
            entries = q.get_nowait()
        except queue.Empty:
            return taken, False


def _guarded(job: Callable[[], None]) -> None:
    try:
        job()
    except Exception:
        log.exception("a record's listener failed")
