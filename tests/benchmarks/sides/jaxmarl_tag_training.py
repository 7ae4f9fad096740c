"""Feed-forward IPPO in JAX on JaxMARL's simple_tag, all seeds in one vmapped program.

JaxMARL's wheel carries no trainers, so this is one written for it with our settings for Tag: per
chaser an actor and a critic of 64-64 units, 64 environments of 100 steps, 2 epochs of 8
minibatches. The runner is a frozen actor of that size, as with us. It is one compiled scan per
call, without logging or checkpoints.
"""

import time
import warnings
from typing import Any

from tests.benchmarks.sides import report, settings

given = settings()
warnings.simplefilter("ignore")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import jaxmarl  # noqa: E402
import optax  # noqa: E402

ENVS, STEPS, EPOCHS, MINIBATCHES, HIDDEN = 64, 100, 2, 8, 64
RATE, DISCOUNT, LAMBDA, CLIP, ENTROPY, VALUE, LONGEST = 2e-3, 0.99, 0.95, 0.2, 0.01, 0.5, 0.5
CALL = 2  # updates per call of the compiled function
CHASERS, ACTIONS = 2, 5

env = jaxmarl.make(
    "MPE_simple_tag_v3", num_good_agents=1, num_adversaries=2, num_obs=2, max_steps=STEPS
)
names = list(env.agents)  # chasers first
optimiser = optax.chain(optax.clip_by_global_norm(LONGEST), optax.adam(RATE, eps=1e-8))


def make_network(key: Any, inputs: int) -> Any:
    """Weights of an actor and a critic."""
    keys = iter(jax.random.split(key, 6))

    def dense(width: int, out: int, gain: float) -> dict[str, Any]:
        return {"w": jax.nn.initializers.orthogonal(gain)(next(keys), (width, out)),
                "b": jnp.zeros(out)}  # fmt: skip

    root = 2**0.5
    return [
        [dense(inputs, HIDDEN, root), dense(HIDDEN, HIDDEN, root), dense(HIDDEN, out, gain)]
        for out, gain in ((ACTIONS, 0.01), (1, 1.0))
    ]


def apply(network: Any, x: Any) -> tuple[Any, Any]:
    """Log-probabilities [..., actions] and values [...]."""
    outputs = []
    for layers in network:
        y = x
        for layer in layers[:-1]:
            y = jax.nn.relu(y @ layer["w"] + layer["b"])
        outputs.append(y @ layers[-1]["w"] + layers[-1]["b"])
    return jax.nn.log_softmax(outputs[0]), outputs[1][..., 0]


def chosen(log_probs: Any, actions: Any) -> Any:
    """Log-probabilities of the actions taken."""
    return jnp.take_along_axis(log_probs, actions[..., None], -1)[..., 0]


def chasers(seen: Any) -> Any:
    """[2, N, inputs] what the chasers see."""
    return jnp.stack([seen[name] for name in names[:CHASERS]])


def play(carry: Any, _: Any) -> Any:
    """One step of all environments of a seed."""
    networks, runner, state, seen, key = carry
    key, key_act, key_flee, key_step = jax.random.split(key, 4)
    x = chasers(seen)
    log_probs, value = jax.vmap(apply)(networks, x)
    action = jax.random.categorical(key_act, log_probs)
    flee = jax.random.categorical(key_flee, apply(runner, seen[names[-1]])[0])
    joint = dict(zip(names, [*action, flee], strict=True))
    seen, state, reward, done, _ = jax.vmap(env.step)(
        jax.random.split(key_step, ENVS), state, joint
    )
    step = (
        x, action, chosen(log_probs, action), value,
        jnp.stack([reward[name] for name in names[:CHASERS]]) / 10,
        jnp.tile(done["__all__"], (CHASERS, 1)),
    )  # fmt: skip
    return (networks, runner, state, seen, key), step


