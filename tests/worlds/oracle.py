"""overcooked-ai as the oracle of our kitchen: silent import, old dynamics, states as rows."""

import contextlib
import io
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unittest import mock

import numpy as np

from play.worlds.kitchen.layouts import DIRECTIONS, Layout
from play.worlds.kitchen.state import (
    EVENTS,
    IDLE,
    NOTHING,
    Tables,
    counters_offset,
    pots_offset,
    row_size,
    soup_item,
)

ITEMS = {"onion": 1, "tomato": 2, "dish": 3}


@lru_cache(maxsize=1)
def overcooked() -> Any:
    """The module with overcooked-ai's rules; its gym prints a banner, which is swallowed."""
    hidden = io.StringIO()
    with (
        contextlib.redirect_stderr(hidden),
        contextlib.redirect_stdout(hidden),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        from overcooked_ai_py.mdp import overcooked_mdp
    return overcooked_mdp


@lru_cache(maxsize=1)
def old_dynamics_class() -> type:
    """The rules that the package had until 2020 and, as an option, has again since 2022."""

    class OldDynamics(overcooked().OvercookedGridworld):
        def soup_to_be_cooked_at_location(self, state, pos):
            return False

        def step_environment_effects(self, state):
            for thing in state.objects.values():
                if thing.name == "soup" and thing.is_idle and len(thing.ingredients) == 3:
                    thing.begin_cooking()
            super().step_environment_effects(state)

    return OldDynamics


def make_oracle(name: str, dynamics: str, **overrides: Any) -> Any:
    """overcooked-ai's layout under the given dynamics, with its recipes made the current ones."""
    module = overcooked()
    if not module.Recipe._configured:
        module.Recipe.configure({})
    mdp = module.OvercookedGridworld.from_layout_name(name, **overrides)
    if dynamics == "old":
        mdp.__class__ = old_dynamics_class()
    return mdp


def use(mdp: Any) -> None:
    """Recipes are global to the process there; this makes an oracle's own the current ones."""
    overcooked().Recipe.configure(mdp.recipe_config)


@lru_cache(maxsize=1)
def planning() -> Any:
    """The module with overcooked-ai's planners, which need NumPy's infinity under its old name."""
    overcooked()
    vars(np)["Inf"] = np.inf
    from overcooked_ai_py.planning import planners

    return planners


def motion_planner(mdp: Any) -> Any:
    """Shortest ways of a single player, to everything but counters."""
    return planning().MotionPlanner(mdp, counter_goals=[])


def medium_level_planner(mdp: Any) -> Any:
    """The planner that overcooked-ai's users pass to `featurize_state`, with its defaults.

    Its plans are rolled out in an environment that would write a motion planner of its own, which
    it never uses, next to the installed package; it gets none instead.
    """
    planners = planning()
    with mock.patch.object(planners.MotionPlanner, "from_pickle_or_compute"):
        return planners.MediumLevelActionManager(mdp, planners.NO_COUNTERS_PARAMS)


def row_of(layout: Layout, tables: Tables, state: Any) -> list[int]:
    """One of overcooked-ai's states as a state row; independent of our own conversion."""
    pots, counters = pots_offset(tables), counters_offset(tables)
    row = [0] * row_size(tables)
    for at in range(pots + 2, counters, 3):
        row[at] = IDLE
    row[0] = state.timestep
    for number, player in enumerate(state.players):
        x, y = player.position
        row[1 + 3 * number] = x * layout.height + y
        row[2 + 3 * number] = DIRECTIONS.index(player.orientation)
        row[3 + 3 * number] = item_of(player.held_object)
    for (x, y), thing in state.objects.items():
        slot = int(tables.slot[x * layout.height + y])
        if layout.rows[y][x] == "P":
            names = thing.ingredients
            row[pots + 3 * slot] = names.count("onion")
            row[pots + 3 * slot + 1] = names.count("tomato")
            row[pots + 3 * slot + 2] = thing._cooking_tick
        else:
            assert layout.rows[y][x] == "X"
            row[counters + slot] = item_of(thing)
    return row


def item_of(thing: Any) -> int:
    if thing is None:
        return NOTHING
    if thing.name == "soup":
        assert thing.is_ready
        return soup_item(thing.ingredients.count("onion"), thing.ingredients.count("tomato"))
    return ITEMS[thing.name]


@dataclass
class Transitions:
    """M recorded transitions of the oracle."""

    before: list[list[int]]
    actions: list[list[int]]
    after: list[list[int]]
    sparse: list[list[float]]
    shaped: list[list[float]]
    events: list[np.ndarray]
    observations: list[np.ndarray]
    features: list[np.ndarray]


def record(
    layout: Layout,
    tables: Tables,
    mdp: Any,
    driver: Any,
    steps: int,
    out: Transitions,
    planner: Any = None,
    encode: bool = True,
) -> None:
    """Plays one episode in the oracle with actions from `driver(row)`."""
    use(mdp)
    action_of = sys.modules["overcooked_ai_py.mdp.actions"].Action.INDEX_TO_ACTION
    state = mdp.get_standard_start_state()
    row = row_of(layout, tables, state)
    for _ in range(steps):
        actions = driver(row)
        after, info = mdp.get_state_transition(state, tuple(action_of[a] for a in actions))
        out.before.append(row)
        out.actions.append(actions)
        if encode:
            out.observations.append(np.stack(mdp.lossless_state_encoding(state)))
        if planner is not None:
            out.features.append(np.stack(mdp.featurize_state(state, planner)))
        state, row = after, row_of(layout, tables, after)
        out.after.append(row)
        out.sparse.append(info["sparse_reward_by_agent"])
        out.shaped.append(info["shaped_reward_by_agent"])
        out.events.append(np.array([info["event_infos"][event] for event in EVENTS]).T)


def no_transitions() -> Transitions:
    return Transitions([], [], [], [], [], [], [], [])
