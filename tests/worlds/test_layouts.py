"""Layouts: what their files may say, and one sentence for whatever they may not.

The mistakes that people make first are tested through the command line, in tests/cli.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from play.worlds.errors import UserError
from play.worlds.kitchen.layouts import (
    ALIASES,
    layout_names,
    load_layout,
    make_layout,
    package_folder,
    read_layout_file,
)
from play.worlds.kitchen.recipes import entry
from play.worlds.kitchen.world import make
from tests.worlds.oracle import make_oracle, overcooked, use

GRID = "XXPXX\nO1 2O\nX   X\nXDXSX"
ONION, TOMATO = {"ingredients": ["onion"]}, {"ingredients": ["tomato"]}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "has no 'grid'"),
        ({"grid": 7}, "has no 'grid'"),
        ({"grid": ""}, "has an empty grid"),
        ({"grid": GRID.replace("1", "5")}, "has a player 5 at row 2, column 2; number them 1 to 4"),
        ({"grid": GRID.replace("1", "0")}, "has a player 0 at row 2, column 2"),
        ({"grid": GRID.replace("1", "²")}, "unknown character '²' at row 2, column 2"),
        ({"grid": GRID.replace("2", "3")}, "2 players but no player 2"),
        ({"grid": GRID.replace("S", "X")}, "has no serving"),
        ({"grid": "XXXXXXX\nXP1 XSX\nXXDOXXX\nXXXXXXX"},
         "no serving counter that a player can reach; open a way to the one at row 2, column 6"),
        ({"grid": "XXXXXXX\nXP1 XOX\nXXDSXXX\nXXXXXXX"},
         "no onion or tomato dispenser that a player can reach; .* row 2, column 6"),
        ({"grid": "XXXXXXX\nXP1 XDX\nXXOSXXX\nXXXXXXX"},
         "no dish dispenser that a player can reach; .* row 2, column 6"),
        ({"start_all_orders": [{}]}, r"\{\} is not an order"),
        ({"start_all_orders": [{"ingredients": ["lettuce"]}]}, "is not an order"),
        ({"start_all_orders": [{"ingredients": ["onion"] * 4}]}, "has 4 ingredients; pots hold 3"),
        ({"start_all_orders": [ONION, ONION]}, "lists a recipe twice"),
        ({"start_all_orders": [ONION], "start_bonus_orders": [TOMATO]},
         "start_bonus_orders must be among start_all_orders"),
        ({"max_num_ingredients": 8}, "max_num_ingredients is 8, but a pot holds 1 to 7"),
        ({"max_num_ingredients": 0}, "max_num_ingredients is 0"),
        ({"onion_value": 3}, "give both onion_value and tomato_value, or neither"),
        ({"onion_time": 3}, "give both onion_time and tomato_time, or neither"),
        ({"onion_value": 3, "tomato_value": 3, "delivery_reward": 5},
         "tomato_value and delivery_reward contradict"),
        ({"recipe_times": [1, 2], "start_all_orders": [ONION]},
         "recipe_times has 2 entries for 1 orders"),
        ({"cook_time": 256}, "would cook 256 steps; use whole numbers up to 255"),
        ({"cook_time": 2.5}, "would cook 2.5 steps"),
        ({"cook_time": -3}, "would cook -3 steps"),
        ({"rew_shaping_params": [3]}, "must be a dictionary or None"),
        ({"rew_shaping_params": {"PLACEMENT_IN_POT_REW": 3}}, "check 'DISH_PICKUP_REWARD'"),
        ({"cook_tiem": 3}, "unknown setting 'cook_tiem'; known are .*cook_time"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(config: dict[str, Any], words: str) -> None:
    if config and "grid" not in config:
        config = {"grid": GRID, **config}
    with pytest.raises(UserError, match=words) as said:
        make_layout("mine", config)
    assert re.match("layout 'mine'", str(said.value))
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cook_tiem": 3}, "no option 'cook_tiem'; there are dynamics, horizon"),
        ({"grid": GRID}, "no option 'grid'"),
        ({"horizon": 0}, "The horizon is 0"),
        ({"num_envs": 0}, "num_envs is 0"),
        ({"random_start": 1.5}, "random_start is 1.5"),
        ({"dynamics": "mixed"}, "'mixed' do not exist: use 'old' or 'new'"),
        ({"cook_time": 300}, "layout 'cramped_room': a soup would cook 300 steps"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as said:
        make("cramped_room", **options)
    assert "\n" not in str(said.value)


def test_a_file_is_never_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.layout"
    trap = tmp_path / "ran"
    file.write_text(f"{{'grid': open({str(trap)!r}, 'w').write('x')}}")
    with pytest.raises(UserError, match="plain values only"):
        load_layout(str(file))
    assert not trap.exists()


@pytest.mark.parametrize("old_name", ["simple", "unident_s", "random0", "random1", "random3"])
def test_the_names_of_2019_mean_the_classic_five(old_name: str) -> None:
    new_name = ALIASES[old_name]
    assert load_layout(old_name) == load_layout(new_name)
    assert load_layout(old_name).dynamics == "old"
    assert make(old_name).facts.world == f"kitchen/{new_name}"
    assert make(old_name).state_hash(0) == make(new_name).state_hash(0)
    assert old_name not in layout_names()


def test_the_grids_of_2019_are_those_of_the_names() -> None:
    """As in the paper of 2019: a cramped room, two rooms, a ring, a wall between, a long way."""
    assert load_layout("simple").rows == ("XXPXX", "O   O", "X   X", "XDXSX")
    assert load_layout("unident_s").rows == (
        "XXXXXXXXX", "O XSXOX S", "X   P   X", "X   P   X", "XXXDXDXXX",
    )  # fmt: skip
    assert load_layout("random1").rows == ("XXXPX", "X   P", "D X X", "O   X", "XOSXX")
    assert load_layout("random0").rows == ("XXXPX", "O X P", "O X X", "D X X", "XXXSX")
    assert load_layout("random3").rows == (
        "XXXPPXXX", "X      X", "D XXXX S", "X      X", "XXXOOXXX",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["soup_coordination", "tutorial_2", "tutorial_3", "mdp_test"])
def test_values_and_times_are_the_reference_s(name: str) -> None:
    mdp, book = make_oracle(name, "new"), load_layout(name).book
    use(mdp)
    recipe_class = overcooked().Recipe
    orders, bonus = (
        {recipe_class.from_dict(order) for order in listed}
        for listed in (mdp.start_all_orders, mdp.start_bonus_orders)
    )
    for onions in range(4):
        for tomatoes in range(max(0, 1 - onions), 4 - onions):
            recipe = recipe_class(["onion"] * onions + ["tomato"] * tomatoes)
            assert book.times[entry((onions, tomatoes))] == recipe.time
            ordered = (onions, tomatoes) in book.orders
            assert ordered == (recipe in orders)
            value = recipe.value * (mdp.order_bonus if recipe in bonus else 1) if ordered else 0
            assert book.values[entry((onions, tomatoes))] == value


def test_two_kitchens_in_one_process_keep_their_own_recipes() -> None:
    """In overcooked-ai the layout loaded last decides for all of them."""
    cheap = {"delivery_reward": 5, "cook_time": 2, "start_all_orders": [ONION]}
    dear = {"delivery_reward": 70, "cook_time": 9, "start_all_orders": [TOMATO]}
    text = f"{{'grid': {GRID!r}}}"
    worlds = [make("mine", layout_text=text, **options) for options in (cheap, dear)]
    books = [world.layout.book for world in worlds]
    assert [book.orders for book in books] == [((1, 0),), ((0, 1),)]
    assert [book.values[entry((1, 0))] for book in books] == [5, 0]
    assert [book.values[entry((0, 1))] for book in books] == [0, 70]
    assert worlds[0].static_scene()["orders"][0]["value"] == 5
    for world, time in zip(worlds, (2, 9), strict=True):
        row = world.get_states()
        pots = 1 + 3 * world.facts.num_players
        row[0, pots : pots + 3] = (1, 1, 0)
        world.set_states(row)
        done = [scene_after_step(world)["pots"][0]["ready"] for _ in range(12)]
        assert done.index(True) + 1 == time


def scene_after_step(world: Any) -> dict[str, Any]:
    world.step(np.full((1, world.facts.num_players), world.facts.idle_action))
    return world.scene(0)


def test_infinitely_dear_soups_are_read_and_shown_as_json_can() -> None:
    path = package_folder() / "tutorial_3.layout"
    assert read_layout_file(path)["order_bonus"] == float("inf")
    values = [order["value"] for order in make("tutorial_3").static_scene()["orders"]]
    assert None in values


def test_settings_can_be_replaced_and_are_remembered() -> None:
    world = make("cramped_room", cook_time=3, dynamics="new")
    assert world.facts.options["cook_time"] == 3
    assert world.layout.book.times[entry((3, 0))] == 3
    again = make("cramped_room", **world.facts.options)
    assert again.state_hash(0) == world.state_hash(0)
    assert make("cramped_room", dynamics="new").state_hash(0) != world.state_hash(0)
