"""One running game as the browser sees it: a session on the clock, and what is told about it."""

import itertools
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from agents.library import check_fit, load_policy
from agents.policy import Policy
from play.episode import EpisodeWriter
from play.presentation.families import presentation_of, shows_own_points
from play.presentation.outcome import outcome_of
from play.scheduler import Game, Scheduler
from play.session import SeatConfig, Session, SessionConfig, TickResult
from play.web.config import PlayConfig
from play.web.messages import Key, Start
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts

Message = dict[str, Any]
Tell = Callable[[Message], None]

RESUME_COUNTDOWN_MS = 1500.0


class Table:
    """A game and its listener.

    Args:
        chairs: Who sits where.
        on_tick: Told of every step, when it is on the disk; not called under any lock.
        on_end: Told of the end of the game.
        on_stall: Told that the disk refuses the record and the game stands still.

    Attributes:
        chairs: Who sits where.
        seats: Label and kind of each seat, for the page.
    """

    def __init__(
        self, chairs: tuple[SeatConfig, ...], on_tick: Tell, on_end: Tell, on_stall: Tell
    ) -> None:
        self.chairs = chairs
        self.seats = [{"label": seat.label, "kind": seat.kind} for seat in chairs]
        self._tell_tick, self._tell_end, self._tell_stall = on_tick, on_end, on_stall
        self._holds: dict[str, int | None] = {}  # reason -> seat that is waited for
        self._game: Game | None = None
        self._shown: Message = {}  # the newest state that is on the disk

    @property
    def game(self) -> Game:
        """The running game."""
        assert self._game is not None, "the table has not been seated"
        return self._game

    @property
    def id(self) -> str:
        """Id of the episode."""
        return self.game.id

    @property
    def paused(self) -> tuple[str, int | None] | None:
        """Why the game stands still and for whom it waits; an absence comes before a wish."""
        for reason in ("away", "pause"):
            if reason in self._holds:
                return reason, self._holds[reason]
        return None

    def sit_down(self, game: Game) -> None:
        """Names the game that this table listens to, which has not been started."""
        self._game = game
        session = game.session
        self._shown = {
            "t": session.t,
            "scene": session.scene(),
            "score": session.score,
            "scores": own_scores(session.facts, session.scores),
        }

    def start(self, countdown_ms: float) -> None:
        """Starts the clock."""
        self.game.start(countdown_ms)

    def key(self, seat: int, key: Key) -> bool:
        """Passes a press or release on; False when the world has no such action."""
        if key.action >= len(self.game.session.facts.actions):
            return False
        (self.game.press if key.down else self.game.release)(seat, key.action, key.at)
        return True

    def set_connected(self, seat: int, connected: bool) -> None:
        """Notes in the record that a person is gone or back."""
        self.game.set_connected(seat, connected)

    def hold(self, reason: str, seat: int | None) -> None:
        """Lets the game stand still, for ``away`` or ``pause``."""
        self._holds[reason] = seat
        self.game.pause(reason)

    def release(self, reason: str) -> None:
        """Takes one reason away; without any, the game goes on after a short countdown."""
        if self._holds.pop(reason, False) is not False and not self._holds:
            self.game.resume(RESUME_COUNTDOWN_MS)

    def stop(self, reason: str) -> None:
        """Ends the game early."""
        self.game.stop(reason)

    def picture(self) -> Message:
        """Everything about the game that a page needs from here on.

        Like every message it shows what is on the disk: the game may be a step ahead of it.
        """
        session = self.game.session
        facts, words = session.facts, presentation_of(session.facts.world)
        return {
            "id": self.id,
            "world": facts.world,
            "static": session.static_scene(),
            **self._shown,
            "horizon": facts.horizon,
            "tick_ms": session.tick_ms,
            "starts_in_ms": self.starts_in_ms(),
            "actions": list(facts.actions),
            "keys": dict(facts.keys),
            "art": words.art,
            "help": words.help,
            "touch": words.touch,
            "goal": words.goal,
        }

    def starts_in_ms(self) -> int:
        """Milliseconds until the game begins or goes on."""
        return round(self.game.starts_in_ms())

    # Heard from the scheduler

    def on_tick(self, game: Game, result: TickResult) -> None:
        """A step is on the disk."""
        self._shown = {
            "t": result.t,
            "scene": result.scene,
            "score": result.score,
            "scores": own_scores(game.session.facts, result.scores),
        }
        due = result.lines[-1]["due_ms"]
        self._tell_tick({"id": game.id, "due": due, "events": result.events, **self._shown})

    def on_end(self, game: Game, reason: str) -> None:
        """The record is closed."""
        session = game.session
        outcome = outcome_of(session.facts, session.contributions())
        self._tell_end(
            {
                "id": game.id,
                "episode": game.id,
                "reason": reason,
                "steps": session.t,
                "score": session.score,
                **asdict(outcome),
            }
        )

    def on_store_error(self, game: Game, error: OSError) -> None:
        """The disk refuses the record."""
        self._tell_stall({"id": game.id})

    def on_lost(self, game: Game) -> None:
        """Nothing: a record in a file is this process's own."""


def own_scores(facts: WorldFacts, scores: Sequence[float]) -> list[float] | None:
    """Points of each seat where every player has their own; None where they share all."""
    return list(scores) if shows_own_points(facts) else None


class Tables:
    """Opens games on one clock; policies are shared, so that games decide in one batch."""

    def __init__(self, config: PlayConfig) -> None:
        self._config = config
        self._scheduler = Scheduler()
        self._policies: dict[str, Policy] = {}
        self._loading = threading.Lock()
        self._count = itertools.count()

    def start(self) -> None:
        """Starts the clock."""
        self._scheduler.start()

    def close(self) -> None:
        """Ends every game and stops the clock."""
        self._scheduler.close()

    def open(self, wish: Start, chairs: Sequence[str | None], table: Table) -> None:
        """Loads everything that a game needs and takes it in; the clock starts with `Table.start`.

        Args:
            wish: What is to be played.
            chairs: Policy id of each seat, or None for a person's.
            table: Who hears of the game.

        Raises:
            UserError: The world or a policy cannot be loaded, or the record cannot be written.
        """
        options = {**self._config.options_of(wish.world), **wish.options}
        facts = make_world(wish.world, **options).facts
        policies = [
            self._policy(name, facts, seat) if name else None for seat, name in enumerate(chairs)
        ]
        config = SessionConfig(wish.world, table.chairs, self._seed(), options, wish.tick_ms)
        session = Session(config, policies)
        writer = EpisodeWriter(self._config.episodes_dir, session.header())
        table.sit_down(self._scheduler.seat(session, writer, table))

    def _policy(self, name: str, facts: WorldFacts, seat: int) -> Policy:
        with self._loading:
            if name not in self._policies:
                self._policies[name] = load_policy(name)
            check_fit(self._policies[name], facts, [seat])
            return self._policies[name]

    def _seed(self) -> int:
        if self._config.seed is None:
            return secrets.randbits(31)
        return self._config.seed + next(self._count)
