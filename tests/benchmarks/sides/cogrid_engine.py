"""CoGrid's Overcooked: its JAX back end vmapped, or its NumPy back end, one kitchen at a time.

Its observations are its own features, not the 26 channels. Its JAX back end does not begin
episodes anew, so it is spared that.
"""

import warnings
from typing import Any

from tests.benchmarks.sides import rate, report, settings

given = settings()
warnings.simplefilter("ignore")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from cogrid.envs import registry  # noqa: E402

STEPS = 100
NAMES = {
    "cramped_room": "Overcooked-CrampedRoom-V0",
    "counter_circuit_o_1order": "Overcooked-CounterCircuit-V0",
}
ACTIONS = 7


def vmapped(num_envs: int, kept: bool) -> float:
    """Joint steps per second of the JAX back end."""
    env = registry.make(NAMES[given["layout"]], backend="jax")
    env.reset(seed=0)
    keys = jax.random.split(jax.random.key(0), num_envs)
    _, state, _ = jax.jit(jax.vmap(env.jax_reset))(keys)
    actions = jax.random.randint(jax.random.key(1), (STEPS, num_envs, 2), 0, ACTIONS)
    step = jax.vmap(lambda key, s, a: env.jax_step(key, s, {0: a[0], 1: a[1]}))
    if not kept:
        step = jax.jit(step)
        rows = [jnp.asarray(row) for row in actions]

        def work() -> int:
            nonlocal state
            for row in rows:
                seen, state, *rest = step(keys, state, row)
            jax.block_until_ready((seen, rest))
            return STEPS * num_envs

        return rate(work, given["seconds"])

    @jax.jit
    def play(state: Any, keys: Any, actions: Any) -> Any:
        def one(state: Any, action: Any) -> Any:
            seen, state, rewards, *_ = step(keys, state, action)
            return state, (seen, rewards)

        return jax.lax.scan(one, state, actions)

    def scan() -> int:
        nonlocal state
        state, outputs = play(state, keys, actions)
        jax.block_until_ready(outputs)
        return STEPS * num_envs

    return rate(scan, given["seconds"])


def single() -> float:
    """Joint steps per second of the NumPy back end."""
    env = registry.make(NAMES[given["layout"]], backend="numpy")
    agents = sorted(env.possible_agents)
    draws = np.random.default_rng(0).integers(0, ACTIONS, (STEPS, 2))
    rows = [dict(zip(agents, map(int, row), strict=True)) for row in draws]

    env.reset(seed=0)

    def work() -> int:
        for row in rows:
            *_, over, _ = env.step(row)
            if all(over.values()):
                env.reset()
        return STEPS

    return rate(work, given["seconds"])


if given["backend"] == "numpy":
    report(rates={"1": single()})
else:
    report(
        rates={
            f"{num_envs} {'kept' if kept else 'overwritten'}": vmapped(num_envs, kept)
            for num_envs in given["batches"]
            for kept in (False, True)
        }
    )
