"""Sessions, policies and listeners that tests of live play share."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, SeatView
from play.episode import EpisodeWriter
from play.scheduler import Game, Scheduler
from play.session import SeatConfig, Session, SessionConfig, TickResult

WORLD = "kitchen/cramped_room"


class Walker:
    """A policy that draws uniformly among all actions; it counts its calls."""

    encoding = "lossless"

    def __init__(self, name: str = "walker", delay: float = 0.0, broken: str = "") -> None:
        self.name = name
        self.delay = delay
        self.broken = broken
        self.batches: list[int] = []

    def initial_state(self, batch: int) -> NDArray[np.float32]:
        return np.zeros((batch, 1), np.float32)

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        assert observations is not None
        assert observations.shape[1:] == views[0].world.facts.encodings["lossless"].shape
        self.batches.append(len(uniforms))
        time.sleep(self.delay)
        if self.broken == "raises":
            raise ZeroDivisionError("no good")
        size = len(uniforms)
        probabilities = np.full((size, 6), 1 / 6, np.float32)
        if self.broken == "nan":
            probabilities[:] = np.nan
        actions = (uniforms * 6).astype(np.int64)
        if self.broken == "action":
            actions[:] = 17
        if self.broken == "short":
            actions = actions[:0]
        return Decisions(actions, probabilities, state + 1)


def session(
    *policies: Walker | None,
    seed: int = 7,
    tick_ms: int = 10,
    horizon: int = 400,
    world: str = WORLD,
    **options: Any,
) -> Session:
    """A session, on cramped_room unless told otherwise; None is a person."""
    seats = tuple(
        SeatConfig("human", f"person {i}")
        if policy is None
        else SeatConfig("policy", f"agent {i}", policy.name)
        for i, policy in enumerate(policies)
    )
    config = SessionConfig(world, seats, seed, {"horizon": horizon, **options}, tick_ms)
    return Session(config, policies)


class Watcher:
    """A listener that keeps what it hears, and when."""

    def __init__(self) -> None:
        self.ticks: list[TickResult] = []
        self.on_disk: list[bytes] = []
        self.ended = threading.Event()
        self.reason = ""
        self.errors: list[OSError] = []
        self.lost = threading.Event()

    def on_tick(self, game: Game, result: TickResult) -> None:
        self.on_disk.append(game.writer.path.read_bytes().splitlines()[-1])
        self.ticks.append(result)

    def on_end(self, game: Game, reason: str) -> None:
        self.reason = reason
        self.ended.set()

    def on_store_error(self, game: Game, error: OSError) -> None:
        self.errors.append(error)

    def on_lost(self, game: Game) -> None:
        self.lost.set()


def seat(scheduler: Scheduler, folder: Path, play: Session) -> tuple[Game, Watcher]:
    """Puts a session on the clock, without starting it."""
    watcher = Watcher()
    return scheduler.seat(play, EpisodeWriter(folder, play.header()), watcher), watcher
