"""`python -m tests.benchmarks.load`: how many games one study server holds.

A study server is started as `understudy study serve` would, and real sockets play on loopback from
a process of their own. Lateness is read from the records of the rounds, and every key that the
clients sent is looked for there. Leave the machine alone meanwhile.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from play.session import Line
from studies.records import record_text
from studies.store import Store
from tests.benchmarks.__main__ import LOOKS, PAGE, RECORDS, between_markers
from tests.benchmarks.environment import machine
from tests.benchmarks.harness import ROOT, BenchmarkError
from tests.studies.databases import PostgresServer, find_binaries
from tests.studies.files import SMALL

GOAL_MS = 20.0
COUNTDOWN_S = 3.0
LONG = 20_000
"""Steps of a round: none ends while it is measured."""
END_S = 60.0
"""How long a process may take to end."""


@dataclass(frozen=True)
class Run:
    """One run of the benchmark.

    Attributes:
        games: Rounds at once, each with one participant and one policy.
        database: ``sqlite`` or ``postgresql``.
    """

    games: int
    database: str
    seconds: float
    presses_per_s: float = 3.0
    tick_ms: int = 150
    layout: str = "cramped_room"


def study_text(run: Run) -> str:
    """The small study of the tests with one long round and nothing before it."""
    text = re.sub(r"tutorial: .*\n", "", SMALL)
    text = re.sub(r"quiz:\n(  .*\n)+", "", text)
    played = (
        f"{{id: one, world: kitchen/{run.layout}, partner: quokka, steps: {LONG}, "
        f"tick_ms: {run.tick_ms}}}"
    )
    text = re.sub(r"blocks:\n(  .*\n)+", f"blocks:\n  - {{id: b, rounds: [{played}]}}\n", text)
    text = re.sub(r"(policy: kitchen/)\w+", rf"\g<1>{run.layout}", text)
    return re.sub(
        r"arms:\n(  .*\n)+", f"arms:\n  - {{id: lemur, blocks: [b], target: {run.games}}}\n", text
    )


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[str]:
    """A fresh database of a kind."""
    if kind == "sqlite":
        yield str(folder / "load.db")
        return
    binaries = find_binaries()
    if binaries is None:
        raise BenchmarkError("PostgreSQL is not installed: install it, or measure --store sqlite")
    server = PostgresServer(binaries)
    try:
        yield server.new_database()
    finally:
        server.remove()


class Part:
    """A process of the benchmark, with one thread for each library's arithmetic.

    Args:
        name: What it is called in errors.
        folder: Where it runs.
        arguments: Python's.
    """

    def __init__(self, name: str, folder: Path, *arguments: str) -> None:
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *arguments], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **threads, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def tell(self, message: dict[str, Any]) -> None:
        """Writes a line to the process."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `hear` tells
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def hear(self, pattern: str) -> str:
        """The first group of a pattern in the next line that the process says.

        Raises:
            BenchmarkError: It ended instead, or said something else.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait(timeout=END_S)
            raise BenchmarkError(f"{self.name} ended with status {status}; it says why above")
        found = re.search(pattern, line)
        if found is None:
            raise BenchmarkError(f"{self.name} said {line.strip()!r}, which has no {pattern}")
        return found[1]

    def processor_s(self) -> float:
        """Processor seconds that it has used (Linux)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Its resident memory (Linux).

        Raises:
            BenchmarkError: It has ended.
        """
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        if found is None:
            raise BenchmarkError(f"{self.name} ended while it was measured")
        return int(found[1]) / 1024

    def end(self) -> None:
        """Ends it as whoever supervises it does, and waits until it is gone.

        Raises:
            BenchmarkError: It does not end; its stacks were written to standard error.
        """
        self._process.terminate()
        try:
            self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            self._process.communicate()
            raise BenchmarkError(
                f"{self.name} did not end within {END_S:.0f} s of being told to; what its threads "
                "were at is shown above"
            ) from None

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        self._process.kill()
        self._process.communicate()


def measure(run: Run) -> dict[str, Any]:
    """Runs server and clients and returns the figures.

    Raises:
        BenchmarkError: One of them failed, or did not end.
    """
    with tempfile.TemporaryDirectory() as name, databases(run.database, Path(name)) as database:
        folder = Path(name)
        (folder / "study.yaml").write_text(study_text(run), encoding="utf-8")
        server = Part(
            "the server", folder, "-c", "from play.main import main; main()", "study", "serve",
            "study.yaml", "--database", database, "--port", "0",
        )  # fmt: skip
        try:
            url = server.hear(r"(http://\S+?)/?\s").rstrip("/")
            report = _with_clients(run, folder, url, server)
            report["server_mib"] = server.memory_mib()
            begun = time.perf_counter()
            server.end()
            report["server_ends_s"] = time.perf_counter() - begun
        finally:
            server.kill()
        store = Store(database)
        try:
            return _figures(run, report, store)
        finally:
            store.close()


def _with_clients(run: Run, folder: Path, url: str, server: Part) -> dict[str, Any]:
    clients = Part("the process of the clients", folder, "-m", "tests.benchmarks.load.clients")
    try:
        clients.tell(
            {"url": url, "games": run.games, "seconds": run.seconds, "countdown_s": COUNTDOWN_S,
             "presses_per_s": run.presses_per_s}
        )  # fmt: skip
        clients.hear('("from")')
        click.echo(f"{run.games} games play, records in {run.database}", err=True)
        used, begun = server.processor_s(), time.perf_counter()
        clients.hear('("to")')
        used, span = server.processor_s() - used, time.perf_counter() - begun
        report: dict[str, Any] = json.loads(clients.hear(r"(.+)\n"))
    finally:
        clients.kill()
    return {**report, "server_processors": used / span}


def _figures(run: Run, report: dict[str, Any], store: Store) -> dict[str, Any]:
    late: list[float] = []
    lost, ticks, fallbacks = 0, 0, 0
    for game, seen in report["games"].items():
        lines = [json.loads(row) for row in record_text(store, game).splitlines()]
        lost += lost_inputs(lines, [(action, down) for action, down in seen["sent"]])
        lost += lost_steps(lines, seen["heard"])
        measured = set(seen["steps"])
        for line in lines:
            if line["kind"] == "tick" and line["t"] in measured:
                late.append(line["at_ms"] - line["due_ms"])
                ticks += 1
                fallbacks += sum("fallback" in d for d in line.get("decisions", ()))
    percentiles = [float(value) for value in np.percentile(late, [50, 99, 99.9])]
    rate = run.games * 1000 / run.tick_ms
    return {
        "games": run.games,
        "database": run.database,
        "ticks": ticks,
        "share_of_ticks": ticks / (rate * report["seconds"]),
        "lateness_ms": percentiles,
        "delivery_ms": report["delivery_ms"],
        "presses": sum(len(seen["sent"]) for seen in report["games"].values()) // 2,
        "lost": lost,
        "fallbacks": fallbacks,
        "server_processors": report["server_processors"],
        "server_us_per_tick": report["server_processors"] * report["seconds"] / ticks * 1e6,
        "client_processors": report["client_processors"],
        "server_mib": report["server_mib"],
        "server_ends_s": report["server_ends_s"],
        "opened_s": report["opened_s"],
        "bytes_per_message": report["bytes_per_message"],
    }


def lost_inputs(lines: Sequence[Line], sent: Sequence[tuple[int, bool]]) -> int:
    """How many keys that were sent are not recorded in order, or did not count at their step.

    A press counts at the next step, whatever follows it, unless a later press does.
    """
    seat = next(i for i, s in enumerate(lines[0]["seats"]) if s["kind"] == "human")
    recorded = [(line["action"], line["down"]) for line in lines if line["kind"] == "input"]
    missing = sum(a != b for a, b in zip(recorded, sent, strict=False))
    missing += abs(len(sent) - len(recorded))
    pressed = None
    for line in lines:
        if line["kind"] == "input" and line["down"]:
            pressed = line["action"]
        elif line["kind"] == "pause":
            pressed = None
        elif line["kind"] == "tick":
            missing += pressed is not None and line["actions"][seat] != pressed
            pressed = None
    return missing


def lost_steps(lines: Sequence[Line], heard: Sequence[int]) -> int:
    """How many steps were told but are not recorded, or were left out on the way."""
    recorded = {line["t"] for line in lines if line["kind"] == "tick"}
    holes = heard[-1] - heard[0] + 1 - len(heard) if heard else 0
    return len(set(heard) - recorded) + holes


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table of the figures."""
    lines = [
        "| games | store | steps late p50 / p99 / p99.9, ms | heard late p50 / p99 / p99.9, ms | "
        "steps taken of those due | keys lost of those sent | server: processors, µs per step, "
        "MiB | clients: processors | p99 under 20 ms, nothing lost |",
        "| ---: | --- | --- | --- | ---: | --- | --- | ---: | --- |",
    ]
    for row in rows:
        late, heard = (
            " / ".join(f"{v:.1f}" for v in row[k]) for k in ("lateness_ms", "delivery_ms")
        )
        met = row["lateness_ms"][1] < GOAL_MS and not row["lost"]
        lines.append(
            f"| {row['games']} | {row['database']} | {late} | {heard} | "
            f"{row['share_of_ticks']:.1%} | {row['lost']} of {2 * row['presses']} | "
            f"{row['server_processors']:.2f}, {row['server_us_per_tick']:.0f}, "
            f"{row['server_mib']:.0f} | {row['client_processors']:.2f} | "
            f"{'yes' if met else 'no'} |"
        )
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--games", type=click.IntRange(1), multiple=True, default=(500, 1000),
              show_default=True)  # fmt: skip
