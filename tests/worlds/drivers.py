"""Players for tests: random ones, and cooks who follow the rules well enough to see every event."""

import random
from collections.abc import Sequence

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

Row = Sequence[int]


class RandomDriver:
    """Uniformly random actions."""

    def __init__(self, tables: Tables, seed: int) -> None:
        self.players = tables.players
        self.random = random.Random(seed)

    def __call__(self, row: Row) -> list[int]:
        return [self.random.randrange(6) for _ in range(self.players)]


class CookingDriver:
    """Everyone walks to a station that makes sense for what they hold, and uses it.

    Now and then a player acts at random or chooses a station that makes little sense, so that
    collisions, wrong recipes and things left on counters come up as well.
    """

    def __init__(self, layout: Layout, tables: Tables, seed: int, noise: float = 0.15) -> None:
        self.players, self.most = tables.players, tables.most
        self.pots, self.counters = pots_offset(tables), counters_offset(tables)
        self.walk, self.slot = tables.walk.tolist(), tables.slot.tolist()
        self.kinds: list[str] = []
        self.slots: list[int] = []
        self.distances: list[list[int]] = []
        for kind in "XOTDPS":
            cells, distances = all_distances(layout, tables, kind)
            for column, cell in enumerate(cells.tolist()):
                if distances[:, column].min() < FAR:
                    self.kinds.append(kind)
                    self.slots.append(self.slot[cell])
                    self.distances.append(distances[:, column].tolist())
        self.restart(seed, noise)

    def restart(self, seed: int, noise: float = 0.15) -> None:
        """Forgets all goals."""
        self.noise = noise
        self.random = random.Random(seed)
        self.goals: list[int | None] = [None] * self.players
        self.patience = [0] * self.players

    def __call__(self, row: Row) -> list[int]:
        return [self.act(row, player) for player in range(self.players)]

    def act(self, row: Row, player: int) -> int:
        if self.random.random() < self.noise:
            return self.random.randrange(6)
        cell, facing, held = row[PLAYERS + 3 * player : PLAYERS + 3 * player + 3]
        self.patience[player] -= 1
        if self.goals[player] is None or self.patience[player] < 0:
            self.goals[player] = self.choose(row, 4 * cell + facing, held)
            self.patience[player] = 25
        goal = self.goals[player]
        if goal is None:
            return self.random.randrange(6)
        steps = self.distances[goal]
        here = steps[4 * cell + facing]
        if here == 0:
            self.goals[player] = None
            return INTERACT
        return self.random.choice(
            [d for d in range(4) if steps[4 * self.walk[4 * cell + d] + d] < here]
        )

    def choose(self, row: Row, at: int, held: int) -> int | None:
        reachable = [n for n, steps in enumerate(self.distances) if steps[at] < FAR]
        weights = [self.weight(row, number, held) for number in reachable]
        return self.random.choices(reachable, weights)[0] if sum(weights) > 0 else None

    def weight(self, row: Row, station: int, held: int) -> float:
        """How much sense a station makes for somebody who holds an item."""
        kind = self.kinds[station]
        if kind == POT:
            return self.pot_weight(row, self.slots[station], held)
        if kind == "X":
            lying = row[self.counters + self.slots[station]]
            if (held == NOTHING) == (lying == NOTHING):
                return 0.0
            return 1.5 if held == NOTHING else 0.1
        if kind == "S":
            return 8.0 if held >= SOUP else 0.01
        if held != NOTHING:
            return 0.01
        return 2.0 if kind in "OT" else 0.5 + 3.0 * self.cooking(row)

    def pot_weight(self, row: Row, pot: int, held: int) -> float:
        onions, tomatoes, tick = row[self.pots + 3 * pot : self.pots + 3 * pot + 3]
        size = onions + tomatoes
        if held == NOTHING:
            return (0.3, 0.3, 6.0)[min(size, 3) - 1] if size and tick < 0 else 0.05
        if held == DISH:
            return 8.0 if tick >= 0 else 0.05
        if held < DISH:
            return 4.0 if tick < 0 and size < self.most else 0.05
        return 0.02

    def cooking(self, row: Row) -> int:
        return sum(tick >= 0 for tick in row[self.pots + 2 : self.counters : 3])
