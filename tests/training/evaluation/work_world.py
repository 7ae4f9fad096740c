"""A game in which everything that an evaluation measures has a closed form: work or be idle.

In each of eight steps a player idles or works. Work by either partner earns one point for everybody
and costs the worker a quarter of a point. "work/pair" is for two partners; in "work/guest" there is
a third seat of another role, whose work makes a step earn nothing.
"""

from typing import Any

import numpy as np

from play.worlds.spec import Encoding, WorldFacts

STEPS, COST = 8, 0.25
IDLE, WORK = 0, 1


class WorkWorld:
    def __init__(self, instance: str, num_envs: int) -> None:
        players = {"pair": 2, "guest": 3}[instance]
        self.facts = WorldFacts(
            world=f"work/{instance}", version=1, options={}, num_players=players,
            actions=("idle", "work"), idle_action=IDLE, horizon=STEPS, tick_ms=150,
            step_reward_range=(-1, 4), reward_unit=1.0,
            encodings={"one": Encoding("one", 1, (1,), "float32", ("one",))},
            events=("worked",), contributions={"work done": ("worked",)}, keys={}, renderer="none",
            shared_reward=False, costs={"worked": COST},
            roles=("partner", "partner", "guest") if players == 3 else (),
        )  # fmt: skip
        self.num_envs = num_envs
        self.rewards = np.zeros((num_envs, players), np.float32)
        self.shaped_rewards = np.zeros((num_envs, players), np.float32)
        self.done = np.zeros(num_envs, np.bool_)
        self.events = np.zeros((num_envs, players, 1), np.bool_)
        self.streams = np.zeros((num_envs, 0), np.int64)
        self.seeds: Any = None
        self.reset(0)

    def reset(self, seed: Any = None) -> None:
        self.seeds, self._time = seed, 0

    def step(self, actions: Any) -> None:
        works = actions == WORK
        earned = works[:, :2].sum(1)
        if works.shape[1] == 3:
            earned = np.where(works[:, 2], 0, earned)
        self.rewards[:] = earned[:, None] - COST * works
        self.events[:, :, 0] = works
        self._time += 1
        self.done[:] = self._time == STEPS

    def observe(self, encoding: str, out: Any = None) -> Any:
        return np.ones((*self.rewards.shape, 1), np.float32)


def make(instance: str, num_envs: int, autoreset: bool = False) -> WorkWorld:
    return WorkWorld(instance, num_envs)


def instances() -> list[str]:
    return ["pair", "guest"]
