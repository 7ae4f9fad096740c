"""Feed-forward IPPO in JAX on JaxMARL's Overcooked.

JaxMARL's wheel carries its environments but not its trainers, so this one follows the settings
that its `ippo_ff_overcooked` publishes: actor and critic of 64-64 tanh units on the flattened
26 channels, one network for both players, 16 environments of 128 steps, 4 epochs of 4
minibatches, Adam at 2.5e-4 falling to 0, shaped rewards fading over 2.5 of 5 million steps. Like
theirs it keeps observations as bytes until the network reads them, and is one compiled scan per
call, without logging.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxmarl
import optax
from jaxmarl.environments.overcooked import overcooked_layouts
from jaxmarl.wrappers.baselines import LogWrapper

TOTAL, FADE = 5_000_000, 2_500_000
ENVS, STEPS, EPOCHS, MINIBATCHES = 16, 128, 4, 4
RATE, DISCOUNT, LAMBDA, CLIP = 2.5e-4, 0.99, 0.95, 0.2
ENTROPY, VALUE, LONGEST = 0.01, 0.5, 0.5
HIDDEN, PLAYERS = 64, 2
AGENTS = ("agent_0", "agent_1")
UPDATES = TOTAL // (ENVS * STEPS)


class Step(NamedTuple):
    """One step of all players of all environments, players first."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    reward: Any
    done: Any


def make_network(key: Any, inputs: int, actions: int) -> list[dict[str, Any]]:
    """Weights of the actor and of the critic, orthogonal as is usual for PPO."""
    keys = iter(jax.random.split(key, 6))

    def dense(width: int, out: int, gain: float) -> dict[str, Any]:
        start = jax.nn.initializers.orthogonal(gain)
        return {"w": start(next(keys), (width, out)), "b": jnp.zeros(out)}

    root = 2**0.5
    return [
        [dense(inputs, HIDDEN, root), dense(HIDDEN, HIDDEN, root), dense(HIDDEN, out, gain)]
        for out, gain in ((actions, 0.01), (1, 1.0))
    ]


def apply(network: Any, x: Any) -> tuple[Any, Any]:
    """Log probabilities [..., C] and values [...]."""
    outputs, x = [], x.astype(jnp.float32)
    for layers in network:
        y = x
        for layer in layers[:-1]:
            y = jnp.tanh(y @ layer["w"] + layer["b"])
        outputs.append(y @ layers[-1]["w"] + layers[-1]["b"])
    return jax.nn.log_softmax(outputs[0]), outputs[1][..., 0]


def chosen(log_probs: Any, actions: Any) -> Any:
    """Log probabilities of the actions taken."""
    return jnp.take_along_axis(log_probs, actions[..., None], -1)[..., 0]


def make(layout: str, seed: int) -> tuple[Any, Any]:
    """The first state, and the compiled function that does a number of updates.

    The function takes the state and a static number of updates, and returns the next state and
    the mean of every environment's latest finished return.
    """
    env = LogWrapper(jaxmarl.make("overcooked", layout=overcooked_layouts[layout]))
    actions = env.action_space(AGENTS[0]).n
    optimiser = optax.chain(
        optax.clip_by_global_norm(LONGEST),
        optax.adam(lambda count: RATE * (1 - count // (MINIBATCHES * EPOCHS) / UPDATES), eps=1e-5),
    )
    key, key_network, key_reset = jax.random.split(jax.random.key(seed), 3)
    seen, env_state = jax.vmap(env.reset)(jax.random.split(key_reset, ENVS))
    network = make_network(key_network, seen[AGENTS[0]][0].size, actions)

    def flat(by_agent: Any) -> Any:
        return jnp.concatenate([by_agent[a].reshape(ENVS, -1) for a in AGENTS])

    def play(carry: Any, _: Any) -> Any:
        network, env_state, x, key, done_steps = carry
        key, key_act, key_step = jax.random.split(key, 3)
        log_probs, value = apply(network, x)
        action = jax.random.categorical(key_act, log_probs)
        joint = dict(zip(AGENTS, action.reshape(PLAYERS, ENVS), strict=True))
        seen, env_state, reward, done, info = jax.vmap(env.step)(
            jax.random.split(key_step, ENVS), env_state, joint
        )
        fading = jnp.maximum(1 - done_steps / FADE, 0)
        gained = [reward[a] + fading * info["shaped_reward"][a] for a in AGENTS]
        step = Step(
            x, action, chosen(log_probs, action), value, jnp.concatenate(gained),
            jnp.tile(done["__all__"], PLAYERS),
        )  # fmt: skip
        return (network, env_state, flat(seen), key, done_steps + ENVS), step

    def advantages(steps: Step, last: Any) -> Any:
        def back(carry: Any, step: Step) -> Any:
            gae, following = carry
            alive = 1 - step.done
            delta = step.reward + DISCOUNT * following * alive - step.value
            gae = delta + DISCOUNT * LAMBDA * alive * gae
            return (gae, step.value), gae

        return jax.lax.scan(back, (jnp.zeros_like(last), last), steps, reverse=True, unroll=16)[1]

    def loss(network: Any, batch: Step, gained: Any, target: Any) -> Any:
        log_probs, value = apply(network, batch.observation)
        near = batch.value + jnp.clip(value - batch.value, -CLIP, CLIP)
        missed = jnp.maximum((value - target) ** 2, (near - target) ** 2).mean() / 2
        gained = (gained - gained.mean()) / (gained.std() + 1e-8)
        ratio = jnp.exp(chosen(log_probs, batch.action) - batch.log_prob)
        surrogate = jnp.minimum(ratio * gained, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * gained)
        entropy = -(jnp.exp(log_probs) * log_probs).sum(-1)
        return -surrogate.mean() + VALUE * missed - ENTROPY * entropy.mean()

    def learn(carry: Any, batch: Any) -> Any:
        network, moments = carry
        change, moments = optimiser.update(jax.grad(loss)(network, *batch), moments)
        return (optax.apply_updates(network, change), moments), None

    def epoch(carry: Any, _: Any) -> Any:
        networks, key, data = carry
        key, key_order = jax.random.split(key)
        order = jax.random.permutation(key_order, ENVS * PLAYERS * STEPS)
        batches = jax.tree.map(lambda x: x[order].reshape(MINIBATCHES, -1, *x.shape[1:]), data)
        networks, _ = jax.lax.scan(learn, networks, batches)
        return (networks, key, data), None

    def update(state: Any, _: Any) -> Any:
        network, moments, env_state, x, key, done_steps = state
        (_, env_state, x, key, done_steps), steps = jax.lax.scan(
            play, (network, env_state, x, key, done_steps), None, STEPS
        )
        gained = advantages(steps, apply(network, x)[1])
        data = jax.tree.map(
            lambda y: y.reshape(-1, *y.shape[2:]), (steps, gained, gained + steps.value)
        )
        networks, key, _ = jax.lax.scan(epoch, ((network, moments), key, data), None, EPOCHS)[0]
        return (*networks, env_state, x, key, done_steps), env_state.returned_episode_returns.mean()

    def updates(state: Any, count: int) -> Any:
        state, returns = jax.lax.scan(update, state, None, count)
        return state, returns[-1]

    first = (network, optimiser.init(network), env_state, flat(seen), key, jnp.float32(0))
    return first, jax.jit(updates, static_argnums=1)
