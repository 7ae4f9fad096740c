"""Rule-based cooks with one habit each do that and nothing else."""

import numpy as np
import pytest

from agents.library import load_policy
from agents.policy import SeatView
from play.worlds.kitchen.layouts import CLASSICS
from play.worlds.kitchen.state import CELL, PLAYERS
from play.worlds.registry import make_world
from training.evaluation.matches import PLAY, Match, Rules, play_match

POTTED, DISHES, PLATED, SERVED = range(4)
WORLDS = [f"kitchen/{name}" for name in CLASSICS if name != "forced_coordination"]


def together(world, first, second, episodes=2):
    facts = make_world(world).facts
    match = Match(PLAY, first, second, (first, second))
    return play_match(match, Rules(world, dict(facts.options), episodes, 0))


@pytest.mark.parametrize("world", WORLDS)
def test_two_who_share_the_work_do_their_parts_of_it(world):
    played = together(world, "onions-only", "dishes-only")
    counts = played.contributions
    assert (counts[:, 0, POTTED] >= 9).all()
    assert not counts[:, 0, DISHES:].any()
    assert not counts[:, 1, POTTED].any()
    assert (counts[:, 1, SERVED] >= 3).all()


def test_the_slow_one_does_nothing_in_three_steps_of_five_and_waits_in_some_more():
    slow, brisk = (
        together("kitchen/cramped_room", name, "greedy", 4) for name in ("slow", "greedy")
    )
    assert 0.58 < slow.idle[:, 0].mean() < 0.85
    assert brisk.idle[:, 0].mean() < 0.5
    assert (slow.rewards.sum(1) >= 100).all()


def test_the_wanderer_walks_and_uses_nothing():
    played = together("kitchen/cramped_room", "wandering", "stay")
    assert not played.contributions.any()
    assert played.idle[:, 0].max() == 0


def trail(world, name, partner, steps, seat=0):
    """Cells of the one in a seat and its actions, step by step."""
    world.reset(0)
    policies = [load_policy(name), load_policy(partner)]
    policies = policies if seat == 0 else policies[::-1]
    states = [policy.initial_state(1) for policy in policies]
    draws, cells, actions = np.random.default_rng(0), [], []
    for _ in range(steps):
        joint = []
        for place, policy in enumerate(policies):
            made = policy.act(None, [SeatView(world, 0, place)], states[place], draws.random(1))
            states[place] = made.state
            joint.append(int(made.actions[0]))
        actions.append(joint[seat])
        world.step(np.array([joint]))
        cells.append(int(world.state[0, PLAYERS + 3 * seat + CELL]))
    return cells, actions


def test_the_stubborn_one_presses_on_where_the_greedy_one_makes_way():
    """Beside one who stands on the only cell from which a dish can be taken."""
    world = make_world("kitchen/cramped_room")
    cells, actions = trail(world, "stubborn", "stay", 400, seat=1)
    assert len(set(cells[-50:])) == 1
    assert len(set(actions[-50:])) == 1
    cells, _ = trail(world, "greedy", "stay", 400, seat=1)
    assert len(set(cells[-50:])) > 1


def test_the_blocker_stands_for_a_while_wherever_a_station_is_used_from():
    world = make_world("kitchen/cramped_room")
    cells, _ = trail(world, "blocking", "stay", 400, seat=1)
    height = world.layout.height
    stood = {cell for cell in set(cells) if cells.count(cell) >= 10}
    places = {(1, 1), (2, 1), (3, 1), (3, 2)}  # onions, pot, onions, serving; (1, 2) is taken
    assert {divmod(cell, height) for cell in stood} == places
