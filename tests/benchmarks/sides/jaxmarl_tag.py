"""JaxMARL's simple_tag, vmapped, stepped in a compiled scan or call by call."""

import warnings
from typing import Any

from tests.benchmarks.sides import rate, report, settings

given = settings()
warnings.simplefilter("ignore")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import jaxmarl  # noqa: E402

STEPS = 100
env = jaxmarl.make(
    "MPE_simple_tag_v3", num_good_agents=1, num_adversaries=2, num_obs=2, max_steps=STEPS
)


def begin(num_envs: int) -> tuple[Any, Any, Any, Any]:
    """First states, keys and random actions [STEPS, N, 3]."""
    keys = jax.random.split(jax.random.key(0), num_envs)
    _, state = jax.jit(jax.vmap(env.reset))(keys)
    actions = jax.random.randint(jax.random.key(1), (STEPS, num_envs, 3), 0, 5)

    def one(key: Any, state: Any, row: Any) -> Any:
        return env.step(key, state, {name: row[i] for i, name in enumerate(env.agents)})

    return state, keys, actions, jax.vmap(one)


def scanned(num_envs: int) -> float:
    """Joint steps per second; the observations of 100 steps are kept."""
    state, keys, actions, step = begin(num_envs)

    @jax.jit
    def play(state: Any, keys: Any, actions: Any) -> Any:
        def one(state: Any, action: Any) -> Any:
            seen, state, rewards, done, _ = step(keys, state, action)
            return state, (seen, rewards, done["__all__"])

        return jax.lax.scan(one, state, actions)

    def work() -> int:
        nonlocal state
        state, outputs = play(state, keys, actions)
        jax.block_until_ready(outputs)
        return STEPS * num_envs

    return rate(work, given["seconds"])


def called(num_envs: int) -> float:
    """Joint steps per second; each step's observations take the place of the former."""
    state, keys, actions, step = begin(num_envs)
    step = jax.jit(step)
    rows = [jnp.asarray(row) for row in actions]

    def work() -> int:
        nonlocal state
        for row in rows:
            seen, state, rewards, done, _ = step(keys, state, row)
        jax.block_until_ready((seen, rewards, done))
        return STEPS * num_envs

    return rate(work, given["seconds"])


report(
    rates={
        f"{num_envs} {name}": measure(num_envs)
        for num_envs in given["batches"]
        for name, measure in (("kept", scanned), ("overwritten", called))
    }
)
