"""The rules of the private-cost kitchen, and the loops over a batch.

Plain loops over flat sequences, run compiled or as ordinary Python (see `compilation`). A state
row is described in `state`.

Source: the 5 by 5 grid world of SRPO's released code (arXiv 2602.21515). A step:

1. The players act one after the other, in random order, each seeing what the one before did.
   Every action but staying costs its player, also when it leads nowhere. The border stops. Who
   walks into the pot with an onion puts it in, and both are rewarded; who walks into the other
   stays and pays for that besides. Then an empty-handed player on a cell with an onion picks it
   up, also while staying, and both are rewarded.
2. Every onion that is missing is back with some probability.
"""

from typing import Any

from play.worlds.private_kitchen.state import (
    CELL,
    EVENTS,
    FACING,
    HOLDS,
    ONIONS,
    PLAYERS,
    POT,
    STAY,
    TIME,
    Tables,
)  # fmt: skip

NUM_EVENTS = len(EVENTS)
IDLE, MOVE, BUMP, COLLISION, PICKUP, POTTING = range(NUM_EVENTS)
NUM_ACTIONS = 5
RANDOM_MODULUS, RANDOM_FACTOR = 2147483647, 48271  # Park and Miller's minimal standard

Row = Any  # a state row, or a row of one of the outputs: array or list


def draw(stream: Row) -> int:
    """The next random number, 1 to `RANDOM_MODULUS` - 1."""
    stream[0] = stream[0] * RANDOM_FACTOR % RANDOM_MODULUS
    return int(stream[0])


def walk(t: Tables, s: Row, p: int, direction: int, events: Row) -> None:
    """Player p goes one cell in a direction, or is stopped there."""
    b, e = PLAYERS + 3 * p, NUM_EVENTS * p
    there = t.ahead[4 * s[b + CELL] + direction]
    events[e + MOVE] = True
    s[b + FACING] = direction
    if there == POT and s[b + HOLDS] == 1:
        s[b + HOLDS] = 0
        events[e + POTTING] = True
    elif there == s[PLAYERS + 3 * (1 - p) + CELL]:
        events[e + COLLISION] = True
        events[e + BUMP] = True
    elif there == POT or there == s[b + CELL]:
        events[e + BUMP] = True
    else:
        s[b + CELL] = there


def act(t: Tables, s: Row, p: int, action: int, events: Row) -> None:
    """Player p acts, then picks up what lies there."""
    b, e = PLAYERS + 3 * p, NUM_EVENTS * p
    if action == STAY:
        events[e + IDLE] = True
    else:
        walk(t, s, p, action, events)
    onion = t.onion[s[b + CELL]]
    if onion >= 0 and s[b + HOLDS] == 0 and s[ONIONS + onion] == 1:
        s[b + HOLDS] = 1
        s[ONIONS + onion] = 0
        events[e + PICKUP] = True


def pay(t: Tables, events: Row, rewards: Row) -> None:
    """Overwrites rewards [2] with what the events of a step are worth to each player."""
    shared = 0.0
    for p in range(2):
        if events[NUM_EVENTS * p + PICKUP]:
            shared += t.pickup_reward
        if events[NUM_EVENTS * p + POTTING]:
            shared += t.pot_reward
    for p in range(2):
        cost = 0.0
        if events[NUM_EVENTS * p + MOVE]:
            cost += t.move_cost
        if events[NUM_EVENTS * p + COLLISION]:
            cost += t.collision
        rewards[p] = shared - cost


def step_env(t: Tables, s: Row, stream: Row, actions: Row, rewards: Row, events: Row) -> None:
    """Applies one joint action to a state row.

    Args:
        t: The kitchen.
        s: State row, changed in place.
        stream: [1] the environment's random stream, advanced.
        actions: [2] action indices.
        rewards: [2] overwritten with each player's reward.
        events: [2 * E] overwritten with the players' events.
    """
    for e in range(2 * NUM_EVENTS):
        events[e] = False
    first = 1 if draw(stream) < 0.5 * RANDOM_MODULUS else 0
    act(t, s, first, actions[first], events)
    act(t, s, 1 - first, actions[1 - first], events)
    pay(t, events, rewards)
    for onion in range(2):
        back = draw(stream) < t.respawn * RANDOM_MODULUS
        if back:
            s[ONIONS + onion] = 1
    s[TIME] += 1


def start_episode(s: Row, stream: Row, starts: Any, random_starts: Any, chance: float) -> None:
    """Overwrites a state row with a first state.

    Args:
        s: State row.
        stream: [1] the environment's random stream, advanced.
        starts: [2, size] the usual first states, equally likely.
        random_starts: [M, size] states to draw from otherwise.
        chance: Probability of drawing from these.
    """
    source, number = starts, 1 if draw(stream) < 0.5 * RANDOM_MODULUS else 0
    if chance > 0.0 and draw(stream) < chance * RANDOM_MODULUS:
        source, number = random_starts, draw(stream) % len(random_starts)
    for k in range(len(s)):
        s[k] = source[number][k]


def step_loop(
    t: Tables, state: Any, rewards: Any, events: Any, done: Any, streams: Any,
    actions: Any, starts: Any, random_starts: Any, chance: float, autoreset: bool,
    begin: int, end: int,
) -> None:  # fmt: skip
    """`step_env` for environments begin .. end, with same-step autoreset if asked for.

    Args:
        t: The kitchen.
        state: [N, size] state rows, changed in place.
        rewards: [N, 2] out.
        events: [N, 2 * E] out.
        done: [N] out.
        streams: [N, 1] random streams, changed in place.
        actions: [N, 2] action indices, known to be valid.
        starts: [2, size] see `start_episode`.
        random_starts: [M, size] see `start_episode`.
        chance: See `start_episode`.
        autoreset: Whether finished environments restart.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        step_env(t, state[i], streams[i], actions[i], rewards[i], events[i])
        done[i] = state[i][TIME] >= t.horizon
        if autoreset and done[i]:
            start_episode(state[i], streams[i], starts, random_starts, chance)


def start_loop(
    t: Tables, state: Any, streams: Any, starts: Any, random_starts: Any, chance: float,
    begin: int, end: int,
) -> None:  # fmt: skip
    """`start_episode` for environments begin .. end; arguments as in `step_loop`."""
    for i in range(begin, end):
        start_episode(state[i], streams[i], starts, random_starts, chance)


KERNELS = (draw, walk, act, pay, step_env, start_episode)
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (step_loop, start_loop)
"""Loops over environments, which threads may share."""
