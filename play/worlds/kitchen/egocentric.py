"""The egocentric observation: what a cook can use, by which first step and how far away.

It is the same for every kitchen, whatever its size, so that one network can play them all. The
numbers are zeros and ones, in three parts:

- the cells around the own cook, up to `RADIUS` away: which station is there, the other cooks;
- for every kind of station (`KINDS`) the way to the nearest one: the action that it begins with,
  the steps that it takes, and the steps that it would take the others. Ways lead around the
  others; where none does, the way that they block is told, and marked;
- what is held, how far the others are, and what is in the pots.

A kind tells what a station is good for now: a counter with a dish on it is another kind than an
empty one, and a pot that wants an onion another than one that cooks. Plain loops like `rules`, for
numba and ordinary Python alike. Compiled kernels cannot allocate, so the searches work in one row
of scratch space and are told where their parts of it begin.
"""

from typing import Any

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
    TOMATO,
    Tables,
)  # fmt: skip

KINDS = (
    "onion_dispenser", "tomato_dispenser", "dish_dispenser", "serving",
    "pot_wants_onion", "pot_wants_tomato", "pot_waits", "pot_cooking", "pot_ready",
    "onion", "tomato", "dish", "soup", "empty_counter", "bridge",
)  # fmt: skip
"""Kinds of stations. A pot waits if it has all its ingredients and somebody has to start it; a
bridge is an empty counter between the own room and one that only others can enter."""
NUM_KINDS = len(KINDS)
ONION_DISPENSER, TOMATO_DISPENSER, DISH_DISPENSER, SERVED = 0, 1, 2, 3
WANTS_ONION, WANTS_TOMATO, WAITS, COOKING, READY = 4, 5, 6, 7, 8
LYING_ONION, LYING_TOMATO, LYING_DISH, LYING_SOUP, EMPTY_COUNTER, BRIDGE = 9, 10, 11, 12, 13, 14
WANTS_BOTH = NUM_KINDS  # in scratch space only: it counts as both kinds
NO_STATION = -1

TERRAIN_COUNTER, TERRAIN_ONIONS, TERRAIN_TOMATOES, TERRAIN_DISHES = 1, 2, 3, 4
TERRAIN_POT, TERRAIN_SERVING = 5, 6

RADIUS = 2
SIDE = 2 * RADIUS + 1
OUTSIDE, OTHER, OTHER_FACING = 0, BRIDGE + 1, BRIDGE + 2  # a cell's channels; 1 + kind between
CELL_CHANNELS = OTHER_FACING + 4
STEPS = ("0", "1", "2", "3", "4_5", "6_8", "9_12", "more")
NUM_STEPS = len(STEPS)
USE = 4  # a first action besides the four directions
PAST_OTHERS, OWN_STEPS = USE + 1, USE + 2  # within a way
OTHERS_STEPS = OWN_STEPS + NUM_STEPS
TWO, THREE = OTHERS_STEPS + NUM_STEPS, OTHERS_STEPS + NUM_STEPS + 1
WAY = THREE + 1
HANDS = ("empty", "onion", "tomato", "dish", "soup")
WAYS = SIDE * SIDE * CELL_CHANNELS
OWN_FACING = WAYS + len(HANDS) * NUM_KINDS * WAY
OWN_HELD, OTHERS_HELD = OWN_FACING + 4, OWN_FACING + 8
APART = OTHERS_HELD + 4
FILLED = APART + NUM_STEPS
TIME_LEFT = FILLED + 3
URGENT = TIME_LEFT + NUM_STEPS
SIZE = URGENT + 1
URGENT_STEPS = 40
ORDERS = (
    "own_soup_unordered", "others_soup_unordered", "cooking_unordered", "ready_unordered",
    "lying_unordered", "pots_are_started", "faced_unordered", "faced_too_early",
)  # fmt: skip
"""What a row with room for it tells besides: which soups nobody ordered, whether pots have to be
started, and whether the pot in front cooks such a soup or would if it were started now."""
OWN_SOUP, OTHERS_SOUP, COOKS, IS_READY, LIES, STARTED, FACED, TOO_EARLY = range(SIZE, SIZE + 8)
SIZE_WITH_ORDERS = SIZE + len(ORDERS)

