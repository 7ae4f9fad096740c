"""States of the kitchen to and from the dictionaries of overcooked-ai.

Reads the present format and that of the 2019 trials, and also what JSON makes of them (lists for
tuples). Nothing here imports overcooked-ai.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.kitchen.layouts import DIRECTIONS, Layout
from play.worlds.kitchen.recipes import STRIDE, Recipe
from play.worlds.kitchen.state import (
    CELL,
    DISH,
    FACING,
    HELD,
    IDLE,
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
    first_row,
    pots_offset,
    row_size,
    soup_item,
)  # fmt: skip

ITEMS = {"onion": ONION, "tomato": TOMATO, "dish": DISH}
NAMES = {number: name for name, number in ITEMS.items()}


def to_overcooked(layout: Layout, tables: Tables, row: Sequence[int]) -> dict[str, Any]:
    """A state row as `OvercookedState.to_dict` of overcooked-ai writes it.

    The order of ingredients in a soup, which the rules never look at, is onions first.
    """
    book = layout.book
    return {
        "players": [player_dict(layout, row, p) for p in range(tables.players)],
        "objects": [*pot_dicts(layout, tables, row), *counter_dicts(layout, tables, row)],
        "bonus_orders": [recipe_dict(recipe) for recipe in book.bonus_orders],
        "all_orders": [recipe_dict(recipe) for recipe in book.orders],
        "timestep": int(row[TIME]),
    }


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """A recipe with its ingredients spelt out."""
    return {"ingredients": ("onion",) * recipe[0] + ("tomato",) * recipe[1]}


def player_dict(layout: Layout, row: Sequence[int], player: int) -> dict[str, Any]:
    """A player."""
    b = PLAYERS + 3 * player
    place = coordinates(layout, int(row[b + CELL]))
    return {
        "position": place,
        "orientation": DIRECTIONS[int(row[b + FACING])],
        "held_object": item_dict(layout, int(row[b + HELD]), place),
    }


def item_dict(layout: Layout, item: int, place: tuple[int, int]) -> dict[str, Any] | None:
    """An item in a hand or on a counter; soups there are always done."""
    if item == NOTHING:
        return None
    if item < SOUP:
        return {"name": NAMES[item], "position": place}
    onions, tomatoes = divmod(item - SOUP, STRIDE)
    return soup_dict(layout, place, onions, tomatoes, layout.book.times[item - SOUP])


def soup_dict(
    layout: Layout, place: tuple[int, int], onions: int, tomatoes: int, tick: int
) -> dict[str, Any]:
    """A soup, with the redundant entries that overcooked-ai writes."""
    time = layout.book.times[onions * STRIDE + tomatoes]
    names = ["onion"] * onions + ["tomato"] * tomatoes
    return {
        "name": "soup",
        "position": place,
        "_ingredients": [{"name": name, "position": place} for name in names],
        "cooking_tick": tick,
        "is_cooking": 0 <= tick < time,
        "is_ready": tick >= 0 and tick >= time,
        "is_idle": tick < 0,
        "cook_time": -1 if tick < 0 else time,
        "_cooking_tick": tick,
    }


def pot_dicts(layout: Layout, tables: Tables, row: Sequence[int]) -> Iterable[dict[str, Any]]:
    """The contents of the pots that aren't empty."""
    for pot in range(tables.pots):
        b = pots_offset(tables) + 3 * pot
        onions, tomatoes, tick = (int(n) for n in row[b : b + 3])
        if onions + tomatoes > 0:
            place = coordinates(layout, int(tables.place[pot]))
            yield soup_dict(layout, place, onions, tomatoes, tick)


def counter_dicts(layout: Layout, tables: Tables, row: Sequence[int]) -> Iterable[dict[str, Any]]:
    """The items on counters."""
    for counter in range(tables.counters):
        place = coordinates(layout, int(tables.place[tables.pots + counter]))
        item = item_dict(layout, int(row[counters_offset(tables) + counter]), place)
        if item is not None:
            yield item


def coordinates(layout: Layout, cell: int) -> tuple[int, int]:
    """(x, y) of a cell."""
    x, y = divmod(cell, layout.height)
    return x, y


