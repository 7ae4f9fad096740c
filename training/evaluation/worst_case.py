"""The return against adversaries that stay close to the partner: a curve over how close.

An adversary stands in for a hero's partner, and its divergence from that partner, KL(adversary ||
partner) in nats per step, is measured exactly in every state that it visits. Adversaries are either
trained exploiters (policies whose card says so, see `training.evaluation.teams`) or mixtures of the
partner with a saboteur, which need no training. All of them give upper bounds of the worst case.

An adversary may also draw at the start of an episode which of two it plays. As the divergence of a
mixture of two ways to play whole episodes is at most the mixture of their divergences, every point
between two measured ones is reached or bettered: the curve is the lower convex hull of the points,
together with (0, return with the partner itself), and flat beyond its minimum.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.matches import EXPLOIT, MIX, Match
from training.evaluation.statistics import Array, mean_figure
from training.evaluation.summary import Results

BOUNDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Bounds in nats per step at which curves are compared."""


@dataclass(frozen=True)
class Point:
    """One adversary of one hero.

    Attributes:
        hero: The hero's run.
        seat: The seat that the adversary took.
        partner: Who sits there otherwise: the hero's own run, or another policy.
        adversary: The adversary, in words.
        tau: What an exploiter was trained with; None for others.
        kl: Its mean divergence from the partner, nats per step.
        value: The hero's mean return beside it, in points.
    """

    hero: str
    seat: int
    partner: str
    adversary: str
    tau: float | None
    kl: float
    value: float


def points(results: Results) -> list[Point]:
    """Every adversary that was played, and the partner itself, for each hero, seat and partner."""
    found: list[Point] = []
    for match, played in results.matches.items():
        if match.kind not in (MIX, EXPLOIT) or match.seat is None:
            continue
        players = dict(zip(results.pair, (match.first, match.second), strict=True))
        partner = players.pop(match.seat)
        ((hero, name),) = players.items()
        undisturbed = next(met.played for met in results.meetings(name, partner) if met.own == hero)
        value = float(results.worth(undisturbed.rewards, hero).mean())
        found.append(Point(name, match.seat, partner, "the partner itself", None, 0.0, value))
        kl = float(played.divergence[:, match.seat].mean())
        value = float(results.worth(played.rewards, hero).mean())
        found.append(Point(name, match.seat, partner, _words(match), match.tau, kl, value))
    return list(dict.fromkeys(found))


def curve(kl: Sequence[float], values: Sequence[float], bounds: Sequence[float]) -> Array:
    """[B] least return that an adversary within each bound is known to press a hero down to.

    Args:
        kl: Divergences of the adversaries that were played, nats per step.
        values: Returns of the hero beside them.
        bounds: Bounds on the divergence; none may be below the least divergence.
    """
    x, y = np.asarray(kl, np.float64), np.asarray(values, np.float64)
    finite = np.isfinite(x)
    hull = _lower_hull(x[finite], y[finite])
    down = hull[: int(np.argmin(hull[:, 1])) + 1]  # beyond its minimum an adversary holds back
    result: Array = np.interp(np.asarray(bounds, np.float64), down[:, 0], down[:, 1])
    return result


def curves(results: Results, bounds: Sequence[float] = BOUNDS) -> dict[str, list[dict[str, Any]]]:
    """Method -> the curve of its heroes: bound, mean, low, high, units, count.

    The two seats of a hero are averaged; heroes of one method are its seeds. Those without an
    adversary do not count, and bounds beyond what was measured for one of the others are left out.
    """
    every = points(results)
    found: dict[str, list[dict[str, Any]]] = {}
    for method in results.teams:
        heroes = [
            [point for point in every if point.hero == name and np.isfinite(point.kl)]
            for name in results.names(method)
        ]
        heroes = [mine for mine in heroes if mine]
        reach = min((max(point.kl for point in mine) for mine in heroes), default=0.0)
        within = [bound for bound in bounds if bound <= reach]
        if len(within) < 2:
            continue
        by_hero = [_curve_of(mine, within) for mine in heroes]
        found[method] = [
            {"bound": bound, **_figure(results, [values[index] for values in by_hero])}
            for index, bound in enumerate(within)
        ]
    return found


def _curve_of(mine: list[Point], bounds: Sequence[float]) -> Array:
    curves_of_seats = []
    for place in sorted({(point.seat, point.partner) for point in mine}):
        here = [point for point in mine if (point.seat, point.partner) == place]
        curves_of_seats.append(curve([p.kl for p in here], [p.value for p in here], bounds))
    result: Array = np.mean(curves_of_seats, axis=0)
    return result


def _figure(results: Results, values: list[float]) -> dict[str, Any]:
    """Heroes are resampled; one alone has no interval."""
    figure = mean_figure(values, results.generator(), "seeds")
    return asdict(figure) if len(values) > 1 else asdict(figure) | {"low": None, "high": None}


def _lower_hull(x: Array, y: Array) -> NDArray[np.float64]:
    """[H, 2] corners of the lower convex hull, from left to right (Andrew's monotone chain)."""
    corners: list[tuple[float, float]] = []
    for point in sorted(zip(x.tolist(), y.tolist(), strict=True)):
        if corners and corners[-1][0] == point[0]:
            continue  # the lower of two at one place came first
        while len(corners) > 1 and _turns_down(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return np.array(corners)


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) <= (b[1] - a[1]) * (c[0] - a[0])


def _words(match: Match) -> str:
    if match.kind == EXPLOIT:
        return str(match.actor)
    return f"{match.weight:.0%} {match.actor}"
