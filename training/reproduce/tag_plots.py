"""Pictures of what chasers do with strangers; colours by Okabe and Ito."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from training.reproduce.matrix_plots import BLUE, GREEN, GREY, ORANGE, PURPLE, STYLE, panels
from training.reproduce.tag_findings import BOTH, CONTEXTS, MATE, RUNNER, TRAINED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.reproduce.tag_findings import Evidence

COLOURS = {TRAINED: BLUE, MATE: GREEN, RUNNER: ORANGE, BOTH: PURPLE}
MARKERS = {TRAINED: "o", MATE: "s", RUNNER: "^", BOTH: "D"}  # told apart without colours too
MATRICES = ("ippo", "srpo-seats", "self-play", "srpo")


def draw_all(evidence: "Evidence", findings: dict[str, Any], folder: Path) -> None:
    """Writes every figure as PNG."""
    with mpl.rc_context(STYLE):
        figures = {
            "touches": touches_figure(evidence, findings),
            "matrices": matrices_figure(evidence),
        }
        if any(arm.tau for arm in evidence.arms):
            figures["tau"] = tau_figure(evidence, findings)
        for name, figure in figures.items():
            if figure is not None:
                figure.savefig(folder / f"{name}.png")


def touches_figure(evidence: "Evidence", findings: dict[str, Any]) -> Figure:
    """Touches of every arm in all contexts, with intervals."""
    arms = evidence.arms
    figure = Figure(figsize=(8.4, 1.2 + 0.42 * len(arms)), layout="constrained")
    axes = figure.subplots()
    for row, arm in enumerate(reversed(arms)):
        for place, context in enumerate(reversed(CONTEXTS)):
            one = findings[arm.name]["touches"][context]
            y = row + 0.17 * (place - 1.5)
            axes.plot([one["low"], one["high"]], [y, y], color=COLOURS[context], lw=1.6)
            label = CONTEXTS[context] if row == 0 else ""
            mark: dict[str, Any] = {"color": COLOURS[context], "marker": MARKERS[context]}
            axes.plot([one["mean"]], [y], ls="", ms=4.5, label=label, **mark)
    axes.set_yticks(range(len(arms)), [arm.title for arm in reversed(arms)])
    axes.set_xlabel("touches per episode of 100 steps, 95 % interval over training seeds")
    axes.set_xlim(0, None)
    axes.grid(axis="y", visible=False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside upper center", ncols=2, fontsize=8)
    return figure


def tau_figure(evidence: "Evidence", findings: dict[str, Any]) -> Figure:
    """Touches against tau, beside self-play, which is SRPO without an adversary."""
    figure, (left, right) = panels(2, 3.4)
    arms = [arm for arm in evidence.arms if arm.tau]
    taus = [arm.tau or 0.0 for arm in arms]
    for axes, kind, contexts in (
        (left, "touches", list(CONTEXTS)),
        (right, "kept", [MATE, RUNNER, BOTH]),
    ):
        for context in contexts:
            sweep = [findings[arm.name][kind][context] for arm in arms]
            band(axes, taus, sweep, context)
            if "self-play" in findings:
                base = findings["self-play"][kind][context]["mean"]
                axes.axhline(base, color=COLOURS[context], lw=1, ls=(0, (3, 2)))
        axes.set_xscale("log")
        axes.set_xticks(taus, [f"{tau:g}" for tau in taus])
        axes.minorticks_off()
        axes.set_xlabel("tau per touch")
    left.set_title("Touches per episode")
    left.set_ylim(0, None)
    left.legend(fontsize=7)
    right.set_title("Share kept of the own pair's")
    return figure


def band(axes: "Axes", x: list[Any], figures: list[dict[str, Any]], context: str) -> None:
    """A line of means over its intervals."""
    colour = COLOURS[context]
    low, high = [one["low"] for one in figures], [one["high"] for one in figures]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
    means = [one["mean"] for one in figures]
    axes.plot(x, means, color=colour, marker=MARKERS[context], ms=4, label=CONTEXTS[context])


def matrices_figure(evidence: "Evidence") -> Figure | None:
    """Cross-play of the seeds of some arms, with the training runner and the unseen one."""
    arms = [arm for arm in evidence.arms if arm.name in MATRICES]
    runners = (evidence.runner, evidence.unseen)
    tables = {(a.name, r): evidence.table(a.name, r) for a in arms for r in runners}
    if not arms:
        return None
    most = max(float(table.max()) for table in tables.values())
    figure = Figure(figsize=(2.3 * len(arms) + 0.8, 5.2), layout="constrained")
    grid = figure.subplots(2, len(arms), squeeze=False)
    for column, arm in enumerate(arms):
        for row, runner in enumerate(runners):
            axes = grid[row, column]
            image = axes.imshow(tables[arm.name, runner], vmin=0, vmax=most, cmap="viridis")
            axes.grid(visible=False)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(arm.title, fontsize=8)
            if column == 0:
                axes.set_ylabel(
                    f"{('training', 'unseen')[row]} runner\nfirst chaser's seed", color=GREY
                )
            if row == 1:
                axes.set_xlabel("second chaser's seed", color=GREY)
    colours = figure.colorbar(image, ax=grid, shrink=0.7)
    colours.set_label("touches per episode")
    return figure
