"""Figures of the private-cost kitchen's table, with intervals over independently trained seeds."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.private_kitchen.world import INSTANCES
from training.evaluation import statistics, worst_case
from training.evaluation.exact import optimum_of
from training.evaluation.statistics import Figure, estimate
from training.reproduce.kitchen_scores import summed
from training.reproduce.kitchen_variants import PER_SEAT, Variant

Array = NDArray[np.float64]
Draws = NDArray[np.int64]
BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Bounds of worst cases, in nats per step."""
BOUND = 0.1
"""The one that tables show."""
OURS, PAPERS = "srpo", "paper-tau-30"
HEROES = (OURS, "srpo-visited", "srpo-more", PAPERS, "paper-twice")
"""Variants that are compared with the controls: ours and the paper's, each also at equal data."""
TOLERATED = 0.02
"""Share of self-play that robustness may cost."""


@dataclass(frozen=True)
class Study:
    """All scores.

    Attributes:
        settings: Instances of the world.
        variants: Rows of the tables.
        seeds: Seeds of every variant.
        steps: Steps of every seed's training.
        pieces: (setting, variant) -> what `kitchen_scores.score` found.
    """

    settings: tuple[str, ...]
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    steps: int
    pieces: Mapping[tuple[str, str], Mapping[str, Any]]


Metric = Callable[[Mapping[str, Any], Draws], Array]
"""A piece and draws [B, K] of its seeds -> values [B]."""


def per_seed(values: Callable[[Mapping[str, Any]], Array]) -> Metric:
    """The mean over seeds of values [K] that each seed has for itself."""
    return lambda piece, draws: values(piece)[draws].mean(1)


def cost_difference(piece: Mapping[str, Any]) -> Array:
    """[K] |c1 - c2| of the own pair, in points: rewards are shared, so returns differ by costs."""
    own = np.diagonal(np.asarray(piece["table"]), axis1=0, axis2=1).T  # [K, 2]
    difference: Array = np.abs(own[:, 0] - own[:, 1])
    return difference


def lesser_share(piece: Mapping[str, Any]) -> Array:
    """[K] share of the pair's onions that the one who brings fewer brings; one half is even."""
    pots = np.asarray(piece["pots"])
    total = pots.sum(1)
    share: Array = np.where(total > 0, pots.min(1) / np.where(total > 0, total, 1.0), 0.0)
    return share


def idle_share(piece: Mapping[str, Any]) -> Array:
    """[K] share of the steps in which the idler of the pair stands still."""
    idle: Array = 1 - np.asarray(piece["moves"]).min(1) / piece["horizon"]
    return idle


def worst_at(bound: float) -> Callable[[Mapping[str, Any]], Array]:
    """[K] least own return beside an adversary within a bound of nats per step."""

    def value(piece: Mapping[str, Any]) -> Array:
        return np.array(
            [
                worst_case.curve(kl, worst, [bound])[0]
                for kl, worst in zip(piece["kl"], piece["worst"], strict=True)
            ]
        )

    return value


def strangers(piece: Mapping[str, Any]) -> Array:
    """[K] sum of returns beside partners of no variant, the mean over their kinds."""
    mean: Array = np.mean([np.asarray(values) for values in piece["strangers"].values()], 0)
    return mean


METRICS: dict[str, Metric] = {
    "own": lambda piece, draws: statistics.self_play(summed(piece["table"]), draws),
    "cross": lambda piece, draws: statistics.cross_play(summed(piece["table"]), draws),
    "gap": lambda piece, draws: statistics.gap(summed(piece["table"]), draws),
    "strangers": per_seed(strangers),
    "worst": per_seed(worst_at(BOUND)),
    "least": per_seed(lambda piece: np.asarray(piece["least"])),
    "cost_difference": per_seed(cost_difference),
    "lesser_share": per_seed(lesser_share),
    "idle_share": per_seed(idle_share),
    "unhelped": per_seed(lambda piece: np.asarray(piece["unhelped"])),
    "gain": per_seed(lambda piece: np.asarray(piece["gains"])),
}
COMPARED = ("own", "cross", "strangers", "worst")


def findings(study: Study) -> dict[str, Any]:
    """Every figure of the page, as JSON values."""
    generator = np.random.default_rng(0)
    return {setting: _of_setting(study, setting, generator) for setting in study.settings}


def _of_setting(study: Study, setting: str, generator: np.random.Generator) -> dict[str, Any]:
    rows, best = {}, optimum_of(INSTANCES[setting])
    for variant in study.variants:
        piece = study.pieces[setting, variant.name]
        figures = {
            name: asdict(_figure(metric, piece, generator)) for name, metric in METRICS.items()
        }
        figures["of_best"] = scaled(figures["own"], 1 / best)
        curve = {
            f"{bound:g}": asdict(_figure(per_seed(worst_at(bound)), piece, generator))
            for bound in BOUNDS
        }
        kinds = {
            kind: asdict(statistics.mean_figure(values, generator, "seeds"))
            for kind, values in piece["strangers"].items()
        }
        rows[variant.name] = {
            "about": variant.about, "group": variant.group, "figures": figures,
            "worst_by_bound": curve, "by_stranger": kinds, "seconds": piece["seconds"],
            "steps_per_seed": piece["steps_per_seed"],
            "data_per_hero": piece["data_per_hero"],
        }  # fmt: skip
    names = [variant.name for variant in study.variants]
    comparisons = {
        hero: {
            other: {
                name: asdict(_difference(study, setting, (hero, other), METRICS[name], generator))
                for name in COMPARED
            }
            for other in names
            if other != hero
        }
        for hero in HEROES
        if hero in names
    }
    return {
        "optimum": best, "rows": rows, "comparisons": comparisons,
    }  # fmt: skip


def scaled(figure: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The same estimate in other units."""
    return dict(figure) | {key: factor * figure[key] for key in ("mean", "low", "high")}


def _figure(metric: Metric, piece: Mapping[str, Any], generator: np.random.Generator) -> Figure:
    count = len(piece["table"])
    return estimate(lambda draws: metric(piece, draws), [count], generator, "seeds", distinct=2)


def _difference(
    study: Study,
    setting: str,
    names: tuple[str, str],
    metric: Metric,
    generator: np.random.Generator,
) -> Figure:
    """A metric of one variant less another's, whose seeds are resampled independently."""
    one, other = (study.pieces[setting, name] for name in names)
    return estimate(
        lambda a, b: metric(one, a) - metric(other, b),
        [len(one["table"]), len(other["table"])], generator, "seeds", distinct=2,
    )  # fmt: skip


def controls(study: Study) -> list[str]:
    """Variants that are not SRPO."""
    return [variant.name for variant in study.variants if variant.method != "srpo"]


def verdicts(study: Study, found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each setting and SRPO variant: the best control by each figure, and what SRPO gains.

    The best control is the one with the highest mean; being chosen after the fact it is flattered,
    and the comparison is the harder for SRPO.
    """
    result: dict[str, dict[str, Any]] = {}
    for setting, part in found.items():
        for hero, others in part["comparisons"].items():
            pool = [name for name in controls(study) if name in others]
            groups = {variant.name: variant.group for variant in study.variants}
            if groups[hero] == PER_SEAT:  # the paper's own comparison
                pool = [name for name in pool if groups[name] == PER_SEAT]
            if not pool:
                continue
            result.setdefault(setting, {})[hero] = {
                name: (
                    best := max(pool, key=lambda row: part["rows"][row]["figures"][name]["mean"]),
                    others[best][name],
                )
                for name in COMPARED
            }
    return result
