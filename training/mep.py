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
        # what every policy of a group would remember in each slot of the group
        self._minds = [self.new_memory(self.policy.stack.networks[0]) for _ in range(group)]
        self._log_probs = np.zeros((self.rollout.length, len(self.everywhere)), np.float32)

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The policies act in their seats, and the mean policy judges what they do."""
        super().act(step, uniforms)
        if step < self.rollout.length:
            self._log_probs[step] = self._mean_log_probs(step)

    def learn(self) -> list[dict[str, float]]:
        """Learns as in self-play, from rewards with the bonus."""
        self.rollout.own[:, self.everywhere] -= self._diversity * self._log_probs
        return super().learn()

    def _mean_log_probs(self, step: int) -> NDArray[np.float32]:
        """[S] log-probability of the actions of a step under the mean policy of the group."""
        rollout, groups = self.rollout, len(self.members) // self._group
        slots = self.everywhere.reshape(groups, -1)  # what each group sees, all its members
        share = slots.shape[1]
        rows = np.repeat(slots, self._group, axis=0).reshape(-1)
        ends = np.arange(len(self.members) + 1) * share
        network, flat = self.policy.stack.networks[0], self.policy.stack.flat
        minds = np.stack([mind.now[slots] for mind in self._minds], 1)
        state = minds.reshape(len(rows), network.state_size)  # the same memory
        logits, _ = evaluate(
            network, flat, rollout.observations, step * rollout.slots + rows, ends, state
        )
        for number, mind in enumerate(self._minds):
            mind.now[slots] = minds[:, number]
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
