"""Estimates from independently trained seeds, with intervals; pure functions.

The unit that is resampled is the training seed, never a cell of a cross-play matrix: cells that
share a seed are not independent. Every function that draws takes its generator.

Sources: Agarwal et al. 2021 (arXiv 2108.13264) for the interquartile mean, the stratified bootstrap
and the probability of improvement; Owen 2007, "The pigeonhole bootstrap", for tables whose rows and
columns are both resampled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Draws = NDArray[np.int64]
"""[B, n] resamples: which of the n units each one consists of."""
RESAMPLES = 5000
LEVEL = 0.95
AT_ONCE = 500


@dataclass(frozen=True)
class Figure:
    """An estimate with its 95 % percentile bootstrap interval.

    Attributes:
        mean: The estimate itself.
        low: Lower end of the interval.
        high: Upper end.
        units: What was resampled: "seeds", or "episodes" where there is only one seed.
        count: How many units; of both methods together where two are compared.
    """

    mean: float
    low: float
    high: float
    units: str
    count: int


def draw(
    units: int, generator: np.random.Generator, resamples: int = RESAMPLES, distinct: int = 1
) -> Draws:
    """Resamples [B, units] with replacement, each with at least so many different units."""
    found = generator.integers(0, units, (resamples, units))
    if min(distinct, units) > 1:
        while (poor := (found == found[:, :1]).all(1)).any():
            found[poor] = generator.integers(0, units, (int(poor.sum()), units))
    return found


def percentiles(values: Array) -> tuple[float, float]:
    """Ends of the interval of a bootstrap distribution [B]; resamples without a value are NaN."""
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def estimate(
    statistic: Callable[..., Array],
    sizes: Sequence[int],
    generator: np.random.Generator,
    units: str,
    *,
    resamples: int = RESAMPLES,
    distinct: int = 1,
) -> Figure:
    """A statistic of one or more independent groups of units, with its interval.

    Args:
        statistic: Takes draws [B, n] for each group and returns [B] values.
        sizes: Units n in each group.
        generator: Where the resamples come from.
        units: What the units are.
        resamples: Bootstrap resamples.
        distinct: Different units that a resample needs at least for the statistic to exist.
    """
    whole = statistic(*(np.arange(size)[None] for size in sizes))
    draws = [draw(size, generator, resamples, distinct) for size in sizes]
    values = [
        statistic(*(group[begin : begin + AT_ONCE] for group in draws))
        for begin in range(0, resamples, AT_ONCE)
    ]
    return Figure(float(whole[0]), *percentiles(np.concatenate(values)), units, sum(sizes))


def mean_figure(
    values: Sequence[float] | Array, generator: np.random.Generator, units: str
) -> Figure:
    """The mean of independent values."""
    array = np.asarray(values, np.float64)
    return estimate(lambda draws: array[draws].mean(1), [len(array)], generator, units)


def interquartile_mean(scores: Array) -> Array:
    """[...] mean of the middle half of scores [..., n]: floor(n / 4) are dropped at each end."""
    cut = scores.shape[-1] // 4
    middle: Array = np.sort(scores, axis=-1)[..., cut : scores.shape[-1] - cut]
    return middle.mean(-1)


def stratified_iqm(
    scores: Sequence[Array],
    generator: np.random.Generator,
    *,
    joint: bool,
    resamples: int = RESAMPLES,
) -> Figure:
    """Interquartile mean over all seeds and tasks at once.

    Args:
        scores: One array of scores per task (layout, partner), one score per seed.
        generator: Where the resamples come from.
        joint: Whether the tasks' seeds are the same trained policies and so are resampled
            together; otherwise each task is a stratum of its own (Agarwal et al.).
        resamples: Bootstrap resamples.
    """
    tasks = [np.asarray(task, np.float64) for task in scores]

    def statistic(*draws: Draws) -> Array:
        per_task = draws * len(tasks) if joint else draws
        picked = [task[d] for task, d in zip(tasks, per_task, strict=True)]
        return interquartile_mean(np.concatenate(picked, axis=1))

    sizes = [len(tasks[0])] if joint else [len(task) for task in tasks]
    return estimate(statistic, sizes, generator, "seeds", resamples=resamples)


# Cross-play within a method. `table[i, j]` is the return of seed i in the first seat beside seed j
# in the second; the diagonal is self-play.


def self_play(table: Array, draws: Draws) -> Array:
    """[B] mean return of each seed's own pair."""
    return np.diagonal(table)[draws].mean(1)


def cross_play_of_seeds(table: Array, draws: Draws) -> Array:
    """[B, n] mean return of each drawn seed with the other drawn seeds, in both seatings.

    A seed that was drawn twice is not its own stranger: such pairs do not count.
    """
    both = (table + table.T) / 2
    rows, columns = draws[:, :, None], draws[:, None, :]
    strangers = rows != columns
    met = np.where(strangers, both[rows, columns], 0.0)
    result: Array = met.sum(2) / strangers.sum(2)
    return result


def cross_play(table: Array, draws: Draws) -> Array:
    """[B] mean over all pairs of different drawn seeds."""
    both = (table + table.T) / 2
    rows, columns = draws[:, :, None], draws[:, None, :]
    strangers = rows != columns
    total: Array = np.where(strangers, both[rows, columns], 0.0).sum((1, 2))
    return total / strangers.sum((1, 2))


def gap(table: Array, draws: Draws) -> Array:
    """[B] self-play less cross-play, on the same resample."""
    return self_play(table, draws) - cross_play(table, draws)


def between(table: Array, rows: Draws, columns: Draws) -> Array:
    """[B] mean of a table [n, m] of two methods, whose seeds are resampled independently."""
    result: Array = table[rows[:, :, None], columns[:, None, :]].mean((1, 2))
    return result


def probability_of_improvement(x: Array, y: Array) -> Array:
    """[B] P(X > Y) + P(X = Y) / 2 for scores [B, n] and [B, m] (Mann-Whitney's U / nm)."""
    better = x[:, :, None] > y[:, None, :]
    equal = x[:, :, None] == y[:, None, :]
    result: Array = (better + 0.5 * equal).mean((1, 2))
    return result


def proximity(returns: Array, best: Array) -> Array:
    """BR-Prox: returns as a share of the best response's, between -inf and 1.

    min(1, return / return of the best response to the same partner in the same seat), and 1 where
    even the best response earns nothing (ZSC-Eval, arXiv 2310.05208).
    """
    safe = np.where(best > 0, best, 1.0)
    return np.where(best > 0, np.minimum(1.0, returns / safe), 1.0)
