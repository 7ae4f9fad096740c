"""Rule-based players of tag: a chaser that cuts the way off, and a runner that flees.

Both look a few steps ahead: they follow each of their actions for that long, with everybody else
going on as they do now, and prefer where that leads. Preferences become probabilities, so that
neither is perfect and no two games are the same.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, SeatView, sample
from play.worlds.tag.state import (
    AGENT_SIZE,
    AGENTS,
    BORDER,
    CHASER_FORCE,
    CHASER_RADIUS,
    CHASER_SPEED,
    DAMPING,
    EDGE,
    MOST_PENALTY,
    OBSTACLE_RADIUS,
    RUNNER_FORCE,
    RUNNER_RADIUS,
    RUNNER_SPEED,
    STEP_S,
)  # fmt: skip
from play.worlds.tag.world import Tag

Array = NDArray[np.float64]
PUSHES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], np.float64)  # by action
CHASER_AHEAD, RUNNER_AHEAD = 4, 6  # steps
CHASER_TEMPERATURE, RUNNER_TEMPERATURE = 0.01, 1.0
FORESIGHT = 0.6  # half-widths; how far ahead of the runner a chaser aims at most
FLANK = 0.35  # half-widths beyond the runner that the chaser further away aims at
FEAR = 0.12  # half-widths; how fast a chaser's threat fades with its distance
DISCOMFORT = 0.3  # of the border's penalty in every step
EASE = 0.05  # of the threat for being off the middle, from where every way is open
BUMP = 2.0  # for every half-width into an obstacle


class Field:
    """States of tag as one of their seats looks at them; B environments.

    Attributes:
        own: [B, 4] position and velocity of the seat's agent.
        mates: [B, K, 4] the others of its role.
        others: [B, M, 4] those of the other role.
        obstacles: [B, O, 2] positions.
        radius: Radius of the seat's agent.
    """

    def __init__(self, world: Tag, envs: Sequence[int], seat: int) -> None:
        tables, rows = world.tables, world.state[list(envs)]
        split = AGENTS + AGENT_SIZE * tables.agents
        agents = rows[:, AGENTS:split].reshape(len(rows), -1, AGENT_SIZE)
        chasers = np.arange(tables.agents) < tables.chasers
        self._chases = seat < tables.chasers
        self.own: Array = agents[:, seat]
        alike = chasers == self._chases
        self.others: Array = agents[:, ~alike]
        alike[seat] = False
        self.mates: Array = agents[:, alike]
        self.obstacles: Array = rows[:, split:].reshape(len(rows), -1, 2)
        self.radius = float(tables.radius[seat])

    def paths(self, steps: int) -> Array:
        """[B, actions, steps, 2] where the seat is after each step if it keeps to an action."""
        force, top = (CHASER_FORCE, CHASER_SPEED) if self._chases else (RUNNER_FORCE, RUNNER_SPEED)
        place, velocity = self.own[:, None, :2], self.own[:, None, 2:]
        found = []
        for _ in range(steps):
            place = place + velocity * STEP_S
            velocity = velocity * (1 - DAMPING) + PUSHES * (force * STEP_S)
            speed = np.hypot(velocity[..., :1], velocity[..., 1:])
            velocity = velocity * np.minimum(1.0, top / np.maximum(speed, 1e-9))
            found.append(place + velocity * STEP_S)
        return np.stack(found, axis=2)

    def bumps(self, paths: Array) -> Array:
        """[B, actions] how deep paths lead into obstacles."""
        gaps = length(paths[:, :, :, None] - self.obstacles[:, None, None])
        depth = np.maximum(0.0, self.radius + OBSTACLE_RADIUS - gaps)
        total: Array = BUMP * depth.sum(axis=(2, 3))
        return total


def length(vectors: Array) -> Array:
    """Lengths along the last axis."""
    lengths: Array = np.hypot(vectors[..., 0], vectors[..., 1])
    return lengths


def pursuit_costs(field: Field) -> Array:
    """[B, actions] how far from catching the nearest runner an action leaves a chaser.

    Of several chasers, all but the one next to the runner aim beyond it, on the side that the
    others don't come from.
    """
    rows = np.arange(len(field.own))
    apart = length(field.others[..., :2] - field.own[:, None, :2])
    prey = field.others[rows, apart.argmin(axis=1)]
    far = apart.min(axis=1)
    steps = np.round(np.minimum(far, FORESIGHT) / STEP_S / CHASER_SPEED)
    target = prey[:, :2] + prey[:, 2:] * STEP_S * steps[:, None]
    if field.mates.shape[1]:
        towards = prey[:, None, :2] - field.mates[..., :2]
        gaps = length(towards)
        nearer = gaps < far[:, None]
        first = nearer.argmax(axis=1)
        flanks = nearer.any(axis=1) & (far > FLANK)
        beyond = towards[rows, first] / np.maximum(gaps[rows, first], 1e-9)[:, None]
        target = target + np.where(flanks[:, None], FLANK * beyond, 0.0)
    paths = field.paths(CHASER_AHEAD)
    return length(target[:, None] - paths[:, :, -1]) + field.bumps(paths)


def flight_costs(field: Field) -> Array:
    """[B, actions] the danger that actions lead a runner into: chasers, border, obstacles."""
    paths = field.paths(RUNNER_AHEAD)
    times = STEP_S * np.arange(1, RUNNER_AHEAD + 1)[:, None]
    chasers = field.others[:, :, None, :2] + field.others[:, :, None, 2:] * times
    gaps = length(paths[:, :, None] - chasers[:, None]) - CHASER_RADIUS - RUNNER_RADIUS
    threat = np.exp(-np.maximum(gaps, -FEAR) / FEAR).sum(axis=(2, 3))
    border = DISCOMFORT * border_penalties(paths).sum(axis=(2, 3))
    ease = EASE * (paths[:, :, -1] ** 2).sum(axis=-1)
    total: Array = threat + border + ease + field.bumps(paths)
    return total


def border_penalties(coordinates: Array) -> Array:
    """What runners pay for coordinates; see `play.worlds.tag.physics.border_penalty`."""
    x = np.abs(coordinates)
    outside = np.minimum(np.exp(2 * np.minimum(x, 3.0) - 2), MOST_PENALTY)
    paid: Array = np.where(x < BORDER, 0.0, np.where(x < EDGE, (x - BORDER) * 10, outside))
    return paid


class TagPolicy:
    """Softmax over what the actions cost."""

    encoding: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def costs(self, field: Field) -> Array:
        """[B, actions] what the actions cost, in units of the temperature."""
        raise NotImplementedError

    def initial_state(self, batch: int) -> None:
        """No memory."""

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, view in enumerate(views):
            groups.setdefault((id(view.world), view.seat), []).append(index)
        costs = np.empty((len(views), len(PUSHES)))
        for indices in groups.values():
            world, seat = views[indices[0]].world, views[indices[0]].seat
            assert isinstance(world, Tag), "only games of tag are looked at"
            field = Field(world, [views[index].env for index in indices], seat)
            costs[indices] = self.costs(field)
        weights = np.exp(costs.min(axis=1, keepdims=True) - costs)
        probabilities = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        return Decisions(sample(probabilities, uniforms), probabilities, None)


class Pursuer(TagPolicy):
    """A chaser that goes where the runner will be, and cuts off its way when another is nearer."""

    def costs(self, field: Field) -> Array:
        """See `pursuit_costs`."""
        return pursuit_costs(field) / CHASER_TEMPERATURE


class Fugitive(TagPolicy):
    """A runner that keeps away from chasers, corners and the border."""

    def costs(self, field: Field) -> Array:
        """See `flight_costs`."""
        return flight_costs(field) / RUNNER_TEMPERATURE
