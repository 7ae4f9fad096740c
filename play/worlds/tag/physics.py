"""The rules of tag: one joint action in one environment, and the loop over a batch.

Plain loops over flat sequences of float64 numbers, for numba and ordinary Python alike. Only
operations that IEEE 754 rounds in one way are used (see `arithmetic`), so that both give the same
numbers to the last bit, on every machine. A state row is described in `state`.

Source: `World.step` and `simple_tag` of mpe2 1.1.1, in its order of operations:

1. Forces: an agent's action, then its contacts with all others and all obstacles, in the order of
   their numbers, at the positions before the step.
2. All move with the velocity that they had; then forces change velocities, which are damped and cut
   to the top speed.
3. Rewards are for contacts after the step.

Differs in that things further apart than 0.04 beyond contact exert no force on each other (there:
less than 5e-19), and neither do two in exactly the same place (there: not a number).
"""

import math
from typing import Any

from play.worlds.tag.arithmetic import INVISIBLE, exponential, softplus
from play.worlds.tag.state import (
    AGENT_RANGE,
    AGENT_SIZE,
    AGENTS,
    BORDER,
    CHASER_FORCE,
    CHASER_SPEED,
    CONTACT_FORCE,
    CONTACT_MARGIN,
    DAMPING,
    DOWN,
    EDGE,
    EVENTS,
    LEFT,
    MOST_PENALTY,
    OBSTACLE_RANGE,
    RIGHT,
    RUNNER_FORCE,
    RUNNER_SPEED,
    STEP_S,
    TIME,
    TOUCH_REWARD,
    UP,
    VX,
    VY,
    Tables,
    X,
    Y,
)  # fmt: skip

NUM_ACTIONS = 5
NUM_EVENTS = len(EVENTS)
TOUCH, TOUCHED, MOVED, CLOSED_IN, BLOCKED, OUTSIDE = range(NUM_EVENTS)
REACH = INVISIBLE * CONTACT_MARGIN  # beyond contact; a contact force further away is zero
BRISK = 0.5  # share of the top speed from which a step counts as moved
RANDOM_MODULUS, RANDOM_FACTOR = 2147483647, 48271  # Park and Miller's minimal standard
TRIES = 100  # places that are tried for something that is to touch nothing

Row = Any  # a state row, or a row of one of the outputs: array or list


def square_distance(s: Row, a: int, b: int) -> float:
    """Square of the distance between two places of a state row."""
    dx = s[a + X] - s[b + X]
    dy = s[a + Y] - s[b + Y]
    return float(dx * dx + dy * dy)


def touches(t: Tables, s: Row, one: int, other: int) -> bool:
    """Whether two things overlap, agents or, from number A on, obstacles."""
    least = t.radius[one] + t.radius[other]
    square = square_distance(s, t.place[one], t.place[other])
    # Most are far apart, which shows without a root.
    return bool(square < 1.01 * least * least and math.sqrt(square) < least)


def push(t: Tables, s: Row, one: int, other: int, forces: Row) -> None:
    """Adds the contact force between an agent and another thing to `forces` [2A]."""
    a, b = t.place[one], t.place[other]
    least = t.radius[one] + t.radius[other]
    dx = s[a + X] - s[b + X]
    dy = s[a + Y] - s[b + Y]
    square = dx * dx + dy * dy
    if square == 0.0 or square > (least + REACH) * (least + REACH):
        return
    far = math.sqrt(square)
    depth = softplus(-(far - least) / CONTACT_MARGIN) * CONTACT_MARGIN
    fx = CONTACT_FORCE * dx / far * depth
    fy = CONTACT_FORCE * dy / far * depth
    forces[2 * one] += fx
    forces[2 * one + 1] += fy
    if other < t.agents:
        forces[2 * other] -= fx
        forces[2 * other + 1] -= fy


def gather_forces(t: Tables, s: Row, actions: Row, forces: Row) -> None:
    """Overwrites `forces` [2A] with those of actions and contacts."""
    for p in range(t.agents):
        strength = CHASER_FORCE if p < t.chasers else RUNNER_FORCE
        forces[2 * p] = 0.0
        forces[2 * p + 1] = 0.0
        if actions[p] == LEFT:
            forces[2 * p] = -strength
        elif actions[p] == RIGHT:
            forces[2 * p] = strength
        elif actions[p] == DOWN:
            forces[2 * p + 1] = -strength
        elif actions[p] == UP:
            forces[2 * p + 1] = strength
    for p in range(t.agents):
        for other in range(p + 1, t.agents + t.obstacles):
            push(t, s, p, other, forces)


