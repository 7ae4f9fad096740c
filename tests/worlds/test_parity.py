"""Our kitchen against overcooked-ai: 216,000 transitions on all layouts under both dynamics.

Every transition is put to both engines from the same state: next state, sparse and shaped reward
per player and all 25 events must agree, and so must the lossless encoding of the state.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from play.worlds.kitchen.layouts import DYNAMICS, layout_names, load_layout, package_folder
from play.worlds.kitchen.state import EVENTS, make_tables
from play.worlds.kitchen.world import Kitchen
from tests.worlds.drivers import CookingDriver, RandomDriver
from tests.worlds.oracle import Transitions, make_oracle, no_transitions, record

STEPS = 400
RANDOM_EPISODES, COOKING_EPISODES = 1, 5
SHIPPED = sorted(path.stem for path in package_folder().glob("*.layout"))
seen: dict[str, np.ndarray] = {}
count = {"transitions": 0}


def transitions(name: str, dynamics: str) -> tuple[Kitchen, Transitions]:
    layout = load_layout(name, dynamics)
    tables = make_tables(layout, STEPS)
    mdp = make_oracle(name, dynamics)
    out = no_transitions()
    encode = tables.players == 2
    for seed in range(RANDOM_EPISODES):
        record(layout, tables, mdp, RandomDriver(tables, seed), STEPS, out, encode=encode)
    for seed in range(COOKING_EPISODES):
        driver = CookingDriver(layout, tables, seed)
        record(layout, tables, mdp, driver, STEPS, out, encode=encode)
    return Kitchen(layout, len(out.actions), compiled=True), out


@pytest.mark.parametrize("dynamics", DYNAMICS)
@pytest.mark.parametrize("name", SHIPPED)
def test_transitions_agree(name: str, dynamics: str) -> None:
    world, expected = transitions(name, dynamics)
    world.set_states(np.array(expected.before, np.int32))
    if expected.observations:
        np.testing.assert_array_equal(world.observe("lossless"), np.stack(expected.observations))
    world.step(np.array(expected.actions))
    np.testing.assert_array_equal(world.state, np.array(expected.after))
    np.testing.assert_array_equal(world.rewards, np.array(expected.sparse))
    np.testing.assert_array_equal(world.shaped_rewards, np.array(expected.shaped))
    np.testing.assert_array_equal(world.events, np.stack(expected.events))
    seen[f"{name} {dynamics}"] = world.events.any(axis=(0, 1))
    count["transitions"] += len(expected.actions)


@pytest.mark.parametrize("name", SHIPPED)
def test_first_state_and_sizes_agree(name: str) -> None:
    mdp = make_oracle(name, "new")
    layout = load_layout(name, "new")
    assert layout.shape == mdp.shape
    assert len(layout.starts) == mdp.num_players
    assert [list(row) for row in layout.rows] == mdp.terrain_mtx


@pytest.fixture(scope="module", autouse=True)
def everything_was_seen() -> Iterator[None]:
    """After a complete run: enough transitions, and every kind of event at least once."""
    yield
    if len(seen) < len(SHIPPED) * len(DYNAMICS):
        return  # somebody ran a part, or the workers share the layouts
    assert count["transitions"] >= 200_000
    happened = np.any(list(seen.values()), axis=0)
    assert happened.all(), [e for e, h in zip(EVENTS, happened, strict=True) if not h]


def test_all_layouts_are_there() -> None:
    assert len(SHIPPED) == 45
    assert set(SHIPPED) <= set(layout_names())
