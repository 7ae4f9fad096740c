"""mpe2's simple_tag as the oracle of tag: the same states put into both, in float64."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpe2 import simple_tag_v3

from play.worlds.tag.state import AGENT_SIZE, AGENTS, OBSTACLE_SIZE, TIME, Tables, row_size


class Oracle:
    """One game of simple_tag whose state can be read and set."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.env = simple_tag_v3.parallel_env(
            num_good=tables.runners,
            num_adversaries=tables.chasers,
            num_obstacles=tables.obstacles,
            max_cycles=tables.horizon,
        )
        self.env.reset(seed=0)
        self.names = self.env.possible_agents
        self.world: Any = self.env.unwrapped.world
        self.scenario: Any = self.env.unwrapped.scenario

    def reset(self, seed: int) -> None:
        self.env.reset(seed=seed)

    def row(self, time: int) -> np.ndarray:
        """The state as a row of ours."""
        row = np.zeros(row_size(self.tables))
        row[TIME] = time
        for p, agent in enumerate(self.world.agents):
            at = AGENTS + AGENT_SIZE * p
            row[at : at + 2], row[at + 2 : at + 4] = agent.state.p_pos, agent.state.p_vel
        for o, landmark in enumerate(self.world.landmarks):
            at = AGENTS + AGENT_SIZE * self.tables.agents + OBSTACLE_SIZE * o
            row[at : at + 2] = landmark.state.p_pos
        return row

    def put(self, row: np.ndarray) -> None:
        """Goes to the state of a row of ours."""
        for p, agent in enumerate(self.world.agents):
            at = AGENTS + AGENT_SIZE * p
            agent.state.p_pos, agent.state.p_vel = (
                row[at : at + 2].copy(),
                row[at + 2 : at + 4].copy(),
            )
        for o, landmark in enumerate(self.world.landmarks):
            at = AGENTS + AGENT_SIZE * self.tables.agents + OBSTACLE_SIZE * o
            landmark.state.p_pos = row[at : at + 2].copy()

    def step(self, actions: list[int]) -> list[float]:
        """Takes a joint action; rewards of all agents."""
        _, rewards, *_ = self.env.step(dict(zip(self.names, actions, strict=True)))
        return [rewards[name] for name in self.names]

    def observations(self) -> list[np.ndarray]:
        """What each agent sees, in float64."""
        return [self.scenario.observation(agent, self.world) for agent in self.world.agents]


class ChasingDriver:
    """Joint actions in which things happen: chasers go for the nearest runner, which goes away."""

    def __init__(self, tables: Tables, seed: int, noise: float) -> None:
        self._tables, self._noise = tables, noise
        self._random = np.random.default_rng(seed)

    def __call__(self, row: np.ndarray) -> list[int]:
        count, chasers = self._tables.agents, self._tables.chasers
        places = row[AGENTS : AGENTS + AGENT_SIZE * count].reshape(count, AGENT_SIZE)[:, :2]
        return [
            int(self._random.integers(5))
            if self._random.random() < self._noise
            else towards(
                places[p], places[chasers:] if p < chasers else places[:chasers], p < chasers
            )
            for p in range(count)
        ]


def towards(own: np.ndarray, others: np.ndarray, hunts: bool) -> int:
    """Along the longer axis to the nearest other, or away from it and back into bounds."""
    offset = others[np.argmin(((others - own) ** 2).sum(axis=1))] - own
    if not hunts:
        offset = -own if np.abs(own).max() > 1.1 else -offset
    axis = int(np.argmax(np.abs(offset)))
    return 1 + 2 * axis + int(offset[axis] > 0)


@dataclass(frozen=True)
class Transition:
    """What mpe2 makes of a state and a joint action."""

    before: np.ndarray
    seen: list[np.ndarray]
    actions: list[int]
    after: np.ndarray
    rewards: list[float]


def transitions(tables: Tables, seed: int, noise: float) -> Iterator[Transition]:
    """One episode of mpe2's."""
    oracle = Oracle(tables)
    oracle.reset(seed)
    drive = ChasingDriver(tables, seed, noise)
    for time in range(tables.horizon):
        before, seen = oracle.row(time), oracle.observations()
        actions = drive(before)
        rewards = oracle.step(actions)
        yield Transition(before, seen, actions, oracle.row(time + 1), rewards)
