"""`python -m tests.benchmarks`: measures against pinned peers and writes down what came out."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import click

from tests.benchmarks.environment import machine, prepare
from tests.benchmarks.harness import (
    ROOT,
    BenchmarkError,
    Result,
    as_json,
    as_markdown,
    measure,
)  # fmt: skip
from tests.benchmarks.suites import suites

RECORDS = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"
LOOKS = ROOT / "build" / "benchmarks"


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--turns", type=click.IntRange(1), help="Turns of every contender.  [default: 3 or 5]"
)
@click.option("--quick", is_flag=True, help="One short turn: a look, not a measurement.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False),
    help="Folder for NAME.json and NAME.md.  [default: docs/benchmarks and the page "
    "docs/benchmarks.md; with --quick, build/benchmarks]",
)  # fmt: skip
def main(names: Sequence[str], turns: int | None, quick: bool, out: Path | None) -> None:
    """Measures NAMES, or everything, against pinned peers on this machine.

    All contenders of a benchmark are processes that take turns; figures are medians over the
    turns, and claims are ratios of them. Leave the machine alone meanwhile.
    """
    known = suites(quick)
    chosen = choose(names, known)
    prepare(click.echo)
    for name in chosen:
        facts = machine()
        for benchmark in known[name].benchmarks:
            click.echo(benchmark.title)
        results = measure(known[name].benchmarks, turns or known[name].turns, click.echo)
        text = page(name, results, facts, quick)
        record(out or (LOOKS if quick else RECORDS), name, results, facts)
        if out or quick:
            ((out or LOOKS) / f"{name}.md").write_text(text)
        else:
            PAGE.write_text(between_markers(PAGE.read_text(), name, text))
        click.echo("\n" + text)


def choose(names: Sequence[str], known: Collection[str]) -> Sequence[str]:
    """The named benchmarks, or all of them.

    Raises:
        BenchmarkError: There is no benchmark of that name.
    """
    for name in names:
        if name not in known:
            raise BenchmarkError(f"There is no benchmark {name!r}; there are {', '.join(known)}")
    return names or list(known)


def page(name: str, results: Sequence[Result], facts: Mapping[str, str], quick: bool) -> str:
    """A benchmark's tables, with what they depend on."""
    told = "; ".join(f"{key}: {value}" for key, value in facts.items())
    command = f"python -m tests.benchmarks {name}" + (" --quick" if quick else "")
    tables = [as_markdown(result).rstrip() for result in results]
    return "\n\n".join([f"`{command}`; {told}.", *tables]) + "\n"


def record(out: Path, name: str, results: Sequence[Result], facts: Mapping[str, str]) -> None:
    """Writes everything that the processes reported."""
    out.mkdir(parents=True, exist_ok=True)
    content = {"machine": dict(facts), "results": [as_json(result) for result in results]}
    (out / f"{name}.json").write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def between_markers(whole: str, name: str, text: str) -> str:
    """The page with a benchmark's tables in place of the former ones.

    Raises:
        BenchmarkError: The page has no place for them.
    """
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, begun, rest = whole.partition(first)
    _, ended, after = rest.partition(last)
    if not begun or not ended:
        raise BenchmarkError(f"{PAGE.name} has no lines {first} and {last}: add them")
    return f"{before}{first}\n{text}{last}{after}"


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(2)
