"""Pictures of the branches; colours by Okabe and Ito, which the colour-blind can tell apart."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from training.equilibria.bounds import PRINTED, RESTORED
from training.equilibria.games import ADVERSARY_FIRST, DIRECTIONS, PARTNER_FIRST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.reproduce.matrix_games import Study

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#555555"
DIRECTION_COLOURS = dict(zip(DIRECTIONS, (BLUE, ORANGE), strict=True))
DIRECTION_NAMES = {
    ADVERSARY_FIRST: "KL(adversary || partner), the paper",
    PARTNER_FIRST: "KL(partner || adversary)",
}
TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
STYLE: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#dddddd", "grid.linewidth": 0.6, "lines.linewidth": 1.8,
    "legend.frameon": False, "figure.dpi": 110, "savefig.dpi": 150, "svg.hashsalt": "understudy",
}  # fmt: skip


def draw_all(study: "Study", folder: Path) -> None:
    """Writes every figure as PNG and SVG."""
    with mpl.rc_context(STYLE):
        figures = {
            "free-riding": free_riding_figure(study),
            "entropy": entropy_figure(study),
            "stag-hunt": stag_hunt_figure(study),
            "quadratic": quadratic_figure(study),
        }
        if len(study.learnt):
            figures["learnt"] = learnt_figure(study)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png")
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def panels(count: int, height: float = 3.3) -> tuple[Figure, list["Axes"]]:
    """A figure with some axes side by side; not of pyplot, so that no window system is asked."""
    figure = Figure(figsize=(3.6 * count, height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def stretch(axes: "Axes", most: float, name: str = "tau") -> None:
    """An axis of tau that is linear near 0 and logarithmic beyond 1."""
    axes.set_xscale("function", functions=(np.log1p, np.expm1))
    axes.set_xlim(0, most)
    axes.set_xticks([tick for tick in TICKS if tick <= most])
    axes.set_xticklabels([f"{tick:g}" for tick in TICKS if tick <= most])
    axes.minorticks_off()
    axes.set_xlabel(name)


def pieces(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, bool]]:
    """Stretches of branches of one stability, each up to the first point of the next."""
    for _, branch in rows.groupby("branch"):
        stable = branch.stable.to_numpy()
        starts = np.flatnonzero(np.diff(stable, prepend=~stable[:1]))
        for begin, end in zip(starts, [*starts[1:], len(branch)], strict=True):
            yield branch.iloc[begin : end + 1], bool(stable[begin])


def draw(axes: "Axes", rows: pd.DataFrame, column: str, colour: str, label: str = "") -> None:
    """Draws a figure of all equilibria against tau; those that repel are dashed."""
    for piece, stable in pieces(rows):
        style: dict[str, Any] = {} if stable else {"linestyle": (0, (3, 2)), "linewidth": 1.2}
        axes.plot(piece.tau, piece[column], color=colour, label=label, **style)
        label = ""


def mark(axes: "Axes", turns: pd.DataFrame, colour: str) -> None:
    """Marks bifurcations: crossings as discs, folds as rings."""
    for kind, face in (("crossing", colour), ("fold", "white")):
        some = turns[turns.kind == kind]
        axes.plot(
            some.tau, some.contributes_0, "o", color=colour, markerfacecolor=face, markersize=5,
            zorder=5,
        )  # fmt: skip


def case(rows: pd.DataFrame, game: str, direction: str, epsilon: float) -> pd.DataFrame:
    """The rows of one game, direction and entropy."""
    return rows[(rows.game == game) & (rows.direction == direction) & (rows.epsilon == epsilon)]


def draw_branches(axes: "Axes", study: "Study", game: str) -> None:
    """Contribution at every equilibrium, in both directions of the divergence."""
    for direction in reversed(DIRECTIONS):
        rows = case(study.branches, game, direction, study.epsilon)
        colour = DIRECTION_COLOURS[direction]
        draw(axes, rows, "contributes_0", colour, DIRECTION_NAMES[direction])
        mark(axes, case(study.turns, game, direction, study.epsilon), colour)
    stretch(axes, study.branches.tau.max())
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability of contributing")
    axes.legend(loc="best", fontsize=8)


def free_riding_figure(study: "Study") -> Figure:
    """Free-riding: branches, difference of burdens beside the theorem's bound, welfare."""
    figure, (left, middle, right) = panels(3)
    rows = case(study.branches, "free-riding", ADVERSARY_FIRST, study.epsilon)
    left.set_title(f"Equilibria (epsilon {study.epsilon:g})")
    draw_branches(left, study, "free-riding")
    left.legend(loc="lower right", fontsize=8)
    middle.set_title("Difference of expected costs")
    draw(middle, rows, "cost_difference", BLUE, "equilibria")
    for form, style in ((PRINTED, "-"), (RESTORED, ":")):
        label = f"bound of theorem 4.2, {form}"
        middle.plot(study.bounds.tau, study.bounds[form], style, color=GREY, label=label, lw=1.3)
    stretch(middle, rows.tau.max())
    middle.set_ylim(-0.01, 0.53)
    middle.legend(loc="upper right", fontsize=8)
    draw_welfare(right, rows)
    return figure


