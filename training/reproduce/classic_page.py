"""The page about the five classic kitchens: tables, a picture, and whether the aims are met."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from play.worlds.kitchen.layouts import CLASSICS
from training.evaluation.report import without_nan
from training.evaluation.summary import conventions_in
from training.machine import machine
from training.reproduce.classic_findings import PUBLISHED, TOLERATED, WANTED_PROXIMITY, Study
from training.reproduce.classic_methods import CONTROL, OURS, ROWS
from training.reproduce.classic_shipped import RECOMMENDED, offered
from training.reproduce.folders import RECORD
from training.reproduce.kitchen_page import interval, signed, words_of
from training.reproduce.kitchen_plots import whiskers
from training.reproduce.matrix_plots import BLUE, GREY, ORANGE, STYLE

INTRODUCTION = """\
# The five classic kitchens

Written by `understudy reproduce classic-five`; command, commit and versions are in
[{record}]({record}), what every game came to in [pieces](pieces), the policies in
[policies](policies). {seeds} seeds of every row; {steps:,} joint steps of each.
FCP's and MEP's populations come beside that. One network family (two layers of 64 units; 128 in the
rows that begin with the partner for any kitchen, which took 30 million steps elsewhere), old
dynamics, 400 steps. Machine: {machine}. Intervals are 95 % bootstrap intervals over independently
trained seeds. What the columns mean, how the budget was set and what the numbers can be compared
with is told in [classic-five.md](../classic-five.md).
"""
COLUMNS = (
    ("own", "own pair", 0), ("cross", "other seeds", 0), ("kept", "kept", 2),
    ("proxy", "human proxy", 0), ("proxy in seat 0", "the same, proxy in seat 0", 0),
    ("proxy in seat 1", "in seat 1", 0), ("BR-Prox", "BR-Prox", 2), ("strangers", "strangers", 0),
    ("scripted", "scripted", 0), ("worst decile", "worst decile", 0),
    ("worst case", "worst case", 0),
    ("greater share", "greater share", 2), ("greater idle share", "idle", 2),
    ("loss", "lost", 2),
)  # fmt: skip
BEGUN = """\
The same for **{title}**, which begins with the partner for any kitchen: 30 million steps in other
kitchens come beside its own. Others that begin so are among those that it is compared with.
"""
SHORT = (
    ("own", "own pair", 0), ("cross", "with other seeds", 0),
    ("proxy", "with the held-out model of people", 0), ("scripted", "with rule-based cooks", 0),
    ("BR-Prox", "BR-Prox", 2),
)  # fmt: skip
PICTURE = "returns.png"


def write_page(study: Study, found: Mapping[str, Any], folder: Path) -> None:
    """Writes README.md and its picture."""
    plan = study.plan
    introduction = INTRODUCTION.format(
        record=RECORD, seeds=len(plan.seeds), steps=plan.steps,
        machine=words_of(machine()),
    )  # fmt: skip
    parts = [introduction, in_short(study, found["layouts"]), *aims(study, found)]
    parts.append(f"![Returns by layout]({PICTURE})\n")
    if len(study.rows) > 1 and found["over layouts"]:
        parts += ["## Mean over layouts\n", table(found["over layouts"])]
    parts += [layout_part(layout, found["layouts"][layout], plan.seeds) for layout in study.rows]
    (folder / "README.md").write_text("\n".join(parts))
    with mpl.rc_context(STYLE):
        returns_figure(found["layouts"]).savefig(folder / PICTURE)


def in_short(study: Study, layouts: Mapping[str, Mapping[str, Any]]) -> str:
    """One table of the rows that players are offered, the recommended one of each layout first."""
    lines = [
        "## In short\n",
        f"| layout | partner | {' | '.join(title for _, title, _ in SHORT)} |",
        f"| --- | --- {'| --: ' * len(SHORT)}|",
    ]
    for layout, rows in layouts.items():
        place = layout
        for row, name in offered(study.plan, layout, rows):
            cells = [cell(rows[row.name][key], digits) for key, _, digits in SHORT]
            title = f"**{row.title}**" if name == RECOMMENDED else row.title
            lines.append(f"| {place} | {title} | {' | '.join(cells)} |")
            place = ""
    return "\n".join(lines) + "\n"


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each row."""
    columns = [column for column in COLUMNS if all(column[0] in row for row in rows.values())]
    lines = [
        f"| | {' | '.join(title for _, title, _ in columns)} |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    for name, row in rows.items():
        cells = [cell(row[key], digits) for key, _, digits in columns]
        lines.append(f"| {title_of(name)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(figure: Mapping[str, Any], digits: int) -> str:
    """A mean with its interval; a dash where there is none."""
    known = without_nan(dict(figure))
    return "–" if known["mean"] is None or known["low"] is None else interval(figure, digits)


def layout_part(layout: str, rows: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]) -> str:
    """The tables of one layout."""
    names = list(next(iter(rows.values()))["beside"])
    short = [name.removeprefix("beside ") for name in names]
    lines = [f"## {layout}\n", table(rows), "Beside each, mean return of both seats:\n",
             f"| | {' | '.join(short)} |", "| --- " * (len(names) + 1) + "|"]  # fmt: skip
    for name, row in rows.items():
        cells = [f"{row['beside'][key]['mean']:.0f}" if key in row["beside"] else "–"
                 for key in names]  # fmt: skip
        lines.append(f"| {title_of(name)} | {' | '.join(cells)} |")
    lines.append("\nSelf-play and cross-play, seeds in the first seat by row:\n")
    for name, row in rows.items():
        matrix = "; ".join(" ".join(f"{value:.0f}" for value in line) for line in row["table"])
        groups = conventions_in(np.array(row["table"]))
        split = " | ".join(" ".join(str(seeds[place]) for place in group) for group in groups)
        own = f" (conventions: {split})" if len(groups) > 1 else ""
        lines.append(f"- {title_of(name)}: {matrix}{own}")
    return "\n".join(lines) + "\n"


def title_of(name: str) -> str:
    """What the page calls a row."""
    return next(row.title for row in ROWS if row.name == name)


def aims(study: Study, found: Mapping[str, Any]) -> list[str]:
    """The aims, in their order, and whether they are met."""
    ours = found["chosen"]
    if ours is None:
        return []
    parts = [
        "## Aims\n",
        f"Ours is **{title_of(ours)}**: of the SRPO rows the one with the highest mean return over "
        "layouts beside the human proxy that methods may learn from; nothing held out decided. "
        "The best other row is the best by the very figure that is compared.\n",
    ]
    if set(study.rows) != set(CLASSICS):
        missing = ", ".join(layout for layout in CLASSICS if layout not in study.rows)
        parts.append(f"Not yet there: {missing}.\n")
    parts.append("\n".join(_verdicts(found, ours)) + "\n")
    if begun := found["chosen begun"]:
        lines = _verdicts(found, begun)
        parts += [BEGUN.format(title=title_of(begun)), "\n".join(lines) + "\n"]
    parts.append("\n".join(_with_what_is_offered(found)) + "\n")
    return parts


def _verdicts(found: Mapping[str, Any], ours: str) -> list[str]:
    parts = (_with_proxies, _with_itself, _proximity, _published)
    return [line for part in parts for line in part(found, ours)]


def _with_proxies(found: Mapping[str, Any], ours: str) -> list[str]:
    own, lines = found["differences"][ours], ["1. Return with the held-out human proxy:"]
    if "from nothing" in own:
        parts = own["from nothing"]["proxy"] | {
            "mean over layouts": own["from nothing"]["over layouts"]
        }
        lines += [
            f"   - {where}, against the best that begins with nothing: "
            f"{signed(against['difference'])} against {title_of(against['other'])} - "
            f"{verdict(against['difference'])}"
            for where, against in parts.items()
        ]
    for layout, against in own["proxy"].items():
        lines.append(
            f"   - {layout}: {signed(against['difference'])} against {title_of(against['other'])}"
            f" - {verdict(against['difference'])}"
        )
    if "over layouts" in own:
        over = own["over layouts"]
        lines.append(
            f"   - mean over layouts: {signed(over['difference'])} against "
            f"{title_of(over['other'])}, the best other row on the mean - "
            f"{'met' if over['difference']['low'] > 0 else 'not met'} (interval above zero)"
        )
        lines += [
            f"   - {title_of(row)} from the proxy that methods learn from to the held-out one, "
            f"mean over layouts: {found['over layouts'][row]['development proxy']['mean']:.1f} to "
            f"{found['over layouts'][row]['proxy']['mean']:.1f}"
            for row in (ours, over["other"])
        ]
    return lines


def _with_what_is_offered(found: Mapping[str, Any]) -> list[str]:
    offered = found["recommended"]
    lines = ["What players are offered, with the held-out human proxy:\n"]
    lines += [
        f"- {layout}, {title_of(offered['rows'][layout])}: "
        f"{signed(against['difference'])} against {title_of(against['other'])} - "
        f"{verdict(against['difference'])}"
        for layout, against in offered["proxy"].items()
    ]
    if "over layouts" in offered:
        over = offered["over layouts"]
        lines.append(
            f"- mean over layouts: {signed(over['difference'])} against "
            f"{title_of(over['other'])} - {verdict(over['difference'])}"
        )
    return lines


def verdict(difference: Mapping[str, float]) -> str:
    """Whether a difference is clear of zero."""
    if difference["low"] > 0:
        return "better"
    return "worse: not met" if difference["high"] < 0 else "level: no clear difference"


def _with_itself(found: Mapping[str, Any], ours: str) -> list[str]:
    lines = [f"2. Other seeds at least {TOLERATED:.0%} of the own pair, and the own pair at least "
             f"{TOLERATED:.0%} of the best other row's:"]  # fmt: skip
    for layout, rows in found["layouts"].items():
        row = rows[ours]
        begun = {each.name: each.begun for each in ROWS}
        others = [name for name in rows if name != ours and begun[name] <= begun[ours]]
        best = max(others, key=lambda name: rows[name]["own"]["mean"], default=ours)
        share = row["own"]["mean"] / max(rows[best]["own"]["mean"], 1e-9)
        kept = row["kept"]["mean"] or 0.0
        met = kept >= TOLERATED and share >= TOLERATED
        lines.append(
            f"   - {layout}: {cell(row['kept'], 2)} of the own pair; the own pair earns "
            f"{share:.2f} of {title_of(best)} - {'met' if met else 'not met'}"
        )
    return lines


def _proximity(found: Mapping[str, Any], ours: str) -> list[str]:
    lines = ["3. BR-Prox with partners with preferences:"]
    for layout, rows in found["layouts"].items():
        figure, least = rows[ours]["BR-Prox"], WANTED_PROXIMITY.get(layout)
        if least is not None and figure["mean"] is not None:
            met = "met" if figure["mean"] >= least else "not met"
            lines.append(f"   - {layout}: {cell(figure, 2)}, wanted {least:.2f} - {met}")
    return lines


def _published(found: Mapping[str, Any], ours: str) -> list[str]:
    lines = ["4. Return with the human proxy beyond the best published row (another proxy each):"]
    for layout, rows in found["layouts"].items():
        figure, least = rows[ours]["proxy"], PUBLISHED[layout]
        met = "met" if figure["mean"] > least else "not met"
        lines.append(f"   - {layout}: {cell(figure, 0)}, published {least:.0f} - {met}")
    return lines


def returns_figure(layouts: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Every row's returns with itself, other seeds and the held-out proxy, a panel per layout."""
    titles = [row for row in ROWS if any(row.name in rows for rows in layouts.values())]
    figure = Figure(figsize=(2.4 * len(layouts) + 2.4, 0.3 * len(titles) + 1.4),
                    layout="constrained")  # fmt: skip
    panels = figure.subplots(1, len(layouts), sharey=True, squeeze=False)[0]
    shown = {"own": ("own pair", GREY, "o"), "cross": ("other seeds", BLUE, "D"),
             "proxy": ("held-out human proxy", ORANGE, "s")}  # fmt: skip
    places = np.arange(len(titles))[::-1]
    for axes, (layout, rows) in zip(panels, layouts.items(), strict=True):
        there = [index for index, row in enumerate(titles) if row.name in rows]
        for name, (label, colour, marker) in shown.items():
            figures = [rows[titles[index].name][name] for index in there]
            whiskers(axes, figures, places[there], colour, marker,
                     label if axes is panels[0] else "")  # fmt: skip
        axes.set_title(layout.replace("_", " "), fontsize=8)
        axes.set_xlabel("points in 400 steps")
        axes.set_xlim(left=0)
    marks = {OURS: "bold", CONTROL: "normal"}
    panels[0].set_yticks(places, [row.title for row in titles])
    for label, row in zip(panels[0].get_yticklabels(), titles, strict=True):
        label.set_fontweight(marks.get(row.group, "normal"))
    figure.legend(loc="outside upper center", ncols=3)
    return figure