MOST_ONES = 2 * SIDE * SIDE + 2 + 6 * NUM_KINDS + 7
"""Ones in an observation of a kitchen for two, at most: two for each cell, two for the other cook,
six for each kind, and what is held and timed."""
MOST_WITH_ORDERS = MOST_ONES + len(ORDERS)

FAR = 1000  # steps; marks a cell that cannot be reached
SHUT = -1  # marks a cell that somebody stands on
NOWHERE = 8 * FAR
NOT_COUNTED = -1

Row = Any


def channel_names() -> tuple[str, ...]:
    """Names of the numbers of the longer rows, in order."""
    cell = ["outside", *KINDS[:BRIDGE], "other"]
    cell += [f"other_{direction}" for direction in ("north", "south", "east", "west")]
    assert len(cell) == CELL_CHANNELS
    names = [
        f"x{x:+d}_y{y:+d}_{name}"
        for x in range(-RADIUS, RADIUS + 1)
        for y in range(-RADIUS, RADIUS + 1)
        for name in cell
    ]
    way = [f"first_{action}" for action in ("north", "south", "east", "west", "interact")]
    way += ["past_others", *(f"steps_{steps}" for steps in STEPS)]
    way += [*(f"others_steps_{steps}" for steps in STEPS), "two", "three"]
    names += [f"{hand}_{kind}_{name}" for hand in HANDS for kind in KINDS for name in way]
    names += [f"facing_{direction}" for direction in ("north", "south", "east", "west")]
    for who in ("own", "others"):
        names += [f"{who}_{item}" for item in ("onion", "tomato", "dish", "soup")]
    names += [f"apart_{steps}" for steps in STEPS]
    names += ["filled_1", "filled_2", "filled_3", *(f"time_left_{steps}" for steps in STEPS)]
    return (*names, "urgent", *ORDERS)


def scratch_size(cells: int) -> int:
    """Numbers of scratch space that an environment of a kitchen with so many cells needs."""
    return 9 * cells + 3 * NUM_KINDS


def near(steps: int) -> int:
    """Which of `STEPS` a number of steps is."""
    if steps < 4:
        return steps
    if steps < 6:
        return 4
    if steps < 9:
        return 5
    return 6 if steps < 13 else 7


def pot_kind(t: Tables, s: Row, pot: int) -> int:
    """What a pot is good for now."""
    b = PLAYERS + 3 * t.players + 3 * pot
    onions, tomatoes, tick = s[b + N_ONIONS], s[b + N_TOMATOES], s[b + TICK]
    recipe = onions * STRIDE + tomatoes
    if tick >= 0:
        return READY if tick >= t.time[recipe] else COOKING
    if onions + tomatoes == t.most:
        return WAITS
    if t.old == 0 and t.value[recipe] > 0 and t.value[recipe] >= t.best[recipe]:
        return WAITS
    onion = t.best[recipe + STRIDE] == t.best[recipe]
    tomato = t.best[recipe + 1] == t.best[recipe]
    if onion == tomato:
        return WANTS_BOTH
    return WANTS_ONION if onion else WANTS_TOMATO


def counter_kind(item: int) -> int:
    """What a counter with an item on it is good for."""
    if item == NOTHING:
        return EMPTY_COUNTER
    if item >= SOUP:
        return LYING_SOUP
    if item == DISH:
        return LYING_DISH
    return LYING_ONION if item == ONION else LYING_TOMATO


def find_kinds(t: Tables, s: Row, w: Row) -> None:
    """Writes the kind of every cell into w[0 ..]; floor is no station."""
    counters = PLAYERS + 3 * t.players + 3 * t.pots
    for cell in range(t.cells):
        terrain = t.terrain[cell]
        kind = NO_STATION
        if terrain == TERRAIN_COUNTER:
            kind = counter_kind(s[counters + t.slot[cell]])
        elif terrain == TERRAIN_POT:
            kind = pot_kind(t, s, t.slot[cell])
        elif terrain == TERRAIN_SERVING:
            kind = SERVED
        elif terrain == TERRAIN_ONIONS:
            kind = ONION_DISPENSER
        elif terrain == TERRAIN_TOMATOES:
            kind = TOMATO_DISPENSER
        elif terrain == TERRAIN_DISHES:
            kind = DISH_DISPENSER
        w[cell] = kind