def draw_welfare(axes: "Axes", rows: pd.DataFrame) -> None:
    """The shared reward, and what the two have together after their costs."""
    axes.set_title("Shared reward and welfare")
    draw(axes, rows, "shared_reward", GREEN, "shared reward")
    draw(axes, rows, "welfare", PURPLE, "welfare: both utilities")
    stretch(axes, rows.tau.max())
    axes.set_ylim(min(0.0, float(rows.welfare.min())), None)
    axes.legend(loc="best", fontsize=8)


def entropy_figure(study: "Study") -> Figure:
    """The control: how much of the effect is entropy's."""
    weights = sorted(case_weights(study))
    figure, axes = panels(len(weights), 3.0)
    for each, weight in zip(axes, weights, strict=True):
        rows = case(study.branches, "free-riding", ADVERSARY_FIRST, weight)
        draw(each, rows, "contributes_0", BLUE)
        mark(each, case(study.turns, "free-riding", ADVERSARY_FIRST, weight), BLUE)
        stretch(each, rows.tau.max())
        each.set_ylim(0, 1)
        each.set_title(f"epsilon {weight:g}")
    axes[0].set_ylabel("probability of contributing")
    return figure


def case_weights(study: "Study") -> set[float]:
    """Entropies of the free-riding game in the paper's direction."""
    rows = study.branches
    chosen = rows[(rows.game == "free-riding") & (rows.direction == ADVERSARY_FIRST)]
    return set(chosen.epsilon)


def stag_hunt_figure(study: "Study") -> Figure:
    """The stag hunt: branches, with other entropies, and welfare."""
    figure, (left, middle, right) = panels(3)
    left.set_title(f"Equilibria (epsilon {study.epsilon:g})")
    draw_branches(left, study, "stag-hunt")
    middle.set_title("Other weights of the entropy")
    shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(case_weights(study))))
    for shade, weight in zip(shades, sorted(case_weights(study)), strict=True):
        rows = case(study.branches, "stag-hunt", ADVERSARY_FIRST, weight)
        draw(middle, rows, "contributes_0", mpl.colors.to_hex(shade), f"epsilon {weight:g}")
    stretch(middle, study.branches.tau.max())
    middle.set_ylim(0, 1)
    middle.legend(loc="best", fontsize=8)
    draw_welfare(right, case(study.branches, "stag-hunt", ADVERSARY_FIRST, study.epsilon))
    return figure


def quadratic_figure(study: "Study") -> Figure:
    """The quadratic game: action, shared reward and welfare up to the end of its domain."""
    figure, axes = panels(3, 3.0)
    rows = study.quadratic
    best = rows.loc[rows.welfare.idxmax()]
    for each, column, title, colour in zip(
        axes,
        ("mean", "shared_reward", "welfare"),
        ("Mean action of each", "Shared reward", "Welfare: both utilities"),
        (BLUE, GREEN, PURPLE),
        strict=True,
    ):
        each.plot(rows.tau, rows[column], color=colour)
        each.set_title(title)
        each.set_xlabel("tau")
        each.set_xlim(0, rows.tau.iloc[-1] / rows.share_of_domain.iloc[-1])
    axes[2].plot([best.tau], [best.welfare], "o", color=PURPLE)
    axes[2].annotate(
        f"greatest at tau {best.tau:.3g}", (best.tau, best.welfare), (0, -16),
        textcoords="offset points", ha="center", va="top",
    )  # fmt: skip
    return figure


def learnt_figure(study: "Study") -> Figure:
    """What trainers reach, on the branches."""
    figure, axes = panels(2)
    for each, game in zip(axes, ("free-riding", "stag-hunt"), strict=True):
        rows = case(study.branches, game, ADVERSARY_FIRST, study.epsilon)
        draw(each, rows, "contributes_0", BLUE, "equilibria")
        runs = study.learnt[study.learnt.game == game]
        for method, some, colour in (
            ("SRPO", runs[runs.tau > 0], ORANGE),
            ("IPPO (tau 0)", runs[runs.tau == 0], GREEN),
        ):
            for seat in (0, 1):
                each.plot(
                    some.tau, some[f"contributes_{seat}"], "o", markersize=6, color=colour,
                    markerfacecolor="none", clip_on=False, zorder=5,
                    label="" if seat else f"{method}, each seat and seed",
                )  # fmt: skip
        stretch(each, rows.tau.max())
        each.set_ylim(0, 1)
        each.set_title(game.replace("-", " ").capitalize() + f" (epsilon {study.epsilon:g})")
        each.set_ylabel("probability of contributing")
        each.legend(loc="best", fontsize=8)
    return figure
