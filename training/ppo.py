"""Proximal policy optimisation: the loss, and the update that every method shares.

Source: Schulman et al. 2017 (arXiv 1707.06347).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import TrainConfig
from training.networks import ActorCritic, Observations


@dataclass(frozen=True)
class Samples:
    """What one policy learns from in one update; S samples.

    Attributes:
        rows: [S] int64, where their observations are.
        actions: [S] int64.
        log_probs: [S] log-probability of each action when it was chosen.
        advantages: [S].
        targets: [S] what the critic should say.
        contexts: [S] int64, which of the critic's values is meant.
        reference: [S, actions] log-probabilities that an adversary is compared with, or None.
    """

    rows: NDArray[np.int64]
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    targets: Tensor
    contexts: Tensor
    reference: Tensor | None = None

    def part(self, chosen: NDArray[np.int64]) -> "Samples":
        """The samples with the given indices."""
        pick = torch.from_numpy(chosen)
        return Samples(
            self.rows[chosen],
            self.actions[pick],
            self.log_probs[pick],
            self.advantages[pick],
            self.targets[pick],
            self.contexts[pick],
            None if self.reference is None else self.reference[pick],
        )


def clipped_objective(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip: float
) -> Tensor:
    """The clipped surrogate, to be maximised (equation 7 of the source)."""
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip, 1 + clip)
    return torch.minimum(ratio * advantages, clipped * advantages).mean()


def entropy_of(log_probs: Tensor) -> Tensor:
    """Entropy in nats of each row of log-probabilities [B, actions]."""
    return -(log_probs.exp() * log_probs).sum(1)


def policy_loss(
    logits: Tensor, batch: Samples, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Clipped surrogate and entropy bonus of a plain PPO policy, and figures for the curves."""
    log_probs = torch.log_softmax(logits, 1)
    chosen = log_probs.gather(1, batch.actions[:, None])[:, 0]
    objective = clipped_objective(chosen, batch.log_probs, batch.advantages, config.clip)
    entropy = entropy_of(log_probs).mean()
    return -objective - config.entropy * entropy, {"entropy": entropy.detach()}


PolicyLoss = Callable[[Tensor, Samples], tuple[Tensor, dict[str, Tensor]]]


class Learner:
    """One policy, its optimiser, and the update of both."""

    def __init__(self, network: ActorCritic, config: TrainConfig) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, eps=1e-5, fused=True
        )
        self._config = config

    def update(
        self,
        observations: Observations,
        samples: Samples,
        loss_of: PolicyLoss,
        learning_rate: float,
        generator: np.random.Generator,
    ) -> dict[str, float]:
        """Some epochs of minibatch steps; returns the mean of each figure over the steps."""
        config = self._config
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        figures: dict[str, list[Tensor]] = {}
        for batch in minibatches(samples, config.epochs, config.minibatches, generator):
            logits, values = self.network(observations, batch.rows)
            loss, parts = loss_of(logits, batch)
            value = values.gather(1, batch.contexts[:, None])[:, 0]
            value_loss = 0.5 * torch.square(value - batch.targets).mean()
            (loss + config.value_coefficient * value_loss).backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.max_grad_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
            for name, figure in {**parts, "value_loss": value_loss.detach()}.items():
                figures.setdefault(name, []).append(figure)
        return {name: float(torch.stack(items).mean()) for name, items in figures.items()}

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def minibatches(
    samples: Samples, epochs: int, parts: int, generator: np.random.Generator
) -> Iterator[Samples]:
    """Shuffles the samples in each epoch and deals them out in `parts` of nearly equal size."""
    for _ in range(epochs):
        for chosen in np.array_split(generator.permutation(len(samples.rows)), parts):
            yield samples.part(chosen)


def normalised(advantages: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Advantages with mean 0 and standard deviation 1, and the deviation they had."""
    scale = float(advantages.std()) + 1e-8
    return (advantages - advantages.mean()) / np.float32(scale), scale
