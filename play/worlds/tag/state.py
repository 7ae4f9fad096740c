"""How a state of tag lies in memory, and the numbers that its rules use.

A state is one row of float64 numbers:

    [0]               time step
    [1 + 4a ...]      agent a: position x, y, velocity x, y
    [1 + 4A + 2o ...] obstacle o: position x, y

Agents are numbered as seats: chasers first, then runners. Positions are in half-widths of the
arena, which reaches from -1 to 1 and has no walls; velocities are in half-widths per second.

Source: `simple_tag` of mpe2 1.1.1, which says the same as PettingZoo's.
"""

from typing import Any, NamedTuple

import numpy as np

TIME = 0
AGENTS = 1  # where the agents begin in a state row
X, Y, VX, VY = 0, 1, 2, 3  # within an agent
AGENT_SIZE, OBSTACLE_SIZE = 4, 2  # numbers per agent and per obstacle

ACTIONS = ("stay", "left", "right", "down", "up")
STAY, LEFT, RIGHT, DOWN, UP = range(5)

EVENTS = ("touch", "touched", "moved", "closed_in", "blocked", "outside")
"""What a seat did in a step: a chaser touched a runner; a runner was touched; it went at half its
top speed or more; a chaser came nearer to the runner next to it; it met an obstacle; it was outside
of the arena."""

STEP_S = 0.1  # seconds per step
DAMPING = 0.25  # share of its velocity that an agent loses in a step
CONTACT_FORCE, CONTACT_MARGIN = 100.0, 0.001
CHASER_RADIUS, RUNNER_RADIUS, OBSTACLE_RADIUS = 0.075, 0.05, 0.2
CHASER_FORCE, RUNNER_FORCE = 3.0, 4.0  # of an action; everybody has mass one
CHASER_SPEED, RUNNER_SPEED = 1.0, 1.3
AGENT_RANGE, OBSTACLE_RANGE = 1.0, 0.9  # first positions are drawn from within ± these
TOUCH_REWARD = 10.0
BORDER, EDGE = 0.9, 1.0  # a runner pays beyond the border, and more beyond the edge
MOST_PENALTY = 10.0  # per axis


class Tables(NamedTuple):
    """One size of tag as the rules use it.

    Attributes:
        chasers: Number of chasers C.
        runners: Number of runners R.
        agents: Number of agents A = C + R.
        obstacles: Number of obstacles O.
        horizon: Steps in an episode.
        scale: Factor of all rewards.
        apart: 1 if nothing may overlap in a first state.
        radius: [A + O] radii of the agents, then of the obstacles.
        place: [A + O] where in a state row their positions begin.
    """

    chasers: int
    runners: int
    agents: int
    obstacles: int
    horizon: int
    scale: float
    apart: int
    radius: Any
    place: Any


def make_tables(
    chasers: int, runners: int, obstacles: int, horizon: int, scale: float, apart: bool
) -> Tables:
    """Numbers the agents and obstacles of a size."""
    agents = chasers + runners
    radii = [CHASER_RADIUS] * chasers + [RUNNER_RADIUS] * runners + [OBSTACLE_RADIUS] * obstacles
    first = AGENTS + AGENT_SIZE * agents
    places = [AGENTS + AGENT_SIZE * p for p in range(agents)]
    places += [first + OBSTACLE_SIZE * o for o in range(obstacles)]
    return Tables(
        chasers=chasers,
        runners=runners,
        agents=agents,
        obstacles=obstacles,
        horizon=horizon,
        scale=scale,
        apart=int(apart),
        radius=np.array(radii, np.float64),
        place=np.array(places, np.int64),
    )


def row_size(tables: Tables) -> int:
    """Numbers in a state row."""
    return AGENTS + AGENT_SIZE * tables.agents + OBSTACLE_SIZE * tables.obstacles