def flood(t: Tables, w: Row, steps: int, first: int, queue: int, tail: int) -> None:
    """Breadth-first search over the floor, from the `tail` cells that the queue begins with.

    Args:
        t: The layout.
        w: Scratch space; steps, first and queue are where these begin in it.
        steps: Steps to each cell: 0 where the search begins, FAR where nobody has been, SHUT
            where nobody may go.
        first: The direction in which the way to each cell begins.
        queue: The cells to go on from.
        tail: How many there are.
    """
    head = 0
    while head < tail:
        cell = w[queue + head]
        head += 1
        for direction in range(4):
            there = t.walk[4 * cell + direction]
            if w[steps + there] == FAR:
                w[steps + there] = w[steps + cell] + 1
                w[first + there] = direction if w[steps + cell] == 0 else w[first + cell]
                w[queue + tail] = there
                tail += 1


def way_to_use(t: Tables, w: Row, steps: int, first: int, cell: int, side: int, facing: int) -> int:
    """8 * the steps to stand on a cell and face a side + the action that this begins with.

    Args:
        t: The layout.
        w: Scratch space after `flood`.
        steps: As in `flood`.
        first: As in `flood`.
        cell: A cell that was reached.
        side: The direction in which the station is.
        facing: Where the cook faces now.
    """
    taken = w[steps + cell]
    if taken == 0:
        return USE if facing == side else 8 + side
    behind = t.faced[4 * cell + (side ^ 1)]
    if w[steps + behind] == taken - 1:  # the last step turns the cook the right way
        return int(8 * taken + (side if taken == 1 else w[first + behind]))
    return int(8 * (taken + 1) + w[first + cell])


def note(w: Row, best: int, kind: int, way: int) -> None:
    """Keeps the shorter way to a kind of station."""
    if kind == WANTS_BOTH:
        w[best + WANTS_ONION] = min(w[best + WANTS_ONION], way)
        w[best + WANTS_TOMATO] = min(w[best + WANTS_TOMATO], way)
    else:
        w[best + kind] = min(w[best + kind], way)


def find_ways(t: Tables, w: Row, steps: int, first: int, best: int, facing: int) -> None:
    """Finds the shortest way to every kind of station.

    Args:
        t: The layout.
        w: Scratch space after `find_kinds`, `find_bridges` and `flood`.
        steps: As in `flood`.
        first: As in `flood`.
        best: Where the ways go, one number per kind as in `way_to_use`, or NOWHERE.
        facing: Where the cook faces; NOT_COUNTED for others, whose turns are left out.
    """
    for kind in range(NUM_KINDS):
        w[best + kind] = NOWHERE
    for cell in range(t.cells):
        if w[steps + cell] < 0 or w[steps + cell] == FAR:
            continue
        for side in range(4):
            station = t.faced[4 * cell + side]
            kind = w[station]
            if kind == NO_STATION:
                continue
            way = 8 * w[steps + cell]
            if facing != NOT_COUNTED:
                way = way_to_use(t, w, steps, first, cell, side, facing)
            note(w, best, kind, way)
            if kind == EMPTY_COUNTER and w[t.cells + station] == 3:
                note(w, best, BRIDGE, way)


def find_bridges(t: Tables, w: Row, own: int, others: int) -> None:
    """Marks with 3, in w[cells ..], stations that two rooms share, one of them the others' alone.

    Args:
        t: The layout.
        w: Scratch space.
        own: Where the steps of the own cook are, as in `flood`.
        others: Where the steps of the others are.
    """
    for cell in range(t.cells):
        w[t.cells + cell] = 0
    for cell in range(t.cells):
        mine, theirs = w[own + cell] < FAR, w[others + cell] < FAR
        if t.terrain[cell] == 0 and (mine or theirs):
            for side in range(4):
                w[t.cells + t.faced[4 * cell + side]] |= 1 if mine else 2


