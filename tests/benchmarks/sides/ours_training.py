"""Understudy's trainers: joint steps per second, the parts of an update, or time to a return."""

import time

from tests.benchmarks.sides import report, settings

given = settings()

from training.config import METHODS  # noqa: E402
from training.runs import make_trainer  # noqa: E402

config = METHODS[given["method"]].from_json({"seed": given["seed"], **given["config"]})
trainer = make_trainer(given["method"], config)
trainer.iterate()  # compiles, or loads what was compiled
compiled = time.monotonic()

if given["until"] is None:
    steps, first, cpu = trainer.steps, time.perf_counter(), time.process_time()
    while time.perf_counter() - first < given["seconds"]:
        trainer.iterate()
    passed = time.perf_counter() - first
    report(
        rate=(trainer.steps - steps) / passed,
        cpu_us_per_step=(time.process_time() - cpu) / (trainer.steps - steps) * 1e6,
    )
else:
    value = 0.0
    while trainer.steps < trainer.config.steps and not value >= given["until"]:
        value = trainer.iterate()["return"]
    ended = time.monotonic()
    report(
        reached=value >= given["until"], steps=trainer.steps, seconds=ended - given["launched"],
        seconds_after_compiling=ended - compiled,
    )  # fmt: skip
