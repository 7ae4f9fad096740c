"""Kitchens for two that no one has drawn: one for every number, all of them solvable.

A kitchen is drawn at random and kept if it is solvable. That is decided by where the cooks can go:
either both share a room, and one cook could do all the work while the other stands somewhere out
of the way; or each has a room of their own, and there is a pot to which ingredients and dishes can
get and from which soups can, perhaps over counters that the rooms share. That is about what can be
done, not about who can do it: in narrow ones the rule-based cooks get stuck. The orders are those
of the classic layouts, soups of three onions.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np

from play.worlds.kitchen.layouts import (
    CLASSICS,
    COUNTER,
    DISHES,
    FLOOR,
    ONIONS,
    POT,
    SERVING,
    TOMATOES,
    Cell,
    load_layout,
    reachable_cells,
)

SALT = 20261129  # the stream of a number is not the one that trainers take for their seeds
SMALLEST, LARGEST = (3, 2), (9, 6)
"""(width, height) of the floor's rectangle, without the border."""
FORMS = ("open", "island", "divided")
FORM_SHARES = (0.35, 0.25, 0.4)
CLUTTER = {"open": 0.35, "island": 0.1, "divided": 0.15}
"""Share of the floor that counters stand on, at most, by form."""
FEWEST_BRIDGES = 2  # with one, an onion and a soup could wait for each other
TEMPLATE = """{{
    "grid": \"\"\"{grid}\"\"\",
    "start_all_orders": [{{"ingredients": ["onion", "onion", "onion"]}}],
}}
"""

Grid = list[list[str]]


def kitchen_text(number: int) -> str:
    """The contents of the `.layout` file of the kitchen with a number, 0 or more."""
    return TEMPLATE.format(grid=("\n" + " " * 16).join(kitchen_rows(number)).strip())


def kitchen_name(number: int) -> str:
    """Its name."""
    return f"generated-{number}"


def kitchen_rows(number: int) -> tuple[str, ...]:
    """The rows of its grid, with the cooks' digits."""
    generator = np.random.default_rng(np.random.SeedSequence((SALT, number)))
    while True:
        grid, starts = _draw(generator)
        rows = tuple("".join(row) for row in grid)
        if solvable(rows, starts) and canonical(rows) not in _classics():
            for digit, (x, y) in enumerate(starts, 1):
                grid[y][x] = str(digit)
            return tuple("".join(row) for row in grid)


def solvable(rows: Sequence[str], starts: Sequence[Cell]) -> bool:
    """Whether two cooks can cook and serve soups in a kitchen, both of use; see the module.

    Args:
        rows: The grid without digits.
        starts: Where the cooks start.
    """
    (floor, stations), (_, other_stations) = (reachable_cells(rows, [start]) for start in starts)
    if same_room(rows, starts):
        return any(_works(rows, floor - {aside}) for aside in floor)
    kinds = [{rows[y][x] for x, y in seen} for seen in (stations, other_stations)]
    shared = sum(rows[y][x] == COUNTER for x, y in stations & other_stations)
    joined = shared >= FEWEST_BRIDGES
    everything = {ONIONS, TOMATOES, DISHES, POT, SERVING}
    return all(own & everything for own in kinds) and any(
        POT in own
        and all(
            any(kind in room for kind in wanted for room in (kinds if joined else [own]))
            for wanted in (ONIONS + TOMATOES, DISHES, SERVING)
        )
        for own in kinds
    )


def same_room(rows: Sequence[str], starts: Sequence[Cell]) -> bool:
    """Whether both cooks can walk to where the other starts."""
    return starts[1] in reachable_cells(rows, starts[:1])[0]


def _works(rows: Sequence[str], floor: Collection[Cell]) -> bool:
    """Whether a cook who is confined to some floor can go everywhere on it and do all the work."""
    if not floor:
        return False
    closed = [
        "".join(cell if cell != FLOOR or (x, y) in floor else COUNTER for x, cell in enumerate(row))
        for y, row in enumerate(rows)
    ]
    reached, stations = reachable_cells(closed, [min(floor)])
    kinds = {rows[y][x] for x, y in stations}
    return (
        reached == set(floor)
        and {DISHES, POT, SERVING} <= kinds
        and bool(kinds & {ONIONS, TOMATOES})
    )


