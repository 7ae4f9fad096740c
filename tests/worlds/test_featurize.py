"""Our featurize encoding against overcooked-ai's, number by number.

The reference asks its planner which station is nearest. On the classic five the planner is the
whole medium-level one that its users pass in; elsewhere only the part of it that the encoding
reads, which takes a hundredth of the time to build.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from play.worlds.kitchen.layouts import CLASSICS, load_layout
from play.worlds.kitchen.state import make_tables
from play.worlds.kitchen.world import Kitchen
from tests.worlds.drivers import CookingDriver, RandomDriver
from tests.worlds.oracle import (
    make_oracle,
    medium_level_planner,
    motion_planner,
    no_transitions,
    record,
)

STEPS = 300
COOKING_EPISODES = 2
OTHERS = (
    "asymmetric_advantages_tomato",
    "bonus_order_test",  # one pot, both ingredients
    "centre_pots",
    "counter_circuit",
    "five_by_five",
    "forced_coordination_tomato",  # stations that only one player reaches
    "mdp_test",
    "multiplayer_schelling",  # four players
    "scenario1_s",
    "tutorial_1",  # soups of any mixture
)


def planner_of(name: str, mdp: Any) -> Any:
    if name in CLASSICS:
        return medium_level_planner(mdp)
    return SimpleNamespace(motion_planner=motion_planner(mdp))


@pytest.mark.parametrize("name", [*CLASSICS, *OTHERS])
def test_features_agree(name: str) -> None:
    layout = load_layout(name)
    tables = make_tables(layout, STEPS)
    mdp = make_oracle(name, layout.dynamics)
    planner = planner_of(name, mdp)
    out = no_transitions()
    drivers = [RandomDriver(tables, 100)]
    drivers += [CookingDriver(layout, tables, 100 + seed) for seed in range(COOKING_EPISODES)]
    for driver in drivers:
        record(layout, tables, mdp, driver, STEPS, out, planner, encode=False)
    expected = np.stack(out.features)
    world = Kitchen(layout, len(expected), compiled=True)
    world.set_states(np.array(out.before, np.int32))
    features = world.observe("featurize")
    assert features.shape == (len(drivers) * STEPS, tables.players, 48 * tables.players)
    names = world.facts.encodings["featurize"].channels
    wrong = np.unique(np.nonzero(features != expected)[2])
    assert not len(wrong), [names[k] for k in wrong]


def test_two_players_have_96_features() -> None:
    assert Kitchen(load_layout("cramped_room")).observe("featurize").shape == (1, 2, 96)
