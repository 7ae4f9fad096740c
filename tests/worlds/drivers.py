"""Players for tests: random ones, and ones who follow the rules of cooking well enough that every
kind of event comes up."""

import numpy as np

from play.worlds.kitchen.layouts import POT, Layout
from play.worlds.kitchen.paths import FAR, all_distances
from play.worlds.kitchen.state import (
    DISH,
    INTERACT,
    NOTHING,
    PLAYERS,
    SOUP,
    Tables,
    counters_offset,
    pots_offset,
)


class RandomDriver:
    """Uniformly random actions."""

    def __init__(self, tables: Tables, seed: int) -> None:
        self.players = tables.players
        self.generator = np.random.default_rng(seed)

    def __call__(self, row: np.ndarray) -> list[int]:
        return self.generator.integers(6, size=self.players).tolist()


class CookingDriver:
    """Everyone walks to a station that makes sense for what they hold, and uses it.

    Now and then a player acts at random or chooses a station that makes little sense, so that
    collisions, wrong recipes and things left on counters come up as well.
    """

    def __init__(self, layout: Layout, tables: Tables, seed: int, noise: float = 0.15) -> None:
        self.tables, self.noise = tables, noise
        self.generator = np.random.default_rng(seed)
        self.cells, self.distances, self.kinds = [], [], []
        for kind in "XOTDPS":
            cells, distances = all_distances(layout, tables, kind)
            for column, cell in enumerate(cells):
                self.cells.append(int(cell))
                self.kinds.append(kind)
                self.distances.append(distances[:, column])
        self.goals: list[int | None] = [None] * tables.players
        self.patience = [0] * tables.players

    def __call__(self, row: np.ndarray) -> list[int]:
        return [self.act(row, player) for player in range(self.tables.players)]

    def act(self, row: np.ndarray, player: int) -> int:
        if self.generator.random() < self.noise:
            return int(self.generator.integers(6))
        cell, facing, held = (int(n) for n in row[PLAYERS + 3 * player :][:3])
        self.patience[player] -= 1
        if self.goals[player] is None or self.patience[player] < 0:
            self.goals[player] = self.choose(row, 4 * cell + facing, held)
            self.patience[player] = 25
        goal = self.goals[player]
        if goal is None:
            return int(self.generator.integers(6))
        steps = self.distances[goal]
        here = steps[4 * cell + facing]
        if here == 0:
            self.goals[player] = None
            return INTERACT
        there = [steps[4 * self.tables.walk[4 * cell + d] + d] for d in range(4)]
        better = [d for d in range(4) if there[d] < here]
        return int(self.generator.choice(better))

    def choose(self, row: np.ndarray, at: int, held: int) -> int | None:
        weights = np.array(
            [
                self.weight(row, number, held) if self.distances[number][at] < FAR else 0.0
                for number in range(len(self.cells))
            ]
        )
        if weights.sum() == 0:
            return None
        return int(self.generator.choice(len(weights), p=weights / weights.sum()))

    def weight(self, row: np.ndarray, station: int, held: int) -> float:
        """How much sense a station makes for somebody who holds an item."""
        kind, slot = self.kinds[station], int(self.tables.slot[self.cells[station]])
        if kind == POT:
            return self.pot_weight(row, slot, held)
        if kind == "X":
            lying = row[counters_offset(self.tables) + slot]
            if (held == NOTHING) == (lying == NOTHING):
                return 0.0
            return 1.5 if held == NOTHING else 0.1
        if kind == "S":
            return 8.0 if held >= SOUP else 0.01
        if held != NOTHING:
            return 0.01
        return 2.0 if kind in "OT" else 0.5 + 3.0 * self.cooking(row)

    def pot_weight(self, row: np.ndarray, pot: int, held: int) -> float:
        at = pots_offset(self.tables) + 3 * pot
        size, tick = int(row[at] + row[at + 1]), int(row[at + 2])
        if held == NOTHING:
            return (0.3, 0.3, 6.0)[min(size, 3) - 1] if size and tick < 0 else 0.05
        if held == DISH:
            return 8.0 if tick >= 0 else 0.05
        if held < DISH:
            return 4.0 if tick < 0 and size < self.tables.most else 0.05
        return 0.02

    def cooking(self, row: np.ndarray) -> int:
        ticks = row[pots_offset(self.tables) + 2 : counters_offset(self.tables) : 3]
        return int((ticks >= 0).sum())
