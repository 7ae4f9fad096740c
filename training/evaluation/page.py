"""The page of an evaluation: one HTML file that asks nothing of any server."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from training.evaluation.definitions import DEFINITIONS

TEMPLATE = Path(__file__).with_name("page.html")
# Anchors of a scale from dark blue to yellow that all kinds of colour vision read alike (cividis).
SCALE = (
    (0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (254, 232, 56),
)  # fmt: skip
# Okabe and Ito's palette; every line has a dash and a mark of its own besides.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "7 4", "2 4", "10 3 2 3", "4 2", "1 3")
MARKS = ("circle", "square", "diamond", "triangle")
SHARES = ("share", "loss", "BR-Prox")
PLOT = {"width": 460.0, "height": 300.0, "left": 52.0, "right": 12.0, "top": 12.0, "bottom": 46.0}


def render(report: Mapping[str, Any]) -> str:
    """The report of `training.evaluation.report` as a page."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(TEMPLATE.read_text())
    return template.render(
        report=report,
        table=method_table(report["table"]),
        plots=[interval_plot(report["table"], column) for column in columns_of(report["table"])],
        metrics=plain_table(report["metrics"]),
        improvements=[
            (column, plain_table(rows)) for column, rows in report["improvements"].items()
        ],
        matrices=matrices(report),
        riding=riding(report["free_riding"]),
        stops=stop_plots(report["free_riding"]),
        curves=curve_plot(report["worst_case"]["curves"]),
        definitions=DEFINITIONS,
    )


def number(value: float | None, share: bool = False, spread: float | None = None) -> str:
    """A number with as many digits as a reader needs, given the greatest size beside it."""
    if value is None or math.isnan(value):
        return "–"
    if share:
        return f"{100 * value:.0f}\u202f%"
    if value == 0:
        return "0"
    size = abs(value) if spread is None else spread
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{value:.{digits}f}".replace("-", "−")
    return text.removeprefix("−") if float(f"{value:.{digits}f}") == 0 else text


def colour(value: float, low: float, high: float) -> tuple[str, str]:
    """Background and text colour of a cell, the lightest for the highest value."""
    place = (value - low) / (high - low) if high > low else 0.5
    position = min(max(place, 0.0), 1.0) * (len(SCALE) - 1)
    index = min(int(position), len(SCALE) - 2)
    part = position - index
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(SCALE[index], SCALE[index + 1], strict=True)
    )
    bright = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    # the text with the greater contrast (WCAG 2): black from a relative luminance of 0.179 on
    return f"#{red:02x}{green:02x}{blue:02x}", "#000" if bright > 0.179 else "#fff"


def method_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """The cross-play table of methods, coloured by mean."""
    columns = columns_of(table)
    means = [figure["mean"] for row in table.values() for figure in row.values()]
    low, high = min(means), max(means)
    spread = max(abs(low), abs(high))
    rows = [
        (method, [_cell(row.get(column), low, high, spread) for column in columns])
        for method, row in table.items()
    ]
    return {"columns": columns, "rows": rows}


