"""Which states can come up: random first states, and how much an observation can hold."""

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.convert import start_row
from play.worlds.kitchen.layouts import Layout, reachable_cells
from play.worlds.kitchen.recipes import STRIDE, entry
from play.worlds.kitchen.state import (
    CELL,
    DISH,
    FACING,
    HELD,
    N_ONIONS,
    N_TOMATOES,
    NOTHING,
    ONION,
    PLAYERS,
    SOUP,
    TICK,
    TIME,
    TOMATO,
    Tables,
    counters_offset,
    pots_offset,
    soup_item,
)  # fmt: skip

NUM_RANDOM_STARTS = 1024
RANDOM_STARTS_SEED = 20190514
EMPTY_SHARE = 0.5  # of hands and pots in random states


def sparse_width(layout: Layout, tables: Tables) -> int:
    """Entries K that the sparse form of any reachable state needs at most.

    Every player takes two. What a player holds, what lies on a counter that somebody can reach,
    and what is in a pot takes one per kind of ingredient and one more; urgency takes one.
    """
    kinds = sum(1 for terrain in "OT" if layout.cells(terrain))
    first = start_row(layout, tables)
    if layout.start_state is not None:
        kinds = 2  # it may contain what no dispenser offers
    things = tables.players + tables.pots + len(usable_counters(layout, tables, first))
    return 2 * tables.players + (1 + kinds) * things + 1


def usable_counters(layout: Layout, tables: Tables, first: NDArray[np.int32]) -> set[int]:
    """Counters that some player can reach, or that hold something from the start."""
    _, stations = reachable_cells(layout.rows, layout.starts)
    reached = {
        int(tables.slot[x * layout.height + y])
        for x, y in stations
        if layout.terrain_at((x, y)) == "X"
    }
    holding = np.flatnonzero(first[counters_offset(tables) :])
    return reached | {int(counter) for counter in holding}


def entries_needed(tables: Tables, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """[M] Entries that the sparse form of each state row [M, size] needs."""
    players = rows[:, PLAYERS : pots_offset(tables)].reshape(len(rows), -1, 3)
    pots = rows[:, pots_offset(tables) : counters_offset(tables)].reshape(len(rows), -1, 3)
    items = np.concatenate([players[:, :, HELD], rows[:, counters_offset(tables) :]], axis=1)
    soups = np.where(items >= SOUP, items - SOUP, 0)
    needed = (items != NOTHING).sum(1) + (soups // STRIDE > 0).sum(1) + (soups % STRIDE > 0).sum(1)
    needed += (pots[:, :, :TICK] > 0).sum((1, 2)) + (pots[:, :, TICK] >= 0).sum(1)
    total: NDArray[np.int64] = needed + 2 * tables.players + 1
    return total


def make_random_starts(
    layout: Layout, tables: Tables, any_time: bool, number: int = NUM_RANDOM_STARTS
) -> NDArray[np.int32]:
    """[number, size] first states with players, hands and pots at random; always the same ones.

    Players stay within the part of the kitchen that they start in, since in some layouts each
    has a room of their own. Only ingredients that the layout offers appear. The time is 0, or
    any time before the horizon.
    """
    generator = np.random.default_rng(RANDOM_STARTS_SEED)
    rooms = [sorted(reachable_cells(layout.rows, [start])[0]) for start in layout.starts]
    rows = np.repeat(start_row(layout, tables)[None], number, axis=0)
    for row in rows:
        row[TIME] = generator.integers(tables.horizon) if any_time else 0
        place_players(layout, rooms, row, generator)
        for player in range(tables.players):
            b = PLAYERS + 3 * player
            row[b + FACING] = generator.integers(4)
            row[b + HELD] = random_item(layout, generator)
        for pot in range(tables.pots):
            fill_pot(layout, row, pots_offset(tables) + 3 * pot, generator)
    return rows


def place_players(
    layout: Layout,
    rooms: list[list[tuple[int, int]]],
    row: NDArray[np.int32],
    generator: np.random.Generator,
) -> None:
    """Puts every player on a floor cell of their own."""
    taken: set[tuple[int, int]] = set()
    for player, room in enumerate(rooms):
        free = [cell for cell in room if cell not in taken]
        x, y = free[generator.integers(len(free))]
        taken.add((x, y))
        row[PLAYERS + 3 * player + CELL] = x * layout.height + y


def random_recipe(layout: Layout, size: int, generator: np.random.Generator) -> tuple[int, int]:
    """A recipe of a given size from the ingredients that the layout offers."""
    kinds = [kind for kind in "OT" if layout.cells(kind)]
    chosen = [kinds[generator.integers(len(kinds))] for _ in range(size)]
    return chosen.count("O"), chosen.count("T")


def random_item(layout: Layout, generator: np.random.Generator) -> int:
    """Something to hold, or nothing."""
    if generator.random() < EMPTY_SHARE:
        return NOTHING
    items = [DISH, soup_item(*random_recipe(layout, layout.book.max_ingredients, generator))]
    items += [item for item, kind in ((ONION, "O"), (TOMATO, "T")) if layout.cells(kind)]
    return int(items[generator.integers(len(items))])


def fill_pot(
    layout: Layout, row: NDArray[np.int32], at: int, generator: np.random.Generator
) -> None:
    """Leaves a pot as it is, or puts in ingredients; a full one cooks or is ready."""
    if generator.random() < EMPTY_SHARE:
        return
    most = layout.book.max_ingredients
    recipe = random_recipe(layout, int(generator.integers(1, most + 1)), generator)
    row[at + N_ONIONS], row[at + N_TOMATOES] = recipe
    if sum(recipe) == most:
        row[at + TICK] = generator.integers(layout.book.times[entry(recipe)] + 1)
