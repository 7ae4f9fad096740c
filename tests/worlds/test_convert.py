"""States as dictionaries, there and back through overcooked-ai's own classes."""

import copy
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from play.worlds.errors import UserError
from play.worlds.kitchen.convert import from_overcooked, to_overcooked
from play.worlds.kitchen.layouts import DYNAMICS, Layout
from play.worlds.kitchen.state import Tables, make_tables
from tests.worlds.drivers import CookingDriver
from tests.worlds.games import layout_of
from tests.worlds.oracle import make_oracle, no_transitions, overcooked, record, row_of, use

STEPS = 160
LAYOUTS = (
    "cramped_room",
    "counter_circuit_o_1order",
    "asymmetric_advantages_tomato",
    "soup_coordination",
    "tutorial_1",
    "cramped_room_single",
    "multiplayer_schelling",
)


def played(name: str, dynamics: str) -> tuple[Layout, Tables, Any, list[list[int]]]:
    layout = layout_of(name, dynamics)
    tables = make_tables(layout, STEPS)
    mdp = make_oracle(name, dynamics)
    out = no_transitions()
    for seed in (40, 41):
        driver = CookingDriver(layout, tables, seed)
        record(layout, tables, mdp, driver, STEPS, out, encode=False)
    return layout, tables, mdp, out.after


def in_order(state: dict[str, Any]) -> dict[str, Any]:
    """Objects and orders have no order of their own; theirs is that of dictionaries and sets."""
    by_key = {
        "objects": lambda thing: thing["position"],
        "all_orders": lambda order: order["ingredients"],
        "bonus_orders": lambda order: order["ingredients"],
    }
    return {**state, **{name: sorted(state[name], key=key) for name, key in by_key.items()}}