def plain_table(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A table of figures without colours; shares as percentages."""
    columns = columns_of(table)
    rows = []
    for name, row in table.items():
        cells = []
        for column in columns:
            figure = row.get(column)
            cells.append(_words(figure, _is_share(column)) if figure else None)
        rows.append((name, cells))
    return {"columns": columns, "rows": rows}


def interval_plot(table: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Dots and whiskers of one column, methods below one another, on one scale for all columns."""
    figures = [figure for row in table.values() for figure in row.values()]
    low = min(0.0, *(figure["low"] for figure in figures))
    high = max(figure["high"] for figure in figures)
    return _dots(column, [(m, row[column]) for m, row in table.items() if column in row], low, high)


def stop_plots(free_riding: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns after the split with the partner going on and stopped, for each method."""
    names = ("return after, partner going on", "return after, partner stopped")
    groups = {
        method: [(name.partition(", ")[2], contexts["own pair"][name]) for name in names]
        for method, contexts in free_riding.items()
        if names[0] in contexts["own pair"]
    }
    figures = [figure for group in groups.values() for _, figure in group]
    if not figures:
        return []
    low = min(0.0, *(figure["low"] for figure in figures))
    high = max(figure["high"] for figure in figures)
    return [_dots(method, group, low, high) for method, group in groups.items()]


def matrices(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Heat maps of all ordered pairs: team returns, and own rewards where these are private."""
    matrix = report["matrix"]
    found = []
    for key, title, note in (
        (
            "returns",
            "Return of every pair",
            "Row: first seat. Column: second seat. Framed: own pairs.",
        ),
        ("own_rewards", "Own reward of the row's player", "Both seatings averaged."),
    ):
        if key in matrix:
            values = [v for row in matrix[key] for v in row if v is not None]
            low, high = min(values), max(values)
            spread = max(abs(low), abs(high))
            rows = [
                (name, [_heat(v, low, high, spread, i == j) for j, v in enumerate(matrix[key][i])])
                for i, name in enumerate(_short_names(matrix))
            ]
            found.append({"title": title, "note": note, "names": _short_names(matrix), "rows": rows,
                          "low": number(low, spread=spread), "high": number(high, spread=spread),
                          "small": len(rows) > 16})  # fmt: skip
    return found


def riding(free_riding: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One table per context: figures below one another, methods side by side."""
    contexts = list(dict.fromkeys(c for found in free_riding.values() for c in found))
    tables = []
    for context in contexts:
        by_figure: dict[str, dict[str, Any]] = {}
        for method, found in free_riding.items():
            for name, figure in found.get(context, {}).items():
                by_figure.setdefault(name, {})[method] = figure
        methods = [m for m in free_riding if context in free_riding[m]]
        rows = [
            (name, [_words(row[m], _is_share(name)) if m in row else None for m in methods])
            for name, row in by_figure.items()
        ]
        tables.append({"title": context, "columns": methods, "rows": rows})
    return tables


def curve_plot(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any] | None:
    """Lines with bands: least return against the bound; bounds are evenly spaced."""
    if not curves:
        return None
    bounds = sorted({point["bound"] for line in curves.values() for point in line})
    ends = [
        point[key] for line in curves.values() for point in line for key in ("low", "mean", "high")
        if point[key] is not None
    ]  # fmt: skip
    ticks = nice_ticks(min(0.0, *ends), max(ends))
    low, high = ticks[0], ticks[-1]

    def x(bound: float) -> float:
        room = PLOT["width"] - PLOT["left"] - PLOT["right"]
        return PLOT["left"] + room * bounds.index(bound) / max(len(bounds) - 1, 1)

    def y(value: float) -> float:
        room = PLOT["height"] - PLOT["top"] - PLOT["bottom"]
        return PLOT["top"] + room * (high - value) / (high - low)

    lines = [
        _line(index, method, [(x(p["bound"]), p) for p in points], y)
        for index, (method, points) in enumerate(curves.items())
    ]
    return {
        **PLOT,
        "lines": lines,
        "x_ticks": [(x(bound), f"{bound:g}") for bound in bounds],
        "y_ticks": [(y(value), number(value, spread=max(abs(low), abs(high)))) for value in ticks],
    }


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values that enclose a range."""
    raw = (high - low) / count or 1.0
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * index for index in range(first, max(last, first + 1) + 1)]


def _line(index: int, method: str, places: list[tuple[float, Any]], y: Any) -> dict[str, Any]:
    band = ""
    if all(point["low"] is not None for _, point in places):
        upper = [f"{x:.1f},{y(point['high']):.1f}" for x, point in places]
        lower = [f"{x:.1f},{y(point['low']):.1f}" for x, point in reversed(places)]
        band = " ".join(upper + lower)
    dots = [(x, y(point["mean"]), number(point["mean"])) for x, point in places]
    return {
        "method": method, "colour": COLOURS[index % len(COLOURS)],
        "dash": DASHES[index % len(DASHES)], "mark": MARKS[index % len(MARKS)], "band": band,
        "path": " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in dots), "dots": dots,
    }  # fmt: skip


def _dots(
    title: str, figures: Sequence[tuple[str, Any]], low: float, high: float
) -> dict[str, Any]:
    room = (high - low) or 1.0

    def place(value: float) -> float:
        return round(100 * (value - low) / room, 2)

    spread = max(abs(low), abs(high))
    rows = [
        {"name": name, "at": place(f["mean"]), "from": place(f["low"]),
         "width": round(place(f["high"]) - place(f["low"]), 2), "text": _words(f, spread=spread)}
        for name, f in figures
    ]  # fmt: skip
    ends = [number(end, spread=spread) for end in (low, high)]
    return {"title": title, "rows": rows, "zero": place(0.0), "ends": ends}


def columns_of(table: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The columns of a table: own pair, other seeds, methods in the rows' order, then the rest."""
    first = ["own pair", "other seeds", *(f"with {method}" for method in table), *table]
    there = list(dict.fromkeys(name for row in table.values() for name in row))
    return sorted(there, key=lambda name: first.index(name) if name in first else len(first))


def _is_share(name: str) -> bool:
    return any(word in name for word in SHARES)


def _words(
    figure: Mapping[str, Any], share: bool = False, spread: float | None = None
) -> dict[str, str]:
    if spread is None:
        spread = max(abs(figure[end] or 0) for end in ("mean", "low", "high"))
    return {
        "mean": number(figure["mean"], share, spread),
        "interval": f"[{number(figure['low'], share, spread)}, "
        f"{number(figure['high'], share, spread)}]",
        "units": f"{figure['count']} {figure['units']}",
    }


def _cell(figure: Mapping[str, Any] | None, low: float, high: float, spread: float) -> Any:
    if figure is None:
        return None
    background, text = colour(figure["mean"], low, high)
    return {**_words(figure, spread=spread), "background": background, "colour": text}


def _heat(value: float | None, low: float, high: float, spread: float, own: bool) -> Any:
    if value is None:
        return None
    background, text = colour(value, low, high)
    figure = number(value, spread=spread)
    return {"text": figure, "background": background, "colour": text, "own": own}


def _short_names(matrix: Mapping[str, Any]) -> list[str]:
    """Method and seed of a run; the last part of a partner's name."""
    return [
        f"{method} {seed}" if method and seed is not None else name.rpartition("/")[2]
        for name, method, seed in zip(
            matrix["names"], matrix["methods"], matrix["seeds"], strict=True
        )
    ]


def _linear(channel: int) -> float:
    part = channel / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
