"""What is measured: one module per contender and task, each run as a process of its own.

A process takes its settings as JSON in its first argument and prints its figures as one line of
JSON. Nothing here imports pytest or the harness, so that the peers' environment stays small.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def settings() -> dict[str, Any]:
    """The process's settings; it keeps to as many processors as they say.

    Call it before importing anything that starts threads.
    """
    given: dict[str, Any] = json.loads(sys.argv[1])
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[: given["cores"]])
    os.environ["OMP_NUM_THREADS"] = str(given["cores"])
    return given


def rate(work: Callable[[], int], seconds: float) -> float:
    """Units of work per second: `work` is repeated for so long and says how much it did."""
    work()  # compiles, and fills the caches
    done, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        done += work()
    return done / passed


def report(**figures: Any) -> None:
    """Prints the figures."""
    print(json.dumps(figures), flush=True)
