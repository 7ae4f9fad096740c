"""Understudy's tag: random joint actions, every seat's observation as in mpe2."""

from tests.benchmarks.sides import rate, report, settings

given = settings()

import numpy as np  # noqa: E402

from play.worlds.registry import make_world  # noqa: E402

STEPS = 100


def measure(num_envs: int, kept: bool) -> float:
    """Joint steps per second.

    Args:
        num_envs: Games stepped together.
        kept: Whether the observations of 100 steps stay in memory, as a learner needs them, or
            each step's overwrite those of the step before.
    """
    world = make_world("tag/simple", num_envs, autoreset=True, compiled=True)
    world.reset(0)
    seats = world.facts.num_players
    actions = np.random.default_rng(0).integers(0, 5, (STEPS, num_envs, seats))
    shape = world.facts.encodings["simple_tag"].shape
    buffer = np.zeros((STEPS if kept else 1, num_envs, seats, *shape), np.float32)

    def work() -> int:
        for step in range(STEPS):
            world.step(actions[step])
            world.observe("simple_tag", buffer[step if kept else 0])
        return STEPS * num_envs

    return rate(work, given["seconds"])


report(
    rates={
        f"{num_envs} {'kept' if kept else 'overwritten'}": measure(num_envs, kept)
        for num_envs in given["batches"]
        for kept in (False, True)
    }
)
