"""Running many sessions on one clock.

One thread keeps the time. Steps have absolute deadlines (start + k * tick), so a game does not
drift by the time that its work takes. Each policy has a worker thread which, whenever it is free,
takes *all* decisions that wait for the policy and makes them in one call. A policy that raises,
answers nonsense or is late never stops a game: the seat idles for that step and the record says
so. Records are written by threads of their own; a step is told to the listener when it is on the
disk, and a game whose disk fails stands still until the disk is back. Steps of several games that
are due together go through all of this as a group.

A policy is asked as soon as a step has been taken and has until the next one is due.
"""

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from agents.policy import Policy
from play.deciding import PolicyWorker
from play.recorder import Entry, Record, Recorder, Telling
from play.session import Decision, Line, Request, Session, TickResult

log = logging.getLogger("understudy.scheduler")

GRID_S = 0.01
"""First steps are due at multiples of this, so that games whose steps fall together are decided,
written and sent together."""
MAX_GROUP = 64
"""Steps that are taken before what they led to is handed on."""
AFTER_STALL_MS = 1000.0
"""Time between the return of the disk and the next step of a game that stood still for it."""


class Listener(Protocol):
    """Who hears of a game. Called from the scheduler's threads, one call at a time per game."""

    def on_tick(self, game: "Game", result: TickResult) -> None:
        """A step is on the disk."""
        ...

    def on_end(self, game: "Game", reason: str) -> None:
        """The game is over and its record is closed."""
        ...

    def on_store_error(self, game: "Game", error: OSError) -> None:
        """The disk refused a step; the game stands still and the write is tried again."""
        ...

    def on_lost(self, game: "Game") -> None:
        """The record is not this process's any more, and the game is gone; see `recorder.Lost`."""
        ...


@dataclass(eq=False)
class Game:
    """One running session. All methods may be called from any thread.

    Attributes:
        session: The episode.
        writer: Its record.
        listener: Who hears of it.
    """

    session: Session
    writer: Record
    listener: Listener
    scheduler: "Scheduler"
    lock: threading.RLock = field(default_factory=threading.RLock)
    started: float = 0.0  # clock seconds of millisecond 0
    next_due: float | None = None  # clock seconds of the next step; None while it stands still
    epoch: int = 0  # raised when the schedule changes, so that old deadlines mean nothing
    decisions: dict[int, Decision] = field(default_factory=dict)
    asked_for: int = -1  # the step whose decisions have been asked for
    unwritten: int = 0  # entries that are not on the disk yet
    blocked: bool = False  # a step is due, but the one before is not on the disk
    stalled: bool = False  # the disk has refused a step
    ended: bool = False

    @property
    def id(self) -> str:
        """Name of the record."""
        return self.writer.id

    def now_ms(self) -> float:
        """Milliseconds since the game was seated."""
        return (self.scheduler.clock() - self.started) * 1000

    def press(self, seat: int, action: int, client_ms: float) -> None:
        """A person's key goes down; see `Session.press`."""
        with self.lock:
            if not self.session.over:
                self.session.press(seat, action, client_ms, self.now_ms())

    def release(self, seat: int, action: int, client_ms: float) -> None:
        """A person's key goes up; see `Session.release`."""
        with self.lock:
            if not self.session.over:
                self.session.release(seat, action, client_ms, self.now_ms())

    def set_connected(self, seat: int, connected: bool) -> None:
        """A person's connection is lost or back."""
        with self.lock:
            if not self.session.over:
                self.session.set_connected(seat, connected, self.now_ms())

    def start(self, countdown_ms: float) -> None:
        """Schedules the first step `countdown_ms` plus one tick from now."""
        self.scheduler.schedule(self, countdown_ms)

    def pause(self, reason: str) -> None:
        """Stops the clock of this game; no effect on one that stands still."""
        with self.lock:
            if self.next_due is None or self.session.over:
                return
            self.next_due = None
            self.epoch += 1
            self.session.note_pause(True, reason, self.now_ms())

    def resume(self, countdown_ms: float) -> None:
        """Lets a paused game go on after a countdown."""
        with self.lock:
            if self.next_due is not None or self.session.over:
                return
            self.session.note_pause(False, "", self.now_ms())
            self.scheduler.schedule(self, countdown_ms)

    @property
    def paused(self) -> bool:
        """Whether the clock of this game stands still."""
        return self.next_due is None

    def starts_in_ms(self) -> float:
        """Milliseconds until the tick of the next step begins; 0 while the game runs."""
        due = self.next_due
        if due is None:
            return 0.0
        begins = due - self.session.tick_ms / 1000
        return max(0.0, (begins - self.scheduler.clock()) * 1000)

    def stop(self, reason: str) -> None:
        """Ends the game before its horizon."""
        self.scheduler.end(self, reason)


