"""Understudy's trainers: joint steps per second, the parts of an update, or time to a return."""

import time

from tests.benchmarks.sides import report, settings

begun = time.perf_counter()
given = settings()

from training.config import METHODS  # noqa: E402
from training.runs import make_trainer  # noqa: E402

trainer = make_trainer(given["method"], METHODS[given["method"]].from_json(given["config"]))
loaded = time.perf_counter()
trainer.iterate()  # compiles, or loads what was compiled
compiled = time.perf_counter()

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
    ended = time.perf_counter()
    report(
        reached=value >= given["until"], steps=trainer.steps, seconds=ended - begun,
        seconds_after_compiling=ended - compiled,
    )  # fmt: skip