@click.option("--store", "stores", type=click.Choice(["sqlite", "postgresql"]), multiple=True,
              default=("sqlite", "postgresql"), show_default=True)  # fmt: skip
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True,
              help="How long is measured.")  # fmt: skip
@click.option("--presses", type=click.FloatRange(0.1), default=3.0, show_default=True,
              help="Keys that each participant presses in a second.")  # fmt: skip
@click.option("--layout", default="cramped_room", show_default=True)
@click.option("--quick", is_flag=True, help="50 games for 5 seconds: a look, not a measurement.")
def main(
    games: Sequence[int], stores: Sequence[str], seconds: float, presses: float, layout: str,
    quick: bool,
) -> None:  # fmt: skip
    """Measures how many games one study server holds on this machine."""
    facts, rows = machine(), list[dict[str, Any]]()
    if quick:
        games, seconds = (50,), 5.0
    for count in games:
        for store in stores:
            run = Run(count, store, seconds, presses, layout=layout)
            rows.append(measure(run))
            click.echo(json.dumps(rows[-1]))
            write_down(rows, facts, quick)  # at once: what is measured outlives a later failure


def write_down(rows: Sequence[dict[str, Any]], facts: Mapping[str, Any], quick: bool) -> None:
    """Puts the figures and the command that made them into the record and onto the page."""
    table = as_markdown(rows)
    command = " ".join(["python -m tests.benchmarks.load", *sys.argv[1:]])
    told = "; ".join(f"{key}: {value}" for key, value in facts.items())
    text = f"`{command}`; {told}.\n\n{table}"
    out = LOOKS if quick else RECORDS
    out.mkdir(parents=True, exist_ok=True)
    content = {"machine": facts, "results": rows}
    (out / "load.json").write_text(json.dumps(content, indent=1) + "\n")
    if not quick:
        PAGE.write_text(between_markers(PAGE.read_text(), "load", text))
    click.echo("\n" + text)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(2)