class Asked(NamedTuple):
    """A decision that a game waits for at its step t."""

    game: Game
    t: int
    request: Request

    def wanted(self) -> bool:
        """Whether the game still waits for it."""
        return self.game.session.t == self.t and not self.game.session.over

    def answer(self, decision: Decision) -> None:
        """Hands the decision to the game."""
        with self.game.lock:
            if self.wanted():
                self.game.decisions[self.request.seat] = decision


class Scheduler:
    """The clock of all games in a process.

    Args:
        clock: Monotonic seconds.
        telling: Entered while listeners are told of steps that were written together.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, telling: Telling = nullcontext
    ) -> None:
        self.clock = clock
        self._wake = threading.Condition()
        self._heap: list[tuple[float, int, Game, int]] = []  # due, tie-break, game, epoch
        self._order = itertools.count()
        self._workers: dict[int, PolicyWorker] = {}
        self._users: dict[int, int] = {}
        self._recorder = Recorder(telling)
        self._posting = threading.Lock()
        self._outgoing: list[Entry] = []
        self._games: set[Game] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="scheduler")

    def start(self) -> None:
        """Starts the clock."""
        self._thread.start()

    def close(self, reason: str | None = "server stopped") -> None:
        """Ends every game, so that each record has its end, and stops the clock.

        Args:
            reason: What the records say; None leaves them open, so that the games can go on.
        """
        with self._wake:
            games = list(self._games)
        for game in games:
            self.put_away(game) if reason is None else self.end(game, reason)
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._recorder.stop()
        for worker in self._workers.values():
            worker.stop()

    def seat(
        self, session: Session, writer: Record, listener: Listener, elapsed_ms: float = 0.0
    ) -> Game:
        """Takes a session in; it stands still until `Game.start`.

        Args:
            session: The episode.
            writer: Its record.
            listener: Who hears of it.
            elapsed_ms: The time on its clock, for one that goes on from its record.
        """
        started = self.clock() - elapsed_ms / 1000
        game = Game(session, writer, listener, self, started=started)
        with self._wake:
            self._games.add(game)
            for policy in session.policies:
                if policy is not None:
                    self._users[id(policy)] = self._users.get(id(policy), 0) + 1
                    if id(policy) not in self._workers:
                        self._workers[id(policy)] = PolicyWorker(policy)
        return game

    def schedule(self, game: Game, countdown_ms: float) -> None:
        """Sets the next step of a game one tick after a countdown."""
        with game.lock:
            if game.session.over:
                return
            game.epoch += 1
            asked = self._ask(game)
            due = self.clock() + (countdown_ms + game.session.tick_ms) / 1000
            self._set_due(game, math.ceil(due / GRID_S) * GRID_S)
        self._put(asked)

    def end(self, game: Game, reason: str) -> None:
        """Ends a game and closes its record; later calls do nothing."""
        with game.lock:
            if game.ended:
                return
            game.ended = True
            game.next_due = None
            game.epoch += 1
            lines = game.session.finish(reason, game.now_ms())
            self._write(game, lines, lambda: self._forget(game, reason), last=True)
        self._send_off()

    def put_away(self, game: Game) -> None:
        """Lets a game go without an end, so that it can go on from its record; see `seat`."""
        with game.lock:
            if game.ended:
                return
            game.ended = True
            game.next_due = None
            game.epoch += 1
            lines = game.session.put_away()
            self._write(game, lines, lambda: self._forget(game, None), last=True)
        self._send_off()

    # The clock thread

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._stopping:
                    return
                now = self.clock()
                delay = self._heap[0][0] - now if self._heap else None
                if delay is None or delay > 0:
                    self._wake.wait(delay)
                    continue
                due: list[tuple[float, int, Game, int]] = []
                while self._heap and self._heap[0][0] <= now and len(due) < MAX_GROUP:
                    due.append(heapq.heappop(self._heap))
            # One thing for all games and then the next is quicker than all things for one game:
            # what it takes is still in the processor's cache.
            stepped = [game for _, _, game, epoch in due if self._due(game, epoch)]
            self._put([question for game in stepped for question in self._ask_next(game)])
            self._send_off()

    def _due(self, game: Game, epoch: int) -> bool:
        """The next step of a game is due, unless its schedule has changed since; takes it."""
        try:
            with game.lock:
                if epoch != game.epoch or game.session.over or game.next_due is None:
                    return False
                if game.unwritten:
                    game.blocked = True  # `_written` goes on from here
                    return False
                self._step(game)
                return True
        except Exception:
            self._fail(game)
            return False

    def _ask_next(self, game: Game) -> list[Asked]:
        """What the policies of a game that has taken a step owe it, if it goes on."""
        try:
            with game.lock:
                return [] if game.session.over else self._ask(game)
        except Exception:
            self._fail(game)
            return []

    def _fail(self, game: Game) -> None:
        log.exception("game %s cannot go on", game.id)
        self.end(game, "technical fault")

    def _step(self, game: Game) -> None:
        due, now = game.next_due, self.clock()
        assert due is not None, "only a running game has steps"
        tick_s = game.session.tick_ms / 1000
        result = game.session.step((due - game.started) * 1000, game.now_ms(), game.decisions)
        game.decisions = {}
        if result.done:
            game.next_due = None
        else:
            # A game that fell behind by more than a tick goes on from now: nobody can play a
            # burst of steps.
            self._set_due(game, (now if now - due > tick_s else due) + tick_s)
        self._write(game, result.lines, lambda: self._tell(game, result))

    def _ask(self, game: Game) -> list[Asked]:
        """What the policies of a game owe it now, once."""
        session = game.session
        if game.asked_for == session.t:
            return []
        game.asked_for, game.decisions = session.t, {}
        return [Asked(game, session.t, request) for request in session.requests()]

    def _put(self, asked: Sequence[Asked]) -> None:
        """Puts questions to the policies."""
        by_policy: dict[int, list[Asked]] = {}
        for question in asked:
            by_policy.setdefault(id(question.request.policy), []).append(question)
        with self._wake:
            workers = [(self._workers.get(key), own) for key, own in by_policy.items()]
        for worker, own in workers:
            if worker is not None:  # or the last game of the policy has just ended
                worker.ask(own)

    def _set_due(self, game: Game, due: float) -> None:
        game.next_due = due
        with self._wake:
            order = next(self._order)
            heapq.heappush(self._heap, (due, order, game, game.epoch))
            if self._heap[0][1] == order:  # the clock thread waits for a later one
                self._wake.notify()

    # Writing; what follows it runs on the recorders' threads

    def _write(
        self, game: Game, lines: list[Line], then: Callable[[], None], *, last: bool = False
    ) -> None:
        """Has lines written with the next `_send_off`; the game's lock is held."""
        game.unwritten += 1

        def written() -> None:
            try:
                then()
            finally:
                self._written(game)

        entry = Entry(
            game.writer,
            lines,
            then=written,
            failed=lambda error: self._stall(game, error),
            lost=lambda: self._lose(game),
            gave_up=(lambda: self._forget(game, None)) if last else (lambda: None),
            last=last,
        )
        with self._posting:
            self._outgoing.append(entry)

    def _send_off(self) -> None:
        """Hands everything that is to be written to the recorder, in its order."""
        with self._posting:
            outgoing, self._outgoing = self._outgoing, []
            self._recorder.submit(outgoing)

    def _written(self, game: Game) -> None:
        with game.lock:
            game.unwritten -= 1
            if game.unwritten or game.session.over:
                return
            if game.stalled:
                game.stalled = game.blocked = False
                game.session.note_pause(False, "", game.now_ms())
                if game.next_due is not None:
                    self.schedule(game, AFTER_STALL_MS)
            elif game.blocked:
                game.blocked = False
                if game.next_due is not None:
                    game.epoch += 1
                    self._set_due(game, game.next_due)

    def _stall(self, game: Game, error: OSError) -> None:
        with game.lock:
            if not (game.stalled or game.session.over):
                game.stalled = True
                game.session.note_pause(True, "store", game.now_ms())
        game.listener.on_store_error(game, error)

    def _lose(self, game: Game) -> None:
        with game.lock:
            known, game.ended = game.ended, True
            game.next_due = None
            game.epoch += 1
            game.session.put_away()
        self._forget(game, None)
        if not known:
            game.listener.on_lost(game)

    def _tell(self, game: Game, result: TickResult) -> None:
        game.listener.on_tick(game, result)
        if result.done:
            self.end(game, "complete")

    def _forget(self, game: Game, reason: str | None) -> None:
        with self._wake:
            if game not in self._games:
                return
            self._games.discard(game)
            for policy in game.session.policies:
                if policy is not None:
                    self._release(policy)
        game.writer.close()
        if reason is not None:
            game.listener.on_end(game, reason)

    def _release(self, policy: Policy) -> None:
        self._users[id(policy)] -= 1
        if not self._users[id(policy)]:
            del self._users[id(policy)]
            self._workers.pop(id(policy)).stop()
