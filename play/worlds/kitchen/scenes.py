"""States for people: drawings as JSON values."""

from collections.abc import Sequence
from typing import Any

from play.worlds.kitchen.layouts import Layout
from play.worlds.kitchen.recipes import STRIDE, finite_or_none
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
)  # fmt: skip

KINDS = {ONION: "onion", TOMATO: "tomato", DISH: "dish"}


def static_scene(layout: Layout, horizon: int) -> dict[str, Any]:
    """The part of the drawing that never changes."""
    book = layout.book
    orders = [
        {
            "onions": onions,
            "tomatoes": tomatoes,
            "value": finite_or_none(book.values[onions * STRIDE + tomatoes]),
            "time": book.times[onions * STRIDE + tomatoes],
            "bonus": (onions, tomatoes) in book.bonus_orders,
        }
        for onions, tomatoes in book.orders
    ]
    return {
        "renderer": "kitchen",
        "layout": layout.name,
        "dynamics": layout.dynamics,
        "horizon": horizon,
        "width": layout.width,
        "height": layout.height,
        "terrain": list(layout.rows),
        "num_players": len(layout.starts),
        "orders": orders,
    }


def scene(layout: Layout, tables: Tables, row: Sequence[int]) -> dict[str, Any]:
    """The part of the drawing that changes, from one state row."""
    return {
        "t": row[TIME],
        "players": [player_scene(layout, row, p) for p in range(tables.players)],
        "objects": object_scenes(layout, tables, row),
        "pots": [pot_scene(layout, tables, row, pot) for pot in range(tables.pots)],
    }


def item_scene(item: int) -> dict[str, Any] | None:
    """An item, with the ingredients if it is a soup; None for no item."""
    if item == NOTHING:
        return None
    if item >= SOUP:
        onions, tomatoes = divmod(item - SOUP, STRIDE)
        return {"kind": "soup", "onions": onions, "tomatoes": tomatoes}
    return {"kind": KINDS[item]}


def position(layout: Layout, cell: int) -> dict[str, int]:
    """Coordinates of a cell."""
    x, y = divmod(cell, len(layout.rows))
    return {"x": x, "y": y}


def player_scene(layout: Layout, row: Sequence[int], player: int) -> dict[str, Any]:
    """A player: where, facing which way, holding what."""
    b = PLAYERS + 3 * player
    return {
        **position(layout, row[b + CELL]),
        "dir": row[b + FACING],
        "held": item_scene(row[b + HELD]),
    }


def object_scenes(layout: Layout, tables: Tables, row: Sequence[int]) -> list[dict[str, Any]]:
    """The items on counters."""
    begin = counters_offset(tables)
    items = row[begin : begin + tables.counters]
    if items.count(NOTHING) == len(items):
        return []
    found = []
    for counter, number in enumerate(items):
        item = item_scene(number)
        if item is not None:
            cell = int(tables.place[tables.pots + counter])
            found.append({**position(layout, cell), **item})
    return found


def pot_scene(layout: Layout, tables: Tables, row: Sequence[int], pot: int) -> dict[str, Any]:
    """A pot: contents and progress. `tick` is -1 while it isn't cooking."""
    b = pots_offset(tables) + 3 * pot
    onions, tomatoes, tick = row[b + N_ONIONS], row[b + N_TOMATOES], row[b + TICK]
    time = layout.book.times[onions * STRIDE + tomatoes]
    return {
        **position(layout, int(tables.place[pot])),
        "onions": onions,
        "tomatoes": tomatoes,
        "tick": tick,
        "time": time,
        "ready": tick >= 0 and tick >= time,
    }
