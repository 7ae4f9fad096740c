"""SRPO on games of one state converges to their equilibria: our algorithm is the paper's objective.

The targets come from the solver, which knows nothing of the trainers. In the stag hunt at tau 0.75
the two directions of the divergence, and tau 0, have equilibria far enough apart to be told from
each other; so do, in free-riding, tau 0, where burdens are unequal, and tau 2.
"""

import numpy as np
import pytest

from play.worlds.matrix.games import make_game
from training.equilibria.games import Game, Preferences
from training.equilibria.search import find_equilibria
from training.reproduce.matrix_learning import configuration, learn

EPSILON = 0.2
TOLERANCE = 0.04  # in ten seeds nothing was farther off than 0.02


def equilibria(game, tau, direction="adversary", epsilon=EPSILON):
    """Probabilities of contributing at each equilibrium that attracts."""
    payoffs = Game.of(make_game(game).payoffs)
    found = find_equilibria(payoffs, Preferences.of(payoffs, tau, epsilon, direction))
    return [tuple(float(own[0]) for own in one.strategies) for one in found if one.stable]


def nearest(learnt, candidates):
    """Distance to the nearest of some equilibria."""
    return min(max(abs(a - b) for a, b in zip(learnt, one, strict=True)) for one in candidates)


@pytest.mark.parametrize(
    ("game", "tau", "direction", "others"),
    [
        ("stag-hunt", 0.75, "adversary", [(0.75, "partner"), (0, "adversary"), (1, "adversary")]),
        ("stag-hunt", 0.75, "partner", [(0.75, "adversary"), (0, "adversary"), (1, "partner")]),
        ("free-riding", 2.0, "adversary", [(0, "adversary"), (50, "adversary")]),
    ],
)
def test_srpo_reaches_the_equilibrium(game, tau, direction, others):
    (own,) = equilibria(game, tau, direction)
    config = configuration(game, tau, EPSILON, kl_direction=direction)
    for learnt in learn(config, seeds=(0,)):
        assert learnt == pytest.approx(own, abs=TOLERANCE)
        for other in others:
            assert nearest(learnt, equilibria(game, *other)) > TOLERANCE


def test_ippo_reaches_the_unequal_equilibria_of_free_riding():
    for learnt in learn(configuration("free-riding", 0.0, EPSILON), seeds=(0,)):
        assert nearest(learnt, equilibria("free-riding", 0.0)) < TOLERANCE
        assert abs(learnt[0] - learnt[1]) > 0.5


def test_a_larger_divisor_scales_the_entropy_and_leaves_tau():
    """With advantages divided by 2, an entropy of 0.1 stands for epsilon 0.2."""
    (own,) = equilibria("stag-hunt", 1.0)
    config = configuration("stag-hunt", 1.0, EPSILON / 2, min_deviation=2.0)
    for learnt in learn(config, seeds=(0,)):
        assert learnt == pytest.approx(own, abs=TOLERANCE)
        assert nearest(learnt, equilibria("stag-hunt", 1.0, epsilon=EPSILON / 2)) > 0.2
        assert np.ptp(learnt) < TOLERANCE
