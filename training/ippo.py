"""Independent PPO: every seat has a policy of its own, and all share the team's reward.

Source: de Witt et al. 2020 (arXiv 2011.09533); the paper's baseline for SRPO.
"""

import numpy as np
from numpy.typing import NDArray

from training.config import IppoConfig
from training.networks import ActorCritic
from training.ppo import update_together
from training.trainer import Trainer


class Ippo(Trainer):
    """One learner per seat."""

    method = "ippo"

    def __init__(self, config: IppoConfig) -> None:
        super().__init__(config)
        self.by_seat = [
            (self.new_learner(f"seat{seat}"), self.slots(seat)) for seat in range(self.players)
        ]

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Each policy acts in its own seat."""
        for learner, slots in self.by_seat:
            self.decide(learner, step, slots, uniforms)

    def learn(self) -> dict[str, float]:
        """Each policy learns from its own seat's experience."""
        rewards = self.rollout.slot_rewards(self.shaping())
        learners = [learner for learner, _ in self.by_seat]
        samples = [
            self.samples(rewards, self.rollout.values, slots)[0] for _, slots in self.by_seat
        ]
        means = update_together(
            learners, self.rollout.observations, samples, self.learning_rate(), self.shuffle_stream
        )
        return {
            f"{name}/seat{seat}": mean
            for seat, figures in enumerate(means)
            for name, mean in figures.items()
        }

    def exports(self) -> dict[str, tuple[ActorCritic, tuple[int, ...]]]:
        """One policy for each seat."""
        return {
            f"-seat{seat}": (learner.network, (seat,))
            for seat, (learner, _) in enumerate(self.by_seat)
        }