def move(t: Tables, s: Row, forces: Row) -> None:
    """Moves all agents and changes their velocities."""
    for p in range(t.agents):
        b = AGENTS + AGENT_SIZE * p
        top = CHASER_SPEED if p < t.chasers else RUNNER_SPEED
        s[b + X] += s[b + VX] * STEP_S
        s[b + Y] += s[b + VY] * STEP_S
        vx = s[b + VX] * (1.0 - DAMPING) + forces[2 * p] * STEP_S
        vy = s[b + VY] * (1.0 - DAMPING) + forces[2 * p + 1] * STEP_S
        speed = math.sqrt(vx * vx + vy * vy)
        if speed > top:
            vx = vx / speed * top
            vy = vy / speed * top
        s[b + VX] = vx
        s[b + VY] = vy


def border_penalty(coordinate: float) -> float:
    """What a runner pays for one coordinate: nothing within the border, ever more beyond it."""
    x = abs(coordinate)
    if x < BORDER:
        return 0.0
    if x < EDGE:
        return (x - BORDER) * 10.0
    if x > 3.0:
        return MOST_PENALTY
    return min(exponential(2.0 * x - 2.0), MOST_PENALTY)


def nearest_runner(t: Tables, s: Row, chaser: int) -> float:
    """Square of a chaser's distance from the runner next to it."""
    b = AGENTS + AGENT_SIZE * chaser
    best = square_distance(s, b, AGENTS + AGENT_SIZE * t.chasers)
    for runner in range(t.chasers + 1, t.agents):
        best = min(best, square_distance(s, b, AGENTS + AGENT_SIZE * runner))
    return best


def judge(t: Tables, s: Row, rewards: Row, events: Row) -> None:
    """Overwrites the rewards; notes touches, and where everybody is and how fast."""
    contacts = 0
    for runner in range(t.chasers, t.agents):
        reward = 0.0
        for chaser in range(t.chasers):
            if touches(t, s, chaser, runner):
                contacts += 1
                reward -= TOUCH_REWARD
                events[NUM_EVENTS * chaser + TOUCH] = True
                events[NUM_EVENTS * runner + TOUCHED] = True
        b = AGENTS + AGENT_SIZE * runner
        reward -= border_penalty(s[b + X])
        reward -= border_penalty(s[b + Y])
        rewards[runner] = t.scale * reward
    for chaser in range(t.chasers):
        rewards[chaser] = t.scale * (TOUCH_REWARD * contacts)
    for p in range(t.agents):
        b, e = AGENTS + AGENT_SIZE * p, NUM_EVENTS * p
        top = CHASER_SPEED if p < t.chasers else RUNNER_SPEED
        if s[b + VX] * s[b + VX] + s[b + VY] * s[b + VY] >= BRISK * BRISK * top * top:
            events[e + MOVED] = True
        if abs(s[b + X]) > EDGE or abs(s[b + Y]) > EDGE:
            events[e + OUTSIDE] = True
        for obstacle in range(t.agents, t.agents + t.obstacles):
            if touches(t, s, p, obstacle):
                events[e + BLOCKED] = True


def step_env(
    t: Tables, s: Row, actions: Row, forces: Row, rewards: Row, events: Row, before: Row
) -> None:
    """Applies one joint action to a state row.

    Args:
        t: The size of the game.
        s: State row, changed in place.
        actions: [A] action indices.
        forces: [2A] scratch space.
        rewards: [A] overwritten with each seat's reward.
        events: [A * E] overwritten with the seats' events.
        before: [C] scratch space.
    """
    for e in range(t.agents * NUM_EVENTS):
        events[e] = False
    for chaser in range(t.chasers):
        before[chaser] = nearest_runner(t, s, chaser)
    gather_forces(t, s, actions, forces)
    move(t, s, forces)
    judge(t, s, rewards, events)
    for chaser in range(t.chasers):
        if nearest_runner(t, s, chaser) < before[chaser]:
            events[NUM_EVENTS * chaser + CLOSED_IN] = True
    s[TIME] += 1.0


