"""Running many sessions on one clock.

One thread keeps the time. Steps have absolute deadlines (start + k * tick), so a game does not
drift by the time that its work takes. Each policy has a worker thread which, whenever it is free,
takes *all* decisions that wait for the policy and makes them in one call. A policy that raises,
answers nonsense or is late never stops a game: the seat idles for that step and the record says
so. Records are written by threads of their own; a step is told to the listener when it is on the
disk, and a game whose disk fails stands still until the disk is back.

A policy is asked as soon as a step has been taken and has until the next one is due.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from agents.policy import Policy
from play.session import Decision, Line, Request, Session, TickResult

log = logging.getLogger("understudy.scheduler")

STORE_RETRY_S = 1.0
"""Seconds between two attempts to write a step that the disk refused."""
WRITERS = 4
"""Threads that write records; each game belongs to one of them."""


class Record(Protocol):
    """Where the lines of a game go: a file, or a study's database."""

    id: str

    def append(self, lines: list[Line]) -> None:
        """Returns when the lines are safe; raises OSError, and may then be tried again."""
        ...

    def close(self) -> None:
        """No line follows."""
        ...


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
    unwritten: int = 0  # steps that are not on the disk yet
    blocked: bool = False  # a step is due, but the one before is not on the disk
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


@dataclass(frozen=True)
class Asked:
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


