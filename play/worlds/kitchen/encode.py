"""Observations of the kitchen: lossless (dense and sparse form) and featurize.

Plain loops like `rules`, for numba and ordinary Python alike.

The lossless encoding of a seat is (width, height, 26) and indexed [x, y, channel]. Channels 10
to 15 (terrain) never change; what does change is listed as (position, value) pairs, where
position is ``cell * 26 + channel``. The dense form scatters that list over the terrain and takes
back what it scattered the last time; the sparse form is the list itself.

Source: `lossless_state_encoding` and `featurize_state` of overcooked-ai 1.1.0. The reference
encodes two players only. Here a seat of a kitchen with more sees all others in the channels of
"the other", and one alone sees nobody there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.kitchen.layouts import Layout
from play.worlds.kitchen.recipes import STRIDE
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
    Tables,
)  # fmt: skip

CHANNELS = (
    "own_position", "other_position",
    "own_north", "own_south", "own_east", "own_west",
    "other_north", "other_south", "other_east", "other_west",
    "pot", "counter", "onion_dispenser", "tomato_dispenser", "dish_dispenser", "serving",
    "onions_in_pot", "tomatoes_in_pot", "onions_in_soup", "tomatoes_in_soup",
    "cook_time_remaining", "soup_done", "dish", "onion", "tomato", "urgency",
)  # fmt: skip
NUM_CHANNELS = len(CHANNELS)
OWN, OTHER = CHANNELS.index("own_position"), CHANNELS.index("other_position")
OWN_FACING, OTHER_FACING = CHANNELS.index("own_north"), CHANNELS.index("other_north")
IN_POT = CHANNELS.index("onions_in_pot")
IN_SOUP = CHANNELS.index("onions_in_soup")
COOK_TIME = CHANNELS.index("cook_time_remaining")
SOUP_DONE = CHANNELS.index("soup_done")
DISH_CHANNEL = CHANNELS.index("dish")
ONION_CHANNEL = CHANNELS.index("onion")
TOMATO_CHANNEL = CHANNELS.index("tomato")
URGENCY = CHANNELS.index("urgency")
URGENT_STEPS = 40

# A row of `drawn`: what was scattered the last time, per environment.
WAS_URGENT, NUM_DRAWN, DRAWN = 0, 1, 2  # then A players' cells and facings, then positions

PLAYER_FEATURES, POT_FEATURES, NUM_POTS = 46, 10, 2
NEAREST = 4 + NUM_POTS  # onion, tomato, dish, serving, then the pots

Row = Any


def terrain_planes(layout: Layout) -> NDArray[np.uint8]:
    """[width, height, 26] The lossless encoding of an empty kitchen."""
    planes = np.zeros((layout.width, layout.height, NUM_CHANNELS), np.uint8)
    for channel, terrain in enumerate("PXOTDS", start=CHANNELS.index("pot")):
        for x, y in layout.cells(terrain):
            planes[x, y, channel] = 1
    return planes


def list_item(item: int, cell: int, index: Row, value: Row, k: int) -> int:
    """Appends what shows an item at a cell; returns the new length of the list."""
    at = cell * NUM_CHANNELS
    if item >= SOUP:
        onions, tomatoes = (item - SOUP) // STRIDE, (item - SOUP) % STRIDE
        if onions > 0:
            index[k] = at + IN_SOUP
            value[k] = onions
            k += 1
        if tomatoes > 0:
            index[k] = at + IN_SOUP + 1
            value[k] = tomatoes
            k += 1
        index[k] = at + SOUP_DONE
    elif item == DISH:
        index[k] = at + DISH_CHANNEL
    elif item == ONION:
        index[k] = at + ONION_CHANNEL
    else:
        index[k] = at + TOMATO_CHANNEL
    value[k] = 1
    return k + 1


def list_pot(t: Tables, s: Row, pot: int, index: Row, value: Row, k: int) -> int:
    """Appends what shows the contents of a pot; returns the new length of the list."""
    b = PLAYERS + 3 * t.players + 3 * pot
    onions, tomatoes, tick = s[b + N_ONIONS], s[b + N_TOMATOES], s[b + TICK]
    if onions + tomatoes == 0:
        return k
    at = t.place[pot] * NUM_CHANNELS
    contents = IN_POT if tick < 0 else IN_SOUP
    if onions > 0:
        index[k] = at + contents
        value[k] = onions
        k += 1
    if tomatoes > 0:
        index[k] = at + contents + 1
        value[k] = tomatoes
        k += 1
    if tick >= 0:
        remaining = t.time[onions * STRIDE + tomatoes] - tick
        index[k] = at + (COOK_TIME if remaining > 0 else SOUP_DONE)
        value[k] = remaining if remaining > 0 else 1
        k += 1
    return k


def list_things(t: Tables, s: Row, index: Row, value: Row, k: int) -> int:
    """Appends pots, held items and items on counters, which look the same from every seat."""
    for pot in range(t.pots):
        k = list_pot(t, s, pot, index, value, k)
    for p in range(t.players):
        b = PLAYERS + 3 * p
        if s[b + HELD] != NOTHING:
            k = list_item(s[b + HELD], s[b + CELL], index, value, k)
    counters = PLAYERS + 3 * t.players + 3 * t.pots
    for c in range(t.counters):
        if s[counters + c] != NOTHING:
            k = list_item(s[counters + c], t.place[t.pots + c], index, value, k)
    return k


def list_players(t: Tables, s: Row, seat: int, index: Row, value: Row) -> int:
    """Begins a list with the players as seen from a seat; returns its length."""
    k = 0
    for p in range(t.players):
        b = PLAYERS + 3 * p
        at = s[b + CELL] * NUM_CHANNELS
        index[k] = at + (OWN if p == seat else OTHER)
        index[k + 1] = at + (OWN_FACING if p == seat else OTHER_FACING) + s[b + FACING]
        value[k] = 1
        value[k + 1] = 1
        k += 2
    return k


def sparse_env(t: Tables, s: Row, index: Any, value: Any, count: Row) -> None:
    """Lists what every seat sees.

    Args:
        t: The layout.
        s: State row.
        index: [A, K] out; positions, then padding.
        value: [A, K] out; values, then zeros.
        count: [A] out; number of entries before the padding.
    """
    plane = t.cells * NUM_CHANNELS
    begin = list_players(t, s, 0, index[0], value[0])
    end = list_things(t, s, index[0], value[0], begin)
    if t.horizon - s[TIME] < URGENT_STEPS:
        index[0][end] = plane
        value[0][end] = 1
        end += 1
    for k in range(end, len(index[0])):
        index[0][k] = plane + 1
        value[0][k] = 0
    count[0] = end
    for seat in range(1, t.players):
        list_players(t, s, seat, index[seat], value[seat])
        for k in range(begin, len(index[0])):
            index[seat][k] = index[0][k]
            value[seat][k] = value[0][k]
        count[seat] = end


def erase(t: Tables, seat: int, drawn: Row, out: Row) -> None:
    """Sets to zero what `draw` wrote for a seat the last time, except the urgency plane."""
    for p in range(t.players):
        at = drawn[DRAWN + 2 * p] * NUM_CHANNELS
        out[at + (OWN if p == seat else OTHER)] = 0
        out[at + (OWN_FACING if p == seat else OTHER_FACING) + drawn[DRAWN + 2 * p + 1]] = 0
    for k in range(drawn[NUM_DRAWN]):
        out[drawn[DRAWN + 2 * t.players + k]] = 0


def draw(t: Tables, s: Row, seat: int, drawn: Row, values: Row, out: Row) -> None:
    """Writes the players and the listed things as a seat sees them."""
    for p in range(t.players):
        b = PLAYERS + 3 * p
        at = s[b + CELL] * NUM_CHANNELS
        out[at + (OWN if p == seat else OTHER)] = 1
        out[at + (OWN_FACING if p == seat else OTHER_FACING) + s[b + FACING]] = 1
    begin = DRAWN + 2 * t.players
    for k in range(drawn[NUM_DRAWN]):
        out[drawn[begin + k]] = values[begin + k]


def dense_env(t: Tables, s: Row, drawn: Row, values: Row, out: Any) -> None:
    """Brings the lossless observations of all seats up to date.

    Args:
        t: The layout.
        s: State row.
        drawn: What `out` shows besides the terrain; changed in place.
        values: Scratch space as long as `drawn`.
        out: [A, cells * 26] observations.
    """
    for seat in range(t.players):
        erase(t, seat, drawn, out[seat])
    begin = DRAWN + 2 * t.players
    drawn[NUM_DRAWN] = list_things(t, s, drawn, values, begin) - begin
    for p in range(t.players):
        drawn[DRAWN + 2 * p] = s[PLAYERS + 3 * p + CELL]
        drawn[DRAWN + 2 * p + 1] = s[PLAYERS + 3 * p + FACING]
    for seat in range(t.players):
        draw(t, s, seat, drawn, values, out[seat])
    urgent = 1 if t.horizon - s[TIME] < URGENT_STEPS else 0
    if urgent != drawn[WAS_URGENT]:
        drawn[WAS_URGENT] = urgent
        for seat in range(t.players):
            for cell in range(t.cells):
                out[seat][cell * NUM_CHANNELS + URGENCY] = urgent


def pot_features(
    t: Tables, s: Row, height: int, cell: int, pot_cell: int, out: Row, k: int
) -> None:
    """Ten numbers about a pot as seen from a cell; zeros if there is no such pot."""
    if pot_cell < 0:
        return
    b = PLAYERS + 3 * t.players + 3 * t.slot[pot_cell]
    onions, tomatoes, tick = s[b + N_ONIONS], s[b + N_TOMATOES], s[b + TICK]
    time = t.time[onions * STRIDE + tomatoes]
    out[k] = 1
    out[k + 1] = 1 if onions + tomatoes == 0 else 0
    out[k + 2] = 1 if tick >= 0 or onions + tomatoes == t.most else 0
    out[k + 3] = 1 if 0 <= tick < time else 0
    out[k + 4] = 1 if tick >= 0 and tick >= time else 0
    out[k + 5] = onions
    out[k + 6] = tomatoes
    out[k + 7] = time - tick if 0 <= tick < time else 0
    out[k + 8] = pot_cell // height - cell // height
    out[k + 9] = pot_cell % height - cell % height


def player_features(t: Tables, s: Row, height: int, nearest: Row, p: int, out: Row, k: int) -> None:
    """The 46 numbers about one player, from position k on; `out` is zero there."""
    b = PLAYERS + 3 * p
    cell, facing, held = s[b + CELL], s[b + FACING], s[b + HELD]
    row = (4 * cell + facing) * NEAREST
    out[k + facing] = 1
    held_kind = -1  # in the reference's order: onion, soup, dish, tomato
    if held >= SOUP:
        held_kind = 1
        out[k + 16] = (held - SOUP) // STRIDE
        out[k + 17] = (held - SOUP) % STRIDE
    elif held == DISH:
        held_kind = 2
    elif held != NOTHING:
        held_kind = 0 if held == ONION else 3
    if held_kind >= 0:
        out[k + 4 + held_kind] = 1
    for kind in range(4):
        target = nearest[row + kind]
        holds_it = (
            (kind == 0 and held_kind == 0)
            or (kind == 1 and held_kind == 3)
            or (kind == 2 and held_kind == 2)
        )
        if target >= 0 and not holds_it:
            at = k + 18 if kind == 3 else k + 8 + 2 * kind
            out[at] = target // height - cell // height
            out[at + 1] = target % height - cell % height
    for number in range(NUM_POTS):
        pot_cell = nearest[row + 4 + number]
        pot_features(t, s, height, cell, pot_cell, out, k + 22 + POT_FEATURES * number)
    for direction in range(4):
        if t.walk[4 * cell + direction] == cell:
            out[k + 42 + direction] = 1


def featurize_env(t: Tables, s: Row, height: int, nearest: Row, out: Any) -> None:
    """Writes the featurize encoding of every seat.

    Args:
        t: The layout.
        s: State row.
        height: Rows of the grid.
        nearest: [4 * cells * NEAREST] cells of the nearest stations, see `paths`.
        out: [A, 48 * A] overwritten.
    """
    for seat in range(t.players):
        row = out[seat]
        for k in range(48 * t.players):
            row[k] = 0
        x = s[PLAYERS + 3 * seat + CELL] // height
        y = s[PLAYERS + 3 * seat + CELL] % height
        player_features(t, s, height, nearest, seat, row, 0)
        slot = 1
        for p in range(t.players):
            if p == seat:
                continue
            player_features(t, s, height, nearest, p, row, PLAYER_FEATURES * slot)
            at = PLAYER_FEATURES * t.players + 2 * (slot - 1)
            row[at] = s[PLAYERS + 3 * p + CELL] // height - x
            row[at + 1] = s[PLAYERS + 3 * p + CELL] % height - y
            slot += 1
        row[48 * t.players - 2] = x
        row[48 * t.players - 1] = y


def sparse_loop(
    t: Tables, index: Any, value: Any, count: Any, state: Any, begin: int, end: int
) -> None:
    """`sparse_env` for environments begin .. end.

    Args:
        t: The layout.
        index: [N, A, K] out.
        value: [N, A, K] out.
        count: [N, A] out.
        state: [N, size] state rows.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        sparse_env(t, state[i], index[i], value[i], count[i])


def dense_loop(
    t: Tables, out: Any, drawn: Any, values: Any, state: Any, begin: int, end: int
) -> None:
    """`dense_env` for environments begin .. end.

    Args:
        t: The layout.
        out: [N, A, cells * 26] changed in place.
        drawn: [N, D] what `out` shows, changed in place.
        values: [N, D] scratch space.
        state: [N, size] state rows.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        dense_env(t, state[i], drawn[i], values[i], out[i])


def featurize_loop(
    t: Tables, out: Any, state: Any, height: int, nearest: Any, begin: int, end: int
) -> None:
    """`featurize_env` for environments begin .. end.

    Args:
        t: The layout.
        out: [N, A, 48 * A] out.
        state: [N, size] state rows.
        height: Rows of the grid.
        nearest: [4 * cells * NEAREST] see `paths`.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        featurize_env(t, state[i], height, nearest, out[i])


KERNELS = (
    list_item, list_pot, list_things, list_players, sparse_env, erase, draw, dense_env,
    pot_features, player_features, featurize_env,
)  # fmt: skip
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (sparse_loop, dense_loop, featurize_loop)
"""Loops over environments, which threads may share."""