def advantages(value: Any, reward: Any, done: Any, last: Any) -> Any:
    """Generalised advantages [T, 2, N]."""

    def back(carry: Any, step: Any) -> Any:
        gae, following = carry
        value, reward, done = step
        alive = 1 - done
        gae = reward + DISCOUNT * following * alive - value + DISCOUNT * LAMBDA * alive * gae
        return (gae, value), gae

    first = (jnp.zeros_like(last), last)
    return jax.lax.scan(back, first, (value, reward, done), reverse=True)[1]


def loss(network: Any, batch: Any) -> Any:
    """PPO's loss of one chaser on a minibatch."""
    x, action, before, gained, target = batch
    log_probs, value = apply(network, x)
    ratio = jnp.exp(chosen(log_probs, action) - before)
    surrogate = jnp.minimum(ratio * gained, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * gained)
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1)
    missed = (value - target) ** 2
    return -surrogate.mean() + VALUE * missed.mean() / 2 - ENTROPY * entropy.mean()


def learn(network: Any, moments: Any, data: Any, key: Any) -> tuple[Any, Any]:
    """Epochs of minibatches for one chaser."""

    def minibatch(carry: Any, batch: Any) -> Any:
        network, moments = carry
        change, moments = optimiser.update(jax.grad(loss)(network, batch), moments)
        return (optax.apply_updates(network, change), moments), None

    def epoch(carry: Any, key: Any) -> Any:
        order = jax.random.permutation(key, ENVS * STEPS)
        dealt = jax.tree.map(lambda y: y[order].reshape(MINIBATCHES, -1, *y.shape[1:]), data)
        return jax.lax.scan(minibatch, carry, dealt)

    keys = jax.random.split(key, EPOCHS)
    return jax.lax.scan(epoch, (network, moments), keys)[0]


def update(whole: Any, _: Any) -> Any:
    """One round of playing and learning of a seed."""
    networks, moments, runner, state, seen, key = whole
    (_, _, state, seen, key), steps = jax.lax.scan(
        play, (networks, runner, state, seen, key), None, STEPS
    )
    x, action, before, value, reward, done = steps
    gained = advantages(value, reward, done, jax.vmap(apply)(networks, chasers(seen))[1])
    target = gained + value
    scaled = (gained - gained.mean((0, 2), keepdims=True)) / (gained.std((0, 2), keepdims=True))

    def flat(y: Any) -> Any:
        return jnp.moveaxis(y, 1, 0).reshape(CHASERS, ENVS * STEPS, *y.shape[3:])

    data = jax.tree.map(flat, (x, action, before, scaled, target))
    key, *keys = jax.random.split(key, 1 + CHASERS)
    networks, moments = jax.vmap(learn)(networks, moments, data, jnp.stack(keys))
    return (networks, moments, runner, state, seen, key), None


def begin(key: Any) -> Any:
    """The first state of a seed."""
    key, key_networks, key_runner, key_reset = jax.random.split(key, 4)
    seen, state = jax.vmap(env.reset)(jax.random.split(key_reset, ENVS))
    inputs, sees = seen[names[0]].shape[-1], seen[names[-1]].shape[-1]
    networks = jax.vmap(lambda k: make_network(k, inputs))(jax.random.split(key_networks, CHASERS))
    moments = jax.vmap(optimiser.init)(networks)
    return networks, moments, make_network(key_runner, sees), state, seen, key


@jax.jit
def updates(wholes: Any) -> Any:
    """Some rounds of all seeds."""
    return jax.vmap(lambda whole: jax.lax.scan(update, whole, None, CALL)[0])(wholes)


state = jax.vmap(begin)(jax.random.split(jax.random.key(given["seed"]), given["seeds"]))
state = jax.block_until_ready(updates(state))
first, done = time.perf_counter(), 0
while time.perf_counter() - first < given["seconds"]:
    state = jax.block_until_ready(updates(state))
    done += CALL * ENVS * STEPS * given["seeds"]
report(rate=done / (time.perf_counter() - first))
