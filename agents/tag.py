"""Rule-based players of tag: a chaser that cuts the way off, and a runner that flees.

Both look a few steps ahead: they follow each of their actions for that long, with everybody else
going on as they do now, and prefer where that leads. Preferences become probabilities, so that
neither is perfect and no two games are the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, SeatView, sample
from play.worlds.tag.physics import border_penalty, place, radius
from play.worlds.tag.state import (
    AGENT_SIZE,
    CHASER_FORCE,
    CHASER_SPEED,
    DAMPING,
    RUNNER_FORCE,
    RUNNER_SPEED,
    STEP_S,
    Tables,
)  # fmt: skip
from play.worlds.tag.world import Tag

PUSHES = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))  # by action
CHASER_AHEAD, RUNNER_AHEAD = 4, 6  # steps
CHASER_TEMPERATURE, RUNNER_TEMPERATURE = 0.01, 1.0
FORESIGHT = 0.6  # half-widths; how far ahead of the runner a chaser aims at most
FLANK = 0.35  # half-widths beyond the runner that the chaser further away aims at
FEAR = 0.12  # half-widths; how fast a chaser's threat fades with its distance
EASE = 0.05  # of the threat for being off the middle, from where every way is open


@dataclass(frozen=True)
class Body:
    """An agent or obstacle: where, how fast, how large."""

    x: float
    y: float
    vx: float
    vy: float
    radius: float

    def gap(self, other: "Body") -> float:
        """Distance between the middles."""
        return math.hypot(self.x - other.x, self.y - other.y)

    def after(self, steps: int) -> tuple[float, float]:
        """Where it is if it goes on as it does now."""
        return self.x + self.vx * STEP_S * steps, self.y + self.vy * STEP_S * steps


class Field:
    """A state of tag as one of its agents looks at it."""

    def __init__(self, view: SeatView) -> None:
        assert isinstance(view.world, Tag), "only games of tag are looked at"
        self.tables: Tables = view.world.tables
        row: list[float] = view.world.state[view.env].tolist()
        agents = [self._agent(row, p) for p in range(self.tables.agents)]
        self.chases = view.seat < self.tables.chasers
        self.own = agents[view.seat]
        chasers, runners = agents[: self.tables.chasers], agents[self.tables.chasers :]
        self.mates = [a for a in (chasers if self.chases else runners) if a is not self.own]
        self.others = runners if self.chases else chasers
        things = range(self.tables.agents, self.tables.agents + self.tables.obstacles)
        self.obstacles = [self._obstacle(row, thing) for thing in things]

    def _agent(self, row: Sequence[float], p: int) -> Body:
        at = place(self.tables, p)
        x, y, vx, vy = row[at : at + AGENT_SIZE]
        return Body(x, y, vx, vy, radius(self.tables, p))

    def _obstacle(self, row: Sequence[float], thing: int) -> Body:
        at = place(self.tables, thing)
        return Body(row[at], row[at + 1], 0.0, 0.0, radius(self.tables, thing))

    def path(self, action: int, steps: int) -> list[tuple[float, float]]:
        """Where the own agent is in each of the next steps if it keeps to an action."""
        force, top = (CHASER_FORCE, CHASER_SPEED) if self.chases else (RUNNER_FORCE, RUNNER_SPEED)
        (px, py), x, y = PUSHES[action], self.own.x, self.own.y
        vx, vy = self.own.vx, self.own.vy
        found = []
        for _ in range(steps):
            x, y = x + vx * STEP_S, y + vy * STEP_S
            vx = vx * (1 - DAMPING) + px * force * STEP_S
            vy = vy * (1 - DAMPING) + py * force * STEP_S
            slower = min(1.0, top / max(math.hypot(vx, vy), 1e-9))
            vx, vy = vx * slower, vy * slower
            found.append((x + vx * STEP_S, y + vy * STEP_S))
        return found

    def bumps(self, path: Sequence[tuple[float, float]]) -> float:
        """How deep a path leads into obstacles."""
        return sum(
            max(0.0, self.own.radius + block.radius - math.hypot(x - block.x, y - block.y))
            for block in self.obstacles
            for x, y in path
        )


def pursuit_cost(field: Field, action: int) -> float:
    """How far from catching the nearest runner an action leaves a chaser.

    Of several chasers, all but the one next to the runner aim beyond it, on the side that the
    others don't come from.
    """
    path = field.path(action, CHASER_AHEAD)
    prey = min(field.others, key=field.own.gap)
    far = field.own.gap(prey)
    tx, ty = prey.after(round(min(far, FORESIGHT) / STEP_S / CHASER_SPEED))
    nearer = [mate for mate in field.mates if mate.gap(prey) < far]
    if nearer and far > FLANK:
        mate = nearer[0]
        away = max(mate.gap(prey), 1e-9)
        tx += FLANK * (prey.x - mate.x) / away
        ty += FLANK * (prey.y - mate.y) / away
    x, y = path[-1]
    return math.hypot(tx - x, ty - y) + 2 * field.bumps(path)


def flight_cost(field: Field, action: int) -> float:
    """How much danger an action leads a runner into: chasers, the border, obstacles, corners."""
    path = field.path(action, RUNNER_AHEAD)
    danger = 2 * field.bumps(path)
    for step, (x, y) in enumerate(path, start=1):
        for chaser in field.others:
            cx, cy = chaser.after(step)
            gap = math.hypot(cx - x, cy - y) - chaser.radius - field.own.radius
            danger += math.exp(-max(gap, -FEAR) / FEAR)
        danger += 0.3 * (border_penalty(x) + border_penalty(y))
    x, y = path[-1]
    return danger + EASE * (x * x + y * y)


class TagPolicy:
    """Softmax over what the actions cost."""

    encoding: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def costs(self, field: Field) -> list[float]:
        """What each action costs, in units of the temperature."""
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
        costs = np.array([self.costs(Field(view)) for view in views])
        weights = np.exp(costs.min(axis=1, keepdims=True) - costs)
        probabilities = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        return Decisions(sample(probabilities, uniforms), probabilities, None)


class Pursuer(TagPolicy):
    """A chaser that goes where the runner will be, and cuts off its way when another is nearer."""

    def costs(self, field: Field) -> list[float]:
        """See `pursuit_cost`."""
        return [pursuit_cost(field, action) / CHASER_TEMPERATURE for action in range(len(PUSHES))]


class Fugitive(TagPolicy):
    """A runner that keeps away from chasers, corners and the border."""

    def costs(self, field: Field) -> list[float]:
        """See `flight_cost`."""
        return [flight_cost(field, action) / RUNNER_TEMPERATURE for action in range(len(PUSHES))]
