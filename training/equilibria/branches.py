"""How equilibria change with tau: continuation by pseudo-arclength.

Every player's tau is its weight times a common number t. A branch is a curve of solutions
(y, s) with s = log(1 + t); it is followed by steps along its tangent, each corrected in the
hyperplane across it, so that it passes folds, where t turns. Where the determinant of the
equations bordered by the tangent changes sign, another branch crosses: there it is followed, too.
Branches that touch no other are met by the multi-start search at some values of t.

Source: Keller 1977, Numerical solution of bifurcation and nonlinear eigenvalue problems;
Allgower and Georg, Numerical Continuation Methods (1990), chapters 6 and 8.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, root

from play.worlds.errors import UserError
from training.equilibria.conditions import Conditions
from training.equilibria.games import Array, Game, Preferences, per_player
from training.equilibria.search import (
    SAME,
    Equilibrium,
    add_new,
    describe,
    distance,
    find_equilibria,
    solve,
)

FIRST_STEP, LEAST_STEP, LONGEST_STEP = 0.01, 1e-9, 0.2
MOST_CHANGE = 0.02  # of a probability in one step
MOST_STEPS = 20_000
SEARCHES = 9  # values of t at which the multi-start search looks for further branches
FOLD, CROSSING = "fold", "crossing"


@dataclass(frozen=True)
class Bifurcation:
    """Where a branch turns in tau, or branches cross.

    Attributes:
        kind: "fold", or "crossing" such as a pitchfork.
        tau: The common factor t.
        strategies: [n_i] each player's probabilities there.
        point: [D + 1] the same as log-odds and log(1 + t).
    """

    kind: str
    tau: float
    strategies: tuple[Array, ...]
    point: Array


@dataclass(frozen=True)
class Branch:
    """A curve of equilibria.

    Attributes:
        points: [K, D + 1] log-odds and log(1 + t) of its points, in order.
        closed: Whether the last point is followed by the first.
    """

    points: Array
    closed: bool

    @property
    def taus(self) -> Array:
        """[K] the common factor t."""
        return np.expm1(self.points[:, -1])


@dataclass
class Diagram:
    """All branches that were found up to some tau.

    Attributes:
        game: The game.
        weights: [N] each player's tau at t = 1.
        epsilon: [N] weights of the entropy.
        direction: See `Preferences`.
        most_tau: Where the branches end.
        branches: The branches.
        bifurcations: Where they turn or cross, by tau.
    """

    game: Game
    weights: Array
    epsilon: Array
    direction: str
    most_tau: float
    branches: list[Branch] = field(default_factory=list)
    bifurcations: list[Bifurcation] = field(default_factory=list)

    def conditions(self, tau: float) -> Conditions:
        """The equations at one value of t."""
        preferences = Preferences(self.weights * tau, self.epsilon, self.direction)
        return Conditions.interior(self.game, preferences)

    def at(self, tau: float) -> list[Equilibrium]:
        """All equilibria at one value of t, by the first player's strategy."""
        conditions = self.conditions(tau)
        found: list[Equilibrium] = []
        for branch in self.branches:
            for guess in crossings(branch, np.log1p(tau)):
                odds = solve(conditions, guess)
                if odds is not None:
                    add_new(found, [describe(conditions, odds)])
        return sorted(found, key=lambda one: one.strategies[0].tolist())

    def complete_at(self, tau: float) -> bool:
        """Whether the indices of `at` sum to one; if not, an equilibrium is missing.

        At a bifurcation itself, where an index is 0, the sum says nothing.
        """
        return sum(one.index for one in self.at(tau)) == 1

    def equilibria(self, branch: Branch) -> Iterator[tuple[float, Equilibrium]]:
        """T and the equilibrium at every point of a branch."""
        for point in branch.points:
            tau = float(np.expm1(point[-1]))
            yield tau, describe(self.conditions(tau), point[:-1])

    def system(self, point: Array) -> tuple[Array, Array]:
        """Residual [D] and its derivatives [D, D + 1] at a point."""
        growth = np.exp(point[-1])
        conditions = self.conditions(growth - 1)
        by_odds, by_tau = conditions.jacobian(point[:-1])
        by_s = by_tau @ self.weights * growth
        return conditions.residual(point[:-1]), np.column_stack([by_odds, by_s])

    def strategies(self, point: Array) -> tuple[Array, ...]:
        """Probabilities [n_i] of every player at a point."""
        return self.conditions(0.0).strategies(point[:-1])


