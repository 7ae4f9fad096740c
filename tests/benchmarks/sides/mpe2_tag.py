"""mpe2's simple_tag: its parallel environment, which gives every agent's observation.

With several processors there is a process on each.
"""

from multiprocessing import get_context

from tests.benchmarks.sides import rate, report, settings

given = settings()

import numpy as np  # noqa: E402
from mpe2 import simple_tag_v3  # noqa: E402

STEPS = 100
env = simple_tag_v3.parallel_env(num_good=1, num_adversaries=2, num_obstacles=2, max_cycles=STEPS)
draws = np.random.default_rng(0).integers(0, 5, (STEPS, 3))
actions = [dict(zip(env.possible_agents, map(int, row), strict=True)) for row in draws]


def work() -> int:
    """One episode."""
    env.reset()
    for joint in actions:
        env.step(joint)
    return STEPS


def measure(number: int) -> float:
    """Joint steps per second of one process."""
    return rate(work, given["seconds"])


if given["cores"] == 1:
    report(rates={"1": measure(0)})
else:
    with get_context("fork").Pool(given["cores"]) as pool:
        report(rates={"all": sum(pool.map(measure, range(given["cores"]), 1))})