def find_all(t: Tables, s: Row, seat: int, w: Row) -> None:
    """Searches all ways of a seat; see `egocentric_env` for what is where in scratch space."""
    n = t.cells
    own, past, theirs = 2 * n, 3 * n, 4 * n
    for cell in range(n):
        w[own + cell] = w[past + cell] = w[theirs + cell] = FAR
    facing = s[PLAYERS + 3 * seat + FACING]
    for search in range(3):  # a loop, since kernels are inlined wherever they are called
        steps, tail = own + search * n, 0
        for p in range(t.players):
            cell = s[PLAYERS + 3 * p + CELL]
            if (p == seat) == (steps != theirs):
                w[steps + cell] = 0
                w[8 * n + tail] = cell
                tail += 1
            elif steps == own:
                w[steps + cell] = SHUT
        flood(t, w, steps, steps + 3 * n, 8 * n, tail)
    find_bridges(t, w, past, theirs)
    for search in range(3):
        steps = own + search * n
        turned = NOT_COUNTED if steps == theirs else facing
        find_ways(t, w, steps, steps + 3 * n, 9 * n + search * NUM_KINDS, turned)


def write_cells(t: Tables, s: Row, seat: int, height: int, w: Row, out: Row) -> None:
    """Writes the cells around a seat's cook."""
    here = s[PLAYERS + 3 * seat + CELL]
    x0, y0, width = here // height - RADIUS, here % height - RADIUS, t.cells // height
    for i in range(SIDE):
        for j in range(SIDE):
            at = (i * SIDE + j) * CELL_CHANNELS
            x, y = x0 + i, y0 + j
            if x < 0 or x >= width or y < 0 or y >= height:
                out[at + OUTSIDE] = 1
                continue
            kind = w[x * height + y]
            if kind == WANTS_BOTH:
                out[at + 1 + WANTS_ONION] = 1
                out[at + 1 + WANTS_TOMATO] = 1
            elif kind != NO_STATION:
                out[at + 1 + kind] = 1
    for p in range(t.players):
        b = PLAYERS + 3 * p
        i, j = s[b + CELL] // height - x0, s[b + CELL] % height - y0
        if p != seat and 0 <= i < SIDE and 0 <= j < SIDE:
            at = (i * SIDE + j) * CELL_CHANNELS
            out[at + OTHER] = 1
            out[at + OTHER_FACING + s[b + FACING]] = 1


def held_place(item: int) -> int:
    """Position of a held item among onion, tomato, dish and soup."""
    return 3 if item >= SOUP else (2 if item == DISH else (1 if item == TOMATO else 0))


