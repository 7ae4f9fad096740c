"""All figures of an evaluation as JSON values, and the files that are made of them."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.evaluation.definitions import DEFINITIONS
from training.evaluation.files import write_whole
from training.evaluation.free_riding import free_riding
from training.evaluation.matches import Rules
from training.evaluation.page import columns_of, render
from training.evaluation.summary import (
    Results,
    Table,
    conventions,
    cross_play_table,
    improvements,
    matrix,
    metrics,
)
from training.evaluation.worst_case import curves, points
from training.machine import machine
from training.provenance import git_commit, versions

SCHEMA = 1
FIGURES, PAGE = "figures.json", "index.html"
PACKAGES = ("numpy", "numba", "onnxruntime", "pyarrow")


def make_report(
    results: Results, rules: Rules, policies: Mapping[str, str], commits: list[str]
) -> dict[str, Any]:
    """Everything that is known about an evaluation, as JSON values.

    Args:
        results: What was played.
        rules: What the matches have in common.
        policies: Hash of each policy's file.
        commits: Commits that played the episodes.
    """
    facts = results.facts
    report = {
        "schema": SCHEMA,
        "command": command(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git_commit(),
        "commits": commits,
        "versions": versions(*PACKAGES),
        "machine": machine(),
        "world": facts.world,
        "world_version": facts.version,
        "options": dict(facts.options),
        "horizon": facts.horizon,
        "shared_reward": facts.shared_reward,
        "episodes": rules.episodes,
        "seed": rules.seed,
        "stop_at": rules.stop_at,
        "policies": dict(policies),
        "runs": [
            {"name": team.name, "method": team.method, "seed": team.seed,
             "policies": {str(seat): name for seat, name in team.policies.items()}}
            for team in results.cast.teams
        ],
        "partners": list(results.cast.beside),
        "others": results.cast.others,
        "table": as_json(cross_play_table(results)),
        "metrics": as_json(metrics(results)),
        "improvements": {c: as_json(rows) for c, rows in improvements(results).items()},
        "matrix": matrix(results),
        "conventions": conventions(results),
        "free_riding": {m: as_json(found) for m, found in free_riding(results).items()},
        "worst_case": {
            "curves": curves(results),
            "points": [asdict(point) for point in points(results)],
        },
        "definitions": {name: list(about) for name, about in DEFINITIONS.items()},
    }  # fmt: skip
    plain: dict[str, Any] = without_nan(report)
    return plain


def write_report(folder: Path, report: Mapping[str, Any]) -> list[Path]:
    """Writes figures.json and index.html and returns their paths."""
    paths = [folder / FIGURES, folder / PAGE]
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    write_whole(paths[0], text.encode())
    write_whole(paths[1], render(report).encode())
    return paths


def as_json(table: Table) -> dict[str, dict[str, dict[str, Any]]]:
    """A table of figures as JSON values."""
    return {name: {k: asdict(figure) for k, figure in row.items()} for name, row in table.items()}


def as_markdown(table: Table) -> str:
    """The table as a person reads it; means, with the interval in brackets."""
    columns = columns_of(table)
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for method, row in table.items():
        cells = [
            f"{row[c].mean:.0f} [{row[c].low:.0f}, {row[c].high:.0f}]" if c in row else ""
            for c in columns
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def command() -> str:
    """The command that is running."""
    return " ".join(["understudy", *sys.argv[1:]])


def without_nan(value: Any) -> Any:
    """The same JSON values with null for numbers that do not exist or are infinite."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
