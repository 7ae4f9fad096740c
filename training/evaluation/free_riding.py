"""Who does the work, and what becomes of a pair when one of them stops.

Every figure is a ratio of sums over the episodes of a run, averaged over runs. The seeds are
resampled, among strangers with the partners that they meet; or the episodes, where there is one
seed. The degree of free-riding is that of Theorem 4.2 of arXiv 2602.21515, which the paper defines
and does not measure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.matches import STOP
from training.evaluation.statistics import Array, Figure, estimate, mean_figure
from training.evaluation.summary import Meeting, Results

FreeRiding = dict[str, dict[str, dict[str, Figure]]]
"""Method -> context (as in the cross-play table) -> what -> figure."""


@dataclass(frozen=True)
class Ratio:
    """Numerators and denominators [E] of the episodes of one meeting.

    A figure is the sum of the numerators over that of the denominators, over all meetings of a run.
    With `size`, the numerators of each meeting are added up first and count without their sign.
    """

    above: Array
    below: Array
    size: bool = False

    def sums(self, draws: NDArray[np.int64]) -> tuple[Array, Array]:
        """[B] sums of numerators and denominators over draws [B, E] of episodes."""
        top: Array = self.above[draws].sum(1)
        return np.abs(top) if self.size else top, self.below[draws].sum(1)


Parts = dict[str, Ratio]
"""What -> its ratio in one meeting."""


def free_riding(results: Results) -> FreeRiding:
    """Contributions, idling and private costs of each method, by whom it plays with."""
    found: FreeRiding = {}
    for method in results.teams:
        names = results.names(method)
        # the own pair from the first seat only: from both, each share would be a half
        own = [[_ratios(results, results.meetings(name, name)[0])] for name in names]
        stops = [_stopping(results, name) for name in names]
        contexts = {"own pair": _figures(results, own) | _figures(results, stops)}
        if len(names) > 1:
            contexts["other seeds"] = _among_strangers(results, names)
        for partner in results.cast.beside:
            runs = [
                [_ratios(results, met) for met in results.meetings(name, partner)] for name in names
            ]
            contexts[f"beside {partner}"] = _figures(results, runs)
        found[method] = contexts
    return found


def _ratios(results: Results, met: Meeting) -> Parts:
    facts = results.facts
    found: Parts = {}
    for index, label in enumerate(facts.contributions):
        own, other = _both(met, met.played.contributions[:, :, index].astype(np.float64))
        total = own + other
        some = total > 0
        greater = np.divide(np.maximum(own, other), total, out=np.zeros_like(total), where=some)
        found[f"own share of {label}"] = Ratio(own, total)
        found[f"greater share of {label}"] = Ratio(greater, some.astype(np.float64))
    own, other = _both(met, met.played.idle)
    ones = np.ones(len(own))
    found["own idle share"] = Ratio(own, ones)
    found["greater idle share"] = Ratio(np.maximum(own, other), ones)
    if not facts.shared_reward:
        own, other = _both(met, met.played.rewards)
        found["own reward"] = Ratio(own, ones)
        found["partner's reward"] = Ratio(other, ones)
    if facts.costs:
        own, other = _both(met, met.played.costs)
        found["own private cost"] = Ratio(own, ones)
        found["difference of private costs"] = Ratio(own - other, ones, size=True)
    return found


def _both(met: Meeting, of_seats: Array) -> tuple[Array, Array]:
    """[E] a quantity [E, A] of the own seat and of the other."""
    return of_seats[:, met.own], of_seats[:, met.other]


def _stopping(results: Results, name: str) -> list[Parts]:
    """What the own pair loses when one of them does nothing from some step on.

    The same episodes are played twice, with the partner going on and with the partner stopping.
    """
    on = results.meetings(name, name)[0].played
    found = []
    for match, off in results.matches.items():
        if match.kind == STOP and match.first == match.second == name:
            hero = next(seat for seat in results.pair if seat != match.seat)
            before = results.worth(on.rewards - on.late_rewards, hero)
            going = results.worth(on.late_rewards, hero)
            ceased = results.worth(off.late_rewards, hero)
            ones = np.ones(len(going))
            found.append({
                "return before the partner stops": Ratio(before, ones),
                "return after, partner going on": Ratio(going, ones),
                "return after, partner stopped": Ratio(ceased, ones),
                "loss when the partner stops": Ratio(going - ceased, going),
            })  # fmt: skip
    return found


def _figures(results: Results, runs: Sequence[Sequence[Parts]]) -> dict[str, Figure]:
    """Figures of runs with their meetings; without those that have nothing to share."""
    if not runs[0]:
        return {}
    figures = {what: _figure(results, [[part[what] for part in run] for run in runs])
               for what in runs[0][0]}  # fmt: skip
    return {what: figure for what, figure in figures.items() if figure is not None}


def _figure(results: Results, runs: Sequence[Sequence[Ratio]]) -> Figure | None:
    whole = [_value(run, *(np.arange(len(part.above))[None] for part in run))[0] for run in runs]
    there = [float(value) for value in whole if not np.isnan(value)]
    if not there:
        return None
    if len(runs) > 1:
        return mean_figure(there, results.generator(), "seeds")
    run = runs[0]
    return estimate(
        lambda *draws: _value(run, *draws), [len(part.above) for part in run],
        results.generator(), "episodes", resamples=1000,
    )  # fmt: skip


def _value(run: Sequence[Ratio], *draws: NDArray[np.int64]) -> Array:
    """[B] value of a run; episodes are drawn within each of its meetings."""
    sums = [part.sums(d) for part, d in zip(run, draws, strict=True)]
    tops, bottoms = zip(*sums, strict=True)
    return _quotient(np.sum(tops, axis=0), np.sum(bottoms, axis=0))


def _among_strangers(results: Results, names: Sequence[str]) -> dict[str, Figure]:
    """Figures of each seed with the other seeds; drawn seeds meet drawn seeds only."""
    size = (len(names), len(names))
    tops: dict[str, Array] = {}
    bottoms: dict[str, Array] = {}
    for i, name in enumerate(names):
        for j, other in enumerate(names):
            for met in results.meetings(name, other) if i != j else ():
                for what, part in _ratios(results, met).items():
                    top, bottom = part.sums(np.arange(len(part.above))[None])
                    tops.setdefault(what, np.zeros(size))[i, j] += top[0]
                    bottoms.setdefault(what, np.zeros(size))[i, j] += bottom[0]
    figures = {
        what: estimate(
            _of_drawn(tops[what], bottoms[what]), [len(names)], results.generator(), "seeds",
            distinct=2,
        )
        for what in tops
    }  # fmt: skip
    return {what: figure for what, figure in figures.items() if not np.isnan(figure.mean)}


def _of_drawn(tops: Array, bottoms: Array) -> Callable[[NDArray[np.int64]], Array]:
    """A statistic of draws [B, n]: the mean over drawn seeds of their ratios among the drawn."""

    def statistic(draws: NDArray[np.int64]) -> Array:
        rows, columns = draws[:, :, None], draws[:, None, :]  # the diagonals are zero
        ratios = _quotient(tops[rows, columns].sum(2), bottoms[rows, columns].sum(2))
        there = ~np.isnan(ratios)
        return _quotient(np.where(there, ratios, 0.0).sum(1), there.sum(1).astype(np.float64))

    return statistic


def _quotient(top: Array, bottom: Array) -> Array:
    """A quotient; NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