@pytest.mark.parametrize("dynamics", DYNAMICS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_round_trips_through_the_reference(name: str, dynamics: str) -> None:
    layout, tables, mdp, rows = played(name, dynamics)
    use(mdp)
    read = overcooked().OvercookedState.from_dict
    for row in rows:
        ours = to_overcooked(layout, tables, row)
        state = read(ours)
        assert row_of(layout, tables, state) == row
        theirs = state.to_dict()
        assert in_order(theirs) == in_order(ours)
        np.testing.assert_array_equal(from_overcooked(layout, tables, theirs), row)
        text = json.dumps(theirs)
        np.testing.assert_array_equal(from_overcooked(layout, tables, json.loads(text)), row)


def test_states_from_the_reference_come_back_equal() -> None:
    """Their own states, not ones that we wrote, with ingredients in the order of potting."""
    layout = layout_of("soup_coordination", "new")
    tables = make_tables(layout, STEPS)
    mdp = make_oracle("soup_coordination", "new")
    use(mdp)
    read = overcooked().OvercookedState.from_dict
    action_of = sys.modules["overcooked_ai_py.mdp.actions"].Action.INDEX_TO_ACTION
    state, driver = mdp.get_standard_start_state(), CookingDriver(layout, tables, 3)
    mixed = 0
    for _ in range(STEPS):
        row = row_of(layout, tables, state)
        theirs = state.to_dict()
        np.testing.assert_array_equal(from_overcooked(layout, tables, theirs), row)
        again = read(to_overcooked(layout, tables, row)).to_dict()
        assert onions_first(in_order(again)) == onions_first(in_order(theirs))
        mixed += any(is_mixed(thing) for thing in theirs["objects"])
        joint = tuple(action_of[a] for a in driver(row))
        state, _ = mdp.get_state_transition(state, joint)
    assert mixed


def onions_first(state: dict[str, Any]) -> dict[str, Any]:
    state = copy.deepcopy(state)
    held = [player["held_object"] for player in state["players"] if player["held_object"]]
    for thing in [*held, *state["objects"]]:
        thing.get("_ingredients", []).sort(key=lambda ingredient: ingredient["name"])
    return state


def is_mixed(thing: dict[str, Any]) -> bool:
    """Whether a soup has a tomato before an onion, which is not how we list them."""
    names = [ingredient["name"] for ingredient in thing.get("_ingredients", [])]
    return names != sorted(names)


Change = Callable[[dict[str, Any]], Any]
POT, COUNTER, FLOOR = (2, 0), (0, 0), (1, 1)


def put(state: dict[str, Any], name: str, position: Any, **more: Any) -> None:
    state["objects"].append({"name": name, "position": position, **more})


def soup(state: dict[str, Any], position: Any, names: list[str], tick: Any) -> None:
    ingredients = [{"name": name, "position": position} for name in names]
    put(state, "soup", position, _ingredients=ingredients, cooking_tick=tick)


BAD: dict[str, tuple[Change, str]] = {
    "no objects": (lambda s: s.pop("objects"), "KeyError 'objects'"),
    "no players": (lambda s: s.pop("players"), "KeyError 'players'"),
    "one player": (lambda s: s["players"].pop(), "1 players instead of 2"),
    "outside": (lambda s: s["players"][0].update(position=(9, 1)), r"\(9, 1\) is outside"),
    "below": (lambda s: s["players"][0].update(position=(-1, 1)), r"\(-1, 1\) is outside"),
    "in a counter": (lambda s: s["players"][0].update(position=COUNTER), "which is no floor"),
    "no such place": (lambda s: s["players"][0].update(position=3), "TypeError"),
    "between cells": (lambda s: s["players"][0].update(position=(1.5, 2)), "1.5"),
    "one on another": (
        lambda s: s["players"][0].update(position=s["players"][1]["position"]),
        "two players stand at",
    ),
    "diagonal": (lambda s: s["players"][0].update(orientation=(1, 1)), "ValueError"),
    "unknown item": (lambda s: put(s, "lettuce", COUNTER), "KeyError 'lettuce'"),
    "on the floor": (lambda s: put(s, "onion", FLOOR), "which is no counter"),
    "a dish in a pot": (lambda s: put(s, "dish", POT), "a dish is in a pot"),
    "two in one place": (
        lambda s: (put(s, "dish", COUNTER), put(s, "onion", COUNTER)),
        r"two objects lie at \(0, 0\)",
    ),
    "an empty soup": (lambda s: soup(s, POT, [], -1), "a soup of 0 ingredients"),
    "too full": (lambda s: soup(s, POT, ["onion"] * 4, -1), "a soup of 4 ingredients"),
    "salad": (lambda s: soup(s, POT, ["lettuce"], -1), r"a soup of \['lettuce'\]"),
    "raw on a counter": (lambda s: soup(s, COUNTER, ["onion"] * 3, 5), "is not done"),
    "a tick in words": (lambda s: soup(s, POT, ["onion"], "soon"), "ValueError"),
    "a tick before all": (lambda s: soup(s, POT, ["onion"], -7), "a cooking tick of -7"),
    "a time in words": (lambda s: s.update(timestep="noon"), "ValueError"),
    "a time before all": (lambda s: s.update(timestep=-1), "a time step of -1"),
    "players in words": (lambda s: s.update(players=["me", "you"]), "TypeError"),
    "null": (lambda s: s.update(objects=None), "TypeError"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_state_is_one_sentence(what: str) -> None:
    layout = layout_of("cramped_room", "old")
    tables = make_tables(layout, STEPS)
    start = [0, *[1 * 4 + 2, 0, 0], *[3 * 4 + 1, 0, 0], *[0, 0, -1]]
    row = start + [0] * len(layout.cells("X"))
    state = to_overcooked(layout, tables, row)
    from_overcooked(layout, tables, state)
    change, words = BAD[what]
    state = copy.deepcopy(state)
    change(state)
    with pytest.raises(UserError, match=words) as said:
        from_overcooked(layout, tables, state)
    assert re.fullmatch(r"This is not a state of layout 'cramped_room': [^\n]+", str(said.value))


@pytest.mark.parametrize("state", [[], None, 7, "state", [1, 2]])
def test_what_is_no_dictionary_is_one_sentence(state: Any) -> None:
    layout = layout_of("cramped_room", "old")
    with pytest.raises(UserError, match="This is not a state of layout 'cramped_room'"):
        from_overcooked(layout, make_tables(layout, STEPS), state)
