"""Who does the work, and what becomes of a pair when one of them stops.

Every figure is a ratio of sums over the episodes of a run, averaged over runs; the seeds are
resampled, or the episodes where there is one seed. The degree of free-riding is that of Theorem 4.2
of arXiv 2602.21515, which the paper defines and does not measure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from training.evaluation.matches import STOP
from training.evaluation.statistics import (
    Array,
    Figure,
    estimate,
    mean_figure,
    ratio_of_sums,
)
from training.evaluation.summary import Meeting, Results

FreeRiding = dict[str, dict[str, dict[str, Figure]]]
"""Method -> context (as in the cross-play table) -> what -> figure."""


@dataclass(frozen=True)
class Ratio:
    """Numerators and denominators [E] by episode; the figure is sum over sum, or its size."""

    above: Array
    below: Array
    size: bool = False


def free_riding(results: Results) -> FreeRiding:
    """Contributions, idling and private costs of each method, by whom it plays with."""
    found: FreeRiding = {}
    for method in results.teams:
        found[method] = {
            context: _figures(results, [_ratios(results, met) for met in runs])
            for context, runs in _contexts(results, method)
        }
        found[method]["own pair"] |= _figures(
            results, [_stopping(results, name) for name in results.names(method)]
        )
    return found


def _contexts(results: Results, method: str) -> Iterator[tuple[str, list[list[Meeting]]]]:
    """Context -> for each run of the method, its meetings."""
    names = results.names(method)
    # the own pair from the first seat only: from both, each share would be a half
    yield "own pair", [results.meetings(name, name)[:1] for name in names]
    if len(names) > 1:
        strangers = [
            [met for other in names if other != name for met in results.meetings(name, other)]
            for name in names
        ]
        yield "other seeds", strangers
    for partner in results.cast.beside:
        yield f"beside {partner}", [results.meetings(name, partner) for name in names]


def _ratios(results: Results, meetings: list[Meeting]) -> dict[str, Ratio]:
    facts = results.facts
    found: dict[str, Ratio] = {}
    for index, label in enumerate(facts.contributions):
        own, other = _both(meetings, lambda p, seat, i=index: p.contributions[:, seat, i])
        total = own + other
        some = total > 0
        greater = np.divide(np.maximum(own, other), total, out=np.zeros_like(total), where=some)
        found[f"own share of {label}"] = Ratio(own, total)
        found[f"greater share of {label}"] = Ratio(greater, some.astype(np.float64))
    own, other = _both(meetings, lambda p, seat: p.idle[:, seat])
    ones = np.ones(len(own))
    found["own idle share"] = Ratio(own, ones)
    found["greater idle share"] = Ratio(np.maximum(own, other), ones)
    if facts.costs:
        own, other = _both(meetings, lambda p, seat: p.costs[:, seat])
        found["own private cost"] = Ratio(own, ones)
        found["difference of private costs"] = Ratio(own - other, ones, size=True)
    return found


def _both(meetings: list[Meeting], of: Callable[..., Array]) -> tuple[Array, Array]:
    """[E] a quantity of the own seat and of the other, over all meetings."""
    own = [of(met.played, met.own).astype(np.float64) for met in meetings]
    other = [of(met.played, met.other).astype(np.float64) for met in meetings]
    return np.concatenate(own), np.concatenate(other)


def _stopping(results: Results, name: str) -> dict[str, Ratio]:
    """What the own pair loses when one of them does nothing from some step on.

    The same episodes are played twice, with the partner going on and with the partner stopping.
    """
    before, going, stopped = [], [], []
    on = results.meetings(name, name)[0].played
    for match, played in results.matches.items():
        if match.kind == STOP and match.first == match.second == name and match.seat is not None:
            hero = next(seat for seat in results.pair if seat != match.seat)
            before.append(results.worth(on.rewards - on.late_rewards, hero))
            going.append(results.worth(on.late_rewards, hero))
            stopped.append(results.worth(played.late_rewards, hero))
    if not going:
        return {}
    continuing, ceased = np.concatenate(going), np.concatenate(stopped)
    ones = np.ones(len(continuing))
    return {
        "return before the partner stops": Ratio(np.concatenate(before), ones),
        "return after, partner going on": Ratio(continuing, ones),
        "return after, partner stopped": Ratio(ceased, ones),
        "loss when the partner stops": Ratio(continuing - ceased, continuing),
    }


def _figures(results: Results, runs: list[dict[str, Ratio]]) -> dict[str, Figure]:
    figures = {what: _figure(results, [run[what] for run in runs]) for what in runs[0]}
    return {what: figure for what, figure in figures.items() if figure is not None}


def _figure(results: Results, runs: list[Ratio]) -> Figure | None:
    """None where there is nothing to share, such as contributions of a pair that made none."""
    values = [_value(run, np.arange(len(run.above))[None])[0] for run in runs]
    there = [float(value) for value in values if not np.isnan(value)]
    if not there:
        return None
    if len(runs) > 1:
        return mean_figure(there, results.generator(), "seeds")
    run = runs[0]
    return estimate(
        lambda draws: _value(run, draws), [len(run.above)], results.generator(), "episodes",
        resamples=1000,
    )  # fmt: skip


def _value(run: Ratio, draws: np.ndarray) -> Array:
    values = ratio_of_sums(run.above, run.below, draws)
    return np.abs(values) if run.size else values
