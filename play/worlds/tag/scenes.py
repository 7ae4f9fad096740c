"""States for people: drawings as JSON values."""

from collections.abc import Sequence
from typing import Any

from play.worlds.spec import WorldFacts
from play.worlds.tag.physics import touches
from play.worlds.tag.state import EDGE, OBSTACLE_RADIUS, TIME, VX, VY, Tables, X, Y

DIGITS = 4  # a hundredth of a pixel on a large screen


def static_scene(facts: WorldFacts, tables: Tables) -> dict[str, Any]:
    """The part of the drawing that never changes."""
    return {
        "renderer": "tag",
        "layout": facts.world.partition("/")[2],
        "horizon": tables.horizon,
        "edge": EDGE,
        "num_players": tables.agents,
        "roles": list(facts.roles),
        "radii": tables.radius[: tables.agents].tolist(),
        "obstacle_radius": OBSTACLE_RADIUS,
        "step_ms": facts.tick_ms,
        "touch_points": facts.reward_unit,
    }


def scene(tables: Tables, row: Sequence[float]) -> dict[str, Any]:
    """The part of the drawing that changes, from one state row."""
    return {
        "t": int(row[TIME]),
        "players": [player_scene(tables, row, p) for p in range(tables.agents)],
        "obstacles": [
            point(row, int(tables.place[thing]))
            for thing in range(tables.agents, tables.agents + tables.obstacles)
        ],
        "touches": [
            [chaser, runner]
            for chaser in range(tables.chasers)
            for runner in range(tables.chasers, tables.agents)
            if touches(tables, row, chaser, runner)
        ],
    }


def point(row: Sequence[float], at: int) -> dict[str, float]:
    """A position; y points up."""
    return {"x": round(row[at + X], DIGITS), "y": round(row[at + Y], DIGITS)}


def player_scene(tables: Tables, row: Sequence[float], player: int) -> dict[str, float]:
    """A player: where, and how fast in half-widths of the arena per second."""
    at = int(tables.place[player])
    return {
        **point(row, at),
        "vx": round(row[at + VX], DIGITS),
        "vy": round(row[at + VY], DIGITS),
    }
