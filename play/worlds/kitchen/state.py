"""How a state of the kitchen lies in memory, and what the rules look up while they run.

A state is one row of int32 numbers:

    [0]                     time step
    [1 + 3p ...]            player p: cell, facing, held item
    [1 + 3A + 3q ...]       pot q: onions, tomatoes, cooking tick (-1 while idle)
    [1 + 3A + 3P + c]       item on counter c

A cell is numbered ``x * height + y``, so that cell, channel pairs are positions in the flat
lossless encoding. Facing and direction actions share their numbers: north, south, east, west.
Pots and counters are numbered row by row.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.layouts import DIRECTIONS, POT, TERRAIN, Layout
from play.worlds.kitchen.recipes import STRIDE

TIME = 0
PLAYERS = 1  # where the players begin in a state row
CELL, FACING, HELD = 0, 1, 2  # within a player
N_ONIONS, N_TOMATOES, TICK = 0, 1, 2  # within a pot
IDLE = -1

NOTHING, ONION, TOMATO, DISH = 0, 1, 2, 3
SOUP = 64  # a soup is SOUP + onions * STRIDE + tomatoes

ACTIONS = ("north", "south", "east", "west", "stay", "interact")
STAY, INTERACT = 4, 5

EVENTS = (
    "tomato_pickup", "useful_tomato_pickup", "tomato_drop", "useful_tomato_drop",
    "potting_tomato",
    "onion_pickup", "useful_onion_pickup", "onion_drop", "useful_onion_drop", "potting_onion",
    "dish_pickup", "useful_dish_pickup", "dish_drop", "useful_dish_drop",
    "soup_pickup", "soup_delivery", "soup_drop",
    "optimal_onion_potting", "optimal_tomato_potting",
    "viable_onion_potting", "viable_tomato_potting",
    "catastrophic_onion_potting", "catastrophic_tomato_potting",
    "useless_onion_potting", "useless_tomato_potting",
)  # fmt: skip
"""Event names of overcooked-ai, in its order."""


class Tables(NamedTuple):
    """A layout as the rules use it; arrays when compiled, lists in plain Python.

    Attributes:
        players: Number of players A.
        pots: Number of pots P.
        counters: Number of counters C.
        cells: Number of cells, width * height.
        horizon: Steps in an episode.
        old: Whether the old dynamics apply.
        most: Ingredients that a pot holds at most.
        terrain: [cells] index into `TERRAIN`.
        slot: [cells] number of the pot or counter there.
        walk: [4 * cells] the cell where a step in a direction ends: the neighbour if it is
            floor, else the cell itself.
        faced: [4 * cells] the neighbour in a direction.
        place: [P + C] the cells of the pots, then of the counters.
        value: [64] points per recipe.
        time: [64] cooking time per recipe.
        best: [64] highest value still reachable from a recipe.
        shaping: [3 + 64] whether only what serves an order is paid for; shaped reward for potting,
            for a useful dish, and by recipe for a soup from a pot.
    """

    players: int
    pots: int
    counters: int
    cells: int
    horizon: int
    old: int
    most: int
    terrain: Any
    slot: Any
    walk: Any
    faced: Any
    place: Any
    value: Any
    time: Any
    best: Any
    shaping: Any


def useful(shaping: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """`Tables.shaping` [..., 3 + 64], but with no pay for soups without a value [..., 64]."""
    soups = np.where(value > 0, shaping[..., 3:], 0)
    return np.concatenate([np.ones_like(shaping[..., :1]), shaping[..., 1:3], soups], -1)


def make_tables(layout: Layout, horizon: int) -> Tables:
    """Numbers the cells, pots and counters of a layout."""
    width, height = layout.width, layout.height
    terrain = np.zeros(width * height, np.int32)
    slot = np.zeros(width * height, np.int32)
    walk = np.zeros((width * height, 4), np.int32)
    faced = np.zeros((width * height, 4), np.int32)
    for x in range(width):
        for y in range(height):
            cell = x * height + y
            terrain[cell] = TERRAIN.index(layout.rows[y][x])
            for direction, (dx, dy) in enumerate(DIRECTIONS):
                there = (x + dx, y + dy)
                inside = 0 <= there[0] < width and 0 <= there[1] < height
                faced[cell, direction] = there[0] * height + there[1] if inside else cell
                free = inside and layout.terrain_at(there) == " "
                walk[cell, direction] = faced[cell, direction] if free else cell
    pots, counters = layout.cells(POT), layout.cells("X")
    for number, (x, y) in [*enumerate(pots), *enumerate(counters)]:
        slot[x * height + y] = number
    book = layout.book
    return Tables(
        players=len(layout.starts),
        pots=len(pots),
        counters=len(counters),
        cells=width * height,
        horizon=horizon,
        old=int(layout.dynamics == "old"),
        most=book.max_ingredients,
        terrain=terrain,
        slot=slot,
        walk=walk.reshape(-1),
        faced=faced.reshape(-1),
        place=np.array([x * height + y for x, y in pots + counters], np.int32),
        value=np.array(book.values, np.float64),
        time=np.array(book.times, np.int32),
        best=np.array(book.best, np.float64),
        shaping=np.array([0, *layout.shaping[:2], *[layout.shaping[2]] * len(book.values)]),
    )


def first_row(layout: Layout, tables: Tables) -> NDArray[np.int32]:
    """The usual first state: everyone at their start, facing north, with empty hands."""
    row = np.zeros(row_size(tables), np.int32)
    for player, (x, y) in enumerate(layout.starts):
        row[PLAYERS + 3 * player + CELL] = x * layout.height + y
    pots = row[pots_offset(tables) : counters_offset(tables)].reshape(tables.pots, 3)
    pots[:, TICK] = IDLE
    return row


def pots_offset(tables: Tables) -> int:
    """Where the pots begin in a state row."""
    return PLAYERS + 3 * tables.players


def counters_offset(tables: Tables) -> int:
    """Where the counters begin in a state row."""
    return pots_offset(tables) + 3 * tables.pots


def row_size(tables: Tables) -> int:
    """Numbers in a state row."""
    return counters_offset(tables) + tables.counters


def soup_item(onions: int, tomatoes: int) -> int:
    """The item number of a soup on a plate."""
    return SOUP + onions * STRIDE + tomatoes
