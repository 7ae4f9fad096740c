"""A game that takes a second to learn: name the goal that both players see.

Each step shows a goal in 0..2; a player who names it earns half a point. An episode has four
steps. Seat 1 sees the goal in the same place, and each seat sees a flag of its own.
"""

from typing import Any

import numpy as np

from play.worlds.spec import Encoding, WorldFacts

GOALS = 3


class TinyWorld:
    def __init__(self, num_envs: int, autoreset: bool) -> None:
        self.facts = WorldFacts(
            world="tiny/goal", version=1, options={}, num_players=2, actions=("a", "b", "c"),
            idle_action=0, horizon=4, tick_ms=150, step_reward_range=(0, 1), reward_unit=1.0,
            encodings={"goal": Encoding("goal", 1, (GOALS + 2,), "uint8", tuple("abc01"))},
            events=(), contributions={}, keys={}, renderer="none",
        )  # fmt: skip
        self.num_envs, self._autoreset = num_envs, autoreset
        self.rewards = np.zeros((num_envs, 2), np.float32)
        self.shaped_rewards = np.zeros((num_envs, 2), np.float32)
        self.done = np.zeros(num_envs, np.bool_)
        self.events = np.zeros((num_envs, 2, 0), np.bool_)
        self.streams = np.zeros((num_envs, 1), np.int64)
        self._states = np.zeros((num_envs, 2), np.int64)  # time and goal
        self.reset(0)

    def reset(self, seed: Any = None) -> None:
        if seed is not None:
            words = np.random.SeedSequence(seed).generate_state(self.num_envs)
            self.streams[:, 0] = words
        self._states[:, 0] = 0
        self._draw_goals()

    def _draw_goals(self) -> None:
        self.streams[:] = (self.streams * 1103515245 + 12345) % 2**31
        self._states[:, 1] = self.streams[:, 0] // 2**16 % GOALS

    def shape_useful(self) -> None:
        """Without effect: nothing is shaped."""

    def draw_starts(self, share: float) -> None:
        assert 0 <= share <= 1

    def step(self, actions: Any) -> None:
        self.rewards[:] = 0.5 * (actions == self._states[:, 1:])
        self._states[:, 0] += 1
        self.done[:] = self._states[:, 0] == self.facts.horizon
        if self._autoreset:
            self._states[self.done, 0] = 0
        self._draw_goals()

    def observe(self, encoding: str, out: Any = None) -> Any:
        assert encoding == "goal"
        if out is None:
            out = np.empty((self.num_envs, 2, GOALS + 2), np.uint8)
        out[:] = 0
        out[np.arange(self.num_envs), :, self._states[:, 1]] = 1
        out[:, 0, GOALS] = out[:, 1, GOALS + 1] = 1
        return out

    def get_states(self, envs: Any = slice(None)) -> Any:
        return self._states[envs].copy()

    def set_states(self, rows: Any, envs: Any = slice(None)) -> None:
        self._states[envs] = rows


def make(instance: str, num_envs: int, autoreset: bool = False) -> TinyWorld:
    return TinyWorld(num_envs, autoreset)


def instances() -> list[str]:
    return ["goal"]
