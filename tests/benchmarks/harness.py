"""Alternating processes, medians and ratios."""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-bench"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CACHES = ROOT / "build" / "benchmark-caches"


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
        caches: What it finds of compiled code: "usual", "empty" (all is compiled in the run) or
            "filled" (an earlier run compiled all of it).
    """

    name: str
    side: str
    settings: dict[str, Any]
    peer: bool = False
    caches: str = "usual"

    def prepare(self) -> None:
        """Runs it once without measuring, if it is to find compiled code."""
        if self.caches == "filled":
            self._run(0, {"until": None, "seconds": 0.001}, compiled_code(CACHES))

    def run(self, turn: int) -> dict[str, Any]:
        """Runs it once; returns its figures. `turn` becomes its seed, unless it has one."""
        if self.caches == "empty":
            with tempfile.TemporaryDirectory() as folder:
                return self._run(turn, {}, compiled_code(Path(folder)))
        return self._run(turn, {}, compiled_code(CACHES) if self.caches == "filled" else {})

    def _run(
        self, turn: int, changes: dict[str, Any], variables: Mapping[str, str]
    ) -> dict[str, Any]:
        python = str(PEERS / "bin" / "python") if self.peer else sys.executable
        command = [python, "-m", f"tests.benchmarks.sides.{self.side}"]
        given = {"seed": turn, "launched": time.monotonic(), **self.settings, **changes}
        ended = subprocess.run(
            [*command, json.dumps(given)], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **variables},
        )  # fmt: skip
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(f"{self.name} failed: {last}")
        figures: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
        return figures


def compiled_code(folder: Path) -> dict[str, str]:
    """Environment variables that make numba and JAX keep compiled code in a folder."""
    return {
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


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

    def ratios(self, goal: Goal) -> list[float]:
        """The same ratio turn by turn."""
        best = min if self.benchmark.less_is_better else max
        ours, theirs = (
            [best(turn) for turn in zip(*(self.figures[n] for n in names), strict=True)]
            for names in (goal.ours, goal.theirs)
        )
        return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def measure(
    benchmarks: Sequence[Benchmark], turns: int, tell: Callable[[str], None]
) -> list[Result]:
    """Runs every contender once per turn; each turn begins with another one.

    Benchmarks that name the same contender look at the same runs of it.
    """
    contenders: list[Contender] = []
    for benchmark in benchmarks:
        contenders += [c for c in benchmark.contenders if c not in contenders]
    reports: list[list[dict[str, Any]]] = [[] for _ in contenders]
    for contender in contenders:
        contender.prepare()
    for turn in range(turns):
        for place in range(len(contenders)):
            chosen = (place + turn) % len(contenders)
            contender = contenders[chosen]
            reports[chosen].append(contender.run(turn))
            told = ", ".join(
                f"{shown(benchmark.figure(reports[chosen][-1]))} {benchmark.unit}"
                for benchmark in benchmarks
                if contender in benchmark.contenders
            )
            tell(f"  turn {turn + 1} of {turns}, {contender.name}: {told}")
    return [
        Result(
            benchmark,
            {c.name: [benchmark.figure(report) for report in reports[contenders.index(c)]]
             for c in benchmark.contenders},
            {c.name: reports[contenders.index(c)] for c in benchmark.contenders},
        )
        for benchmark in benchmarks
    ]  # fmt: skip


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
    lines += ["", "| goal | measured | turn by turn | met |", "| --- | ---: | ---: | --- |"]
    for goal in benchmark.goals:
        ratio, turns = result.ratio(goal), result.ratios(goal)
        verdict = "yes" if goal.met(ratio) else "no"
        lines.append(
            f"| {goal.text} | {ratio:.3g} times | {min(turns):.3g} to {max(turns):.3g} | "
            f"{verdict} |"
        )
    return "\n".join([*lines, *parts_table(result)]) + "\n"


def parts_table(result: Result) -> list[str]:
    """What each contender's time went to, if it was asked to say so; medians over the turns."""
    told = {
        name: [report["parts"] for report in reports]
        for name, reports in result.reports.items()
        if all("parts" in report for report in reports)
    }
    parts = list(dict.fromkeys(part for turns in told.values() for part in turns[0]))
    if not parts:
        return []
    lines = ["", f"| part | {' | '.join(told)} |", "| --- |" + " ---: |" * len(told)]
    for part in parts:
        medians = [statistics.median(turn.get(part, 0.0) for turn in t) for t in told.values()]
        lines.append(f"| {part} | {' | '.join(map(shown, medians))} |")
    return lines


def as_json(result: Result) -> dict[str, Any]:
    """All figures, raw reports included."""
    return {
        "title": result.benchmark.title,
        "unit": result.benchmark.unit,
        "figures": {
            name: [value if math.isfinite(value) else None for value in values]
            for name, values in result.figures.items()
        },
        "reports": result.reports,
        "settings": {c.name: c.settings for c in result.benchmark.contenders},
        "goals": [
            {
                "text": goal.text,
                "measured": ratio,
                "by_turn": result.ratios(goal),
                "met": goal.met(ratio),
            }
            for goal in result.benchmark.goals
            for ratio in [result.ratio(goal)]
        ],
    }
