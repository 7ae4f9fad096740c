"""The quadratic game against its closed form and against numerical optimisation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from play.worlds.errors import UserError
from training.equilibria.quadratic import (
    QuadraticGame,
    best_response_iteration,
    gaussian_equilibrium,
)

SCALAR = QuadraticGame.of(-1.0, 1.0, (1.0, 1.0))
# tau * epsilon -> mean action, shared reward + epsilon / 2, utility + 3 epsilon / 4
ORACLE = {
    0.0: (0.333333, -0.055556, -0.111111), 0.5: (0.363636, -0.037190, -0.103306),
    1.0: (0.400000, -0.020000, -0.100000), 1.5: (0.444444, -0.006173, -0.104938),
    1.98: (0.497512, -1.24e-5, -0.123772),
}  # fmt: skip


@pytest.mark.parametrize("epsilon", [0.2, 1.0])
@pytest.mark.parametrize("product", list(ORACLE))
def test_scalar_game(product, epsilon):
    mean, shared, utility = ORACLE[product]
    for solve in (gaussian_equilibrium, best_response_iteration):
        got = solve(SCALAR, product / epsilon, epsilon)
        assert got.means == pytest.approx(mean, abs=6e-7)
        assert got.covariances == pytest.approx(epsilon / 2)
        # R of the oracle is -(a1 + a2 - 1)^2 / 2, which has a constant of -1/2 besides
        assert got.shared - 0.5 + epsilon / 2 == pytest.approx(shared, abs=6e-7)
        assert got.utilities - 0.5 + 3 * epsilon / 4 == pytest.approx(utility, abs=6e-7)


def random_game(players, seed):
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(2, 2))
    curvature = -(root @ root.T) - 0.3 * np.eye(2)
    return QuadraticGame.of(curvature, generator.normal(size=2), generator.uniform(0.3, 2, players))


@pytest.mark.parametrize("players", [2, 3])
def test_nobody_gains_by_another_mean_or_covariance(players):
    """The entropic risk of every player, by its formula, is greatest at the equilibrium."""
    game, epsilon = random_game(players, players), np.array([0.2, 0.5, 0.3])[:players]
    tau = game.greatest_tau(epsilon) * np.array([0.9, 0.4, 0.7])[:players]
    found = gaussian_equilibrium(game, tau, epsilon)
    again = best_response_iteration(game, tau, epsilon, start=1.0)
    assert again.means == pytest.approx(found.means, abs=1e-9)
    for player in range(players):
        others = np.delete(np.arange(players), player)
        mean = found.means[others].reshape(-1)
        spread = np.zeros((len(mean), len(mean)))
        for place, other in enumerate(others):
            part = slice(2 * place, 2 * place + 2)
            spread[part, part] = found.covariances[other]
        collect = np.tile(np.eye(2), len(others))

        def loss(unknown, player=player, mean=mean, spread=spread, collect=collect):
            """Minus -log E exp(-tau R) / tau, by the Gaussian integral, less cost plus entropy."""
            own, root = unknown[:2], np.array([[unknown[2], 0], [unknown[3], unknown[4]]])
            covariance = root @ root.T
            t, hessian = tau[player], collect.T @ game.curvature @ collect
            # the exponent is quadratic in the deviation of the others from their mean
            total = own + collect @ mean
            constant = total @ game.curvature @ total / 2 + game.slope @ total
            constant += np.trace(game.curvature @ covariance) / 2
            slope = collect.T @ (game.curvature @ total + game.slope)
            precision = np.linalg.inv(spread) + t * hessian
            log = t * t * slope @ np.linalg.solve(precision, slope) / 2
            log -= np.linalg.slogdet(precision @ spread)[1] / 2
            cost = game.cost[player] / 2 * (own @ own + np.trace(covariance))
            entropy = np.linalg.slogdet(covariance)[1] / 2
            return -(constant - log / t) + cost - epsilon[player] * entropy

        best = minimize(loss, np.array([0, 0, 1.0, 0, 1.0]), tol=1e-12)
        root = np.array([[best.x[2], 0], [best.x[3], best.x[4]]])
        assert best.x[:2] == pytest.approx(found.means[player], abs=1e-4)
        assert root @ root.T == pytest.approx(found.covariances[player], abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_shared_reward_rises_in_each_tau(seed):
    game, epsilon = random_game(2, seed), np.array([0.2, 0.6])
    ends = game.greatest_tau(epsilon)
    for player in range(2):
        shared = []
        for share in np.linspace(0, 0.98, 30):
            tau = 0.5 * ends
            tau[player] = share * ends[player]
            shared.append(gaussian_equilibrium(game, tau, epsilon).shared)
        assert (np.diff(shared) > 0).all()


def test_the_domain_ends_where_imagined_play_runs_away():
    assert SCALAR.greatest_tau(0.2) == pytest.approx(10.0)
    assert np.isinf(SCALAR.greatest_tau(0.0)).all()
    game, epsilon = random_game(3, 4), 0.3
    for player, end in enumerate(game.greatest_tau(epsilon)):
        covariance, hessian = game._others(np.full(3, epsilon), player)
        for tau, finite in ((0.999 * end, True), (1.001 * end, False)):
            precision = np.linalg.inv(covariance) + tau * hessian
            assert (np.linalg.eigvalsh(precision) > 0).all() == finite


@pytest.mark.parametrize("solve", [gaussian_equilibrium, best_response_iteration])
@pytest.mark.parametrize("tau", [10.0, 50.0, [1.0, 10.0]])
def test_a_tau_outside_the_domain_is_told(solve, tau):
    with pytest.raises(UserError, match="has an equilibrium only for tau below 10: choose"):
        solve(SCALAR, tau, 0.2)


@pytest.mark.parametrize(
    ("curvature", "slope", "cost", "words"),
    [
        (1.0, 1.0, (1, 1), "negative definite"),
        (-np.eye(2), 1.0, (1, 1), "make no game"),
        (-1.0, 1.0, (1,), "make no game"),
        (-1.0, 1.0, (1, 0), "must be above 0"),
    ],
)
def test_other_mistakes_are_told(curvature, slope, cost, words):
    with pytest.raises(UserError, match=words):
        QuadraticGame.of(curvature, slope, cost)
