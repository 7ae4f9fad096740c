"""The planned analysis, run on an export: every contrast of the study file, after exclusions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray
from scipy import stats

from play.worlds.errors import UserError
from studies.checks import within
from studies.design import Contrast, Study

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What a contrast came to.

    Attributes:
        sizes: Participants in each condition; the same ones for a comparison within.
        means: Mean of the outcome in each condition.
        difference: First minus second.
        interval: Confidence interval of the difference, at 1 - alpha.
        statistic: Value of t.
        freedom: Its degrees of freedom.
        p: Two-sided.
        effect: Cohen's d: of the differences (within), or with the pooled spread (between).
    """

    contrast: Contrast
    within: bool
    sizes: tuple[int, int]
    means: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    statistic: float
    freedom: float
    p: float
    effect: float


def read_export(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables that the analysis needs.

    Raises:
        UserError: The folder is no export.
    """
    try:
        return {
            name: pyarrow.parquet.read_table(folder / f"{name}.parquet").to_pylist()
            for name in ("participants", "rounds", "answers")
        }
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise UserError(
            f"{folder} is no export: give a folder that `understudy study export` wrote"
        ) from error


def analyse(study: Study, tables: Mapping[str, list[dict[str, Any]]]) -> list[Found]:
    """Every contrast of the study.

    Args:
        study: Says what is compared.
        tables: See `read_export`.

    Raises:
        UserError: A condition has fewer than two usable participants.
    """
    arms = {r["participant"]: r["arm"] for r in tables["participants"] if not r["excluded"]}
    return [_contrast(study, contrast, tables, arms) for contrast in study.analysis.contrasts]


def _contrast(
    study: Study, contrast: Contrast, tables: Mapping[str, Iterable[Row]], arms: Mapping[str, str]
) -> Found:
    paired = within(study, contrast.compare)
    values: dict[str, dict[str, list[float]]] = {
        name: defaultdict(list) for name in contrast.compare
    }
    for row, value in _values(contrast, tables):
        who = row["participant"]
        condition = row["block"] if paired else arms.get(who)
        if who in arms and condition in values:
            values[condition][who].append(value)
    means = {
        name: {who: float(np.mean(found)) for who, found in people.items()}
        for name, people in values.items()
    }
    one, other = (means[name] for name in contrast.compare)
    if paired:
        both = sorted(one.keys() & other.keys())
        one, other = ({who: side[who] for who in both} for side in (one, other))
    for name, side in zip(contrast.compare, (one, other), strict=True):
        if len(side) < 2:
            raise UserError(
                f"{contrast.id}: there are {len(side)} usable participants of {name}, and two are "
                "needed: is the export blind, of the rehearsals, or still empty?"
            )
    return _tested(study, contrast, paired, np.array([*one.values()]), np.array([*other.values()]))


def _values(contrast: Contrast, tables: Mapping[str, Iterable[Row]]) -> Iterable[tuple[Row, float]]:
    """The outcome, wherever it was measured."""
    if contrast.outcome == "score":
        for row in tables["rounds"]:
            if row["kind"] == "round" and row["reason"] == "complete":
                yield row, row["score"]
        return
    survey, _, scale = contrast.outcome.partition(".")
    for row in tables["answers"]:
        asked = (row["survey"], row["item"], row["kind"]) == (survey, scale, "scale")
        if asked and row["number"] is not None:
            yield row, row["number"]


def _tested(
    study: Study,
    contrast: Contrast,
    paired: bool,
    one: NDArray[np.float64],
    other: NDArray[np.float64],
) -> Found:
    if paired:
        test = stats.ttest_rel(one, other)
        spread = float(np.std(one - other, ddof=1))
    else:
        test = stats.ttest_ind(one, other, equal_var=False)
        n, m = len(one), len(other)
        squares = (n - 1) * np.var(one, ddof=1) + (m - 1) * np.var(other, ddof=1)
        spread = float(np.sqrt(squares / (n + m - 2)))
    interval = test.confidence_interval(1 - study.analysis.alpha)
    difference = float(one.mean() - other.mean())
    return Found(
        contrast,
        paired,
        (len(one), len(other)),
        (float(one.mean()), float(other.mean())),
        difference,
        (float(interval.low), float(interval.high)),
        float(test.statistic),
        float(test.df),
        float(test.pvalue),
        difference / spread if spread else float("nan"),
    )


def in_words(found: Found, alpha: float) -> str:
    """One contrast in a line."""
    first, second = found.contrast.compare
    n, m = found.sizes
    sizes = f"{n} participants, who are in both" if found.within else f"{n} and {m} participants"
    low, high = found.interval
    return (
        f"{found.contrast.id}: {first} {found.means[0]:.2f}, {second} {found.means[1]:.2f}; "
        f"difference {found.difference:.2f} [{low:.2f}, {high:.2f}], "
        f"t({found.freedom:.1f}) = {found.statistic:.2f}, p = {found.p:.4f}, "
        f"d = {found.effect:.2f} ({sizes}; interval at {100 * (1 - alpha):g} %)."
    )
