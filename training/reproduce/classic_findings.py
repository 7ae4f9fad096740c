"""Figures of the experiment on the classic kitchens, with intervals over trained seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from play.worlds.kitchen.layouts import CLASSICS
from training.evaluation import statistics
from training.evaluation.matches import STOP
from training.evaluation.statistics import Array, Draws, Figure, estimate
from training.evaluation.worst_case import curve
from training.reproduce.classic_exploiters import exploited
from training.reproduce.classic_methods import OURS, ROWS, Row
from training.reproduce.classic_partners import limits
from training.reproduce.classic_pieces import (
    DEVELOPMENT,
    OWN,
    PROXY,
    RULES,
    STRANGER,
    Plan,
    games_of,
    read_json,
)

PUBLISHED = {
    "cramped_room": 165.0, "asymmetric_advantages": 236.0, "coordination_ring": 147.0,
    "forced_coordination": 50.0, "counter_circuit_o_1order": 83.0,
}  # fmt: skip
"""The best returns with a human proxy in published tables, each with a proxy of its own."""
WANTED_PROXIMITY = {
    "asymmetric_advantages": 0.95, "coordination_ring": 0.85, "forced_coordination": 0.9,
    "counter_circuit_o_1order": 0.8,
}  # fmt: skip
"""BR-Prox that is aimed at; ZSC-Eval has no cramped_room."""
TOLERATED = 0.95
DECILE = 0.1
BOUND = 0.1
"""Nats per step by which the partner of the worst case may differ from a seed's own."""
SEED = 0  # of the resampling; each figure stands for itself


@dataclass(frozen=True)
class Scores:
    """What a row came to on a layout; n seeds.

    Attributes:
        table: [n, n] mean return with one seed in the first seat and another in the second.
        values: Figure -> [n] its value for each seed.
        shares: [n, partners * seats] return with each partner with preferences, as a share of what
            its best response earns (BR-Prox); no columns where there are none.
    """

    table: Array
    values: Mapping[str, Array]
    shares: Array

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len(self.table)


Metric = Callable[[Scores, Draws], Array]
"""Scores and draws [B, n] of their seeds -> values [B]."""


def mean_of(name: str) -> Metric:
    """The mean over seeds of a value that each seed has for itself."""
    return lambda scores, draws: scores.values[name][draws].mean(1)


def kept(scores: Scores, draws: Draws) -> Array:
    """[B] cross-play as a share of self-play."""
    own = statistics.self_play(scores.table, draws)
    cross = statistics.cross_play(scores.table, draws)
    return np.divide(cross, own, out=np.full_like(own, np.nan), where=own > 0)


def proximity(scores: Scores, draws: Draws) -> Array:
    """[B] BR-Prox: the interquartile mean over seeds, partners with preferences and seats."""
    if not scores.shares.size:
        return np.full(len(draws), np.nan)
    return statistics.interquartile_mean(scores.shares[draws].reshape(len(draws), -1))


METRICS: dict[str, Metric] = {
    "own": lambda scores, draws: statistics.self_play(scores.table, draws),
    "cross": lambda scores, draws: statistics.cross_play(scores.table, draws),
    "kept": kept,
    "proxy": mean_of("proxy"),
    "proxy in seat 0": mean_of("proxy in seat 0"),
    "proxy in seat 1": mean_of("proxy in seat 1"),
    "development proxy": mean_of("development proxy"),
    "BR-Prox": proximity,
    "strangers": mean_of("strangers"),
    "scripted": mean_of("scripted"),
    "worst decile": mean_of("worst decile"),
    "worst case": lambda scores, draws: (
        mean_of("worst case")(scores, draws)
        if "worst case" in scores.values
        else np.full(len(draws), np.nan)
    ),
    "greater share": mean_of("greater share"),
    "greater idle share": mean_of("greater idle share"),
    "loss": mean_of("loss"),
}
PAIRED = ("own", "cross", "kept")
"""Figures whose resamples need two different seeds."""


