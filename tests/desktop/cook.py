"""A person at the desktop game: reads the record as it grows, and cooks by real keys.

What to do next is decided as a rule-based partner decides; where the game stands is what a world
of its own says after the recorded joint actions.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agents.policy import Policy, SeatView
from agents.scripted import GreedyChef
from play.episode import Episode, find_episodes, read_episode
from play.worlds.errors import UserError
from tests.desktop.xvfb import Desk, wait_for

KEYS = ("Up", "Down", "Right", "Left", None, "space")


def record(folder: Path) -> Episode | None:
    """The only game in a folder as far as it has come; None before it has begun."""
    try:
        return read_episode(find_episodes(folder)[-1], partial=True)
    except UserError:
        return None


class Cook:
    """Plays the game that runs on a desk, one short press at a time.

    Args:
        desk: The screen, with a game on it.
        folder: Where the game is recorded.
        policy: How it is played; by default as the greedy cook plays.

    Attributes:
        score: Team reward so far.
        over: Whether the game has ended.
    """

    def __init__(self, desk: Desk, folder: Path, policy: Policy | None = None) -> None:
        self._desk, self._folder = desk, folder
        wait_for("the record", lambda: record(folder) is not None)
        self._world: Any = self._record().make_world()
        seats = self._record().header["seats"]
        self._seat = [seat["kind"] for seat in seats].index("human")
        self._chance = np.random.default_rng(5)
        self._chef: Policy = policy or GreedyChef("greedy")
        self._memory = self._chef.initial_state(1)
        self._t = 0
        self.score, self.over = 0.0, False

    def play(self, until: Callable[[dict[str, Any]], bool]) -> None:
        """Cooks until something is true of the scene, or the game is over."""
        while not self.over:
            if not self._follow():
                time.sleep(0.01)
            elif until(self._world.scene(0)):
                return
            elif not self.over:
                self._press()

    def play_to_the_end(self) -> None:
        """Cooks until the game and its record end."""
        self.play(lambda _: False)
        wait_for("the end of the record", lambda: self._record().end is not None)

    def _record(self) -> Episode:
        found = record(self._folder)
        assert found is not None
        return found

    def _follow(self) -> bool:
        """Takes the steps that were recorded since; returns whether there were any."""
        episode = self._record()
        fresh = episode.joint_actions[self._t :]
        for joint in fresh:
            self._world.step(np.array([joint]))
            self.score += float(self._world.rewards[0].sum())
        self._t += len(fresh)
        # The last step is written, and may be read, a moment before the end of the record is.
        self.over = episode.end is not None or self._t >= episode.header["horizon"]
        return bool(fresh)

    def _press(self) -> None:
        view = SeatView(self._world, 0, self._seat)
        decision = self._chef.act(None, [view], self._memory, self._chance.random(1))
        self._memory = decision.state
        key = KEYS[int(decision.actions[0])]
        if key is not None:
            self._desk.press(key)
