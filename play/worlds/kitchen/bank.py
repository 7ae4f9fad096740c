"""Many layouts as the rules use them: tables of one padded size, one row for each layout."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.convert import start_row
from play.worlds.kitchen.generator import kitchen_name, kitchen_text
from play.worlds.kitchen.layouts import DYNAMICS, Layout, load_layout
from play.worlds.kitchen.starts import make_random_starts
from play.worlds.kitchen.state import Tables, make_tables, row_size

RANDOM_STARTS = 8  # of each layout
SHARED = ("players", "horizon")
PER_LAYOUT = ("pots", "counters", "cells", "old", "most")
ROWS = ("terrain", "slot", "walk", "faced", "place", "value", "time", "best", "shaping")


class Bank(NamedTuple):
    """L layouts for the same number of players; arrays when compiled, lists in plain Python.

    The fields are those of `Tables`, with an axis for the layout in front, and these:

    Attributes:
        size: Numbers in the longest state row; at this place a row has the number of its layout.
        height: [L] rows of the grid.
        starts: [L, size] the usual first states.
        random_starts: [L, M, size] random first states.
    """

    players: int
    horizon: int
    size: int
    pots: Any
    counters: Any
    cells: Any
    old: Any
    most: Any
    height: Any
    terrain: Any
    slot: Any
    walk: Any
    faced: Any
    place: Any
    value: Any
    time: Any
    best: Any
    shaping: Any
    starts: Any
    random_starts: Any


def make_bank(layouts: Sequence[Layout], tables: Sequence[Tables]) -> Bank:
    """Puts layouts side by side; short rows are padded with zeros, which nothing reads.

    Args:
        layouts: The layouts.
        tables: What `make_tables` says of each.
    """
    size = max(map(row_size, tables))
    starts = [start_row(own, t)[None] for own, t in zip(layouts, tables, strict=True)]
    random_starts = [
        make_random_starts(own, t, any_time=True, number=RANDOM_STARTS)
        for own, t in zip(layouts, tables, strict=True)
    ]
    fields: dict[str, Any] = {name: getattr(tables[0], name) for name in SHARED}
    fields |= {name: np.array([getattr(t, name) for t in tables], np.int32) for name in PER_LAYOUT}
    fields |= {name: _padded([getattr(t, name) for t in tables]) for name in ROWS}
    return Bank(
        **fields,
        size=size,
        height=np.array([layout.height for layout in layouts], np.int32),
        starts=_padded([rows[0] for rows in starts], size),
        random_starts=np.stack([_padded(list(rows), size) for rows in random_starts]),
    )


def _padded(rows: Sequence[NDArray[Any]], width: int = 0) -> NDArray[Any]:
    """[len(rows), width] rows, followed by zeros; as wide as the widest one at least."""
    width = max(width, *map(len, rows))
    padded = np.zeros((len(rows), width), rows[0].dtype)
    for row, own in zip(padded, rows, strict=True):
        row[: len(own)] = own
    return padded


def dynamics_of(number: int, dynamics: str) -> str:
    """The dynamics of a generated kitchen: as asked, or by turns if they are mixed."""
    return DYNAMICS[number % 2] if dynamics == "mixed" else dynamics


@lru_cache(maxsize=4)
def generated(
    first: int, count: int, dynamics: str, horizon: int
) -> tuple[list[Layout], list[Tables], Bank]:
    """The generated kitchens with the numbers first .. first + count - 1.

    Args:
        first: Number of the first one.
        count: How many.
        dynamics: "old", "new", or "mixed" for old ones at even numbers and new ones at odd ones.
        horizon: Steps in an episode.
    """
    layouts = [
        load_layout(kitchen_name(number), dynamics_of(number, dynamics), kitchen_text(number))
        for number in range(first, first + count)
    ]
    tables = [make_tables(layout, horizon) for layout in layouts]
    return layouts, tables, make_bank(layouts, tables)
