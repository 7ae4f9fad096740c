"""The rules of the kitchen: one joint action in one environment, and the loop over a batch.

Everything here is written as plain loops over flat sequences, so that the same source runs
compiled by numba on arrays and as ordinary Python on lists (see `compilation`). `KERNELS` and
`LOOPS` name what is compiled. A state row is described in `state`.

Source: `OvercookedGridworld.get_state_transition` of overcooked-ai 1.1.0; the old dynamics as in
its repository since November 2022. The order of things within a step:

1. Pots are classed as busy or full once, before anyone acts.
2. Players interact one after the other, player 0 first, each with the cell that they faced
   before this step, each seeing what the earlier ones did.
3. All move at once. A direction always turns; if any two players would end in the same cell or
   swap cells, nobody moves.
4. Time passes and pots cook.
"""

from typing import Any

from play.worlds.kitchen.recipes import STRIDE
from play.worlds.kitchen.state import (
    CELL,
    DISH,
    EVENTS,
    FACING,
    HELD,
    IDLE,
    INTERACT,
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

FLOOR, COUNTER, ONIONS, TOMATOES, DISHES, POT, SERVING = range(7)
NUM_EVENTS = len(EVENTS)
TOMATO_PICKUP = EVENTS.index("tomato_pickup")
ONION_PICKUP = EVENTS.index("onion_pickup")
DISH_PICKUP = EVENTS.index("dish_pickup")
DROP = 2  # from a thing's pickup event to its drop event; 1 further is the useful one
POTTING = 4  # from an ingredient's pickup event to its potting event
SOUP_PICKUP = EVENTS.index("soup_pickup")
SOUP_DELIVERY = EVENTS.index("soup_delivery")
SOUP_DROP = EVENTS.index("soup_drop")
OPTIMAL = EVENTS.index("optimal_onion_potting")
VIABLE = EVENTS.index("viable_onion_potting")
CATASTROPHIC = EVENTS.index("catastrophic_onion_potting")
USELESS = EVENTS.index("useless_onion_potting")
# In Tables.shaping; the last one plus the recipe.
ORDERED, POTTED, DISH_TAKEN, SOUP_TAKEN = 0, 1, 2, 3
RANDOM_MODULUS, RANDOM_FACTOR = 2147483647, 48271  # Park and Miller's minimal standard

Row = Any  # a state row, or a row of one of the outputs: array or list


def is_busy(t: Tables, s: Row, pot: int) -> bool:
    """Whether a pot is ready, cooking, or waiting for more: one that will need a dish."""
    b = PLAYERS + 3 * t.players + 3 * pot
    size = s[b + N_ONIONS] + s[b + N_TOMATOES]
    return bool(s[b + TICK] >= 0 or 0 < size < t.most)


def is_worthless(t: Tables, s: Row, pot: int) -> bool:
    """Whether the soup in a pot that was started is one that nobody ordered."""
    b = PLAYERS + 3 * t.players + 3 * pot
    recipe = s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES]
    return bool(s[b + TICK] >= 0 and t.value[recipe] <= 0)


def is_full(t: Tables, s: Row, pot: int) -> bool:
    """Whether a pot takes no more ingredients."""
    b = PLAYERS + 3 * t.players + 3 * pot
    return bool(s[b + TICK] >= 0 or s[b + N_ONIONS] + s[b + N_TOMATOES] == t.most)


def dish_is_useful(t: Tables, s: Row, busy: int) -> bool:
    """Whether one more dish is of use: none lies around and fewer are held than pots are busy.

    Full pots that nobody started don't count as busy, and the answer is no unless there are two
    players; both as in the reference.
    """
    if t.players != 2:
        return False
    held = 0
    for p in range(t.players):
        if s[PLAYERS + 3 * p + HELD] == DISH:
            held += 1
    if held >= busy:
        return False
    counters = PLAYERS + 3 * t.players + 3 * t.pots
    lying = 0
    for c in range(t.counters):
        if s[counters + c] == DISH:
            lying += 1
    return lying == 0


def other_holds(t: Tables, s: Row, p: int) -> int:
    """What the other of two players holds."""
    return int(s[PLAYERS + 3 * (1 - p) + HELD])


def log_pickup(t: Tables, s: Row, p: int, item: int, busy: int, full: int, events: Row) -> None:
    """Notes that p is about to take an item from a counter or dispenser."""
    e = NUM_EVENTS * p
    if item >= SOUP:
        events[e + SOUP_PICKUP] = True
    elif item == DISH:
        events[e + DISH_PICKUP] = True
        if dish_is_useful(t, s, busy):
            events[e + DISH_PICKUP + 1] = True
    else:
        e += ONION_PICKUP if item == ONION else TOMATO_PICKUP
        events[e] = True
        if t.players == 2 and (full < t.pots or other_holds(t, s, p) == DISH):
            events[e + 1] = True


