"""Estimates against scipy, enumeration and the coverage that their intervals promise."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from training.evaluation import statistics
from training.evaluation.statistics import estimate, mean_figure

WHOLE = np.arange


def random(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8, 21])
def test_interquartile_mean_is_scipys_trimmed_mean(count):
    scores = random(count).normal(size=(5, count))
    expected = stats.trim_mean(scores, 0.25, axis=1)
    assert statistics.interquartile_mean(scores) == pytest.approx(expected)


def test_probability_of_improvement_is_mann_whitneys_u():
    x, y = random(1).integers(0, 6, 9).astype(float), random(2).integers(1, 7, 12).astype(float)
    assert len({*x} & {*y}) > 1  # ties count half
    expected = stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))
    found = statistics.probability_of_improvement(x[None], y[None])
    assert found == pytest.approx([expected])


def test_cross_play_is_the_mean_off_the_diagonal():
    table = random(3).normal(size=(4, 4))
    draws = WHOLE(4)[None]
    off = table[~np.eye(4, dtype=bool)]
    assert statistics.cross_play(table, draws) == pytest.approx([off.mean()])
    assert statistics.self_play(table, draws) == pytest.approx([np.trace(table) / 4])
    gap = np.trace(table) / 4 - off.mean()
    assert statistics.gap(table, draws) == pytest.approx([gap])
    per_seed = [(np.delete(table[i], i).mean() + np.delete(table[:, i], i).mean()) / 2
                for i in range(4)]  # fmt: skip
    assert statistics.cross_play_of_seeds(table, draws) == pytest.approx(np.array([per_seed]))


def test_a_seed_drawn_twice_is_not_its_own_stranger():
    table = np.array([[100.0, 1, 2], [3, 100, 4], [5, 6, 100]])
    # seeds 0, 0 and 2: twice 0 with 2 and twice 2 with 0, never 0 with itself
    assert statistics.cross_play(table, np.array([[0, 0, 2]])) == pytest.approx([3.5])
    found = statistics.cross_play_of_seeds(table, np.array([[0, 0, 2]]))
    assert found == pytest.approx(np.array([[3.5, 3.5, 3.5]]))


def test_interval_of_cross_play_is_that_of_all_resamples():
    table = random(4).normal(size=(4, 4))
    every = np.array([d for d in product(range(4), repeat=4) if len(set(d)) > 1])
    exact = np.quantile(statistics.cross_play(table, every), [0.025, 0.975])
    figure = estimate(
        lambda draws: statistics.cross_play(table, draws), [4], random(), "seeds",
        resamples=40_000, distinct=2,
    )  # fmt: skip
    assert (figure.low, figure.high) == pytest.approx(exact, abs=0.03)
    assert (figure.units, figure.count) == ("seeds", 4)


def test_intervals_over_seeds_cover_the_truth_and_those_over_cells_do_not():
    """Returns are sums of two seeds' skills: the cells of a row move together."""
    seeds, trials, covered, covered_by_cells = 12, 200, 0, 0
    generator = random(5)
    for _ in range(trials):
        skill = generator.normal(size=seeds)
        table = skill[:, None] + skill[None, :] + 0.1 * generator.normal(size=(seeds, seeds))
        figure = estimate(
            lambda draws, table=table: statistics.cross_play(table, draws), [seeds], generator,
            "seeds", resamples=500, distinct=2,
        )  # fmt: skip
        covered += figure.low <= 0 <= figure.high
        cells = table[~np.eye(seeds, dtype=bool)]
        naive = mean_figure(cells, generator, "cells")
        covered_by_cells += naive.low <= 0 <= naive.high
    assert 0.86 <= covered / trials <= 0.98
    assert covered_by_cells / trials < 0.6


def test_two_methods_seeds_are_both_resampled():
    """A table that varies by its columns alone has an interval, whichever side they are on."""
    table = np.tile(random(6).normal(size=8), (5, 1))
    sizes = [5, 8]
    figure = estimate(
        lambda rows, columns: statistics.between(table, rows, columns), sizes, random(), "seeds"
    )
    one = mean_figure(table[0], random(), "seeds")
    assert figure.mean == pytest.approx(one.mean)
    assert figure.high - figure.low == pytest.approx(one.high - one.low, rel=0.05)
    assert figure.count == 13


def test_stratified_iqm_resamples_tasks_apart_or_together():
    scores = [random(7).normal(size=10), random(8).normal(5, 1, size=10)]
    expected = stats.trim_mean(np.concatenate(scores), 0.25)
    apart = statistics.stratified_iqm(scores, random(), joint=False)
    together = statistics.stratified_iqm(scores, random(), joint=True)
    assert apart.mean == pytest.approx(expected) == together.mean
    assert (apart.count, together.count) == (20, 10)
    fewer = [scores[0], scores[1][:6]]
    figure = statistics.stratified_iqm(fewer, random(), joint=False)
    assert figure.mean == pytest.approx(stats.trim_mean(np.concatenate(fewer), 0.25))
    assert figure.count == 16
    # the same seeds in every task: as if there were fewer of them
    same = [scores[0], scores[0]]
    wide = statistics.stratified_iqm(same, random(), joint=True)
    narrow = statistics.stratified_iqm(same, random(), joint=False)
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


def test_stratified_iqm_has_scipys_interval_on_one_task():
    scores = random(9).normal(size=15)
    figure = statistics.stratified_iqm([scores], random(), joint=False)
    theirs = stats.bootstrap(
        (scores,), lambda x, axis: stats.trim_mean(x, 0.25, axis=axis), method="percentile",
        rng=random(), n_resamples=5000,
    ).confidence_interval  # fmt: skip
    assert (figure.low, figure.high) == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_best_response_proximity():
    found = statistics.proximity(np.array([50.0, 120.0, -5.0, 3.0]), np.array([100.0, 100, 10, 0]))
    assert found == pytest.approx([0.5, 1.0, -0.5, 1.0])


def test_interval_of_a_normal_sample_is_near_the_textbook_one():
    values = random(3).normal(10, 2, 400)
    figure = mean_figure(values, random(), "episodes")
    half = 1.96 * values.std(ddof=1) / 20
    assert figure.low == pytest.approx(values.mean() - half, abs=0.03)
    assert figure.high == pytest.approx(values.mean() + half, abs=0.03)


def test_resamples_depend_on_the_generator_alone():
    values = random(1).normal(size=9)
    first, again = (mean_figure(values, random(11), "seeds") for _ in range(2))
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    assert first == again == mean_figure(values, random(11), "seeds")
    assert first != mean_figure(values, random(12), "seeds")