def write_ways(t: Tables, w: Row, held: int, out: Row) -> None:
    """Writes the ways to all kinds of stations, in the place for what is held."""
    own = 9 * t.cells
    hand = 0 if held == NOTHING else 1 + held_place(held)
    for kind in range(NUM_KINDS):
        at = WAYS + (hand * NUM_KINDS + kind) * WAY
        way, theirs = w[own + kind], w[own + 2 * NUM_KINDS + kind]
        if way == NOWHERE and w[own + NUM_KINDS + kind] < NOWHERE:
            way = w[own + NUM_KINDS + kind]
            out[at + PAST_OTHERS] = 1
        if way < NOWHERE:
            out[at + way % 8] = 1
            out[at + OWN_STEPS + near(way // 8)] = 1
        if theirs < NOWHERE:
            out[at + OTHERS_STEPS + near(theirs // 8)] = 1
        number = 0
        for cell in range(t.cells):
            both = w[cell] == WANTS_BOTH and WANTS_ONION <= kind <= WANTS_TOMATO
            if w[cell] == kind or both:
                number += 1
        if number >= 2:
            out[at + TWO] = 1
        if number >= 3:
            out[at + THREE] = 1


def write_rest(t: Tables, s: Row, seat: int, w: Row, out: Row) -> None:
    """Writes what is held, how far the others are, and what is in the pots."""
    apart = FAR
    for p in range(t.players):
        b = PLAYERS + 3 * p
        if s[b + HELD] != NOTHING:
            out[(OWN_HELD if p == seat else OTHERS_HELD) + held_place(s[b + HELD])] = 1
        if p == seat:
            out[OWN_FACING + s[b + FACING]] = 1
        else:
            apart = min(apart, w[3 * t.cells + s[b + CELL]])
    if apart < FAR:
        out[APART + near(apart)] = 1
    filled, left = 0, FAR
    for pot in range(t.pots):
        b = PLAYERS + 3 * t.players + 3 * pot
        size, tick = s[b + N_ONIONS] + s[b + N_TOMATOES], s[b + TICK]
        if tick < 0:
            filled = max(filled, size)
        else:
            left = min(left, t.time[s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES]] - tick)
    if filled > 0:
        out[FILLED + min(filled, 3) - 1] = 1
    if left < FAR:
        out[TIME_LEFT + near(max(left, 0))] = 1
    if t.horizon - s[TIME] < URGENT_STEPS:
        out[URGENT] = 1


def is_unordered(t: Tables, item: int) -> bool:
    """Whether an item is a soup that nobody ordered."""
    return bool(item >= SOUP and t.value[item - SOUP] <= 0)


def write_orders(t: Tables, s: Row, seat: int, out: Row) -> None:
    """Writes what an order has to do with the soups that there are."""
    for p in range(t.players):
        if is_unordered(t, s[PLAYERS + 3 * p + HELD]):
            out[OWN_SOUP if p == seat else OTHERS_SOUP] = 1
    own = PLAYERS + 3 * seat
    faced = t.faced[4 * s[own + CELL] + s[own + FACING]]
    for pot in range(t.pots):
        b = PLAYERS + 3 * t.players + 3 * pot
        recipe, tick = s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES], s[b + TICK]
        if recipe == 0 or t.value[recipe] > 0:
            continue
        if tick >= 0:
            out[IS_READY if tick >= t.time[recipe] else COOKS] = 1
        if t.place[pot] == faced:
            if tick >= 0:
                out[FACED] = 1
            elif t.old == 0:
                out[TOO_EARLY] = 1
    counters = PLAYERS + 3 * t.players + 3 * t.pots
    for counter in range(t.counters):
        if is_unordered(t, s[counters + counter]):
            out[LIES] = 1
    if t.old == 0:
        out[STARTED] = 1


def egocentric_env(t: Tables, s: Row, height: int, w: Row, out: Any) -> None:
    """Writes what every seat sees.

    Args:
        t: The layout.
        s: State row.
        height: Rows of the grid.
        w: [scratch_size] overwritten. With n cells: kinds at 0, marks of bridges at n; steps of
            the own cook around the others at 2n and past them at 3n, of the others at 4n; the
            directions in which these begin at 5n, 6n and 7n; a queue at 8n; the three lists of
            ways at 9n.
        out: [A, SIZE or SIZE_WITH_ORDERS] overwritten; the longer rows tell of orders, too.
    """
    find_kinds(t, s, w)
    for seat in range(t.players):
        row = out[seat]
        for k in range(len(row)):
            row[k] = 0
        find_all(t, s, seat, w)
        write_cells(t, s, seat, height, w, row)
        write_ways(t, w, s[PLAYERS + 3 * seat + HELD], row)
        write_rest(t, s, seat, w, row)
        if len(row) > SIZE:
            write_orders(t, s, seat, row)


def egocentric_loop(
    t: Tables, out: Any, scratch: Any, state: Any, height: int, begin: int, end: int
) -> None:
    """`egocentric_env` for environments begin .. end.

    Args:
        t: The layout.
        out: [N, A, SIZE or SIZE_WITH_ORDERS] out.
        scratch: [N, scratch_size] overwritten.
        state: [N, size] state rows.
        height: Rows of the grid.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        egocentric_env(t, state[i], height, scratch[i], out[i])


KERNELS = (
    near, pot_kind, counter_kind, find_kinds, flood, way_to_use, note, find_ways, find_bridges,
    find_all, write_cells, held_place, write_ways, write_rest, is_unordered, write_orders,
    egocentric_env,
)  # fmt: skip
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (egocentric_loop,)
"""Loops over environments, which threads may share."""
