"""Self-play: one policy in all seats, which sees the world from the seat that it is in."""

import numpy as np
from numpy.typing import NDArray

from training.config import SelfPlayConfig
from training.networks import ActorCritic
from training.trainer import Trainer


class SelfPlay(Trainer):
    """One learner for all seats."""

    method = "self-play"

    def __init__(self, config: SelfPlayConfig) -> None:
        super().__init__(config)
        self.learner = self.new_learner("policy")
        self.all_slots = self.slots(*range(self.players))

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The policy acts in every seat."""
        self.decide(self.learner, step, self.all_slots, uniforms)

    def learn(self) -> dict[str, float]:
        """The policy learns from every seat's experience."""
        rewards = self.rollout.slot_rewards(self.shaping())
        samples, _ = self.samples(rewards, self.rollout.values, self.all_slots)
        return self.learner.update(
            self.rollout.observations, samples, self.learning_rate(), self.shuffle_stream,
        )  # fmt: skip

    def exports(self) -> dict[str, tuple[ActorCritic, tuple[int, ...]]]:
        """One policy for all seats."""
        return {"": (self.learner.network, tuple(range(self.players)))}