def log_drop(t: Tables, s: Row, p: int, item: int, full: int, events: Row) -> None:
    """Notes that p is about to put an item on a counter."""
    e = NUM_EVENTS * p
    if item >= SOUP:
        events[e + SOUP_DROP] = True
    elif item == DISH:
        events[e + DISH_PICKUP + DROP] = True
        if t.players == 2 and full == 0 and other_holds(t, s, p) != ONION:
            events[e + DISH_PICKUP + DROP + 1] = True
    else:
        e += (ONION_PICKUP if item == ONION else TOMATO_PICKUP) + DROP
        events[e] = True
        if t.players == 2 and full == t.pots and other_holds(t, s, p) != DISH:
            events[e + 1] = True


def log_potting(t: Tables, p: int, item: int, before: int, after: int, events: Row) -> None:
    """Notes that p turned the contents of a pot from recipe `before` into recipe `after`."""
    e = NUM_EVENTS * p
    events[e + POTTING + (ONION_PICKUP if item == ONION else TOMATO_PICKUP)] = True
    if item == TOMATO:
        e += 1
    if t.best[before] == t.best[after]:
        events[e + OPTIMAL] = True
    if t.best[after] > 0:
        events[e + VIABLE] = True
    elif t.best[before] > 0:
        events[e + CATASTROPHIC] = True
    if t.best[before] == 0:
        events[e + USELESS] = True


def use_counter(t: Tables, s: Row, p: int, counter: int, busy: int, full: int, events: Row) -> None:
    """Puts the held item down on an empty counter, or takes what lies there."""
    hand = PLAYERS + 3 * p + HELD
    place = PLAYERS + 3 * t.players + 3 * t.pots + counter
    held, there = s[hand], s[place]
    if held != NOTHING and there == NOTHING:
        log_drop(t, s, p, held, full, events)
        s[place] = held
        s[hand] = NOTHING
    elif held == NOTHING and there != NOTHING:
        log_pickup(t, s, p, there, busy, full, events)
        s[hand] = there
        s[place] = NOTHING


def use_dispenser(
    t: Tables, s: Row, p: int, kind: int, busy: int, paid: int, full: int, shaped: Row, events: Row
) -> None:
    """Takes an item with empty hands. Tomatoes from a dispenser leave no event."""
    hand = PLAYERS + 3 * p + HELD
    if s[hand] != NOTHING:
        return
    if kind == ONIONS:
        log_pickup(t, s, p, ONION, busy, full, events)
        s[hand] = ONION
    elif kind == TOMATOES:
        s[hand] = TOMATO
    else:
        log_pickup(t, s, p, DISH, busy, full, events)
        if dish_is_useful(t, s, paid):
            shaped[p] += t.shaping[DISH_TAKEN]
        s[hand] = DISH


def use_pot(t: Tables, s: Row, p: int, pot: int, shaped: Row, events: Row) -> None:
    """Starts a pot (new dynamics), takes its soup with a dish, or adds an ingredient."""
    hand = PLAYERS + 3 * p + HELD
    b = PLAYERS + 3 * t.players + 3 * pot
    held = s[hand]
    recipe = s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES]
    if held == NOTHING:
        if t.old == 0 and s[b + TICK] == IDLE and recipe > 0:
            s[b + TICK] = 0
    elif held == DISH:
        if s[b + TICK] >= 0 and s[b + TICK] >= t.time[recipe]:
            events[NUM_EVENTS * p + SOUP_PICKUP] = True
            shaped[p] += t.shaping[SOUP_TAKEN + recipe]
            s[hand] = SOUP + recipe
            s[b + N_ONIONS] = 0
            s[b + N_TOMATOES] = 0
            s[b + TICK] = IDLE
    elif held < DISH and not is_full(t, s, pot):
        s[b + (N_ONIONS if held == ONION else N_TOMATOES)] += 1
        s[hand] = NOTHING
        shaped[p] += t.shaping[POTTED]
        after = s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES]
        log_potting(t, p, held, recipe, after, events)


def interact(
    t: Tables,
    s: Row,
    p: int,
    busy: int,
    paid: int,
    full: int,
    rewards: Row,
    shaped: Row,
    events: Row,
) -> None:
    """Player p uses the cell in front."""
    b = PLAYERS + 3 * p
    faced = t.faced[4 * s[b + CELL] + s[b + FACING]]
    kind = t.terrain[faced]
    if kind == COUNTER:
        use_counter(t, s, p, t.slot[faced], busy, full, events)
    elif kind == POT:
        use_pot(t, s, p, t.slot[faced], shaped, events)
    elif kind == SERVING:
        if s[b + HELD] >= SOUP:
            rewards[p] += t.value[s[b + HELD] - SOUP]
            events[NUM_EVENTS * p + SOUP_DELIVERY] = True
            s[b + HELD] = NOTHING
    elif kind != FLOOR:
        use_dispenser(t, s, p, kind, busy, paid, full, shaped, events)


