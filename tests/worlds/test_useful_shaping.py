"""Shaped rewards for trainers: none for soups that nobody ordered."""

import numpy as np
import pytest

from play.worlds.kitchen.layouts import DIRECTIONS
from play.worlds.kitchen.state import (
    CELL,
    DISH,
    EVENTS,
    FACING,
    HELD,
    IDLE,
    INTERACT,
    N_ONIONS,
    NOTHING,
    PLAYERS,
    STAY,
    TICK,
)  # fmt: skip
from play.worlds.registry import make_world
from training.config import METHODS
from training.runs import make_trainer


def before(layout, station):
    """A cell of the floor beside the first station of a kind, and the direction from there."""
    (x, y), *_ = layout.cells(station)
    for direction, (dx, dy) in enumerate(DIRECTIONS):
        there = (x - dx, y - dy)
        inside = min(there) >= 0 and there[0] < layout.width and there[1] < layout.height
        if inside and layout.terrain_at(there) == " ":
            return there[0] * layout.height + there[1], direction
    raise AssertionError("no cook gets there")


def taken(world, onions, held=DISH, station="P", tick=20):
    """[N] shaped rewards of the first cook, who takes a soup of so many onions or a dish."""
    world.reset(seed=0)
    rows = world.state
    layouts = getattr(world, "layouts", None)
    for row in rows:
        layout = layouts[row[-1]] if layouts else world.layout
        row[PLAYERS + CELL], row[PLAYERS + FACING] = before(layout, station)
        row[PLAYERS + HELD] = held
        pot = PLAYERS + 3 * 2
        row[pot + N_ONIONS], row[pot + TICK] = onions, tick
    actions = np.full((world.num_envs, 2), STAY)
    actions[:, 0] = INTERACT
    world.step(actions)
    assert world.events.any()
    return world.shaped_rewards[:, 0].tolist()


@pytest.mark.parametrize("compiled", [False, True])
def test_soups_that_nobody_ordered_are_worth_no_shaped_reward_to_trainers(compiled):
    world = make_world("kitchen/cramped_room", 2, dynamics="new", compiled=compiled)
    assert [taken(world, onions) for onions in (1, 2, 3)] == [[5, 5]] * 3  # as in overcooked-ai
    assert [taken(world, onions, NOTHING, "D") for onions in (1, 2, 3)] == [[3, 3]] * 3
    world.shape_useful()
    assert [taken(world, onions) for onions in (1, 2, 3)] == [[0, 0], [0, 0], [5, 5]]
    assert [taken(world, onions, NOTHING, "D") for onions in (1, 2, 3)] == [[0, 0], [0, 0], [3, 3]]
    assert world.events[:, 0, EVENTS.index("useful_dish_pickup")].all()
    assert taken(world, 1, NOTHING, "D", IDLE) == [3, 3]  # that pot waits for more
    others = make_world("kitchen/cramped_room", 2, dynamics="new", compiled=compiled)
    assert taken(others, 1) == [5, 5]  # layouts are shared between worlds, their wages are not


@pytest.mark.parametrize(("useful", "expected"), [(True, 0), (False, 5)])
@pytest.mark.parametrize("name", ["kitchen/cramped_room", "kitchens/generated"])
def test_trainers_ask_for_them_unless_told_not_to(name, useful, expected):
    options = "dynamics=new" if name.startswith("kitchen/") else "dynamics=new,count=4"
    settings = {"world": name, "options": options, "num_envs": 4, "rollout_length": 20}
    config = METHODS["self-play"].from_json(settings | {"steps": 80, "useful_shaping": useful})
    world = make_trainer("self-play", config).world
    assert taken(world, 1) == [expected] * 4
    assert taken(world, 3) == [5] * 4