def trace(
    game: Game,
    epsilon: ArrayLike,
    direction: str = "adversary",
    *,
    most_tau: float = 100.0,
    weights: ArrayLike = 1.0,
    seed: int = 0,
) -> Diagram:
    """All branches of equilibria for tau = weights * t, with t from 0 to `most_tau`.

    Args:
        game: The game.
        epsilon: Weight of the entropy, above 0, for all players or for each.
        direction: See `Preferences`.
        most_tau: The greatest t.
        weights: Every player's tau at t = 1; 0 for one that trusts its partners throughout.
        seed: Seed of the searches for branches.

    Raises:
        UserError: An epsilon of 0, or a `most_tau` that is not above 0 and finite.
    """
    preferences = Preferences.of(game, 0.0, epsilon, direction)
    if not (preferences.epsilon > 0).all():
        raise UserError(
            "Branches are traced for an epsilon above 0 only: give a small one, or ask for the "
            "equilibria at single values of tau"
        )
    if not (np.isfinite(most_tau) and most_tau > 0):
        raise UserError(f"The greatest tau is {most_tau}, but it must be above 0 and finite")
    weight = per_player("weights", weights, game.num_players, infinite=False)
    diagram = Diagram(game, weight, preferences.epsilon, direction, most_tau)
    for place, s in enumerate(np.linspace(0, np.log1p(most_tau), SEARCHES)):
        tau = float(np.expm1(s))
        conditions = diagram.conditions(tau)
        known = diagram.at(tau)
        for one in find_equilibria(game, conditions.preferences, seed + place, patience=1):
            if all(distance(one.strategies, other.strategies) > SAME for other in known):
                start = np.append(conditions.odds(one.strategies), s)
                _follow(diagram, start, None)
                known = diagram.at(tau)
    diagram.bifurcations.sort(key=lambda one: one.tau)
    return diagram


def _follow(diagram: Diagram, start: Array, along: Array | None) -> None:
    """Adds the branch through a point, and then those that cross it."""
    half, closed = walk(diagram, start, along)
    if not closed:
        back = -along if along is not None else -tangent(diagram, start, None)
        other, _ = walk(diagram, start, back)
        half = [*other[:0:-1], *half]
    found = list(bifurcations(diagram, np.array(half)))
    for segment, one in reversed(found):
        half.insert(segment + 1, one.point)
    branch = Branch(np.array(half), closed)
    diagram.branches.append(branch)
    for _, one in found:
        if any(_same_place(one, other) for other in diagram.bifurcations):
            continue
        diagram.bifurcations.append(one)
        if one.kind == CROSSING:
            _switch(diagram, one)


def _same_place(one: Bifurcation, other: Bifurcation) -> bool:
    near = abs(np.log1p(one.tau) - np.log1p(other.tau)) < 1e-4
    return near and distance(one.strategies, other.strategies) < 1e-2


def _switch(diagram: Diagram, crossing: Bifurcation) -> None:
    """Follows the branches through a crossing that are not known yet."""
    derivatives = diagram.system(crossing.point)[1]
    *_, kernel = np.linalg.svd(derivatives)
    directions = kernel[-2:]
    near = _nearest_tangent(diagram, crossing.point)
    across = directions.T @ (directions @ near)
    other = directions[0] - across * (across @ directions[0]) / (across @ across)
    if np.linalg.norm(other) < 0.5:
        other = directions[1] - across * (across @ directions[1]) / (across @ across)
    other /= np.linalg.norm(other)
    for side in (other, -other):
        point = correct(diagram, crossing.point + 0.02 * side, side)
        if point is None:
            continue
        tau = float(np.expm1(point[-1]))
        here = diagram.strategies(point)
        inside = 0 <= tau <= diagram.most_tau
        if inside and all(distance(here, known.strategies) > SAME for known in diagram.at(tau)):
            _follow(diagram, point, side)


def _nearest_tangent(diagram: Diagram, point: Array) -> Array:
    """Direction of the latest branch where it passes a point."""
    points = diagram.branches[-1].points
    nearest = int(np.linalg.norm(points - point, axis=1).argmin())
    low, high = max(nearest - 1, 0), min(nearest + 1, len(points) - 1)
    direction: Array = points[high] - points[low]
    return direction / np.linalg.norm(direction)


def tangent(diagram: Diagram, point: Array, along: Array | None) -> Array:
    """Unit vector [D + 1] along the branch, on the side of `along`, or of growing t."""
    *_, kernel = np.linalg.svd(diagram.system(point)[1])
    direction: Array = kernel[-1]
    side = direction @ along if along is not None else direction[-1]
    return direction if side >= 0 else -direction


def correct(diagram: Diagram, guess: Array, across: Array) -> Array | None:
    """The solution in the hyperplane through `guess` across a direction, by Newton's method."""
    point = guess
    for _ in range(8):
        residual, derivatives = diagram.system(point)
        equations = np.vstack([derivatives, across])
        error = np.append(residual, across @ (point - guess))
        try:
            change = np.linalg.solve(equations, -error)
        except np.linalg.LinAlgError:
            return None
        point = point + change
        if not np.isfinite(point).all() or np.abs(change).max() > 50:
            return None
        if np.abs(change).max() < 1e-11:
            return point
    return point if np.abs(diagram.system(point)[0]).max() < 1e-11 else None


