"""Understudy's trainers on Tag: IPPO and SRPO, some seeds together, against a shipped runner."""

import time

from tests.benchmarks.sides import report, settings

given = settings()

from training.config import METHODS  # noqa: E402
from training.runs import make_trainer  # noqa: E402


def measure(method: str, **own: float) -> float:
    """Joint steps per second of all seeds together, after compiling."""
    seeds = range(given["seed"], given["seed"] + given["seeds"])
    trainer = make_trainer(method, METHODS[method].from_json(given["config"] | own), seeds)
    trainer.iterate()  # compiles, or loads what was compiled
    trainer.iterate()
    steps, first = trainer.steps, time.perf_counter()
    while (passed := time.perf_counter() - first) < given["seconds"]:
        trainer.iterate()
    return (trainer.steps - steps) * len(seeds) / passed


# a fixed tau: the adversary plays from the first step
report(rates={"ippo": measure("ippo"), "srpo": measure("srpo", tau=3.0)})
