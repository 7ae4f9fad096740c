"""What lies on the counter that a cook faces: what featurize does not tell.

In overcooked-ai's featurize encoding things on counters do not exist, so that a cook who hands over
across one does not see whether the other has put something there. The encoding "featurize_front"
has the same numbers, and then these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.layouts import TERRAIN
from play.worlds.kitchen.state import (
    CELL,
    DISH,
    FACING,
    ONION,
    PLAYERS,
    SOUP,
    TOMATO,
    Tables,
    counters_offset,
)

FRONTS = ("onion", "soup", "dish", "tomato")
COUNTER = TERRAIN.index("X")


def front_names(players: int) -> tuple[str, ...]:
    """Names of the numbers, in order."""
    seats = ["own"] + [f"other{number}" for number in range(1, players)]
    return tuple(f"{seat}_faces_{item}" for seat in seats for item in FRONTS)


def fronts(tables: Tables, state: NDArray[Any]) -> NDArray[np.float32]:
    """[N, A, 4 * A] for every seat: its own front, then the others', by seat.

    Args:
        tables: The layout.
        state: [N, size] state rows.
    """
    terrain, slot = np.asarray(tables.terrain), np.asarray(tables.slot)
    ends = PLAYERS + 3 * tables.players
    cells, facings = (state[:, PLAYERS + k : ends : 3] for k in (CELL, FACING))
    faced = np.asarray(tables.faced)[4 * cells + facings]  # [N, A]
    place = counters_offset(tables) + np.where(terrain[faced] == COUNTER, slot[faced], 0)
    item = np.where(terrain[faced] == COUNTER, np.take_along_axis(state, place, 1), 0)
    kinds = (item == ONION, item >= SOUP, item == DISH, item == TOMATO)
    own = np.stack(kinds, -1).astype(np.float32)  # [N, A, 4]
    seats = range(tables.players)
    orders = [[seat, *(s for s in seats if s != seat)] for seat in seats]
    return own[:, orders].reshape(len(state), tables.players, -1)