def scores_of(plan: Plan, layout: str, row: Row) -> Scores:
    """Reads what a row's games came to."""
    played = read_json(plan.record(layout, f"played-{row.name}"))["matches"]
    best = limits(plan, layout)
    shares: list[list[float]] = [[] for _ in plan.seeds]
    games = [(game, played[game.match.key]) for game in games_of(plan, layout, row)]
    place = {seed: number for number, seed in enumerate(plan.seeds)}
    names = [plan.piece(layout, row).policy(f"kitchen/{layout}", seed) for seed in plan.seeds]
    table = np.zeros((len(names), len(names)))
    stops: list[list[float]] = [[] for _ in names]
    going: dict[int, float] = {}
    values: dict[str, list[list[float]]] = {}
    for game, came in games:
        hero = place[game.hero]
        if game.kind == OWN:
            table[hero, names.index(game.partner)] = came["return"]
            if game.partner == names[hero]:
                going[hero] = came["late_return"]
                for name, value in _shares(came).items():
                    values.setdefault(name, [[] for _ in names])[hero].append(value)
        elif game.kind == STOP:
            stops[hero].append(_loss(going[hero], came["late_return"]))
        else:
            if (game.partner, game.seat) in best:
                limit = np.array(best[game.partner, game.seat])
                reached = statistics.proximity(np.array(came["return"]), limit)
                shares[hero].append(float(reached))
            for name in _columns(game.kind, game.partner, game.seat, layout):
                values.setdefault(name, [[] for _ in names])[hero].append(came["return"])
    means = {name: np.array([np.mean(own) for own in lists]) for name, lists in values.items()}
    means["loss"] = np.array([np.nanmean(own) if not np.isnan(own).all() else 0 for own in stops])
    means["worst decile"] = np.array(
        [np.quantile(own, DECILE) for own in values["everybody held out"]]
    )
    if worst := exploited(plan, layout, row):
        means["worst case"] = np.array(
            [
                np.mean([_least(table[place[seed], place[seed]], worst[seed, seat])
                         for seat in (0, 1)])
                for seed in plan.seeds
            ]
        )  # fmt: skip
    return Scores(table, means, np.array(shares))


def _least(own: float, points: Sequence[tuple[float, float]]) -> float:
    """Return with the worst partner within BOUND of the own, from what exploiters came to."""
    kl, values = zip((0.0, own), *points, strict=True)
    return float(curve(kl, values, [BOUND])[0])


def _columns(kind: str, partner: str, seat: int, layout: str) -> list[str]:
    """The figures that a game beside a partner counts for."""
    if kind == PROXY and partner.endswith(f"/{DEVELOPMENT}"):
        return ["development proxy"]
    found = ["everybody held out", f"beside {_short(partner, layout)}"]
    if kind == PROXY:
        found += ["proxy", f"proxy in seat {1 - seat}"]
    return found + {STRANGER: ["strangers"], RULES: ["scripted"]}.get(kind, [])


def _short(partner: str, layout: str) -> str:
    """A partner's name in a table; partners with preferences share a column."""
    name = partner.removeprefix(f"kitchen/{layout}/")
    return name.partition("/")[0]


def _shares(came: Mapping[str, Any]) -> dict[str, float]:
    """Who does how much of the work in a seed's own pair."""
    potted = np.array(came["contributions"])[:, 0]  # the first of the kitchen's labels
    total = potted.sum()
    return {
        "greater share": float(potted.max() / total) if total else 0.5,
        "greater idle share": float(max(came["idle"])),
    }


def _loss(going: float, stopped: float) -> float:
    return 1 - stopped / going if going else float("nan")


@dataclass(frozen=True)
class Study:
    """All scores.

    Attributes:
        plan: What was trained.
        rows: Layout -> rows that were played there.
        scores: Layout and name of a row -> its scores.
    """

    plan: Plan
    rows: Mapping[str, Sequence[Row]]
    scores: Mapping[tuple[str, str], Scores]

    @property
    def everywhere(self) -> list[Row]:
        """The rows that were played on every layout."""
        return [row for row in ROWS if all(row in own for own in self.rows.values())]


