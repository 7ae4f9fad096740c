"""Which station is nearest, counting steps and turns: what the featurize encoding asks.

Source: `MotionPlanner(mdp, counter_goals=[])` of overcooked-ai 1.1.0. A player goes from (cell,
facing) to the floor next to a station, facing it; others are ignored; counters are no goals, as
in the reference's default. Among equally near stations the first, row by row, wins.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.encode import NEAREST, NUM_POTS
from play.worlds.kitchen.layouts import DIRECTIONS, Layout
from play.worlds.kitchen.state import Tables

STATIONS = "OTDS"  # the first four columns of the table; the pots follow, nearest first
OPPOSITE = (1, 0, 3, 2)
FAR = np.iinfo(np.int32).max


def nearest_stations(layout: Layout, tables: Tables) -> NDArray[np.int32]:
    """[4 * cells, NEAREST] cell of the nearest station of each kind, or -1 if there is none.

    Row ``4 * cell + facing`` belongs to a player who stands at a cell and faces a direction.
    """
    table = np.full((4 * tables.cells, NEAREST), -1, np.int32)
    for column, terrain in enumerate(STATIONS):
        cells, distances = all_distances(layout, tables, terrain)
        table[:, column] = pick_nearest(cells, distances)
    cells, distances = all_distances(layout, tables, "P")
    for number in range(NUM_POTS):
        best = pick_nearest(cells, distances)
        table[:, 4 + number] = best
        distances[cells[None, :] == best[:, None]] = FAR
    return table


def pick_nearest(cells: NDArray[np.int32], distances: NDArray[np.int32]) -> NDArray[np.int32]:
    """For each row of distances the cell with the least one, the first if several; else -1."""
    if not len(cells):
        return np.full(len(distances), -1, np.int32)
    best = distances.argmin(axis=1)
    reachable = distances[np.arange(len(distances)), best] < FAR
    return np.where(reachable, cells[best], -1).astype(np.int32)


def all_distances(
    layout: Layout, tables: Tables, terrain: str
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The cells of one kind [S], and the steps to them from everywhere [4 * cells, S]."""
    places = layout.cells(terrain)
    cells = np.array([x * layout.height + y for x, y in places], np.int32)
    distances = np.full((4 * tables.cells, len(places)), FAR, np.int32)
    arrivals = arrive(tables)
    for column, (x, y) in enumerate(places):
        goals = []
        for direction, (dx, dy) in enumerate(DIRECTIONS):
            inside = 0 <= x + dx < layout.width and 0 <= y + dy < layout.height
            if inside and layout.terrain_at((x + dx, y + dy)) == " ":
                goals.append(4 * ((x + dx) * layout.height + y + dy) + OPPOSITE[direction])
        distances[:, column] = steps_to(goals, arrivals, 4 * tables.cells)
    return cells, distances


def arrive(tables: Tables) -> dict[int, list[int]]:
    """For every (cell, facing), the (cell, facing) pairs from which one action leads there."""
    arrivals: dict[int, list[int]] = {}
    for cell in range(tables.cells):
        if tables.terrain[cell] != 0:
            continue
        for direction in range(4):
            there = 4 * int(tables.walk[4 * cell + direction]) + direction
            arrivals.setdefault(there, []).extend(4 * cell + facing for facing in range(4))
    return arrivals


def steps_to(goals: list[int], arrivals: dict[int, list[int]], size: int) -> NDArray[np.int32]:
    """[size] Steps from every (cell, facing) to the nearest goal, by breadth-first search."""
    steps = np.full(size, FAR, np.int32)
    steps[goals] = 0
    queue = deque(goals)
    while queue:
        here = queue.popleft()
        for before in arrivals.get(here, ()):
            if steps[before] == FAR:
                steps[before] = steps[here] + 1
                queue.append(before)
    return steps
