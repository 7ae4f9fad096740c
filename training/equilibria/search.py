"""Finding all equilibria of a finite game for given preferences.

Where every epsilon is above 0 the equilibria are interior, and, unless one of them is degenerate,
their indices (the signs of the Jacobian's determinant) sum to one, since the equations are
those of a fixed point of a bounded map. The multi-start search goes on until the sum is one and
further starts find nothing new; a sum of one does not prove that none is missing, another sum
proves that one is. Players with epsilon 0 may leave actions unused: there, all supports are tried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np
from scipy.optimize import root

from play.worlds.errors import UserError
from training.equilibria.adversary import cautious_value
from training.equilibria.conditions import Conditions, Support, best_response_gap
from training.equilibria.games import Array, Game, Preferences, log_play_of_others
from training.equilibria.maximin import maximin

TOLERANCE = 1e-10  # of the equations, in log-odds
SAME = 1e-6  # difference in probability below which two solutions are one
STARTS = 24  # per round, where all actions are in use
FARTHEST = 700.0  # log-odds beyond which a probability is zero in double precision
MOST_ROUNDS = 25
MOST_SUPPORTS = 20_000


@dataclass(frozen=True)
class Equilibrium:
    """One equilibrium.

    Attributes:
        strategies: [n_i] each player's probabilities.
        imagined: [M_i] what each player imagines the others to play, by joint action.
        payoffs: [N] expected utilities when all play, without risk terms and entropy.
        cautious: [N] risk-adjusted utilities with entropy, which the players maximise.
        index: Sign of the Jacobian's determinant, or 0 if it is singular: then the equilibrium is
            not isolated, or is a bifurcation.
        stable: Whether it attracts smoothed best responses in continuous time.
        error: Greatest violation of the equations.
    """

    strategies: tuple[Array, ...]
    imagined: tuple[Array, ...]
    payoffs: Array
    cautious: Array
    index: int
    stable: bool
    error: float


def find_equilibria(
    game: Game, preferences: Preferences, seed: int = 0, patience: int = 2
) -> list[Equilibrium]:
    """All equilibria that the search finds, by the first player's strategy.

    Args:
        game: The game.
        preferences: Those of its players.
        seed: Seed of the starting points.
        patience: Rounds of starts without anything new before the search ends.

    Raises:
        UserError: Too many supports to try, or preferences that the search does not cover.
    """
    found: list[Equilibrium] = []
    fixed = cautious_players(game, preferences)
    for supports in _supports(game, preferences, fixed):
        conditions = Conditions(game, preferences, supports, fixed)
        for odds in roots(conditions, seed, patience):
            strategies = conditions.strategies(odds)
            if best_response_gap(conditions, strategies) < 1e-9:
                add_new(found, [describe(conditions, odds)])
    return sorted(found, key=lambda one: one.strategies[0].tolist())


def cautious_players(game: Game, preferences: Preferences) -> tuple[Array | None, ...]:
    """Maximin strategies of players with infinite tau; None for the others."""
    return tuple(
        maximin(game.matrix(player), epsilon)[0] if np.isinf(tau) else None
        for player, (tau, epsilon) in enumerate(
            zip(preferences.tau, preferences.epsilon, strict=True)
        )
    )


def _supports(
    game: Game, preferences: Preferences, fixed: Sequence[Array | None]
) -> Iterator[tuple[Support, ...]]:
    """Sets of actions that the players may use: all, where epsilon is above 0."""
    choices: list[list[Support]] = []
    for player, size in enumerate(game.sizes):
        if preferences.epsilon[player] > 0 or fixed[player] is not None:
            choices.append([np.arange(size)])
            continue
        if preferences.tau[player] > 0 and preferences.direction == "partner":
            raise UserError(
                "epsilon is 0 and tau is neither 0 nor infinite, which this search does not cover "
                "for KL(partner || adversary): give a small epsilon instead"
            )
        choices.append(
            [np.array(s) for count in range(size) for s in combinations(range(size), count + 1)]
        )
    if prod(map(len, choices)) > MOST_SUPPORTS:
        raise UserError(
            f"A game of {game.sizes} actions has {prod(map(len, choices))} supports to try for "
            "epsilon 0: give a small epsilon instead"
        )
    yield from product(*choices)


def roots(conditions: Conditions, seed: int, patience: int) -> list[Array]:
    """Log-odds [D] of all solutions that a multi-start search finds."""
    if conditions.size == 0:
        return [np.zeros(0)]
    generator = np.random.default_rng(seed)
    interior = bool((conditions.preferences.epsilon > 0).all())
    found: list[Array] = []
    strategies: list[tuple[Array, ...]] = []
    quiet = 0
    for attempt in range(MOST_ROUNDS):
        known = len(found)
        for start in starting_points(conditions, generator, attempt == 0):
            odds = solve(conditions, start)
            if odds is None:
                continue
            here = conditions.strategies(odds)
            if all(distance(here, other) > SAME for other in strategies):
                found.append(odds)
                strategies.append(here)
        quiet = 0 if len(found) > known else quiet + 1
        if not interior and quiet:
            break
        complete = sum(index_of(conditions, odds) for odds in found) == 1
        if interior and complete and quiet >= patience:
            break
    return found


def starting_points(
    conditions: Conditions, generator: np.random.Generator, first: bool
) -> Iterator[Array]:
    """Log-odds to start from: uniform play and pure profiles in the first round, then random."""
    size = conditions.size
    if first:
        yield np.zeros(size)
        supports = [conditions.supports[player] for player in conditions.free]
        profiles = list(product(*(range(len(support)) for support in supports)))
        for profile in generator.permutation(len(profiles))[:STARTS]:
            nearly = [
                np.where(np.arange(len(support)) == action, 4.0, 0.0)
                for support, action in zip(supports, profiles[profile], strict=True)
            ]
            yield np.concatenate([each[1:] - each[0] for each in nearly])
    interior = bool((conditions.preferences.epsilon > 0).all())
    for _ in range(STARTS if interior else 3 + size):
        yield generator.normal(size=size) * 10 ** generator.uniform(-0.5, 1.0)


def solve(conditions: Conditions, start: Array) -> Array | None:
    """Log-odds of the solution that Powell's method reaches from a start, or None."""

    def bounded(odds: Array) -> Array:
        return np.clip(odds, -FARTHEST, FARTHEST)

    odds = bounded(
        root(
            lambda odds: conditions.residual(bounded(odds)),
            start,
            jac=lambda odds: conditions.jacobian(bounded(odds))[0],
            method="hybr",
        ).x
    )
    for _ in range(4):
        error = conditions.residual(odds)
        if np.abs(error).max() < TOLERANCE / 100:
            break
        try:
            odds = bounded(odds - np.linalg.solve(conditions.jacobian(odds)[0], error))
        except np.linalg.LinAlgError:
            break
    inside = np.abs(odds).max() < FARTHEST
    return odds if inside and np.abs(conditions.residual(odds)).max() < TOLERANCE else None


