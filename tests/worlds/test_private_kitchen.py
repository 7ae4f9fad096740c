"""The private-cost kitchen: its rules one by one, properties of random play, compiled and plain."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from play.worlds.checker import check_world
from play.worlds.errors import UserError
from play.worlds.private_kitchen.encode import MOST_ONES
from play.worlds.private_kitchen.state import ONION_CELLS, ONIONS, POT, all_rows
from play.worlds.private_kitchen.world import PrivateKitchen, make
from play.worlds.registry import make_world
from tests.worlds.games import properties

NORTH, SOUTH, EAST, WEST, STAY = range(5)
IDLE, MOVE, BUMP, COLLISION, PICKUP, POTTING = range(6)
START, LOW_ONION, RIGHT_ONION = 0, 23, 19  # cells: a corner, (4, 3), (3, 4)


def world(num_envs: int = 1, **options: Any) -> PrivateKitchen:
    return make("released", num_envs, **{"compiled": False, **options})


def stand(
    one: int, other: int, holds: tuple[int, int] = (0, 0), onions: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """A state row at time 0."""
    return np.array([0, one, SOUTH, holds[0], other, SOUTH, holds[1], *onions], np.int32)


def after(row: np.ndarray, actions: tuple[int, int], **options: Any) -> PrivateKitchen:
    """The world one step after a state, without onions that come back unless asked for."""
    kitchen = world(**{"respawn": 0.0, **options})
    kitchen.set_states(row[None])
    kitchen.step(np.array([actions]))
    return kitchen


def rewards(kitchen: PrivateKitchen) -> list[float]:
    return [round(float(reward), 5) for reward in kitchen.rewards[0]]


@pytest.mark.parametrize(
    ("cell", "action", "ends"),
    [(12 - 5, SOUTH, 12 - 5), (START, NORTH, START), (START, WEST, START), (24, SOUTH, 24),
     (24, EAST, 24), (START, EAST, 1), (START, SOUTH, 5), (6, NORTH, 1), (6, WEST, 5)],
)  # fmt: skip
def test_steps_and_where_they_are_stopped(cell: int, action: int, ends: int) -> None:
    """The first one walks into the pot with empty hands, the next ones into the border."""
    kitchen = after(stand(cell, 10), (action, STAY))
    assert kitchen.state[0, 1] == ends
    assert rewards(kitchen) == [-0.2, 0.0], "a step costs, also one that leads nowhere"
    assert kitchen.events[0, 0, BUMP] == (ends == cell)
    assert kitchen.events[0, 1].tolist() == [True, *[False] * 5]


def test_an_onion_in_the_pot_pays_both() -> None:
    kitchen = after(stand(7, 10, holds=(1, 0)), (SOUTH, STAY))
    assert rewards(kitchen) == [9.8, 10.0]
    assert kitchen.state[0, 1:4].tolist() == [7, SOUTH, 0], "it stays where it is"
    assert np.flatnonzero(kitchen.events[0, 0]).tolist() == [MOVE, POTTING]


def test_walking_into_the_other_costs_the_walker_alone() -> None:
    kitchen = after(stand(0, 1), (EAST, STAY))
    assert rewards(kitchen) == [-2.2, 0.0]
    assert kitchen.state[0, 1] == 0
    assert np.flatnonzero(kitchen.events[0, 0]).tolist() == [MOVE, BUMP, COLLISION]


def test_an_onion_is_picked_up_on_arrival_and_while_staying() -> None:
    kitchen = after(stand(LOW_ONION, RIGHT_ONION - 1), (STAY, EAST))
    assert rewards(kitchen) == [2.0, 1.8]
    assert kitchen.state[0, [3, 6]].tolist() == [1, 1]
    assert kitchen.state[0, ONIONS:].tolist() == [0, 0]
    full = after(stand(LOW_ONION, 0, holds=(1, 0)), (STAY, STAY))
    assert rewards(full) == [0.0, 0.0]
    assert full.state[0, ONIONS:].tolist() == [1, 1], "full hands take nothing"


def test_the_onion_that_was_taken_may_be_back_in_the_same_step() -> None:
    kitchen = after(stand(LOW_ONION, 0), (STAY, STAY), respawn=1.0)
    assert (kitchen.state[0, 3], kitchen.state[0, ONIONS + 1]) == (1, 1)
    assert after(stand(0, 1, onions=(0, 0)), (STAY, STAY)).state[0, ONIONS:].sum() == 0


def test_the_players_act_in_random_order() -> None:
    """Who comes first to a cell, and whether a cell is free when the other one leaves it."""
    kitchen = world(4000, respawn=0.0, compiled=True)
    kitchen.reset(3)
    kitchen.set_states(np.tile(stand(6, 8), (4000, 1)))
    kitchen.step(np.tile([EAST, WEST], (4000, 1)))
    places = Counter(map(tuple, kitchen.state[:, [1, 4]].tolist()))
    assert set(places) == {(7, 8), (6, 7)}
    assert abs(places[7, 8] - 2000) < 4 * 4000**0.5 / 2
    kitchen.set_states(np.tile(stand(0, 1), (4000, 1)))
    kitchen.step(np.tile([EAST, EAST], (4000, 1)))
    places = Counter(map(tuple, kitchen.state[:, [1, 4]].tolist()))
    assert set(places) == {(1, 2), (0, 2)}


def test_onions_come_back_as_often_as_they_should_and_starts_are_swapped() -> None:
    kitchen = world(4000, compiled=True)
    kitchen.reset(5)
    assert abs((kitchen.state[:, 1] == 1).sum() - 2000) < 4 * 4000**0.5 / 2
    assert set(map(tuple, kitchen.state[:, [1, 4]].tolist())) == {(1, 5), (5, 1)}
    kitchen.set_states(np.tile(stand(0, 1, onions=(0, 0)), (4000, 1)))
    kitchen.step(np.full((4000, 2), STAY))
    back = kitchen.state[:, ONIONS:]
    assert (np.abs(back.sum(0) - 800) < 4 * (4000 * 0.2 * 0.8) ** 0.5).all()
    both = back.prod(1).sum()
    assert abs(both - 160) < 4 * (4000 * 0.04 * 0.96) ** 0.5, "each by itself"


def test_random_starts_come_at_any_time() -> None:
    kitchen = world(2000, compiled=True)
    kitchen.draw_starts(0.5)
    kitchen.reset(1)
    usual = np.isin(kitchen.state[:, 1], (1, 5)) & (kitchen.state[:, 0] == 0)
    assert 900 < usual.sum() < 1150
    assert len(set(kitchen.state[~usual, 0].tolist())) == 50 == kitchen.state[:, 0].max() + 1
    cells = kitchen.state[:, [1, 4]]
    assert (cells[:, 0] != cells[:, 1]).all()
    assert not (cells == POT).any()
    kitchen.draw_starts(0.0)
    kitchen.reset()
    assert np.isin(kitchen.state[:, 1], (1, 5)).all()


def test_one_seat_sees_what_the_other_would_in_its_place() -> None:
    """The relative encoding turns the seats round, and tells all states of one time apart."""
    rows = all_rows()
    swapped = rows[:, [0, 4, 5, 6, 1, 2, 3, 7, 8]]
    kitchen = world(len(rows), compiled=True)
    kitchen.set_states(rows)
    seen = kitchen.observe("relative").copy()
    raw = kitchen.observe("raw").copy()
    kitchen.set_states(swapped)
    np.testing.assert_array_equal(kitchen.observe("relative"), seen[:, ::-1])
    assert len(np.unique(seen[:, 0], axis=0)) == len(rows)
    assert seen.max() == 1
    assert seen.sum(2).max() <= MOST_ONES
    np.testing.assert_array_equal(raw[:, 0], raw[:, 1])
    expected = [[r[1] // 5, r[1] % 5, r[3], r[4] // 5, r[4] % 5, r[6], r[7], r[8]] for r in rows]
    np.testing.assert_array_equal(raw[:, 0], expected)


@given(seed=st.integers(0, 2**32 - 1), respawn=st.sampled_from([0.0, 0.2, 1.0]))
@properties
def test_nothing_appears_or_vanishes(seed: int, respawn: float) -> None:
    kitchen = world(respawn=respawn, autoreset=False, horizon=60)
    kitchen.draw_starts(0.5)
    kitchen.reset(seed)
    costs = kitchen.facts.costs
    generator = np.random.default_rng(seed)
    while not kitchen.done[0]:
        before = kitchen.state[0].copy()
        kitchen.step(generator.integers(5, size=(1, 2)))
        now, events = kitchen.state[0], kitchen.events[0]
        assert now[1] != now[4]
        assert POT not in now[[1, 4]]
        assert now[0] == before[0] + 1
        taken, potted = events[:, PICKUP], events[:, POTTING]
        np.testing.assert_array_equal(now[[3, 6]] - before[[3, 6]], taken.astype(int) - potted)
        places = {ONION_CELLS.index(cell) for cell in now[[1, 4]][taken]}
        assert len(places) == taken.sum(), "one onion for each who took one, where they stand"
        assert all(before[ONIONS + place] for place in places)
        if respawn == 0.0:
            assert before[ONIONS:].sum() - now[ONIONS:].sum() == taken.sum()
        if respawn == 1.0:
            assert now[ONIONS:].sum() == 2
        shared = 10 * potted.sum() + taken.sum()
        prices = [costs.get(name, 0.0) for name in kitchen.facts.events]
        own = shared - events @ prices
        np.testing.assert_allclose(kitchen.rewards[0], own, atol=1e-5)
        assert (events[:, IDLE] != events[:, MOVE]).all()


@pytest.mark.parametrize("instance", ["released", "scarce"])
def test_compiled_and_plain_are_the_same(instance: str) -> None:
    ways = [make(instance, 7, compiled=way, autoreset=True, horizon=23) for way in (True, False)]
    for kitchen in ways:
        kitchen.draw_starts(0.5)
        kitchen.reset(11)
    generator = np.random.default_rng(0)
    for _ in range(100):
        for what in ("state", "rewards", "events", "done", "streams"):
            np.testing.assert_array_equal(*(getattr(kitchen, what) for kitchen in ways), what)
        for name in ways[0].facts.encodings:
            np.testing.assert_array_equal(*(kitchen.observe(name) for kitchen in ways), name)
        assert ways[0].state_hash(3) == ways[1].state_hash(3)
        actions = generator.integers(5, size=(7, 2))
        for kitchen in ways:
            kitchen.step(actions)


def test_threads_do_not_matter() -> None:
    ways = [world(4096, compiled=True, threads=threads, autoreset=True) for threads in (1, 4)]
    generator = np.random.default_rng(0)
    for _ in range(60):
        actions = generator.integers(5, size=(4096, 2))
        for kitchen in ways:
            kitchen.step(actions)
    for what in ("state", "rewards", "events", "done", "streams"):
        np.testing.assert_array_equal(*(getattr(kitchen, what) for kitchen in ways), what)


@pytest.mark.parametrize(
    "options",
    [
        {"horizon": 1},
        {"respawn": 1.0, "move_cost": 0, "compiled": True},
        {"collision": 0.0, "pot_reward": 3.5, "pickup_reward": 20},
    ],
)
def test_options_keep_a_kitchen_what_it_declares(options: dict[str, Any]) -> None:
    assert check_world("private-kitchen/scarce", **options) == []


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("private-kitchen/relesed", {}, "did you mean private-kitchen/released?"),
        ("private-kitchen", {}, "did you mean 'private-kitchen/released'?"),
        ("private-kitchen/scarce", {"moves": 1}, "no option 'moves'; there are move_cost, respawn"),
        ("private-kitchen/scarce", {"respawn": 1.5}, "respawn is 1.5, but a probability is"),
        ("private-kitchen/scarce", {"move_cost": -1}, "move_cost is -1, but it must be from 0"),
        ("private-kitchen/scarce", {"collision": float("nan")}, "collision is nan, but"),
        ("private-kitchen/scarce", {"pot_reward": 0}, "pot_reward is 0, but it must be more"),
        ("private-kitchen/scarce", {"pickup_reward": "much"}, "pickup_reward is 'much', but it"),
        ("private-kitchen/scarce", {"horizon": 0}, "The horizon is 0, but"),
        ("private-kitchen/scarce", {"horizon": 2.5}, "The horizon is 2.5, but"),
    ],
)
def test_a_mistake_is_one_sentence(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as error:
        make_world(name, **options)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
