"""Pictures of the private-cost kitchen; colours by Okabe and Ito."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training.reproduce.kitchen_scores import summed
from training.reproduce.kitchen_summary import BOUNDS, OURS, PAPERS, Study
from training.reproduce.matrix_plots import BLUE, GREEN, GREY, ORANGE, PURPLE, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MATRICES = ("ippo", PAPERS, "self-play", OURS)
CURVES = {"ippo": GREY, PAPERS: ORANGE, "self-play": PURPLE, "pure-adversary": GREEN, OURS: BLUE}
SHOWN = {"own": ("with itself", GREY, "o"), "cross": ("strangers of its kind", BLUE, "D"),
         "strangers": ("other strangers", ORANGE, "s")}  # fmt: skip


def draw_all(study: Study, found: Mapping[str, Any], folder: Path) -> None:
    """Writes every figure as PNG and SVG."""
    with mpl.rc_context(STYLE):
        for setting in study.settings:
            figures = {
                "returns": returns_figure(found[setting]),
                "worst-case": worst_figure(study, found[setting]),
                "matrices": matrices_figure(study, setting),
            }
            for name, figure in figures.items():
                figure.savefig(folder / f"{setting}-{name}.png")
                figure.savefig(folder / f"{setting}-{name}.svg", metadata={"Date": None})


def returns_figure(part: Mapping[str, Any]) -> Figure:
    """What pairs, strangers and the two within a pair get: one line per variant."""
    rows = list(part["rows"].values())
    figure = Figure(figsize=(9.2, 0.32 * len(rows) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.4))
    places = np.arange(len(rows))[::-1]
    for name, (label, colour, marker) in SHOWN.items():
        whiskers(left, [row["figures"][name] for row in rows], places, colour, marker, label)
    whiskers(right, [row["figures"]["cost_difference"] for row in rows], places, GREEN, "o", "")
    left.axvline(part["optimum"], color="black", linewidth=1, linestyle=(0, (4, 3)))
    left.set_yticks(places, [row["about"] for row in rows])
    left.set_xlabel("sum of both returns, points; dashed: the best team")
    right.set_xlabel("cost difference, points")
    for before, (row, after) in enumerate(itertools.pairwise(rows)):
        if row["group"] != after["group"]:
            for axes in (left, right):
                axes.axhline(places[before] - 0.5, color="#aaaaaa", linewidth=0.8)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def whiskers(
    axes: "Axes", figures: list[Mapping[str, float]], places: Any, colour: str, marker: str,
    label: str,
) -> None:  # fmt: skip
    """Means with their intervals."""
    means = np.array([figure["mean"] for figure in figures])
    ends = np.array([[figure["low"], figure["high"]] for figure in figures]).T
    axes.errorbar(
        means, places, xerr=np.abs(ends - means), fmt=marker, color=colour, markersize=5,
        linewidth=1.2, label=label or None,
    )  # fmt: skip


def worst_figure(study: Study, part: Mapping[str, Any]) -> Figure:
    """What is left of the own return as the partner may deviate further."""
    figure = Figure(figsize=(5.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour in CURVES.items():
        if name not in part["rows"]:
            continue
        row = part["rows"][name]
        curve = [row["worst_by_bound"][f"{bound:g}"] for bound in BOUNDS]
        axes.plot(BOUNDS, [one["mean"] for one in curve], color=colour, label=row["about"])
        axes.fill_between(
            BOUNDS, [one["low"] for one in curve], [one["high"] for one in curve], color=colour,
            alpha=0.15, linewidth=0,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(BOUNDS, [f"{bound:g}" for bound in BOUNDS])
    axes.minorticks_off()
    axes.set_xlabel("the partner's deviation at most, nats per step")
    axes.set_ylabel("own return, points")
    axes.legend(fontsize=8)
    return figure


def matrices_figure(study: Study, setting: str) -> Figure:
    """Cross-play among the seeds of some variants, on one scale."""
    shown = [variant for variant in study.variants if variant.name in MATRICES]
    tables = [summed(study.pieces[setting, variant.name]["table"]) for variant in shown]
    figure = Figure(figsize=(2.5 * max(1, len(shown)) + 0.8, 3.0), layout="constrained")
    if not shown:
        return figure
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    low, high = min(t.min() for t in tables), max(t.max() for t in tables)
    for axes, variant, table in zip(panels, shown, tables, strict=True):
        image = axes.imshow(table, cmap="cividis", vmin=low, vmax=high)
        axes.set_title(variant.about, fontsize=8)
        axes.set_xlabel("seed in seat 1")
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.set_yticks([])
    panels[0].set_ylabel("seed in seat 0")
    figure.colorbar(image, ax=panels, label="sum of returns", shrink=0.8)
    return figure