def from_overcooked(layout: Layout, tables: Tables, state: Mapping[str, Any]) -> NDArray[np.int32]:
    """The state row [size] of an overcooked-ai state dictionary.

    Args:
        layout: The layout.
        tables: Its tables.
        state: `OvercookedState.to_dict`, or a state of the 2019 trials, in which objects are a
            dictionary, soups are ``[kind, number, tick]`` with ticks running on beyond the
            cooking time, and there is no time step.

    Raises:
        UserError: The dictionary doesn't describe a state of this layout.
    """
    row = np.zeros(row_size(tables), np.int32)
    row[pots_offset(tables) : counters_offset(tables)] = first_row(layout, tables)[
        pots_offset(tables) : counters_offset(tables)
    ]
    try:
        objects = state["objects"]
        if isinstance(objects, Mapping):
            objects = objects.values()
        row[TIME] = state.get("timestep", 0)
        if row[TIME] < 0:
            raise ValueError(f"a time step of {row[TIME]}")
        if len(state["players"]) != tables.players:
            raise ValueError(f"{len(state['players'])} players instead of {tables.players}")
        for number, player in enumerate(state["players"]):
            read_player(layout, tables, player, row, PLAYERS + 3 * number)
        objects = list(objects)
        for thing in objects:
            read_object(layout, tables, thing, row)
        check_places(state["players"], "players stand")
        check_places(objects, "objects lie")
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"This is not a state of layout {layout.name!r}: {type(error).__name__} {error}; give "
            "what OvercookedState.to_dict() returns for this layout"
        ) from error
    return row


def check_places(things: Iterable[Mapping[str, Any]], what: str) -> None:
    """No two in one place."""
    seen = set()
    for thing in things:
        place = tuple(thing["position"])
        if place in seen:
            raise ValueError(f"two {what} at {place}")
        seen.add(place)


def read_player(
    layout: Layout, tables: Tables, player: Mapping[str, Any], row: NDArray[np.int32], at: int
) -> None:
    """Fills in a player."""
    cell = cell_at(layout, player["position"])
    if tables.terrain[cell] != 0:
        raise ValueError(f"a player stands at {player['position']}, which is no floor")
    row[at + CELL] = cell
    row[at + FACING] = DIRECTIONS.index(tuple(player["orientation"]))
    held = player.get("held_object")
    if held is not None:
        row[at + HELD] = read_item(layout, held)


def read_object(
    layout: Layout, tables: Tables, thing: Mapping[str, Any], row: NDArray[np.int32]
) -> None:
    """Fills in the contents of a pot, or an item on a counter."""
    cell = cell_at(layout, thing["position"])
    terrain = layout.terrain_at(tuple(thing["position"]))
    if terrain == "P":
        b = pots_offset(tables) + 3 * int(tables.slot[cell])
        row[b + N_ONIONS], row[b + N_TOMATOES], row[b + TICK] = read_soup(layout, thing)
    elif terrain == "X":
        row[counters_offset(tables) + int(tables.slot[cell])] = read_item(layout, thing)
    else:
        raise ValueError(f"a {thing['name']} lies at {thing['position']}, which is no counter")


def read_item(layout: Layout, thing: Mapping[str, Any]) -> int:
    """The item number of an object that isn't in a pot."""
    if thing["name"] != "soup":
        return ITEMS[thing["name"]]
    onions, tomatoes, tick = read_soup(layout, thing)
    if tick < layout.book.times[onions * STRIDE + tomatoes]:
        raise ValueError(f"a soup outside of a pot, at {thing['position']}, is not done")
    return soup_item(onions, tomatoes)


def read_soup(layout: Layout, thing: Mapping[str, Any]) -> tuple[int, int, int]:
    """(onions, tomatoes, tick) of a soup in either format; the tick stops at the cooking time."""
    if thing["name"] != "soup":
        raise ValueError(f"a {thing['name']} is in a pot")
    if "state" in thing:
        kind, number, tick = thing["state"]
        onions, tomatoes = (0, number) if kind == "tomato" else (number, 0)
        tick = IDLE if tick == 0 else tick
    else:
        names = [ingredient["name"] for ingredient in thing["_ingredients"]]
        onions, tomatoes = names.count("onion"), names.count("tomato")
        if onions + tomatoes != len(names):
            raise ValueError(f"a soup of {names}")
        tick = thing["cooking_tick"] if "cooking_tick" in thing else thing["_cooking_tick"]
    if not 1 <= onions + tomatoes <= layout.book.max_ingredients:
        raise ValueError(f"a soup of {onions + tomatoes} ingredients")
    tick = int(tick)
    if tick < IDLE:
        raise ValueError(f"a cooking tick of {tick}")
    return onions, tomatoes, min(tick, layout.book.times[onions * STRIDE + tomatoes])


def cell_at(layout: Layout, place: Sequence[int]) -> int:
    """The number of the cell at (x, y)."""
    x, y = place
    if not (0 <= x < layout.width and 0 <= y < layout.height):
        raise ValueError(f"{tuple(place)} is outside of the grid")
    return int(x * layout.height + y)


def start_row(layout: Layout, tables: Tables) -> NDArray[np.int32]:
    """The first state [size] of a layout: its own start state, or the usual one."""
    if layout.start_state is None:
        return first_row(layout, tables)
    return from_overcooked(layout, tables, layout.start_state)
