"""The rule-based cook earns points in every kitchen, and keeps the contract of a policy."""

import numpy as np
import pytest

from agents.kitchen_view import kitchen_map
from agents.library import list_partners, load_policy
from agents.policy import Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.kitchen.generator import kitchen_text
from play.worlds.kitchen.state import (
    DISH,
    NOTHING,
    ONION,
    PLAYERS,
    STAY,
    counters_offset,
    pots_offset,
)
from play.worlds.registry import make_world, world_names
from play.worlds.spec import World


def play(world: World, *partners: str, seed: int = 0) -> float:
    """The team's return of one episode; a single name takes every seat."""
    seats = partners * (world.facts.num_players if len(partners) == 1 else 1)
    policies = [load_policy(name, world.facts) for name in seats]
    memories = [policy.initial_state(1) for policy in policies]
    draws = np.random.default_rng(seed)
    world.reset(seed)
    total = 0.0
    while not world.done[0]:
        joint = []
        for seat, policy in enumerate(policies):
            made = policy.act(None, [SeatView(world, 0, seat)], memories[seat], draws.random(1))
            memories[seat] = made.state
            joint.append(int(made.actions[0]))
        world.step(np.array([joint]))
        total += float(world.rewards[0].sum())
    return total


@pytest.mark.parametrize(
    ("layout", "least"),
    [
        ("cramped_room", 140),
        ("asymmetric_advantages", 260),
        ("coordination_ring", 180),
        ("forced_coordination", 200),
        ("counter_circuit_o_1order", 100),
    ],
)
def test_two_of_them_cook_well_in_the_classics(layout: str, least: float) -> None:
    world = make_world(f"kitchen/{layout}")
    assert min(play(world, "greedy", seed=seed) for seed in (0, 1)) >= least


CLASSICS = ("cramped_room", "asymmetric_adv", "coordination_ring", "forced", "counter_circuit_o_1")


KITCHENS = [name for name in world_names() if name.startswith("kitchen/")]


@pytest.mark.parametrize("name", [n for n in KITCHENS if not n[8:].startswith(CLASSICS)])
def test_they_earn_something_everywhere(name: str) -> None:
    """Also where chefs cannot pass each other, and where only passing over counters helps."""
    assert play(make_world(name, horizon=300), "greedy") > 0


@pytest.mark.parametrize(
    "layout", ["cramped_room", "forced_coordination", "forced_coordination_tomato"]
)
def test_they_start_pots_where_pots_do_not_start_themselves(layout: str) -> None:
    assert play(make_world(f"kitchen/{layout}", dynamics="new"), "greedy") >= 100


# Kitchens with a room for each cook: pots in both rooms, or two counters that onions can fill up.
DIVIDED = {
    1000008: 240, 1000014: 100, 1000015: 200, 1000021: 180, 1000037: 240, 1000048: 140,
    3000001: 100, 3000007: 100, 3000059: 100, 3000073: 100,
}  # fmt: skip


@pytest.mark.parametrize("number", DIVIDED)
def test_they_hand_over_what_the_other_room_needs_and_no_counter_stays_full(number: int) -> None:
    world = make_world("kitchen/divided", layout_text=kitchen_text(number))
    assert play(world, "greedy") >= DIVIDED[number]


def test_it_clears_a_counter_where_somebody_waits_to_hand_over() -> None:
    """Seat 1 waits with a dish for the ready soup, and onions lie on both counters between them."""
    world = make_world("kitchen/hatches", layout_text=kitchen_text(1000021))
    counters = kitchen_map(world.layout.rows).stations["X"]
    row = world.get_states()[0]
    row[PLAYERS + 5] = DISH
    row[pots_offset(world.tables) :][:3] = [3, 0, 20]
    hatches = [counters.index(2 * 4 + y) for y in (1, 2)]  # column 2
    places = counters_offset(world.tables) + np.array(hatches)
    row[places] = ONION
    world.set_states(row[None])
    chef = load_policy("greedy", world.facts)
    memory = chef.initial_state(1)
    for _ in range(6):
        made = chef.act(None, [SeatView(world, 0, 0)], memory, np.array([0.5]))
        memory = made.state
        world.step(np.array([[made.actions[0], STAY]]))
    assert sorted(world.get_states()[0, places]) == [NOTHING, ONION]


def test_it_counts_on_nobody() -> None:
    """Beside one who never moves (and is not in the only way), it cooks alone."""
    assert play(make_world("kitchen/cramped_room"), "greedy", "stay") >= 100
    assert play(make_world("kitchen/counter_circuit_o_1order"), "stay", "greedy") >= 60


def test_it_copes_with_nonsense() -> None:
    """A random partner fills pots with whatever it finds."""
    assert play(make_world("kitchen/cramped_room"), "random", "greedy", seed=3) >= 60


def test_a_batch_decides_as_single_seats_do() -> None:
    policy = load_policy("greedy")
    world = make_world("kitchen/coordination_ring", num_envs=3)
    draws = np.random.default_rng(5)
    views = [SeatView(world, env, seat) for env in range(3) for seat in range(2)]
    together = policy.initial_state(6)
    alone = [policy.initial_state(1) for _ in views]
    for _ in range(60):
        uniforms = draws.random(6)
        made = policy.act(None, views, together, uniforms)
        for i, view in enumerate(views):
            one = policy.act(None, [view], alone[i], uniforms[i : i + 1])
            assert one.actions[0] == made.actions[i]
            np.testing.assert_array_equal(one.probabilities[0], made.probabilities[i])
            np.testing.assert_array_equal(one.state[0], made.state[i])
            alone[i] = one.state
        together = made.state
        world.step(made.actions.reshape(3, 2))


def test_the_memory_that_is_handed_in_is_left_alone() -> None:
    policy: Policy = load_policy("greedy")
    world = make_world("kitchen/cramped_room")
    memory = policy.initial_state(1)
    before = memory.copy()
    for _ in range(3):
        policy.act(None, [SeatView(world, 0, 0)], memory, np.zeros(1))
    np.testing.assert_array_equal(memory, before)


@pytest.mark.parametrize("name", ["worker", "teammate"])
def test_solved_partners_work_in_private_kitchens_only(name: str) -> None:
    """In whichever seat and setting; a worker does not need anybody's help."""
    for setting in ("released", "scarce", "dear"):
        world = make_world(f"private-kitchen/{setting}")
        assert name in [partner.name for partner in list_partners(world.facts.world)]
        for pair in ((name, "stay"), ("stay", name), (name, "worker")):
            assert play(world, *pair) > 60
    assert name not in [partner.name for partner in list_partners("kitchen/cramped_room")]
    with pytest.raises(UserError, match=f"{name} plays private-kitchen worlds only"):
        load_policy(name, make_world("kitchen/cramped_room").facts)


def test_it_is_offered_for_kitchens_only() -> None:
    assert "greedy" in [partner.name for partner in list_partners("kitchen/cramped_room")]
    assert "greedy" not in [partner.name for partner in list_partners("tag/open")]
    assert "random" in [partner.name for partner in list_partners("tag/open")]
    facts = make_world("kitchen/cramped_room").facts
    other = type(facts)(**{**facts.__dict__, "world": "tag/open"})
    with pytest.raises(UserError, match="greedy plays kitchen worlds only, not tag/open"):
        load_policy("greedy", other)