def destination(t: Tables, s: Row, p: int, action: int) -> int:
    """Where player p would stand if nobody were in the way."""
    cell = s[PLAYERS + 3 * p + CELL]
    return int(t.walk[4 * cell + action] if action < 4 else cell)


def collides(t: Tables, s: Row, actions: Row) -> bool:
    """Whether any two players would end in one cell or swap cells."""
    for p in range(1, t.players):
        from_p, to_p = s[PLAYERS + 3 * p + CELL], destination(t, s, p, actions[p])
        for q in range(p):
            from_q, to_q = s[PLAYERS + 3 * q + CELL], destination(t, s, q, actions[q])
            if to_p == to_q or (to_p == from_q and to_q == from_p):
                return True
    return False


def move(t: Tables, s: Row, actions: Row) -> None:
    """Turns everyone who chose a direction; moves everyone unless any two collide."""
    blocked = collides(t, s, actions)
    for p in range(t.players):
        action = actions[p]
        if action < 4:
            b = PLAYERS + 3 * p
            if not blocked:
                s[b + CELL] = t.walk[4 * s[b + CELL] + action]
            s[b + FACING] = action


def cook(t: Tables, s: Row) -> None:
    """Lets every cooking pot cook for a step; under the old dynamics, full pots start first."""
    for pot in range(t.pots):
        b = PLAYERS + 3 * t.players + 3 * pot
        tick = s[b + TICK]
        if t.old != 0 and tick == IDLE and s[b + N_ONIONS] + s[b + N_TOMATOES] == 3:
            tick = 0
        if tick >= 0 and tick < t.time[s[b + N_ONIONS] * STRIDE + s[b + N_TOMATOES]]:
            tick += 1
        s[b + TICK] = tick


def step_env(t: Tables, s: Row, actions: Row, rewards: Row, shaped: Row, events: Row) -> None:
    """Applies one joint action to a state row.

    Args:
        t: The layout.
        s: State row, changed in place.
        actions: [A] action indices.
        rewards: [A] overwritten with each player's sparse reward.
        shaped: [A] overwritten with each player's shaped reward.
        events: [A * E] overwritten with the players' events.
    """
    anyone = False
    for p in range(t.players):
        rewards[p] = 0.0
        shaped[p] = 0.0
        if actions[p] == INTERACT:
            anyone = True
    for e in range(t.players * NUM_EVENTS):
        events[e] = False
    if anyone:
        busy, paid, full = 0, 0, 0
        for pot in range(t.pots):
            if is_busy(t, s, pot):
                busy += 1
                if t.shaping[ORDERED] == 0 or not is_worthless(t, s, pot):
                    paid += 1
            if is_full(t, s, pot):
                full += 1
        for p in range(t.players):
            if actions[p] == INTERACT:
                interact(t, s, p, busy, paid, full, rewards, shaped, events)
    move(t, s, actions)
    cook(t, s)
    s[TIME] += 1


def start_episode(s: Row, stream: Row, starts: Any, random_starts: Any, chance: float) -> None:
    """Overwrites a state row with a first state.

    Args:
        s: State row.
        stream: [1] the environment's random stream, advanced only if `chance` is positive.
        starts: [1, size] the usual first state.
        random_starts: [M, size] states to draw from otherwise.
        chance: Probability of drawing.
    """
    source, number = starts, 0
    if chance > 0.0:
        first = stream[0] * RANDOM_FACTOR % RANDOM_MODULUS
        second = first * RANDOM_FACTOR % RANDOM_MODULUS
        stream[0] = second
        if first < chance * RANDOM_MODULUS:
            source, number = random_starts, second % len(random_starts)
    for k in range(len(s)):
        s[k] = source[number][k]


def step_loop(
    t: Tables, state: Any, rewards: Any, events: Any, done: Any, streams: Any, shaped: Any,
    actions: Any, starts: Any, random_starts: Any, chance: float, autoreset: bool,
    begin: int, end: int,
) -> None:  # fmt: skip
    """`step_env` for environments begin .. end, with same-step autoreset if asked for.

    Args:
        t: The layout.
        state: [N, size] state rows, changed in place.
        rewards: [N, A] out.
        events: [N, A * E] out.
        done: [N] out.
        streams: [N, 1] random streams, changed in place.
        shaped: [N, A] out.
        actions: [N, A] action indices, known to be valid.
        starts: [1, size] see `start_episode`.
        random_starts: [M, size] see `start_episode`.
        chance: See `start_episode`.
        autoreset: Whether finished environments restart.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        step_env(t, state[i], actions[i], rewards[i], shaped[i], events[i])
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


KERNELS = (
    is_busy, is_worthless, is_full, dish_is_useful, other_holds, log_pickup, log_drop, log_potting,
    use_counter, use_dispenser, use_pot, interact, destination, collides, move, cook, step_env,
    start_episode,
)  # fmt: skip
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (step_loop, start_loop)
"""Loops over environments, which threads may share."""
