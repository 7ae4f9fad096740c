"""Branches and bifurcations against values worked out by hand and a search without continuation."""

from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import logit

from play.worlds.errors import UserError
from play.worlds.matrix.games import make_game
from training.equilibria.bounds import PRINTED, RESTORED, free_riding_bound
from training.equilibria.branches import CROSSING, FOLD, trace
from training.equilibria.games import Game, Preferences
from training.equilibria.search import find_equilibria

FREE_RIDING = Game.of(make_game("free-riding").payoffs)
STAG_HUNT = Game.of(make_game("stag-hunt").payoffs)


@cache
def traced(game, epsilon, direction="adversary", most_tau=12.0):
    return trace({"free-riding": FREE_RIDING, "stag-hunt": STAG_HUNT}[game], epsilon, direction,
                 most_tau=most_tau)  # fmt: skip


def firsts(found):
    return sorted(one.strategies[0][0] for one in found)


def pitchfork(epsilon):
    """Where the equal equilibrium of free-riding starts to repel: a hand-derived condition."""

    def at(x):
        p = 0.6 - epsilon * logit(x)
        tau = (logit(x) - logit(p)) / (1 - x)
        return p * (1 - p) * (1 - tau * x * (1 - x)) - epsilon, tau

    return at(brentq(lambda x: at(x)[0], 0.56, 0.8, xtol=1e-15))[1]


@pytest.mark.parametrize(("epsilon", "tau"), [(0.05, 4.48917), (0.1, 2.90663), (0.2, 0.82879)])
def test_free_riding_begins_at_the_pitchfork(epsilon, tau):
    diagram = traced("free-riding", epsilon)
    (crossing,) = [one for one in diagram.bifurcations if one.kind == CROSSING]
    assert crossing.tau == pytest.approx(tau, abs=6e-6)
    assert crossing.tau == pytest.approx(pitchfork(epsilon), abs=1e-8)
    assert crossing.strategies[0] == pytest.approx(crossing.strategies[1], abs=1e-6)


def test_both_directions_have_pitchforks_of_their_own():
    (crossing,) = traced("free-riding", 0.2, "partner").bifurcations
    assert crossing.tau == pytest.approx(0.7239, abs=5e-5)


@pytest.mark.parametrize("epsilon", [0.3, 0.5])
def test_much_entropy_leaves_one_branch(epsilon):
    diagram = traced("free-riding", epsilon)
    assert (len(diagram.branches), diagram.bifurcations) == (1, [])


def test_free_riding_outlasts_the_pitchfork_where_there_is_little_entropy():
    """The pitchfork is subcritical there: unequal equilibria go on up to a fold."""
    diagram = traced("free-riding", 0.1)
    folds = [one for one in diagram.bifurcations if one.kind == FOLD]
    assert len(folds) == 2
    assert folds[0].tau == pytest.approx(folds[1].tau, abs=1e-9)
    last = folds[0].tau
    assert last > pitchfork(0.1) + 1
    before, after = (
        find_equilibria(FREE_RIDING, Preferences.of(FREE_RIDING, tau, 0.1))
        for tau in (last - 1e-3, last + 1e-3)
    )
    assert (len(before), len(after)) == (5, 1)


def test_branches_pass_folds_and_hold_all_that_a_search_finds():
    for game, epsilon, taus in (
        ("free-riding", 0.1, (0.0, 2.0, 3.5, 12.0)),
        ("stag-hunt", 0.2, (0.3, 0.805, 0.81, 4.0)),
        ("stag-hunt", 0.1, (0.0, 2.5, 2.9)),
    ):
        diagram = traced(game, epsilon)
        for tau in taus:
            preferences = Preferences.of(diagram.game, tau, epsilon)
            found = find_equilibria(diagram.game, preferences)
            assert firsts(diagram.at(tau)) == pytest.approx(firsts(found), abs=1e-8)
            assert diagram.complete_at(tau)


def test_stag_hunt_loses_cooperation_at_a_fold():
    diagram = traced("stag-hunt", 0.2)
    assert [one.kind for one in diagram.bifurcations] == [FOLD, FOLD]
    cooperative = diagram.bifurcations[1].tau

    def slope(x):
        p = 0.4 + 0.2 * logit(x)
        return (logit(x) - logit(p)) / x  # tau of the equal equilibrium with this x

    grid = np.linspace(0.65, 0.9, 100_001)
    assert cooperative == pytest.approx(slope(grid).max(), abs=1e-8)


def test_a_game_without_symmetry_has_folds_instead_of_the_pitchfork():
    game = make_game("free-riding")
    uneven = Game.of([game.payoffs[0], game.payoffs[1] * 1.05])
    diagram = trace(uneven, 0.2, most_tau=3.0)
    assert {one.kind for one in diagram.bifurcations} == {FOLD}
    assert len(diagram.branches) == 2
    for tau in (0.2, 0.6, 2.0):
        found = find_equilibria(uneven, Preferences.of(uneven, tau, 0.2))
        assert firsts(diagram.at(tau)) == pytest.approx(firsts(found), abs=1e-8)


def test_one_player_alone_may_grow_risk_averse():
    diagram = trace(FREE_RIDING, 0.2, most_tau=3.0, weights=[1.0, 0.0])
    found = find_equilibria(FREE_RIDING, Preferences.of(FREE_RIDING, [2.0, 0.0], 0.2))
    assert firsts(diagram.at(2.0)) == pytest.approx(firsts(found), abs=1e-8)


def test_points_satisfy_the_equations():
    diagram = traced("free-riding", 0.2, "partner")
    for branch in diagram.branches:
        for _, one in diagram.equilibria(branch):
            assert one.error < 1e-9


@pytest.mark.parametrize(
    ("epsilon", "most", "words"),
    [(0.0, 5.0, "an epsilon above 0 only"), (0.2, np.inf, "greatest tau is inf"),
     (0.2, 0.0, "greatest tau is 0")],
)  # fmt: skip
def test_mistakes_are_told_in_a_sentence(epsilon, most, words):
    with pytest.raises(UserError, match=words):
        trace(FREE_RIDING, epsilon, most_tau=most)


def test_bounds_of_theorem_four_two():
    """Where they reach a difference of 0.4 and 0.1, worked out by hand."""
    game = make_game("free-riding")
    for form, taus in ((PRINTED, (15.386, 246.18)), (RESTORED, (76.93, 1230.9))):
        bounds = free_riding_bound(game.shared, game.costs[0], np.array(taus), 0.2, form)
        assert bounds == pytest.approx([0.4, 0.1], abs=2e-5)
