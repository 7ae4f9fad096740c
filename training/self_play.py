"""Self-play: one policy in all seats, which sees the world from the seat that it is in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.config import SelfPlayConfig
from training.trainer import Export, Trainer


class SelfPlay(Trainer):
    """One policy for all seats of the team."""

    method = "self-play"

    def __init__(self, config: SelfPlayConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        self.policy = self.new_policies("policy")
        self.everywhere = self.slots(*self.team)

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The policy acts in every seat."""
        self.decide(self.policy, step, self.everywhere, uniforms)

    def learn(self) -> list[dict[str, float]]:
        """The policy learns from every seat's experience."""
        return self.teach_from(self.policy, self.everywhere)

    def exports(self, member: int = 0) -> dict[str, Export]:
        """One policy for all seats."""
        return {"": Export((self.policy.stack.networks[member],), self.team)}
