"""One game on the desktop: a session on the scheduler's clock, with a mailbox for the window."""

import queue
import secrets
import time
from pathlib import Path
from typing import Any

from agents.library import list_partners, load_policy
from play.desktop.config import Wish
from play.episode import EpisodeWriter
from play.presentation.families import text_of
from play.scheduler import Game, Scheduler
from play.session import SeatConfig, Session, SessionConfig, TickResult
from play.worlds.registry import make_world

PERSON = "You"


class LiveGame:
    """A game that runs on threads of its own; all methods are called from the window's thread.

    Args:
        wish: What is played by whom.
        episodes_dir: Folder of the record.
        seed: Seed of the world and the policies; None draws one.
        countdown_ms: Time between the first picture and the first step.

    Attributes:
        labels: Who sits in each seat.
        my_seat: The person's seat, or None when only watching.

    Raises:
        UserError: The world, a policy or the folder is not as it must be.
    """

    def __init__(self, wish: Wish, episodes_dir: Path, seed: int | None, countdown_ms: int) -> None:
        facts = make_world(wish.world, **wish.options).facts
        loaded = {
            name: load_policy(
                name, facts, seats=[s for s, other in enumerate(wish.partners) if other == name]
            )
            for name in wish.partners
            if name is not None
        }
        policies = [None if name is None else loaded[name] for name in wish.partners]
        seats = tuple(_seat(name, wish.world) for name in wish.partners)
        seed = secrets.randbits(31) if seed is None else seed
        config = SessionConfig(wish.world, seats, seed, wish.options, wish.tick_ms)
        session = Session(config, policies)
        self.labels = [seat.label for seat in seats]
        self.my_seat = wish.my_seat
        self.facts = session.facts
        self.tick_ms = session.tick_ms
        self.static_scene = session.static_scene()
        self.first_scene = session.scene()
        self._session = session
        self._countdown_ms = countdown_ms
        self._results: queue.SimpleQueue[TickResult] = queue.SimpleQueue()
        self._trouble: str | None = None
        self._reason: str | None = None
        writer = EpisodeWriter(episodes_dir, session.header())
        self.record = writer.path
        self._scheduler = Scheduler()
        self._scheduler.start()
        self._game = self._scheduler.seat(session, writer, self)

    def start(self) -> None:
        """Starts the countdown."""
        self._game.start(self._countdown_ms)

    def key(self, action: int, down: bool) -> None:
        """A key of the person goes down or up."""
        if self.my_seat is None:
            return
        now_ms = time.monotonic() * 1000
        if down:
            self._game.press(self.my_seat, action, now_ms)
        else:
            self._game.release(self.my_seat, action, now_ms)

    def poll(self) -> list[TickResult]:
        """The steps since the last call, in order; all of them are on the disk."""
        found = []
        while True:
            try:
                found.append(self._results.get_nowait())
            except queue.Empty:
                return found

    @property
    def over(self) -> bool:
        """Whether the game has ended and every step has been polled."""
        return self._reason is not None and self._results.empty()

    @property
    def paused(self) -> bool:
        """Whether the person has stopped the clock."""
        return self._game.paused and not self._session.over

    @property
    def trouble(self) -> str | None:
        """Why the game stands still against the person's will, or None."""
        return self._trouble

    def starts_in_ms(self) -> float:
        """What is left of the countdown."""
        return self._game.starts_in_ms()

    def pause(self) -> None:
        """Stops the clock."""
        self._game.pause("paused by the player")

    def resume(self) -> None:
        """Goes on after a countdown."""
        self._game.resume(self._countdown_ms)

    def contributions(self) -> list[dict[str, Any]]:
        """What each seat did; see `Session.contributions`."""
        return self._session.contributions()

    def close(self, reason: str) -> None:
        """Ends the record, if the game has not ended, and the threads."""
        self._scheduler.close(reason)

    # Heard from the scheduler's threads.

    def on_tick(self, game: Game, result: TickResult) -> None:
        """A step is on the disk."""
        self._trouble = None
        self._results.put(result)

    def on_end(self, game: Game, reason: str) -> None:
        """The record is closed."""
        self._reason = reason

    def on_store_error(self, game: Game, error: OSError) -> None:
        """The disk refused a step; the scheduler tries again."""
        self._trouble = f"The record cannot be written ({error.strerror}); trying again"

    def on_lost(self, game: Game) -> None:
        """Nothing: a record in a file is this process's own."""


def _seat(name: str | None, world: str) -> SeatConfig:
    """Who takes a seat, as the record and the screen tell it."""
    if name is None:
        return SeatConfig("human", PERSON)
    partner = next(partner for partner in list_partners() if partner.name == name)
    return SeatConfig("policy", text_of(partner, world)[0], name, partner.sha256)