def canonical(rows: Sequence[str]) -> tuple[str, ...]:
    """The same for a grid and all its rotations and reflections."""
    found, turned = [], tuple(rows)
    for _ in range(4):
        turned = tuple("".join(column) for column in zip(*turned[::-1], strict=True))
        found += [turned, tuple(row[::-1] for row in turned)]
    return min(found)


@lru_cache(maxsize=1)
def _classics() -> frozenset[tuple[str, ...]]:
    return frozenset(canonical(load_layout(name).rows) for name in CLASSICS)


def _draw(generator: np.random.Generator) -> tuple[Grid, tuple[Cell, Cell]]:
    """A kitchen that may be anything but a hole."""
    width, height = (
        int(generator.integers(least, most + 1)) + 2
        for least, most in zip(SMALLEST, LARGEST, strict=True)
    )
    form = FORMS[generator.choice(len(FORMS), p=FORM_SHARES)]
    grid = [[COUNTER] * width for _ in range(height)]
    for y in range(1, height - 1):
        grid[y][1:-1] = [FLOOR] * (width - 2)
    clutter = CLUTTER[form] * generator.random()
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if generator.random() < clutter:
                grid[y][x] = COUNTER
    if form == "island":
        _put_island(grid, generator)
    if form == "divided":
        _put_wall(grid, generator)
    starts = _put_cooks(grid, form == "divided", generator)
    _close_rooms(grid, starts)
    _put_stations(grid, starts, generator)
    return grid, starts


def _put_island(grid: Grid, generator: np.random.Generator) -> None:
    """Counters in the middle with a way around them, if there is room."""
    width, height = len(grid[0]), len(grid)
    if width < 5 or height < 5:
        return
    x, y = generator.integers(2, width - 2), generator.integers(2, height - 2)
    for row in grid[y : generator.integers(y + 1, height - 1)]:
        end = width - 2 if width < 7 else generator.integers(x + 1, width - 1)
        row[x:end] = [COUNTER] * (end - x)


def _put_wall(grid: Grid, generator: np.random.Generator) -> None:
    """A row or column of counters from border to border."""
    width, height = len(grid[0]), len(grid)
    upright = height < 5 or generator.random() < 0.7
    if upright:
        x = generator.integers(2, width - 2)
        for row in grid:
            row[x] = COUNTER
    else:
        grid[generator.integers(2, height - 2)] = [COUNTER] * width


def _put_cooks(grid: Grid, apart: bool, generator: np.random.Generator) -> tuple[Cell, Cell]:
    """Two floor cells, in different rooms if that is asked for and there are such."""
    floor = _cells(grid, FLOOR)
    if len(floor) < 2:
        return (1, 1), (1, 1)  # never solvable, since no station is reachable
    first = floor[generator.integers(len(floor))]
    own, _ = reachable_cells(["".join(row) for row in grid], [first])
    others = [cell for cell in floor if cell not in own] if apart else []
    others = others or [cell for cell in floor if cell != first]
    return first, others[generator.integers(len(others))]


def _close_rooms(grid: Grid, starts: Sequence[Cell]) -> None:
    """Fills the floor that nobody can get to."""
    floor, _ = reachable_cells(["".join(row) for row in grid], starts)
    for x, y in _cells(grid, FLOOR):
        if (x, y) not in floor:
            grid[y][x] = COUNTER


def _put_stations(grid: Grid, starts: Sequence[Cell], generator: np.random.Generator) -> None:
    """One or two of each station, in places of the counters that somebody can reach."""
    _, stations = reachable_cells(["".join(row) for row in grid], starts)
    places = sorted(stations)
    order = [places[k] for k in generator.permutation(len(places))]
    for kind, often in ((POT, 0.5), (ONIONS, 0.5), (DISHES, 0.2), (SERVING, 0.2)):
        for _ in range(1 + int(generator.random() < often)):
            if order:
                x, y = order.pop()
                grid[y][x] = kind


def _cells(grid: Grid, kind: str) -> list[Cell]:
    return [(x, y) for y, row in enumerate(grid) for x, cell in enumerate(row) if cell == kind]