def walk(diagram: Diagram, start: Array, along: Array | None) -> tuple[list[Array], bool]:
    """Follows a branch from a point in one direction.

    Returns:
        Its points, the start first, and whether it came back to the start.
    """
    most = np.log1p(diagram.most_tau)
    points = [start]
    direction = first = tangent(diagram, start, along)
    step = FIRST_STEP
    while len(points) < MOST_STEPS:
        here = points[-1]
        there = correct(diagram, here + step * direction, direction)
        if there is None or not _close(diagram, here, there):
            step /= 2
            if step < LEAST_STEP:
                return points, False
            continue
        following = tangent(diagram, there, direction)
        if following @ direction < 0.95:
            step /= 2
            if step >= LEAST_STEP:
                continue
        if not 0 <= there[-1] <= most:
            end = _cut(diagram, here, there, 0.0 if there[-1] < 0 else float(most))
            return [*points, *end], False
        points.append(there)
        back = np.linalg.norm(there - start) < step and len(points) > 5
        if back and (there - start) @ first <= 0 and following @ first > 0.5:
            return points, True
        direction, step = following, min(step * 1.3, LONGEST_STEP)
    return points, False


def _close(diagram: Diagram, here: Array, there: Array) -> bool:
    return distance(diagram.strategies(here), diagram.strategies(there)) <= MOST_CHANGE


def _cut(diagram: Diagram, here: Array, there: Array, s: float) -> list[Array]:
    """The point between two neighbours where the branch leaves the range; none if it is `here`."""
    share = (s - here[-1]) / (there[-1] - here[-1])
    if share < 1e-12:
        return []
    guess = here + share * (there - here)
    odds = solve(diagram.conditions(float(np.expm1(s))), guess[:-1])
    return [] if odds is None else [np.append(odds, s)]


def crossings(branch: Branch, s: float) -> Iterator[Array]:
    """Log-odds [D] near which a branch passes log(1 + t) = s, interpolated."""
    points = np.vstack([branch.points, branch.points[:1]]) if branch.closed else branch.points
    if len(points) == 1:
        return
    offset = points[:, -1] - s
    for k in np.flatnonzero(offset[:-1] * offset[1:] <= 0):
        width = offset[k] - offset[k + 1]
        share = offset[k] / width if width else 0.0
        yield points[k, :-1] + share * (points[k + 1, :-1] - points[k, :-1])


def bifurcations(diagram: Diagram, points: Array) -> Iterator[tuple[int, Bifurcation]]:
    """Folds and crossings on a branch, each with the number of the point before it."""
    if len(points) < 2:
        return
    direction = tangent(diagram, points[0], points[1] - points[0])
    bordered = _bordered(diagram, points[0], direction)
    for k, (here, there) in enumerate(pairwise(points)):
        following = tangent(diagram, there, there - here)
        sign = _bordered(diagram, there, following)
        if sign * bordered < 0:
            yield k, _locate(diagram, here, there, CROSSING, _bordered)
        elif following[-1] * direction[-1] < 0:
            yield k, _locate(diagram, here, there, FOLD, _slope)
        direction, bordered = following, sign


def _slope(diagram: Diagram, point: Array, along: Array) -> float:
    """Change of log(1 + t) along the branch: 0 where it turns."""
    return float(along[-1])


def _bordered(diagram: Diagram, point: Array, along: Array) -> float:
    """Determinant of the derivatives with the tangent below: 0 where branches cross."""
    return float(np.linalg.det(np.vstack([diagram.system(point)[1], along])))


def _locate(
    diagram: Diagram,
    here: Array,
    there: Array,
    kind: str,
    test: Callable[[Diagram, Array, Array], float],
) -> Bifurcation:
    """Where a test function of point and tangent is zero between two neighbours."""
    chord = there - here
    across = chord / np.linalg.norm(chord)

    def at(share: float) -> Array:
        guess = here + share * chord
        point = correct(diagram, guess, across)
        return guess if point is None else point

    def value(share: float) -> float:
        point = at(share)
        return test(diagram, point, tangent(diagram, point, across))

    ends = value(0.0), value(1.0)
    share = brentq(value, 0.0, 1.0, xtol=1e-13) if ends[0] * ends[1] < 0 else 0.5
    point = at(share)
    if kind == CROSSING:
        point = _sharpen(diagram, point)
    return Bifurcation(kind, float(np.expm1(point[-1])), diagram.strategies(point), point)


def _sharpen(diagram: Diagram, point: Array) -> Array:
    """A crossing to full precision, which no single branch gives: corrections fail close to it.

    Where branches cross, the derivatives lose rank. Moore's equations, F + b w = 0, F'w = 0 and
    w'w = 1, have a regular root there, with b = 0.

    Source: Moore 1980, SIAM Journal on Numerical Analysis 17, 567.
    """
    size = len(point) - 1

    def equations(unknown: Array) -> Array:
        here, left, lift = unknown[: size + 1], unknown[size + 1 : -1], unknown[-1]
        residual, derivatives = diagram.system(here)
        return np.concatenate([residual + lift * left, derivatives.T @ left, [left @ left - 1]])

    left = np.linalg.svd(diagram.system(point)[1])[0][:, -1]
    found = root(equations, np.concatenate([point, left, [0.0]]), options={"xtol": 1e-13})
    sharp = np.asarray(found.x[: size + 1])
    moved = np.abs(sharp - point).max()
    return sharp if np.abs(found.fun).max() < 1e-9 and moved < 0.1 else point
