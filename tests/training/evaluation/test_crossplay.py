"""Whole episodes against the closed forms of a game of work and idleness."""

import numpy as np
import pytest

from agents.builtin import RandomPolicy, StayPolicy
from agents.library import load_policy
from agents.scripted import GreedyChef
from play.worlds.errors import UserError
from tests.training.evaluation.policies import write_worker
from tests.training.evaluation.work_world import COST, STEPS
from training.evaluation.crossplay import (
    Seating,
    divergence,
    episode_seeds,
    play_episodes,
    returns_of,
)
from training.evaluation.matches import MIX, PLAY, STOP, Match, Rules, play_match
from training.evaluation.mixture import Mixture

SRPO = "kitchen/cramped_room/srpo"


@pytest.fixture
def workers(tmp_path):
    write_worker(tmp_path, "busy", "srpo", 0, 1.0)
    write_worker(tmp_path, "lazy", "srpo", 1, 0.25)
    return tmp_path


def test_rewards_costs_contributions_and_idling_follow_from_the_rules(workers):
    policies = tuple(load_policy(name, folder=workers) for name in ("busy", "lazy"))
    played = play_episodes(Seating(policies), "work/pair", {}, episode_seeds(3, 3000))
    done = played.contributions[:, :, 0]
    assert (done[:, 0] == STEPS).all()
    assert done[:, 1].mean() == pytest.approx(STEPS * 0.25, abs=0.1)
    assert played.idle == pytest.approx(1 - done / STEPS)
    assert played.costs == pytest.approx(COST * done)
    assert played.rewards == pytest.approx(done.sum(1, keepdims=True) - COST * done)
    assert np.isnan(played.divergence).all()


def test_an_episode_depends_on_its_own_seed_alone():
    chef = GreedyChef("greedy")
    seating = Seating((load_policy(SRPO), chef))
    seeds = episode_seeds(5, 6)
    together = play_episodes(seating, "kitchen/cramped_room", {"horizon": 60}, seeds)
    alone = play_episodes(seating, "kitchen/cramped_room", {"horizon": 60}, seeds[4:5])
    assert (alone.contributions[0] == together.contributions[4]).all()
    assert alone.idle[0] == pytest.approx(together.idle[4])
    assert alone.split[0] == together.split[4]
    assert len({tuple(row) for row in together.idle}) > 1
    assert (episode_seeds(5, 4) == seeds[:4]).all()


def test_more_episodes_than_fit_at_once_are_played_in_turn(workers, monkeypatch):
    policies = (load_policy("lazy", folder=workers),) * 2
    seeds = episode_seeds(1, 10)
    whole = play_episodes(Seating(policies), "work/pair", {}, seeds)
    monkeypatch.setattr("training.evaluation.crossplay.AT_ONCE", 4)
    parts = play_episodes(Seating(policies), "work/pair", {}, seeds)
    assert (parts.contributions == whole.contributions).all()
    assert (parts.seeds == seeds).all()


@pytest.mark.parametrize("step", [0, 5, STEPS - 1])
def test_whoever_stops_does_nothing_from_that_step_on(workers, step):
    rules = Rules("work/pair", {}, 50, 0, step, workers)
    on = play_match(Match(PLAY, "a", "b", ("busy", "lazy")), rules)
    off = play_match(Match(STOP, "a", "b", ("busy", "lazy"), seat=0), rules)
    assert (off.split == step).all()
    assert off.rewards - off.late_rewards == pytest.approx(on.rewards - on.late_rewards)
    lazy = on.late_rewards[:, 0] - (1 - COST) * (STEPS - step)
    assert off.late_rewards[:, 0] == pytest.approx(lazy)
    assert (off.contributions[:, 0, 0] == step).all()
    assert (off.contributions[:, 1] == on.contributions[:, 1]).all()


def test_random_stops_are_spread_over_the_episode(workers):
    seating = Seating((load_policy("busy", folder=workers),) * 2)
    split = play_episodes(seating, "work/pair", {}, episode_seeds(0, 2000)).split
    assert np.bincount(split, minlength=STEPS) == pytest.approx(2000 / STEPS, rel=0.25)


def test_the_divergence_of_a_mixture_is_that_of_two_coins(workers):
    rules = Rules("work/pair", {}, 2000, 0, None, workers)
    match = Match(MIX, "a", "b", ("busy", "lazy"), seat=1, actor="busy", weight=0.4)
    played = play_match(match, rules)
    p, q = 0.6 * 0.25 + 0.4, 0.25
    expected = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert played.divergence[:, 1] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(played.divergence[:, 0]).all()
    assert played.contributions[:, 1, 0].mean() == pytest.approx(STEPS * p, rel=0.03)


def test_divergence_is_infinite_where_the_reference_never_goes():
    p = np.array([[0.5, 0.5], [1, 0], [0.5, 0.5]], np.float32)
    q = np.array([[0.5, 0.5], [0.5, 0.5], [1, 0]], np.float32)
    assert divergence(p, q) == pytest.approx([0, np.log(2), np.inf])


def test_policies_that_remember_their_moves_are_not_mixed_or_compared():
    chef, stay = GreedyChef("greedy"), StayPolicy("stay")
    with pytest.raises(UserError, match="greedy remembers its own moves"):
        Mixture(stay, chef, 0.1)
    with pytest.raises(UserError, match="greedy remembers its own moves"):
        Seating((stay, stay), references={0: chef})


def test_a_mixture_of_two_encodings_is_refused(workers):
    other = load_policy(SRPO)
    with pytest.raises(UserError, match=r"srpo reads egocentric_orders, but busy reads one"):
        Mixture(load_policy("busy", folder=workers), other, 0.5)


def test_matches_do_not_share_their_chance(workers):
    rules = Rules("work/pair", {}, 40, 0, None, workers)
    one = play_match(Match(PLAY, "a", "b", ("lazy", "busy")), rules)
    other = play_match(Match(PLAY, "b", "a", ("busy", "lazy")), rules)
    assert not {*one.seeds.tolist()} & {*other.seeds.tolist()}
    again = play_match(Match(PLAY, "a", "b", ("lazy", "busy")), rules)
    assert (one.contributions == again.contributions).all()


def test_returns_are_those_of_the_partners():
    pair = Seating((RandomPolicy("random"),) * 2)
    mean = returns_of(pair, "work/pair", {}, 4000, 0).mean()
    assert mean == pytest.approx(STEPS * (2 * 1 - 2 * COST * 0.5), rel=0.02)
    # a third player idles: its own rewards are no part of the partners'
    three = Seating((RandomPolicy("random"), RandomPolicy("random"), StayPolicy("stay")))
    assert returns_of(three, "work/guest", {}, 4000, 0).mean() == pytest.approx(mean, rel=0.03)
