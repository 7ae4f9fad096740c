"""Maximum entropy population (MEP): as FCP, with partners that differ and the hardest ones first.

The partners' reward is r - alpha * log p(a | s), where p is the mean of the policies of the
population: what others of the population seldom do is worth more. The hero meets a partner with
a probability that grows with the partner's rank by difficulty.

Source: Zhao et al. 2023, "Maximum entropy population-based training for zero-shot human-AI
coordination" (arXiv 2112.11701).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.config import MepConfig, SelfPlayConfig
from training.fcp import Fcp
from training.networks import evaluate
from training.self_play import SelfPlay
from training.srpo import log_softmax


class MepPopulation(SelfPlay):
    """Self-play policies in groups, each rewarded for what its group seldom does."""

    def __init__(
        self, config: SelfPlayConfig, seeds: Sequence[int], group: int, diversity: float
    ) -> None:
        """Makes the policies.

        Args:
            config: Settings of each.
            seeds: One for each policy, group by group.
            group: Policies in a group.
            diversity: Weight of the entropy bonus (alpha).
        """
        super().__init__(config, seeds)
        self._group, self._diversity = group, diversity

    def learn(self) -> list[dict[str, float]]:
        """Learns as in self-play, from rewards with the bonus."""
        for step in range(self.rollout.length):
            bonus = -self._diversity * self._mean_log_probs(step)
            self.rollout.own[step, self.everywhere] += bonus
        return super().learn()

    def _mean_log_probs(self, step: int) -> NDArray[np.float32]:
        """[S] log-probability of the actions of a step under the mean policy of the group."""
        rollout, groups = self.rollout, len(self.members) // self._group
        slots = self.everywhere.reshape(groups, 1, -1)  # what each group sees, all its members
        share = slots.shape[2]
        rows = np.broadcast_to(slots, (groups, self._group, share)).reshape(-1)
        ends = np.arange(len(self.members) + 1) * share
        networks, flat = self.policy.stack.networks, self.policy.stack.flat
        logits, _ = evaluate(
            networks[0], flat, rollout.observations, step * rollout.slots + rows, ends
        )
        chosen = rollout.actions[step, rows][:, None]
        log_probs = np.take_along_axis(log_softmax(logits), chosen, 1)
        mean = np.exp(log_probs).reshape(groups, self._group, share).mean(1)
        return np.log(mean).reshape(-1)


class Mep(Fcp):
    """One hero for all seats, and diverse partners that no longer learn."""

    method = "mep"
    config: MepConfig

    def make_population(self) -> SelfPlay:
        """The trainer of the partners of all seeds."""
        config = SelfPlayConfig.from_json(self.population_settings())
        return MepPopulation(
            config, self.population_seeds(), self.config.population, self.config.diversity
        )

    def weights(self, member: int) -> NDArray[np.float64]:
        """Probability of each partner: its rank by difficulty, 1 for the easiest, to a power."""
        success = self.success[member]
        rank = np.empty(len(success))
        rank[np.argsort(-success, kind="stable")] = np.arange(1, len(success) + 1)
        weights = rank**self.config.priority
        return weights / weights.sum()