class PolicyWorker:
    """Makes all decisions that wait for one policy in one call."""

    def __init__(self, policy: Policy) -> None:
        self._waiting: list[Asked] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"policy {policy.name}")
        self._thread.start()

    def ask(self, asked: "Asked") -> None:
        """Queues a decision; it will be answered, unless it comes too late to be wanted."""
        with self._wake:
            self._waiting.append(asked)
            self._wake.notify()

    def stop(self) -> None:
        """Ends the thread when it is free."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                batch, self._waiting = self._waiting, []
            batch = [asked for asked in batch if asked.wanted()]
            if not batch:
                continue
            decisions = decide([asked.request for asked in batch])
            for asked, decision in zip(batch, decisions, strict=True):
                asked.answer(decision)


def decide(requests: Sequence[Request]) -> list[Decision]:
    """Makes the decisions of one policy for several seats in one call; never raises.

    Args:
        requests: At least one, all of the same policy.
    """
    start = time.perf_counter()
    try:
        answers = _act(requests)
    except Exception as error:
        log.exception("policy %s failed", requests[0].policy.name)
        elapsed = (time.perf_counter() - start) * 1000
        why = f"error: {type(error).__name__}: {error}"[:200]
        return [Decision(0, inference_ms=elapsed, fallback=why) for _ in requests]
    elapsed = (time.perf_counter() - start) * 1000
    return [Decision(a, p, s, elapsed) for a, p, s in answers]


def _act(requests: Sequence[Request]) -> list[tuple[int, list[float], Any]]:
    policy = requests[0].policy
    observations = None
    if policy.encoding is not None:
        observations = np.stack(
            [request.observation for request in requests if request.observation is not None]
        )
    state = None
    if requests[0].state is not None:
        state = np.concatenate([request.state for request in requests])
    uniforms = np.array([request.uniform for request in requests])
    made = policy.act(observations, [request.view for request in requests], state, uniforms)
    if len(made.actions) != len(requests) or len(made.probabilities) != len(requests):
        raise ValueError(f"{len(made.actions)} decisions for {len(requests)} seats")
    if not np.isfinite(made.probabilities).all():
        raise ValueError("the action probabilities are not finite")
    return [
        (
            int(made.actions[i]),
            [float(p) for p in made.probabilities[i]],
            None if made.state is None else made.state[i : i + 1],
        )
        for i in range(len(requests))
    ]


class Recorder:
    """A few threads that write records; lines of one game keep their order."""

    def __init__(self) -> None:
        self._queues: list[queue.SimpleQueue[Callable[[], None] | None]] = [
            queue.SimpleQueue() for _ in range(WRITERS)
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(q,), daemon=True, name="recorder")
            for q in self._queues
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, game: Game, job: Callable[[], None]) -> None:
        """Queues a job of a game."""
        self._queues[hash(game.id) % WRITERS].put(job)

    def stop(self) -> None:
        """Finishes what is queued and ends the threads."""
        for q in self._queues:
            q.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    @staticmethod
    def _run(q: "queue.SimpleQueue[Callable[[], None] | None]") -> None:
        while (job := q.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("a record's job failed")


class Scheduler:
    """The clock of all games in a process.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._wake = threading.Condition()
        self._heap: list[tuple[float, int, Game, int]] = []  # due, tie-break, game, epoch
        self._order = itertools.count()
        self._workers: dict[int, PolicyWorker] = {}
        self._users: dict[int, int] = {}
        self._recorder = Recorder()
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
            self._ask(game)
            self._set_due(game, self.clock() + (countdown_ms + game.session.tick_ms) / 1000)

    def end(self, game: Game, reason: str) -> None:
        """Ends a game and closes its record; later calls do nothing."""
        with game.lock:
            if game.ended:
                return
            game.ended = True
            game.next_due = None
            game.epoch += 1
            lines = game.session.finish(reason, game.now_ms())
        self._write(game, lines, lambda: self._forget(game, reason))

    def put_away(self, game: Game) -> None:
        """Lets a game go without an end, so that it can go on from its record; see `seat`."""
        with game.lock:
            if game.ended:
                return
            game.ended = True
            game.next_due = None
            game.epoch += 1
            lines = game.session.put_away()
        self._write(game, lines, lambda: self._forget(game, None))

    # The clock thread

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._stopping:
                    return
                delay = self._heap[0][0] - self.clock() if self._heap else None
                if delay is None or delay > 0:
                    self._wake.wait(delay)
                    continue
                _, _, game, epoch = heapq.heappop(self._heap)
            self._due(game, epoch)

    def _due(self, game: Game, epoch: int) -> None:
        """The next step of a game is due, unless its schedule has changed since."""
        try:
            with game.lock:
                if epoch != game.epoch or game.session.over or game.next_due is None:
                    return
                if game.unwritten:
                    game.blocked = True  # `_store` goes on from here
                else:
                    self._step(game)
        except Exception:
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
            self._ask(game)
            # A game that fell behind by more than a tick goes on from now: nobody can play a
            # burst of steps.
            self._set_due(game, (now if now - due > tick_s else due) + tick_s)
        self._write(game, result.lines, lambda: self._tell(game, result))

    def _ask(self, game: Game) -> None:
        session = game.session
        if game.asked_for == session.t:
            return
        game.asked_for, game.decisions = session.t, {}
        for request in session.requests():
            self._workers[id(request.policy)].ask(Asked(game, session.t, request))

    def _set_due(self, game: Game, due: float) -> None:
        game.next_due = due
        with self._wake:
            heapq.heappush(self._heap, (due, next(self._order), game, game.epoch))
            self._wake.notify()

    # The recorders' threads

    def _write(self, game: Game, lines: list[Line], then: Callable[[], None]) -> None:
        game.unwritten += 1
        self._recorder.submit(game, lambda: self._store(game, lines, then))

    def _store(self, game: Game, lines: list[Line], then: Callable[[], None]) -> None:
        """Writes until the disk accepts it; meanwhile the game stands still."""
        while True:
            try:
                game.writer.append(lines)
                break
            except OSError as error:
                log.error("the record of game %s cannot be written: %s", game.id, error)
                game.listener.on_store_error(game, error)
                if self._stopping:
                    break  # the process ends; the record keeps what it has
                time.sleep(STORE_RETRY_S)
        then()
        with game.lock:
            game.unwritten -= 1
            if game.blocked and not game.unwritten:
                game.blocked = False
                if game.next_due is not None:
                    game.epoch += 1
                    self._set_due(game, game.next_due)

    def _tell(self, game: Game, result: TickResult) -> None:
        game.listener.on_tick(game, result)
        if result.done:
            self.end(game, "complete")

    def _forget(self, game: Game, reason: str | None) -> None:
        game.writer.close()
        with self._wake:
            self._games.discard(game)
            for policy in game.session.policies:
                if policy is not None:
                    self._release(policy)
        if reason is not None:
            game.listener.on_end(game, reason)

    def _release(self, policy: Policy) -> None:
        self._users[id(policy)] -= 1
        if not self._users[id(policy)]:
            del self._users[id(policy)]
            self._workers.pop(id(policy)).stop()
