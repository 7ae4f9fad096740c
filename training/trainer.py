"""What the methods share: the world, the random streams, the schedules, and the saved state."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from play.worlds.registry import make_world
from training.config import TrainConfig
from training.gae import advantages
from training.kernels import sample_actions
from training.networks import ActorCritic, SparseObserver
from training.ppo import Learner, Samples, normalised
from training.rollout import Returns, Rollout, collect


class Trainer:
    """Base of all methods. A subclass says who acts (`act`) and who learns what (`learn`)."""

    method: ClassVar[str]

    def __init__(self, config: TrainConfig) -> None:
        config.validate()
        self.config = config
        streams = np.random.SeedSequence(config.seed).spawn(4)
        self.action_stream = np.random.default_rng(streams[0])
        self.shuffle_stream = np.random.default_rng(streams[1])
        self._weights = torch.Generator().manual_seed(int(streams[2].generate_state(1)[0]))
        self.world = make_world(
            config.world, config.num_envs, autoreset=True, **config.world_options
        )
        self.world.reset(seed=int(streams[3].generate_state(1)[0]))
        self.observer = SparseObserver(self.world)
        self.rollout = Rollout(self.world, self.observer, config.rollout_length)
        self.players = self.world.facts.num_players
        self.steps = 0
        self.learners: dict[str, Learner] = {}
        self.returns = {
            name: Returns(len(envs), self.world.facts.reward_unit, self.world.facts.horizon)
            for name, envs in self.groups().items()
        }

    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Environments by kind of game; each kind has a return of its own in the curves."""
        return {"return": np.arange(self.config.num_envs)}

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Decides for every slot; see `rollout.collect`."""
        raise NotImplementedError

    def learn(self) -> dict[str, float]:
        """Improves the policies with the filled rollout and returns figures for the curves."""
        raise NotImplementedError

    def exports(self) -> dict[str, tuple[ActorCritic, tuple[int, ...]]]:
        """Policies worth playing with: suffix of the name -> network and seats."""
        raise NotImplementedError

    def iterate(self) -> dict[str, float]:
        """One round of playing and learning."""
        self.world.draw_starts(self.config.exploring_starts * self.shaping())
        collect(self.world, self.observer, self.rollout, self.act, self.action_stream)
        for name, envs in self.groups().items():
            self.returns[name].add(self.rollout.rewards[:, envs], self.rollout.done[:, envs])
        figures = self.learn()
        self.steps += self.config.num_envs * self.config.rollout_length
        returns = {name: item.mean() for name, item in self.returns.items()}
        return {"steps": float(self.steps), **returns, **figures}

    def recorded_states(self, encoding: str) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
        """Plays one rollout; yields every step's observations, in full and as sparse rows."""
        rollout = self.rollout
        shape = (self.config.num_envs, self.players)
        for step in range(rollout.length):
            dense = self.world.observe(encoding)
            self.observer.write(rollout.observations, step)
            rows = step * rollout.slots + np.arange(rollout.slots)
            yield dense.reshape(rollout.slots, *dense.shape[2:]), rows
            self.act(step, self.action_stream.random(rollout.slots))
            self.world.step(rollout.actions[step].reshape(shape))

    def new_learner(self, name: str, entropy: float | None = None, **options: Any) -> Learner:
        """Makes a policy with its optimiser; `entropy` is the configured bonus if None."""
        config = self.config
        network = ActorCritic(
            self.observer.num_rows, len(self.world.facts.actions), config.hidden,
            config.activation, self._weights, **options,
        )  # fmt: skip
        self.learners[name] = Learner(
            network, config, config.entropy if entropy is None else entropy
        )
        return self.learners[name]

    def slots(self, *seats: int) -> NDArray[np.int64]:
        """Slots of the given seats in all environments, in order."""
        envs = np.arange(self.config.num_envs)[:, None]
        return np.sort((envs * self.players + np.array(seats)).reshape(-1))

    def decide(
        self, learner: Learner, step: int, slots: NDArray[np.int64], uniforms: NDArray[np.float64]
    ) -> None:
        """Lets a policy act in some slots."""
        rollout = self.rollout
        logits, values = learner.network.evaluate(
            rollout.observations, step * rollout.slots + slots
        )
        rollout.values[step, slots] = values[:, 0]
        sample_actions(logits, uniforms, slots, rollout.actions[step], rollout.log_probs[step])

    def samples(
        self, rewards: NDArray[np.float32], values: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> tuple[Samples, float]:
        """What the policy that acted in these slots learns from.

        Args:
            rewards: [T, S] reward of every slot.
            values: [T + 1, S] what the learning policy's critic said.
            slots: [s] the slots that count.

        Returns:
            The samples, with normalised advantages, and what these were divided by.
        """
        rollout, config = self.rollout, self.config
        values = values[:, slots]
        gained = advantages(
            rewards[:, slots], values[:-1], values[-1], rollout.slot_done()[:, slots],
            config.discount, config.gae_lambda,
        )  # fmt: skip
        scaled, deviation = normalised(gained, config.min_deviation)

        return Samples(
            rollout.rows(slots),
            rollout.actions[:-1, slots].reshape(-1),
            rollout.log_probs[:-1, slots].reshape(-1),
            scaled.reshape(-1),
            (gained + values[:-1]).reshape(-1),
            np.zeros(gained.size, np.int64),
        ), deviation

    def learning_rate(self) -> float:
        """Adam's step size now: linear over the run."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + (end - start) * min(1.0, self.steps / self.config.steps)

    def shaping(self) -> float:
        """Weight of the shaped reward now: linear from one to zero."""
        horizon = self.config.shaping_horizon
        return max(0.0, 1 - self.steps / horizon) if horizon else 0.0

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "steps": self.steps,
            "learners": {name: learner.state() for name, learner in self.learners.items()},
            "returns": {name: item.state() for name, item in self.returns.items()},
            "action_stream": self.action_stream.bit_generator.state,
            "shuffle_stream": self.shuffle_stream.bit_generator.state,
            "world": world_state(self.world),
            "world_streams": torch.from_numpy(self.world.streams.copy()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self.steps = state["steps"]
        for name, learner in self.learners.items():
            learner.restore(state["learners"][name])
        for name, item in self.returns.items():
            item.restore(state["returns"][name])
        self.action_stream.bit_generator.state = state["action_stream"]
        self.shuffle_stream.bit_generator.state = state["shuffle_stream"]
        restore_world(self.world, state["world"])
        self.world.streams[...] = state["world_streams"].numpy()


def world_state(world: Any) -> Any:
    """The states of all environments, as tensors where the world gives arrays."""
    return _map_arrays(world.get_states(), np.ndarray, torch.from_numpy)


def restore_world(world: Any, states: Any) -> None:
    """Puts the environments back into states from `world_state`."""
    world.set_states(_map_arrays(states, torch.Tensor, lambda tensor: tensor.numpy()))


def _map_arrays(value: Any, kind: type, change: Any) -> Any:
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, dict):
        return {name: _map_arrays(item, kind, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_map_arrays(item, kind, change) for item in value]
    return value
