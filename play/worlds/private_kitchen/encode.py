"""Observations of the private-cost kitchen: relative to the seat, and the released eight integers.

The relative encoding has ones for where a seat and the other stand, empty-handed or with an onion,
for the onions that are there, and for the steps that are left, so that one policy can play both
seats and a small network has little to work out. The raw encoding is that of the released code:
the same for both seats, and without the time.
"""

from typing import Any

from play.worlds.private_kitchen.state import (
    CELL,
    CELLS,
    HOLDS,
    ONION_CELLS,
    ONIONS,
    PLAYERS,
    SIDE,
    TIME,
    Tables,
)  # fmt: skip

LEFT = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40)
"""Steps left from which on a channel is 1; close together where the end changes what pays."""
NUM_LEFT = len(LEFT)

CHANNELS = (
    *(
        f"{who}_{hands}_at_{cell // SIDE}_{cell % SIDE}"
        for who in ("own", "other")
        for hands in ("empty", "onion")
        for cell in range(CELLS)
    ),
    *(f"onion_at_{cell // SIDE}_{cell % SIDE}" for cell in ONION_CELLS),
    *(f"at_least_{steps}_steps_left" for steps in LEFT),
)
NUM_CHANNELS = len(CHANNELS)
THERE = 4 * CELLS  # where the onions' channels begin
MOST_ONES = 2 + 2 + NUM_LEFT  # channels that are 1 in any one observation

RAW_CHANNELS = (
    "row_0", "column_0", "holds_0", "row_1", "column_1", "holds_1", "onion_0", "onion_1",
)  # fmt: skip

Row = Any


def see(t: Tables, s: Row, seat: int, out: Row) -> None:
    """Overwrites out [NUM_CHANNELS] with what a seat sees."""
    for k in range(NUM_CHANNELS):
        out[k] = 0
    for number in range(2):
        b = PLAYERS + 3 * (seat if number == 0 else 1 - seat)
        out[(2 * number + s[b + HOLDS]) * CELLS + s[b + CELL]] = 1
        out[THERE + number] = s[ONIONS + number]
    left = t.horizon - s[TIME]
    for k in range(NUM_LEFT):
        if left >= LEFT[k]:
            out[THERE + 2 + k] = 1


def relative_loop(t: Tables, out: Any, state: Any, begin: int, end: int) -> None:
    """Writes out [N, 2, NUM_CHANNELS] for environments begin .. end."""
    for i in range(begin, end):
        for seat in range(2):
            see(t, state[i], seat, out[i][seat])


def raw_loop(t: Tables, out: Any, state: Any, begin: int, end: int) -> None:
    """Writes out [N, 2, 8] for environments begin .. end."""
    for i in range(begin, end):
        s = state[i]
        for seat in range(2):
            for p in range(2):
                b = PLAYERS + 3 * p
                out[i][seat][3 * p] = s[b + CELL] // SIDE
                out[i][seat][3 * p + 1] = s[b + CELL] % SIDE
                out[i][seat][3 * p + 2] = s[b + HOLDS]
                out[i][seat][6 + p] = s[ONIONS + p]


KERNELS = (see,)
LOOPS = (relative_loop, raw_loop)
