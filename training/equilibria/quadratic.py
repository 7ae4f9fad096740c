"""Quadratic aggregative games with Gaussian strategies: theorem 4.1 in closed form.

All share R(a) = s'Hs / 2 + h's with the sum s of the actions and H negative definite, and each
pays (rho / 2) |a_i|^2 of its own. With an entropy bonus, strategies are Gaussian; a risk-averse
player imagines Gaussian others, too, unless its aversion is so great that imagining them ever
farther away costs less than it harms: then no equilibrium exists.

Source: Qu et al. 2026 (arXiv 2602.21515), section 4 and appendix B. Differs from its appendix,
for three players and more, in keeping the interaction of the others with each other, which the
aggregative reward has.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import sqrtm

from play.worlds.errors import UserError
from training.equilibria.games import Array, per_player


@dataclass(frozen=True)
class QuadraticGame:
    """The game.

    Attributes:
        curvature: [d, d] H, symmetric and negative definite.
        slope: [d] h.
        cost: [N] rho, above 0.
    """

    curvature: Array
    slope: Array
    cost: Array

    @classmethod
    def of(cls, curvature: ArrayLike, slope: ArrayLike, cost: Sequence[float]) -> "QuadraticGame":
        """Checks the numbers of a game; plain numbers make one of scalar actions.

        Raises:
            UserError: Shapes that do not fit, H that is not negative definite, a cost of 0 or less.
        """
        matrix = np.atleast_2d(np.array(curvature, np.float64))
        vector = np.atleast_1d(np.array(slope, np.float64))
        costs = np.array(cost, np.float64)
        if matrix.shape != (len(vector), len(vector)) or costs.ndim != 1 or len(costs) < 2:
            raise UserError(
                f"H of shape {matrix.shape}, h of shape {vector.shape} and {costs.size} costs make "
                "no game: H must be square, h as long, and there must be two players or more"
            )
        if not np.allclose(matrix, matrix.T) or (np.linalg.eigvalsh(matrix) >= 0).any():
            raise UserError("H must be symmetric and negative definite")
        if (costs <= 0).any():
            raise UserError(f"The costs rho are {costs.tolist()}, but all must be above 0")
        return cls(matrix, vector, costs)

    @property
    def players(self) -> int:
        """Number of players N."""
        return len(self.cost)

    def covariances(self, epsilon: Array) -> list[Array]:
        """[d, d] of every player's strategy at the equilibrium: epsilon (rho I - H)^-1."""
        identity = np.eye(len(self.slope))
        return [
            weight * np.linalg.inv(rho * identity - self.curvature)
            for weight, rho in zip(epsilon, self.cost, strict=True)
        ]

    def _others(self, epsilon: Array, player: int) -> tuple[Array, Array]:
        """Covariance of the others' joint play, and its Hessian in R, [(N - 1) d] square each."""
        size, count = len(self.slope), self.players - 1
        joint = np.zeros((count * size, count * size))
        own = [each for other, each in enumerate(self.covariances(epsilon)) if other != player]
        for place, covariance in enumerate(own):
            part = slice(place * size, (place + 1) * size)
            joint[part, part] = covariance
        hessian = np.kron(np.ones((count, count)), self.curvature)
        return joint, np.asarray(hessian, np.float64)

    def greatest_tau(self, epsilon: ArrayLike) -> Array:
        """[N] the tau below which each player's imagined others are finite; infinite for none.

        tau must stay below 1 / the greatest eigenvalue of S'(-M)S, where SS' is the covariance of
        the others and M the Hessian of R in their actions.
        """
        weights = per_player("epsilon", epsilon, self.players, infinite=False)
        bounds = []
        for player in range(self.players):
            covariance, hessian = self._others(weights, player)
            root = np.real(sqrtm(covariance)) if covariance.any() else covariance
            greatest = np.linalg.eigvalsh(-root @ hessian @ root).max()
            bounds.append(1 / greatest if greatest > 1e-300 else np.inf)
        return np.array(bounds)


@dataclass(frozen=True)
class GaussianEquilibrium:
    """An equilibrium in Gaussian strategies.

    Attributes:
        means: [N, d].
        covariances: [N, d, d].
        shared: Expected shared reward, E[R].
        utilities: [N] expected shared reward less the expected own cost.
    """

    means: Array
    covariances: Array
    shared: float
    utilities: Array


