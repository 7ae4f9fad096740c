"""Sample size: the planned comparison, simulated.

Each simulated participant has a mean per condition, drawn from normal distributions with the
expected difference, standard deviation and (within participants) correlation of the study file;
the planned test is run on them, two-sided.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from play.worlds.errors import UserError
from studies.checks import within
from studies.design import Analysis, Contrast, Study

MOST = 4096
"""Largest sample per cell that is tried."""


@dataclass(frozen=True)
class Power:
    """What the simulation found for one contrast.

    Attributes:
        per_cell: Participants per arm, or in all for a comparison within participants.
        power: Share of simulated studies in which the test was significant.
        error: Standard error of that share.
        planned: Power with the study's own targets.
    """

    contrast: Contrast
    within: bool
    per_cell: int
    power: float
    error: float
    planned: float


def p_values(
    contrast: Contrast, paired: bool, sizes: tuple[int, int], studies: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """[studies] p-values of the planned test.

    Args:
        contrast: What is expected.
        paired: Whether the same participants are in both conditions.
        sizes: Participants in each condition; equal when paired.
        studies: Number of simulated studies.
        rng: Source of randomness.
    """
    n, m = sizes
    if paired:
        # A difference of two correlated normal means is normal itself.
        spread = contrast.sd * np.sqrt(2 - 2 * contrast.correlation)
        gaps = rng.normal(contrast.expected, spread, (studies, n))
        return np.asarray(stats.ttest_1samp(gaps, 0.0, axis=1).pvalue)
    one = rng.normal(contrast.expected, contrast.sd, (studies, n))
    other = rng.normal(0.0, contrast.sd, (studies, m))
    return np.asarray(stats.ttest_ind(one, other, axis=1, equal_var=False).pvalue)


def simulated_power(
    study: Study, contrast: Contrast, sizes: tuple[int, int], studies: int, seed: int
) -> float:
    """Share of simulated studies in which the planned test is significant."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=sizes))
    paired = within(study, contrast.compare)
    values = p_values(contrast, paired, sizes, studies, rng)
    return float((values < study.analysis.alpha).mean())


def sample_size(study: Study, contrast: Contrast, studies: int = 4000, seed: int = 0) -> Power:
    """The smallest sample with the wanted power, found by bisection over simulated studies.

    Raises:
        UserError: No sample up to `MOST` has it.
    """
    wanted = study.analysis.power

    def power(n: int) -> float:
        return simulated_power(study, contrast, (n, n), studies, seed)

    high = 4
    while power(high) < wanted:
        high *= 2
        if high > MOST:
            raise UserError(
                f"analysis.contrasts {contrast.id}: even {MOST} participants do not give power "
                f"{wanted}: expect a larger difference or a smaller sd"
            )
    low = high // 2 if high > 4 else 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power(middle) < wanted else (low, middle)
    reached = power(high)
    error = float(np.sqrt(reached * (1 - reached) / studies))
    planned = simulated_power(study, contrast, planned_sizes(study, contrast), studies, seed)
    return Power(contrast, within(study, contrast.compare), high, reached, error, planned)


def planned_sizes(study: Study, contrast: Contrast) -> tuple[int, int]:
    """How many participants the study's targets put into each condition."""
    if not within(study, contrast.compare):
        first, second = (study.arm(name).target for name in contrast.compare)
        return first, second
    both = sum(arm.target for arm in study.arms if set(contrast.compare) <= set(arm.blocks))
    return max(both, 2), max(both, 2)


def contrasts_of(study: Study) -> list[Contrast]:
    """The planned contrasts.

    Raises:
        UserError: There are none.
    """
    analysis: Analysis = study.analysis
    if not analysis.contrasts:
        raise UserError(
            "analysis.contrasts is empty, so there is nothing to simulate: plan a comparison there"
        )
    return analysis.contrasts
