"""Alternating processes, medians and ratios."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-bench"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class BenchmarkError(Exception):
    """One sentence for the person who asked for the measurement."""


@dataclass(frozen=True)
class Contender:
    """One process to measure.

    Attributes:
        name: Row of the table.
        side: Module under `tests.benchmarks.sides`.
        settings: What it is told; `cores` is how many processors it may use.
        peer: Whether it runs in the peers' environment.
    """

    name: str
    side: str
    settings: dict[str, Any]
    peer: bool = False

    def run(self, turn: int) -> dict[str, Any]:
        """Runs it once; returns its figures. `turn` becomes its seed, unless it has one."""
        python = str(PEERS / "bin" / "python") if self.peer else sys.executable
        command = [python, "-m", f"tests.benchmarks.sides.{self.side}"]
        given = json.dumps({"seed": turn, "launched": time.monotonic(), **self.settings})
        ended = subprocess.run(
            [*command, given], cwd=ROOT, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        )  # fmt: skip
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(f"{self.name} failed: {last}")
        figures: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
        return figures


@dataclass(frozen=True)
class Goal:
    """A ratio of medians that is wanted.

    Attributes:
        text: What is wanted, in words.
        ours: Names of contenders; the best of them is divided …
        theirs: … by the best of these.
        at_least: Least ratio wanted, where more is better.
        at_most: Greatest ratio wanted, where less is better.
    """

    text: str
    ours: Sequence[str]
    theirs: Sequence[str]
    at_least: float = 0.0
    at_most: float = float("inf")

    def met(self, ratio: float) -> bool:
        """Whether a ratio is as wanted."""
        return self.at_least <= ratio <= self.at_most


@dataclass(frozen=True)
class Benchmark:
    """Contenders measured in turn, and what is wanted of them.

    Attributes:
        title: Heading.
        what: What is counted, in words.
        unit: Unit of the figure.
        figure: Reads the figure out of what a process reports.
        contenders: Who is measured.
        goals: What is wanted.
        less_is_better: Whether the figure is a cost.
    """

    title: str
    what: str
    unit: str
    figure: Callable[[dict[str, Any]], float]
    contenders: Sequence[Contender]
    goals: Sequence[Goal]
    less_is_better: bool = False


@dataclass
class Result:
    """What a benchmark gave: every figure of every contender, in the order of the turns."""

    benchmark: Benchmark
    figures: dict[str, list[float]] = field(default_factory=dict)
    reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Median figure of a contender."""
        return statistics.median(self.figures[name])

    def best(self, names: Sequence[str]) -> float:
        """Best median among contenders."""
        return (min if self.benchmark.less_is_better else max)(map(self.median, names))

    def ratio(self, goal: Goal) -> float:
        """Our best median divided by theirs."""
        return self.best(goal.ours) / self.best(goal.theirs)


def measure(benchmark: Benchmark, turns: int, tell: Callable[[str], None]) -> Result:
    """Runs every contender once per turn; each turn begins with another one."""
    result = Result(benchmark)
    for contender in benchmark.contenders:
        result.figures[contender.name], result.reports[contender.name] = [], []
    for turn in range(turns):
        shift = turn % len(benchmark.contenders)
        order = [*benchmark.contenders[shift:], *benchmark.contenders[:shift]]
        for contender in order:
            figures = contender.run(turn)
            value = benchmark.figure(figures)
            result.figures[contender.name].append(value)
            result.reports[contender.name].append(figures)
            tell(f"  turn {turn + 1} of {turns}, {contender.name}: {shown(value)}")
    return result


def shown(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def as_markdown(result: Result) -> str:
    """Tables of the figures and of the goals."""
    benchmark = result.benchmark
    lines = [
        f"## {benchmark.title}", "", benchmark.what, "",
        f"| contender | {benchmark.unit}, median | least to most |", "| --- | ---: | ---: |",
    ]  # fmt: skip
    for name, values in result.figures.items():
        low, high = shown(min(values)), shown(max(values))
        lines.append(f"| {name} | {shown(result.median(name))} | {low} to {high} |")
    lines += ["", "| goal | measured | met |", "| --- | ---: | --- |"]
    for goal in benchmark.goals:
        ratio = result.ratio(goal)
        verdict = "yes" if goal.met(ratio) else "no"
        lines.append(f"| {goal.text} | {ratio:.3g} times | {verdict} |")
    return "\n".join(lines) + "\n"


def as_json(result: Result) -> dict[str, Any]:
    """All figures, raw reports included."""
    return {
        "title": result.benchmark.title,
        "unit": result.benchmark.unit,
        "figures": result.figures,
        "reports": result.reports,
        "settings": {c.name: c.settings for c in result.benchmark.contenders},
        "goals": [
            {"text": goal.text, "measured": ratio, "met": goal.met(ratio)}
            for goal in result.benchmark.goals
            for ratio in [result.ratio(goal)]
        ],
    }