def read_study(plan: Plan) -> Study:
    """All scores in the folder, also of what was not asked for now."""
    rows = {
        layout: [row for row in plan.present(layout) if plan.is_played(layout, row)]
        for layout in CLASSICS
    }
    rows = {layout: found for layout, found in rows.items() if found}
    scores = {
        (layout, row.name): scores_of(plan, layout, row) for layout in rows for row in rows[layout]
    }
    return Study(plan, rows, scores)


def find(study: Study) -> dict[str, Any]:
    """All figures, as JSON values."""
    layouts = {
        layout: {row.name: _levels(study.scores[layout, row.name]) for row in rows}
        for layout, rows in study.rows.items()
    }
    return {
        "layouts": layouts,
        "over layouts": {
            row.name: {
                name: asdict(over_layouts(study, row.name, name)) for name in METRICS
            }
            for row in study.everywhere
        },
        "chosen": chosen(study),
        "chosen begun": chosen(study, begun=True),
        "differences": differences(study),
        "recommended": _recommended(study, layouts),
    }  # fmt: skip


def _levels(scores: Scores) -> dict[str, Any]:
    figures = {name: asdict(level(scores, name)) for name in METRICS}
    beside = {
        name: asdict(_estimate(mean_of(name), [scores], 1))
        for name in sorted(scores.values)
        if name.startswith("beside ")
    }
    return figures | {"beside": beside, "table": scores.table.round(2).tolist()}


def level(scores: Scores, name: str) -> Figure:
    """A figure of a row on a layout."""
    return _estimate(METRICS[name], [scores], 2 if name in PAIRED else 1)


def _estimate(metric: Metric, scores: Sequence[Scores], distinct: int) -> Figure:
    """The mean of a figure over layouts, whose seeds are resampled independently."""

    def statistic(*draws: Draws) -> Array:
        own = [metric(one, drawn) for one, drawn in zip(scores, draws, strict=True)]
        mean: Array = np.mean(own, axis=0)
        return mean

    sizes = [one.seeds for one in scores]
    return estimate(statistic, sizes, np.random.default_rng(SEED), "seeds", distinct=distinct)


def over_layouts(study: Study, row: str, name: str) -> Figure:
    """A figure of a row, as the mean over layouts."""
    scores = [study.scores[layout, row] for layout in study.rows]
    return _estimate(METRICS[name], scores, 2 if name in PAIRED else 1)


def difference(
    study: Study, row: Mapping[str, str], other: Mapping[str, str], name: str,
    layouts: Sequence[str],
) -> Figure:  # fmt: skip
    """How much more a row has of a figure than another row, as the mean over layouts.

    Args:
        study: All scores.
        row: Layout -> name of the row.
        other: Layout -> name of the row that it is compared with there.
        name: The figure.
        layouts: The layouts.
    """
    metric, mine = METRICS[name], [study.scores[layout, row[layout]] for layout in layouts]
    theirs = [study.scores[layout, other[layout]] for layout in layouts]

    def statistic(*draws: Draws) -> Array:
        values = [metric(one, drawn) for one, drawn in zip(mine + theirs, draws, strict=True)]
        split = np.reshape(values, (2, len(layouts), -1)).mean(1)
        gained: Array = split[0] - split[1]
        return gained

    sizes = [one.seeds for one in mine + theirs]
    distinct = 2 if name in PAIRED else 1
    return estimate(statistic, sizes, np.random.default_rng(SEED), "seeds", distinct=distinct)


def chosen(study: Study, begun: bool = False) -> str | None:
    """The row of ours that does best beside the development proxy; nobody held out decides.

    Args:
        study: All scores.
        begun: Whether it is to be one of those that begin with a policy trained elsewhere.
    """
    ours = [row.name for row in study.everywhere if row.group == OURS and row.begun == begun]
    return max(
        ours, key=lambda row: over_layouts(study, row, "development proxy").mean, default=None
    )