def index_of(conditions: Conditions, odds: Array) -> int:
    """Sign of the Jacobian's determinant; 0 if the matrix is singular to working precision."""
    jacobian = conditions.jacobian(odds)[0]
    if conditions.size and np.linalg.cond(jacobian) > 1e10:
        return 0
    return int(np.linalg.slogdet(jacobian)[0])


def describe(conditions: Conditions, odds: Array) -> Equilibrium:
    """All about a solution of the equations."""
    game, preferences = conditions.game, conditions.preferences
    logs, strategies = conditions.logs(odds), conditions.strategies(odds)
    imagined, cautious = [], []
    for player, strategy in enumerate(strategies):
        matrix, tau = game.matrix(player), preferences.tau[player]
        epsilon = preferences.epsilon[player]
        reference = log_play_of_others(logs, player)
        value = cautious_value(strategy @ matrix, reference, tau, preferences.direction)
        used = strategy > 0
        entropy = -(strategy[used] * np.log(strategy[used])).sum()
        cautious.append(value + epsilon * entropy)
        imagined.append(
            maximin(matrix, epsilon)[1] if np.isinf(tau) else conditions.imagined(logs, player)
        )
    jacobian = conditions.jacobian(odds)[0]
    errors = np.abs(conditions.residual(odds))
    return Equilibrium(
        strategies,
        tuple(imagined),
        game.expected(strategies),
        np.array(cautious),
        index_of(conditions, odds),
        bool((np.linalg.eigvals(jacobian).real > 0).all()) if len(odds) else True,
        float(errors.max(initial=0.0)),
    )


def add_new(found: list[Equilibrium], more: Sequence[Equilibrium]) -> None:
    """Appends those that are not in the list yet."""
    for one in more:
        if all(distance(one.strategies, other.strategies) > SAME for other in found):
            found.append(one)


def distance(first: Sequence[Array], second: Sequence[Array]) -> float:
    """Greatest difference in the probability of an action."""
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))
