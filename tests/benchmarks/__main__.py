"""`python -m tests.benchmarks`: measures against pinned peers and writes down what came out."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tests.benchmarks.environment import machine, prepare
from tests.benchmarks.harness import (
    ROOT,
    Benchmark,
    BenchmarkError,
    Result,
    as_json,
    as_markdown,
    measure,
)  # fmt: skip
from tests.benchmarks.suites import suites


@click.command()
@click.argument("names", nargs=-1)
@click.option("--turns", type=click.IntRange(1), help="Turns of every contender.  [default: 5]")
@click.option("--quick", is_flag=True, help="One short turn: a look, not a measurement.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=ROOT / "docs" / "benchmarks",
    show_default="docs/benchmarks", help="Folder for NAME.json and NAME.md.",
)  # fmt: skip
def main(names: Sequence[str], turns: int | None, quick: bool, out: Path) -> None:
    """Measures NAMES, or everything, against pinned peers on this machine.

    All contenders of a benchmark are processes that take turns; figures are medians over the
    turns, and claims are ratios of them. Leave the machine alone meanwhile.
    """
    known = suites(quick)
    chosen = choose(names, known)
    prepare(click.echo)
    facts = machine()
    for name in chosen:
        results = []
        for benchmark in known[name]:
            click.echo(benchmark.title)
            results.append(measure(benchmark, turns or (1 if quick else 5), click.echo))
        write(out, name, results, facts)
        click.echo("\n" + (out / f"{name}.md").read_text())


def choose(names: Sequence[str], known: Mapping[str, list[Benchmark]]) -> Sequence[str]:
    """The named benchmarks, or all of them.

    Raises:
        BenchmarkError: There is no benchmark of that name.
    """
    for name in names:
        if name not in known:
            raise BenchmarkError(f"There is no benchmark {name!r}; there are {', '.join(known)}")
    return names or list(known)


def write(out: Path, name: str, results: Sequence[Result], facts: Mapping[str, str]) -> None:
    """Writes a benchmark's figures as JSON and as a page."""
    out.mkdir(parents=True, exist_ok=True)
    record = {"machine": dict(facts), "results": [as_json(result) for result in results]}
    (out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    told = "; ".join(f"{key}: {value}" for key, value in facts.items())
    page = [f"# {name}", f"`python -m tests.benchmarks {name}`; {told}."]
    page += [as_markdown(result).rstrip() for result in results]
    (out / f"{name}.md").write_text("\n\n".join(page) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(2)
