"""Understudy's trainers: joint steps per second, the parts of an update, or time to a return."""

import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.sides import report, settings

given = settings()

from training.config import METHODS  # noqa: E402
from training.runs import make_trainer  # noqa: E402

ADVERSARY_ACTS = "adversary decides"
seconds: dict[str, float] = {}


def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, adding its time to a part."""

    def call(*arguments: Any) -> Any:
        first = time.perf_counter()
        result = function(*arguments)
        seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - first
        return result

    return call


def watch(trainer: Any) -> None:
    """Adds up the time of the parts of a trainer's work."""
    trainer.world.step = timed("world", trainer.world.step)
    trainer.observer.write = timed("observations", trainer.observer.write)
    trainer.act = timed("deciding", trainer.act)
    trainer.learn = timed("learning", trainer.learn)
    if given["method"] == "srpo":
        trainer._adversary_acts = timed(ADVERSARY_ACTS, trainer._adversary_acts)
        for name, policies in trainer.policies.items():
            if name.startswith("adversary"):
                for learner in policies.learners:
                    learner.update = timed("adversary learns", learner.update)


def parts(passed: float, steps: int) -> dict[str, float]:
    """Microseconds per joint step of every part; they add up to the whole."""
    whole = dict(seconds)
    whole["deciding"] -= whole.get(ADVERSARY_ACTS, 0.0)
    whole["learning"] -= whole.get("adversary learns", 0.0)
    whole["the rest"] = passed - sum(whole.values())
    return {part: share / steps * 1e6 for part, share in whole.items()}


config = METHODS[given["method"]].from_json({"seed": given["seed"], **given["config"]})
seeds = range(config.seed, config.seed + given.get("seeds", 1))
trainer = make_trainer(given["method"], config, seeds)
trainer.iterate()  # compiles, or loads what was compiled
compiled = time.monotonic()

if given["until"] is None:
    watch(trainer)
    trainer.iterate()
    seconds.clear()
    steps, first, cpu = trainer.steps, time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - first) < given["seconds"]:
        trainer.iterate()
    cpu, steps = time.process_time() - cpu, (trainer.steps - steps) * len(seeds)
    report(
        rate=steps / passed, us_per_step=passed / steps * 1e6, cpu_us_per_step=cpu / steps * 1e6,
        parts=parts(passed, steps),
        adversary_plays=any(seed.begun for seed in getattr(trainer, "steering", ())),
    )  # fmt: skip
else:
    value = 0.0
    while trainer.steps < trainer.config.steps and not value >= given["until"]:
        value = trainer.iterate()[0]["return"]
    ended = time.monotonic()
    report(
        reached=value >= given["until"], steps=trainer.steps, seconds=ended - given["launched"],
        seconds_after_compiling=ended - compiled,
    )  # fmt: skip