def gaussian_equilibrium(
    game: QuadraticGame, tau: ArrayLike, epsilon: ArrayLike
) -> GaussianEquilibrium:
    """The equilibrium, from one system of linear equations for all means.

    Args:
        game: The game.
        tau: Degree of risk aversion, for all players or for each.
        epsilon: Weight of the entropy, likewise.

    Raises:
        UserError: A tau for which no equilibrium exists.
    """
    taus, weights = checked(game, tau, epsilon)
    size = len(game.slope)
    system = np.zeros((game.players * size,) * 2)
    right = np.zeros(game.players * size)
    for player in range(game.players):
        own, others, constant = _mean_condition(game, taus, weights, player)
        part = slice(player * size, (player + 1) * size)
        rest = np.delete(np.arange(len(right)), np.arange(part.start, part.stop))
        system[part, part], right[part] = own, constant
        system[part, rest] = -others
    means = np.asarray(np.linalg.solve(system, right), np.float64)
    return _measure(game, means.reshape(game.players, size), weights)


def best_response_iteration(
    game: QuadraticGame,
    tau: ArrayLike,
    epsilon: ArrayLike,
    start: ArrayLike = 0.0,
    most_rounds: int = 10_000,
) -> GaussianEquilibrium:
    """The equilibrium by letting one player after another respond to the means of the rest.

    Raises:
        UserError: A tau for which no equilibrium exists, or means that do not settle.
    """
    taus, weights = checked(game, tau, epsilon)
    means: Array = np.zeros((game.players, len(game.slope)))
    means += np.asarray(start)
    conditions = [_mean_condition(game, taus, weights, player) for player in range(game.players)]
    for _ in range(most_rounds):
        before = means.copy()
        for player, (own, others, constant) in enumerate(conditions):
            rest = np.delete(means, player, axis=0).reshape(-1)
            means[player] = np.linalg.solve(own, constant + others @ rest)
        if np.abs(means - before).max() < 1e-14 * (1 + np.abs(means).max()):
            return _measure(game, means, weights)
    raise UserError(f"The best responses have not settled in {most_rounds} rounds: allow more")


def checked(game: QuadraticGame, tau: ArrayLike, epsilon: ArrayLike) -> tuple[Array, Array]:
    """[N] tau and [N] epsilon.

    Raises:
        UserError: A tau for which no equilibrium exists.
    """
    taus = per_player("tau", tau, game.players, infinite=False)
    weights = per_player("epsilon", epsilon, game.players, infinite=False)
    bounds = game.greatest_tau(weights)
    for player in np.flatnonzero(taus >= bounds):
        raise UserError(
            f"tau is {taus[player]:g}, but with epsilon {weights.max():g} this quadratic game has "
            f"an equilibrium only for tau below {bounds[player]:.6g}: choose a smaller tau or "
            "epsilon"
        )
    return taus, weights


def _mean_condition(
    game: QuadraticGame, taus: Array, epsilon: Array, player: int
) -> tuple[Array, Array, Array]:
    """Matrices of a player's best response: own @ mean = others @ (the rest's means) + constant.

    The imagined mean of the others is b = (I + tau S M)^-1 (m - tau S g), with their real means m,
    covariance S, and the slope g = H (own mean) + h of R in each other's action; this form also
    holds for S = 0 and tau = 0. The own mean solves (rho I - H) mean = h + H (the sum of b).
    """
    size, count = len(game.slope), game.players - 1
    covariance, hessian = game._others(epsilon, player)
    priced = taus[player] * covariance
    inverse = np.linalg.inv(np.eye(count * size) + priced @ hessian)
    collect = np.kron(np.ones((1, count)), np.eye(size))  # sums the others' actions
    seen = game.curvature @ collect @ inverse
    pull = seen @ priced @ collect.T
    own = game.cost[player] * np.eye(size) - game.curvature + pull @ game.curvature
    return own, seen, game.slope - pull @ game.slope


def _measure(game: QuadraticGame, means: Array, epsilon: Array) -> GaussianEquilibrium:
    covariances = np.array(game.covariances(epsilon))
    total = means.sum(0)
    spread = np.trace(game.curvature @ covariances.sum(0))
    shared = float(total @ game.curvature @ total / 2 + game.slope @ total + spread / 2)
    costs = game.cost / 2 * ((means**2).sum(1) + np.trace(covariances, axis1=1, axis2=2))
    return GaussianEquilibrium(means, covariances, shared, shared - costs)
