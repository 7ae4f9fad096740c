"""Loops over environments each of which has a layout of its own; the rules are those of `rules`."""

from typing import Any

from play.worlds.kitchen.bank import Bank
from play.worlds.kitchen.egocentric import egocentric_env
from play.worlds.kitchen.rules import RANDOM_FACTOR, RANDOM_MODULUS, step_env
from play.worlds.kitchen.state import TIME, Tables

Row = Any


def tables_of(bank: Bank, layout: int) -> Tables:
    """One layout of the bank."""
    return Tables(
        bank.players, bank.pots[layout], bank.counters[layout], bank.cells[layout], bank.horizon,
        bank.old[layout], bank.most[layout], bank.terrain[layout], bank.slot[layout],
        bank.walk[layout], bank.faced[layout], bank.place[layout], bank.value[layout],
        bank.time[layout], bank.best[layout], bank.shaping[layout],
    )  # fmt: skip


def start_any(bank: Bank, s: Row, stream: Row, chance: float) -> None:
    """Overwrites a state row with a first state in a layout that is drawn.

    Args:
        bank: The layouts.
        s: State row; the layout's number is its last entry.
        stream: [1] the environment's random stream, advanced by three draws.
        chance: Probability of a random first state.
    """
    first = stream[0] * RANDOM_FACTOR % RANDOM_MODULUS
    second = first * RANDOM_FACTOR % RANDOM_MODULUS
    third = second * RANDOM_FACTOR % RANDOM_MODULUS
    stream[0] = third
    layout = third % len(bank.starts)
    source = bank.starts[layout]
    if first < chance * RANDOM_MODULUS:
        source = bank.random_starts[layout][second % len(bank.random_starts[layout])]
    for k in range(bank.size):
        s[k] = source[k]
    s[bank.size] = layout


def step_any_loop(
    bank: Bank, state: Any, rewards: Any, events: Any, done: Any, streams: Any, shaped: Any,
    actions: Any, chance: float, autoreset: bool, begin: int, end: int,
) -> None:  # fmt: skip
    """`step_env` for environments begin .. end, each by the rules of its layout.

    Args:
        bank: The layouts.
        state: [N, size + 1] state rows, changed in place.
        rewards: [N, A] out.
        events: [N, A * E] out.
        done: [N] out.
        streams: [N, 1] random streams, changed in place.
        shaped: [N, A] out.
        actions: [N, A] action indices, known to be valid.
        chance: See `start_any`.
        autoreset: Whether finished environments restart, each in a layout that is drawn anew.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        s = state[i]
        step_env(tables_of(bank, s[bank.size]), s, actions[i], rewards[i], shaped[i], events[i])
        done[i] = s[TIME] >= bank.horizon
        if autoreset and done[i]:
            start_any(bank, s, streams[i], chance)


def start_any_loop(
    bank: Bank, state: Any, streams: Any, chance: float, begin: int, end: int
) -> None:
    """`start_any` for environments begin .. end; arguments as in `step_any_loop`."""
    for i in range(begin, end):
        start_any(bank, state[i], streams[i], chance)


def egocentric_any_loop(
    bank: Bank, out: Any, scratch: Any, state: Any, begin: int, end: int
) -> None:
    """`egocentric_env` for environments begin .. end.

    Args:
        bank: The layouts.
        out: [N, A, SIZE or SIZE_WITH_ORDERS] out.
        scratch: [N, scratch_size] overwritten.
        state: [N, size + 1] state rows.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        layout = state[i][bank.size]
        t = tables_of(bank, layout)
        egocentric_env(t, state[i], bank.height[layout], scratch[i], out[i])


KERNELS = (tables_of, start_any)
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (step_any_loop, start_any_loop, egocentric_any_loop)
"""Loops over environments, which threads may share."""
