"""Independent PPO: every seat has a policy of its own, and all share the team's reward.

Source: de Witt et al. 2020 (arXiv 2011.09533); the paper's baseline for SRPO.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.config import IppoConfig
from training.ppo import Lesson
from training.trainer import Export, Trainer, by_member


class Ippo(Trainer):
    """One policy per seat of the team."""

    method = "ippo"

    def __init__(self, config: IppoConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        self.by_seat = [(self.new_policies(f"seat{seat}"), self.slots(seat)) for seat in self.team]

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Each policy acts in its own seat."""
        for policies, slots in self.by_seat:
            self.decide(policies, step, slots, uniforms)

    def learn(self) -> list[dict[str, float]]:
        """Each policy learns from its own seat's experience."""
        rewards = self.rollout.slot_rewards(self.shaping())
        lessons, marks = [], []
        for k, member in enumerate(self.members):
            for seat, (policies, slots) in zip(self.team, self.by_seat, strict=True):
                samples, _ = self.samples(policies, rewards, self.of_member(slots, k))
                lessons.append(Lesson(policies.learners[k], samples, member.shuffle_stream))
                marks.append((k, f"{{}}/seat{seat}"))
        return by_member(marks, self.teach(lessons))

    def exports(self, member: int = 0) -> dict[str, Export]:
        """One policy for each seat, with the seat in its name unless there is only one."""
        return {
            f"-seat{seat}" if len(self.team) > 1 else "": Export(
                (policies.stack.networks[member],), (seat,)
            )
            for seat, (policies, _) in zip(self.team, self.by_seat, strict=True)
        }