def draw(stream: Row) -> float:
    """The next number between 0 and 1 of an environment's random stream [1]."""
    stream[0] = stream[0] * RANDOM_FACTOR % RANDOM_MODULUS
    return float(stream[0] / RANDOM_MODULUS)


def is_free(t: Tables, s: Row, thing: int) -> bool:
    """Whether a thing overlaps none that was placed before it: obstacles, then agents in order."""
    for other in range(t.agents, t.agents + t.obstacles):
        if (thing < t.agents or other < thing) and touches(t, s, thing, other):
            return False
    if thing < t.agents:
        for other in range(thing):
            if touches(t, s, thing, other):
                return False
    return True


def put(t: Tables, s: Row, thing: int, stream: Row) -> None:
    """Draws the place of a thing; if nothing may overlap, up to `TRIES` times."""
    b = t.place[thing]
    span = AGENT_RANGE if thing < t.agents else OBSTACLE_RANGE
    for _ in range(TRIES):
        s[b + X] = (2.0 * draw(stream) - 1.0) * span
        s[b + Y] = (2.0 * draw(stream) - 1.0) * span
        if t.apart == 0 or is_free(t, s, thing):
            return


def start_episode(t: Tables, s: Row, stream: Row, chance: float) -> None:
    """Overwrites a state row with a first state.

    Args:
        t: The size of the game.
        s: State row.
        stream: [1] the environment's random stream, advanced.
        chance: Probability that everybody is under way already, at a random time.
    """
    for obstacle in range(t.agents, t.agents + t.obstacles):
        put(t, s, obstacle, stream)
    for p in range(t.agents):
        put(t, s, p, stream)
        s[AGENTS + AGENT_SIZE * p + VX] = 0.0
        s[AGENTS + AGENT_SIZE * p + VY] = 0.0
    s[TIME] = 0.0
    if chance > 0.0 and draw(stream) < chance:
        s[TIME] = float(int(draw(stream) * t.horizon))
        for p in range(t.agents):
            b = AGENTS + AGENT_SIZE * p
            top = CHASER_SPEED if p < t.chasers else RUNNER_SPEED
            s[b + VX] = (2.0 * draw(stream) - 1.0) * top * 0.7  # within the top speed
            s[b + VY] = (2.0 * draw(stream) - 1.0) * top * 0.7


def step_loop(
    t: Tables, state: Any, rewards: Any, events: Any, done: Any, streams: Any, forces: Any,
    before: Any, actions: Any, chance: float, autoreset: bool, begin: int, end: int,
) -> None:  # fmt: skip
    """`step_env` for environments begin .. end, with same-step autoreset if asked for.

    Args:
        t: The size of the game.
        state: [N, size] state rows, changed in place.
        rewards: [N, A] out.
        events: [N, A * E] out.
        done: [N] out.
        streams: [N, 1] random streams, changed in place.
        forces: [N, 2A] scratch space.
        before: [N, C] scratch space.
        actions: [N, A] action indices, known to be valid.
        chance: See `start_episode`.
        autoreset: Whether finished environments restart.
        begin: First environment of this part.
        end: Where this part ends.
    """
    for i in range(begin, end):
        step_env(t, state[i], actions[i], forces[i], rewards[i], events[i], before[i])
        done[i] = state[i][TIME] >= t.horizon
        if autoreset and done[i]:
            start_episode(t, state[i], streams[i], chance)


def start_loop(t: Tables, state: Any, streams: Any, chance: float, begin: int, end: int) -> None:
    """`start_episode` for environments begin .. end; arguments as in `step_loop`."""
    for i in range(begin, end):
        start_episode(t, state[i], streams[i], chance)


KERNELS = (
    square_distance, touches, push, gather_forces, move, border_penalty, nearest_runner,
    judge, step_env, draw, is_free, put, start_episode,
)  # fmt: skip
"""Functions that numba compiles, each after those that it calls."""

LOOPS = (step_loop, start_loop)
"""Loops over environments, which threads may share."""
