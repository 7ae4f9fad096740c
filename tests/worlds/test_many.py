"""Kitchens of many layouts at once: each environment is what a kitchen of its layout alone is."""

from typing import Any

import numpy as np
import pytest

from play.worlds.checker import check_world
from play.worlds.errors import UserError
from play.worlds.kitchen.generator import kitchen_name, kitchen_text
from play.worlds.kitchen.many import Kitchens, make
from play.worlds.kitchen.state import row_size
from play.worlds.kitchen.world import Kitchen
from play.worlds.kitchen.world import make as make_kitchen
from tests.worlds.drivers import CookingDriver

WORLD = "kitchens/generated"
COUNT, FIRST = 12, 40


def kitchens(num_envs: int, **options: Any) -> Kitchens:
    return make("generated", num_envs, **{"count": COUNT, "first": FIRST} | options)


def alone(number: int, horizon: int) -> Kitchen:
    """The kitchen with a number, as the world of one layout."""
    dynamics = ("old", "new")[number % 2]
    return make_kitchen(
        kitchen_name(number), 1, dynamics=dynamics, horizon=horizon,
        layout_text=kitchen_text(number), compiled=False,
    )  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True])
def test_every_environment_is_what_it_would_be_alone(compiled: bool) -> None:
    horizon = 120
    many = kitchens(8, horizon=horizon, compiled=compiled)
    many.reset(1)
    numbers = [FIRST + int(layout) for layout in many.state[:, -1]]
    assert len(set(numbers)) > 3
    others = [alone(number, horizon) for number in numbers]
    drivers = [CookingDriver(one.layout, one.tables, k) for k, one in enumerate(others)]
    potted = 0.0
    for step in range(horizon):
        actions = [
            driver(one.state[0].tolist()) for driver, one in zip(drivers, others, strict=True)
        ]
        many.step(np.array(actions))
        seen = many.observe() if step % 10 == 0 else None
        for env, (one, action) in enumerate(zip(others, actions, strict=True)):
            one.step(np.array([action]))
            size = row_size(one.tables)
            np.testing.assert_array_equal(many.state[env, :size], one.state[0])
            np.testing.assert_array_equal(many.state[env, size:-1], 0)
            for name in ("rewards", "shaped_rewards", "events", "done"):
                np.testing.assert_array_equal(getattr(many, name)[env], getattr(one, name)[0])
            if seen is not None:
                np.testing.assert_array_equal(seen[env], one.observe("egocentric_orders")[0])
                shorter = many.observe("egocentric")[env]
                np.testing.assert_array_equal(shorter, one.observe("egocentric")[0])
        potted += many.shaped_rewards.sum()
    assert potted > 0


def test_it_is_what_it_declares() -> None:
    assert check_world(WORLD, count=5, horizon=30, compiled=False) == []


def test_games_that_begin_anew_do_so_in_any_of_the_layouts() -> None:
    world = kitchens(16, horizon=2, autoreset=True, compiled=False)
    world.reset(0)
    seen = set()
    for _ in range(20):
        world.step(np.full((16, 2), 4))
        seen |= set(world.state[:, -1].tolist())
    assert seen == set(range(COUNT))


def test_random_starts_are_those_of_the_layout() -> None:
    world = kitchens(64, horizon=50, compiled=False)
    world.draw_starts(1.0)
    world.reset(3)
    assert len(set(world.state[:, 0].tolist())) > 10  # times
    for row in world.state:
        own = world.layouts[row[-1]]
        cells = [divmod(int(row[1 + 3 * p]), own.height) for p in (0, 1)]
        assert cells[0] != cells[1]
        assert {own.terrain_at(cell) for cell in cells} == {" "}


def test_no_observation_has_more_ones_than_is_said() -> None:
    world = kitchens(64, compiled=False)
    world.draw_starts(1.0)
    most = 0
    for seed in range(5):
        world.reset(seed)
        most = max(most, int(world.observe().sum(-1).max()))
    assert 40 < most <= world.sparse_widths["egocentric"]


def test_warming_up_leaves_everything_as_it_is() -> None:
    world = kitchens(3, horizon=2, compiled=False)
    arrays = (world.state, world.rewards, world.shaped_rewards, world.events, world.streams)
    for _ in range(2):
        world.step(np.full((3, 2), 5))
    before = [array.copy() for array in arrays]
    world.warm_up()
    assert world.done.all()
    for array, content in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, content)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"count": 0}, "count is 0, but it must be a whole number from 1 on"),
        ({"first": -1}, "first is -1, but"),
        ({"first": "a"}, "first is 'a', but"),
        ({"dynamics": "odd"}, "dynamics 'odd' do not exist: use 'old', 'new' or 'mixed'"),
        ({"cook_time": 3}, "no option 'cook_time'; there are count, first"),
        ({"horizon": 0}, "horizon is 0"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        kitchens(1, **options)


def test_there_is_only_one_collection() -> None:
    with pytest.raises(UserError, match="no kitchens called 'drawn': use kitchens/generated"):
        make("drawn")
