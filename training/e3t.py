"""E3T: the policy learns beside a partner that is itself, but acts at random now and then.

Source: Yan et al. 2023, "An efficient end-to-end training approach for zero-shot human-AI
coordination" (E3T), the mixture partner policy. Differs in: the module that predicts the
partner's next action from its recent ones is left out; a policy with `--memory gru` can learn to.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.config import E3tConfig
from training.kernels import sample_actions
from training.srpo import trembling
from training.trainer import Export, Trainer


class E3t(Trainer):
    """One policy for all seats, which learns in one seat of each game."""

    method = "e3t"
    config: E3tConfig

    def __init__(self, config: E3tConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        self.policy = self.new_policies("policy")
        self.everywhere = self.slots(*self.team)
        self.learning = self.slots_in_turn()

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The policy acts in every seat; where it is the partner, with a share of random play."""
        rollout = self.rollout
        logits, values = self.evaluate(self.policy, step, self.everywhere)
        rollout.values[step, self.everywhere] = values[:, 0]
        partner = ~np.isin(self.everywhere, self.learning)
        logits[partner] = trembling(logits[partner], self.config.random_share)
        sample_actions(
            logits, uniforms, self.everywhere, rollout.actions[step], rollout.log_probs[step]
        )

    def learn(self) -> list[dict[str, float]]:
        """The policy learns from the seats where it is not the partner."""
        return self.teach_from(self.policy, self.learning)

    def exports(self, member: int = 0) -> dict[str, Export]:
        """One policy for all seats."""
        return {"": Export((self.policy.stack.networks[member],), self.team)}
