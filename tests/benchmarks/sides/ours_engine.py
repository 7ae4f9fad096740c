"""Understudy's kitchen: random joint actions, both players' lossless observations."""

from tests.benchmarks.sides import rate, report, settings

given = settings()

import numpy as np  # noqa: E402

from play.worlds.registry import make_world  # noqa: E402

STEPS = 100
MOST_KEPT = 2**30  # bytes of observations


def measure(num_envs: int, kept: bool) -> float:
    """Joint steps per second.

    Args:
        num_envs: Kitchens stepped together.
        kept: Whether the observations of 100 steps stay in memory, as a learner needs them, or
            each step's overwrite those of the step before.
    """
    world = make_world(f"kitchen/{given['layout']}", num_envs, autoreset=True, compiled=True)
    world.reset(0)
    actions = np.random.default_rng(0).integers(0, 6, (STEPS, num_envs, 2))
    shape = (num_envs, 2, *world.facts.encodings["lossless"].shape)
    buffer = np.zeros((STEPS, *shape), np.uint8) if kept else None

    def work() -> int:
        for step in range(STEPS):
            world.step(actions[step])
            seen = world.observe("lossless")
            if buffer is not None:
                buffer[step] = seen
        return STEPS * num_envs

    return rate(work, given["seconds"])


SIZE = 2 * np.prod(make_world(f"kitchen/{given['layout']}", 1).facts.encodings["lossless"].shape)
report(
    rates={
        f"{num_envs} {'kept' if kept else 'overwritten'}": measure(num_envs, kept)
        for num_envs in given["batches"]
        for kept in (False, True)
        if not kept or STEPS * num_envs * SIZE <= MOST_KEPT
    }
)