def recommended(figures: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The row that players are offered first on a layout; None if there is none of ours.

    Of ours that is the row with the best return beside the development proxy, whom training may
    meet; of rows that are level with it the one that earns most with other seeds. Nobody held out
    decides.

    Args:
        figures: The layout's figures by row.
    """
    ours = [row.name for row in ROWS if row.group == OURS and row.name in figures]
    return best_beside_development(figures, ours) if ours else None


def best_beside_development(figures: Mapping[str, Mapping[str, Any]], rows: Sequence[str]) -> str:
    """Of some rows of a layout the one that `recommended` would take."""
    beside = {row: figures[row]["development proxy"] for row in rows}
    least = max(beside.values(), key=lambda figure: figure["mean"])["low"]
    level = [row for row in rows if beside[row]["mean"] >= least]
    return max(level, key=lambda row: figures[row]["cross"]["mean"])


def _recommended(study: Study, figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The recommended row of each layout, beside the held-out proxy, against the best others."""
    rows = {layout: recommended(own) for layout, own in figures.items()}
    chosen = {layout: row for layout, row in rows.items() if row is not None}
    found: dict[str, Any] = {"rows": chosen}
    begun = any(row.begun for row in ROWS if row.name in chosen.values())
    others = {layout: best_other(study, layout, "proxy", begun) for layout in chosen}
    best = {layout: other for layout, other in others.items() if other is not None}
    found["proxy"] = {
        layout: {
            "other": other,
            "difference": asdict(difference(study, chosen, best, "proxy", [layout])),
        }
        for layout, other in best.items()
    }
    rest = rivals(study.everywhere, begun)
    if rest and set(chosen) == set(study.rows):
        one = max(rest, key=lambda other: over_layouts(study, other, "proxy").mean)
        same = dict.fromkeys(study.rows, one)
        found["over layouts"] = {
            "other": one,
            "difference": asdict(difference(study, chosen, same, "proxy", list(study.rows))),
        }
    return found


def rivals(rows: Sequence[Row], begun: bool) -> list[str]:
    """Rows that are not ours; those that begin with a policy trained elsewhere only if asked for.

    What began with nothing is compared with its like, and what did not with everything.
    """
    return [row.name for row in rows if row.group != OURS and row.begun <= begun]


def best_other(study: Study, layout: str, name: str, begun: bool) -> str | None:
    """The row that is not ours with the most of a figure on a layout; `begun` as for `rivals`."""
    others = rivals(study.rows[layout], begun)
    return max(others, key=lambda row: level(study.scores[layout, row], name).mean, default=None)


def differences(study: Study) -> dict[str, Any]:
    """Each row of ours against the best other: by layout, and one method over all layouts.

    Rows that begin with a policy trained elsewhere are also compared with the best of those that do
    not.
    """
    found: dict[str, Any] = {}
    for row in (row for row in study.everywhere if row.group == OURS):
        found[row.name] = _against(study, row.name, row.begun)
        if row.begun:
            found[row.name]["from nothing"] = _against(study, row.name, False)
    return found


def _against(study: Study, row: str, begun: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    mine = dict.fromkeys(study.rows, row)
    for name in ("proxy", "own"):
        best = {layout: best_other(study, layout, name, begun) for layout in study.rows}
        others = {layout: other for layout, other in best.items() if other is not None}
        found[name] = {
            layout: {
                "other": other,
                "difference": asdict(difference(study, mine, others, name, [layout])),
            }
            for layout, other in others.items()
        }
    if rest := rivals(study.everywhere, begun):
        best_mean = max(rest, key=lambda other: over_layouts(study, other, "proxy").mean)
        over = dict.fromkeys(study.rows, best_mean)
        found["over layouts"] = {
            "other": best_mean,
            "difference": asdict(difference(study, mine, over, "proxy", list(study.rows))),
        }
    return found
