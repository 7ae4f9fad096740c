"""The peers' environment and the facts of the machine."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.harness import PEERS, REQUIREMENTS, ROOT, BenchmarkError


def prepare(tell: Callable[[str], None]) -> None:
    """Makes `.venv-bench`, unless it is there with these requirements.

    Raises:
        BenchmarkError: It cannot be made, for instance without a package index.
    """
    stamp = PEERS / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    tell(f"Setting up {PEERS.name} with JaxMARL and CoGrid; this takes a few minutes, once")
    pip = [
        str(PEERS / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "-r",
        str(REQUIREMENTS),
    ]
    for command in ([sys.executable, "-m", "venv", str(PEERS)], pip):
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(
                f"{PEERS.name} could not be made ({last}): see whether pip can install"
            )
    stamp.write_text(wanted)


def machine() -> dict[str, str]:
    """What the figures depend on: processor, versions, commit, date."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    dirty = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    pinned = [line for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    return {
        "processor": _processor(),
        "processors": str(len(os.sched_getaffinity(0))),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        "ours": ", ".join(
            f"{name} {version(name)}"
            for name in ("numpy", "numba", "torch", "overcooked-ai", "mpe2")
        ),
        "peers": ", ".join(line.replace("==", " ") for line in pinned),
        "commit": commit.stdout.strip() + (" with changes" if dirty.stdout.strip() else ""),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
