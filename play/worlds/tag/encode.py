"""Observations of tag: as in mpe2, and relative to the seat.

Plain loops like `physics`. Differences are float64 and rounded once, to the float32 of the output.

Source: `observation` of `simple_tag` of mpe2 1.1.1. There a runner's observation is shorter than a
chaser's, since it does not see its own velocity twice; here zeros fill it up at the end.
"""

from typing import Any

from play.worlds.tag.state import (
    AGENT_SIZE,
    AGENTS,
    OBSTACLE_SIZE,
    VX,
    VY,
    Tables,
    X,
    Y,
)  # fmt: skip

Row = Any


def simple_tag_size(chasers: int, runners: int, obstacles: int) -> int:
    """Numbers in a seat's `simple_tag` observation, as long as a chaser's."""
    return 4 + 2 * obstacles + 2 * (chasers + runners - 1) + 2 * runners


def relative_size(chasers: int, runners: int, obstacles: int) -> int:
    """Numbers in a seat's `relative` observation."""
    return 4 + 2 * obstacles + 4 * (chasers + runners - 1)


def write_own(t: Tables, s: Row, seat: int, out: Row) -> int:
    """Begins with own velocity and position, obstacles from there; returns the length."""
    b = AGENTS + AGENT_SIZE * seat
    out[0] = s[b + VX]
    out[1] = s[b + VY]
    out[2] = s[b + X]
    out[3] = s[b + Y]
    k = 4
    for obstacle in range(t.obstacles):
        o = AGENTS + AGENT_SIZE * t.agents + OBSTACLE_SIZE * obstacle
        out[k] = s[o + X] - s[b + X]
        out[k + 1] = s[o + Y] - s[b + Y]
        k += 2
    return k


def simple_tag_env(t: Tables, s: Row, out: Any) -> None:
    """Writes the `simple_tag` observation [A, size] of every seat.

    After `write_own`: all others' positions from the own one, in the order of their seats, then the
    velocities of the runners among them.
    """
    for seat in range(t.agents):
        row = out[seat]
        b = AGENTS + AGENT_SIZE * seat
        k = write_own(t, s, seat, row)
        for other in range(t.agents):
            if other != seat:
                o = AGENTS + AGENT_SIZE * other
                row[k] = s[o + X] - s[b + X]
                row[k + 1] = s[o + Y] - s[b + Y]
                k += 2
        for other in range(t.chasers, t.agents):
            if other != seat:
                o = AGENTS + AGENT_SIZE * other
                row[k] = s[o + VX]
                row[k + 1] = s[o + VY]
                k += 2
        if seat >= t.chasers:
            row[k] = 0.0
            row[k + 1] = 0.0


def other_seat(t: Tables, seat: int, number: int) -> int:
    """The seat that comes as number 0, 1, … in a seat's `relative` observation.

    The others of the own role come first, from the next seat around, then those of the other role
    in order. So a policy that learned one seat of a role sees the same from any other.
    """
    first, own = (0, t.chasers) if seat < t.chasers else (t.chasers, t.runners)
    if number < own - 1:
        return first + (seat - first + 1 + number) % own
    return number - (own - 1) + (t.chasers if seat < t.chasers else 0)


def relative_env(t: Tables, s: Row, out: Any) -> None:
    """Writes the `relative` observation [A, size] of every seat.

    After `write_own`: for each other, in the order of `other_seat`, position from the own one, then
    velocity.
    """
    for seat in range(t.agents):
        row = out[seat]
        b = AGENTS + AGENT_SIZE * seat
        k = write_own(t, s, seat, row)
        for number in range(t.agents - 1):
            o = AGENTS + AGENT_SIZE * other_seat(t, seat, number)
            row[k] = s[o + X] - s[b + X]
            row[k + 1] = s[o + Y] - s[b + Y]
            row[k + 2] = s[o + VX]
            row[k + 3] = s[o + VY]
            k += 4


def simple_tag_loop(t: Tables, out: Any, state: Any, begin: int, end: int) -> None:
    """`simple_tag_env` for environments begin .. end.

    Args:
        t: The size of the game.
        out: [N, A, size] out.
        state: [N, size] state rows.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        simple_tag_env(t, state[i], out[i])


def relative_loop(t: Tables, out: Any, state: Any, begin: int, end: int) -> None:
    """`relative_env` for environments begin .. end; arguments as in `simple_tag_loop`."""
    for i in range(begin, end):
        relative_env(t, state[i], out[i])


KERNELS = (write_own, simple_tag_env, other_seat, relative_env)
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (simple_tag_loop, relative_loop)
"""Loops over environments, which threads may share."""
