"""Habits of players, counted by hand on games short enough to follow."""

import numpy as np
import pytest

from agents.builtin import RandomPolicy, StayPolicy
from agents.demonstrations import Demonstration
from play.worlds.registry import make_world
from training.evaluation.crossplay import Seating, returns_of
from training.evaluation.habits import LONG_REST, habits_of, played

WORLD = "kitchen/cramped_room"
NORTH, SOUTH, EAST, WEST, STAY, INTERACT = range(6)


def game_of(*joint):
    """A game under these joint actions; cook 0 begins at (1, 2), cook 1 at (3, 1), facing north."""
    world = make_world(WORLD, 1, horizon=len(joint))
    world.reset(0)
    states = [world.get_states()[0]]
    for actions in joint:
        world.step(np.array([actions]))
        states.append(world.get_states()[0])
    return Demonstration(WORLD, dict(world.facts.options), "a", "a", "", (0, 1),
                         np.stack(states), np.array(joint, np.int8))  # fmt: skip


def test_shares_are_those_counted_by_hand():
    # cook 0: moves to (1, 1), turns to the onions in the west, takes one, tries again in vain,
    # rests; cook 1: bumps into the counter, on and on: all but nothing changes
    game = game_of(
        (NORTH, NORTH), (WEST, NORTH), (INTERACT, NORTH), (INTERACT, NORTH),
        (STAY, INTERACT), (STAY, STAY), (STAY, STAY), (STAY, STAY),
    )  # fmt: skip
    habits = habits_of([game])
    first, second = habits.by_seat
    assert (first["stay"], second["stay"], habits.stay) == (4 / 8, 3 / 8, 3.5 / 8)
    assert (first["interact"], second["interact"]) == (2 / 8, 1 / 8)
    # the second interact of cook 0 is futile; of cook 1, all four bumps and the interact
    assert (first["futile"], second["futile"]) == (1 / 8, 5 / 8)
    assert habits.longest_rest == np.median([5, 8])
    assert (habits.rests, habits.soups, first["ingredients potted"]) == (0, 0, 0)


def test_potting_is_counted_per_400_steps():
    steps = [(NORTH, STAY), (WEST, STAY), (INTERACT, STAY), (EAST, STAY), (NORTH, STAY),
             (INTERACT, STAY), (STAY, STAY), (STAY, STAY)]  # fmt: skip
    first, second = habits_of([game_of(*steps)]).by_seat
    assert (first["ingredients potted"], second["ingredients potted"]) == (400 / 8, 0)


def test_long_rests_and_the_window():
    steps = [(NORTH, STAY)] + [(STAY, STAY)] * LONG_REST
    habits = habits_of([game_of(*steps)])
    per_window = 400 / (LONG_REST + 1)
    assert habits.rests == pytest.approx(per_window)  # one of each cook; a mean over both
    assert habits.longest_rest == np.median([LONG_REST, LONG_REST + 1])
    assert habits_of([game_of(*steps)], window=LONG_REST - 1).rests == 0


def test_games_of_policies_are_those_that_evaluation_plays():
    policies = (RandomPolicy("random"), StayPolicy("stay"))
    games, returns = played(policies, WORLD, {"dynamics": "old"}, 6, seed=3)
    expected = returns_of(Seating(policies), WORLD, {"dynamics": "old"}, 6, seed=3)
    np.testing.assert_array_equal(returns, expected)
    habits = habits_of(games)
    assert habits.by_seat[1]["stay"] == 1
    assert habits.by_seat[0]["stay"] == pytest.approx(1 / 6, abs=0.04)
    for game in games:
        world = make_world(WORLD, len(game.actions), dynamics="old")
        world.set_states(game.states[:-1])
        world.step(game.actions)
        np.testing.assert_array_equal(world.get_states(), game.states[1:])
