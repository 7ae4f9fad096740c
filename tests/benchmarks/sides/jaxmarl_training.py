"""JaxMARL's feed-forward IPPO: joint steps per second, or time to a return."""

import time
import warnings

from tests.benchmarks.sides import report, settings

given = settings()
warnings.simplefilter("ignore")

import jax  # noqa: E402

from tests.benchmarks.sides.jaxmarl_ippo import ENVS, STEPS, TOTAL, make  # noqa: E402

CALL = 10  # updates per call of the compiled function

state, updates = make(given["layout"], given["seed"])
state, value = jax.block_until_ready(updates(state, CALL))
compiled = time.monotonic()
steps = CALL * ENVS * STEPS

if given["until"] is None:
    first, done = time.perf_counter(), 0
    while time.perf_counter() - first < given["seconds"]:
        state, value = jax.block_until_ready(updates(state, CALL))
        done += CALL * ENVS * STEPS
    report(rate=done / (time.perf_counter() - first))
else:
    while steps < TOTAL and not value >= given["until"]:
        state, value = jax.block_until_ready(updates(state, CALL))
        steps += CALL * ENVS * STEPS
    ended = time.monotonic()
    report(
        reached=bool(value >= given["until"]), steps=steps, seconds=ended - given["launched"],
        seconds_after_compiling=ended - compiled,
    )  # fmt: skip
