"""Rule-based cooks with one habit each: partners to test with, rather than to win with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.builtin import FixedPolicy
from agents.kitchen_view import Scene
from agents.policy import Decisions, SeatView, sample
from agents.scripted import (
    GreedyChef,
    bring_dish,
    bring_ingredient,
    certainly,
    decide,
    dishes_short,
    free_counters,
    goals,
    sources,
    step_towards,
    takeable,
    to_start,
    use_or_pass,
    wanted_ingredients,
)
from play.worlds.kitchen.state import DISH, NOTHING, SOUP, STAY, TIME
from play.worlds.kitchen.world import Kitchen

SLOWNESS = 0.6
"""Share of the steps in which a slow cook does nothing; people do nothing in about half of them."""
PERSISTENCE = 0.8
DWELL = 20
"""Steps for which one who blocks stands in one place."""


class OnionsOnly(GreedyChef):
    """Brings ingredients to the pots, as the greedy cook does, and never fetches a dish."""

    def choose(self, scene: Scene, memory: NDArray[np.int64]) -> NDArray[np.float32]:
        """Weights [actions]; see `GreedyChef.choose`."""
        return decide(scene, memory, ingredient_goals)


class DishesOnly(GreedyChef):
    """Fetches dishes, plates and serves, as the greedy cook does, and brings no ingredient."""

    def choose(self, scene: Scene, memory: NDArray[np.int64]) -> NDArray[np.float32]:
        """Weights [actions]; see `GreedyChef.choose`."""
        return decide(scene, memory, dish_goals)


class SlowChef(GreedyChef):
    """Does what the greedy cook does, in two steps of five."""

    def choose(self, scene: Scene, memory: NDArray[np.int64]) -> NDArray[np.float32]:
        """Weights [actions]; see `GreedyChef.choose`."""
        return (1 - SLOWNESS) * decide(scene, memory) + SLOWNESS * certainly(STAY)


class StubbornChef(GreedyChef):
    """Does what the greedy cook wants, and makes way for nobody."""

    def choose(self, scene: Scene, memory: NDArray[np.int64]) -> NDArray[np.float32]:
        """Weights [actions]; see `GreedyChef.choose`."""
        wanted = goals(scene)
        reached = [place for station in wanted for place in scene.map.spots.get(station, ())]
        within = any(place in scene.open_ways for place in reached)
        return certainly(step_towards(scene, wanted) if within else STAY)


class PlacedPolicy(FixedPolicy):
    """Draws actions from a distribution that depends on where the player is, without a memory."""

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        probabilities = np.stack([self.weights(view) for view in views])
        return Decisions(sample(probabilities, uniforms), probabilities, None)


class Wanderer(PlacedPolicy):
    """Walks about without a purpose: straight on for a while, then another way."""

    def weights(self, view: SeatView) -> NDArray[np.float32]:
        """[actions] most weight on going straight on, where that is possible."""
        scene = Scene(view)
        moves = scene.map.free_moves(scene.cell, scene.others_cells)
        if not moves:
            return certainly(STAY)
        weights = np.zeros(len(view.world.facts.actions), np.float32)
        weights[moves] = 1 / len(moves)
        if scene.facing in moves:
            weights *= 1 - PERSISTENCE
            weights[scene.facing] += PERSISTENCE
        return weights


class Blocker(PlacedPolicy):
    """Stands in the way: for a while on each of the cells that stations are used from, in turn."""

    def weights(self, view: SeatView) -> NDArray[np.float32]:
        """[actions] all weight on the next step to the cell whose turn it is."""
        scene = Scene(view)
        world = view.world
        assert isinstance(world, Kitchen)
        cells = sorted(
            {
                cell
                for kind in "OTDPS"
                for station in scene.map.stations[kind]
                for cell, _ in scene.map.spots.get(station, ())
                if scene.map.room[cell] == scene.room
            }
        )
        if not cells:
            return certainly(STAY)
        target = cells[int(world.state[view.env, TIME]) // DWELL % len(cells)]
        for ways in (scene.ways, scene.open_ways):
            arrivals = [ways[place] for place in ways if place[0] == target]
            if arrivals:
                steps, first = min(arrivals)
                return certainly(STAY if steps == 0 or scene.cell == target else first)
        return certainly(STAY)


def ingredient_goals(scene: Scene) -> list[int]:
    """Stations to use for one who only brings ingredients."""
    if scene.held == NOTHING:
        return wanted_ingredients(scene)
    return free_counters(scene) if scene.held >= DISH else bring_ingredient(scene)


def dish_goals(scene: Scene) -> list[int]:
    """Stations to use for one who only fetches dishes, plates and serves."""
    if scene.held == NOTHING:
        wanted = sources(scene, DISH) if dishes_short(scene) > 0 else []
        return takeable(scene, SOUP) or to_start(scene) or wanted
    if scene.held >= SOUP:
        return use_or_pass(scene, scene.map.stations["S"])
    return bring_dish(scene) if scene.held == DISH else free_counters(scene)
