"""Proximal policy optimisation: the loss, and the update that every method shares.

Source: Schulman et al. 2017 (arXiv 1707.06347).
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.config import TrainConfig
from training.kernels import Array, jit
from training.networks import ActorCritic, Observations

torch.set_num_threads(1)  # the matrices are small; batches are split by rows instead
SHARDS = 2  # fixed, so that results do not depend on the number of cores
WORKERS = ThreadPoolExecutor(min(SHARDS, os.cpu_count() or 1), initializer=torch.set_num_threads,
                             initargs=(1,))  # fmt: skip
FIGURES = ("policy_loss", "value_loss", "entropy", "kl_to_reference", "clipped")
NO_KL, REFERENCE_SECOND, REFERENCE_FIRST = 0, 1, 2


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
    """

    rows: NDArray[np.int64]
    actions: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    advantages: NDArray[np.float32]
    targets: NDArray[np.float32]
    contexts: NDArray[np.int64]


@dataclass(frozen=True)
class Reference:
    """What an adversary is compared with in the loss.

    Attributes:
        log_probs: [S, actions] float32.
        residual: Whether the network's output is added to the reference's log-probabilities.
        kl: NO_KL, REFERENCE_SECOND for KL(policy || reference) or REFERENCE_FIRST for
            KL(reference || policy).
        price: Weight of the divergence.
    """

    log_probs: NDArray[np.float32]
    residual: bool
    kl: int
    price: float


NO_REFERENCE = Reference(np.zeros((0, 0), np.float32), False, NO_KL, 0.0)


class Learner:
    """One policy, its optimiser, and the update of both."""

    def __init__(self, network: ActorCritic, config: TrainConfig, entropy: float) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, eps=1e-5, fused=True
        )
        self._config, self._entropy = config, entropy

    def update(
        self,
        observations: Observations,
        samples: Samples,
        learning_rate: float,
        generator: np.random.Generator,
        reference: Reference = NO_REFERENCE,
    ) -> dict[str, float]:
        """Some epochs of minibatch steps; returns the mean of each figure over the samples."""
        config, parameters = self._config, list(self.network.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        figures = np.zeros(len(FIGURES))
        for batch in minibatches(len(samples.rows), config.epochs, config.minibatches, generator):

            def part(chosen: Array, total: int = len(batch)) -> tuple[list[torch.Tensor], Array]:
                return self._gradient(observations, samples, reference, chosen, total)

            parts = list(WORKERS.map(part, np.array_split(batch, SHARDS)))
            for parameter, *grads in zip(parameters, *(grads for grads, _ in parts), strict=True):
                parameter.grad = sum(grads[1:], start=grads[0])
            torch.nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
            self.optimizer.step()
            figures += sum(sums for _, sums in parts)
        figures /= len(samples.rows) * config.epochs
        return dict(zip(FIGURES, figures.tolist(), strict=True))

    def _gradient(
        self, observations: Observations, samples: Samples, reference: Reference,
        chosen: NDArray[np.int64], total: int,
    ) -> tuple[list[torch.Tensor], Array]:  # fmt: skip
        """Gradient of a share of a minibatch of `total` samples, and sums of the figures."""
        run = self.network.run(observations, samples.rows[chosen])
        dlogits, dvalues = torch.empty_like(run.logits), torch.zeros_like(run.values)
        sums = np.zeros(len(FIGURES))
        loss_gradient(
            run.logits.numpy(), run.values.numpy(), chosen, samples.actions, samples.log_probs,
            samples.advantages, samples.targets, samples.contexts, reference.log_probs,
            reference.residual, reference.kl, np.float32(reference.price),
            np.float32(self._config.clip), np.float32(self._entropy),
            np.float32(self._config.value_coefficient), np.float32(1 / total),
            dlogits.numpy(), dvalues.numpy(), sums,
        )  # fmt: skip
        return self.network.gradient(run, dlogits, dvalues), sums

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


@jit
def loss_gradient(
    logits: Array, values: Array, chosen: Array, actions: Array, old_log_probs: Array,
    advantages: Array, targets: Array, contexts: Array, reference: Array, residual: bool,
    kl: int, price: Any, clip: Any, entropy_weight: Any, value_weight: Any, scale: Any,
    dlogits: Array, dvalues: Array, figures: Array,
) -> None:  # fmt: skip
    """Gradient of the PPO loss of some samples with respect to the network's output.

    The loss is the sum over the samples of `scale` times: minus the clipped surrogate
    min(ratio * A, clip(ratio) * A) (equation 7 of the source), minus `entropy_weight` times
    the entropy, plus `price` times the divergence from the reference, plus `value_weight` times
    half the squared error of the critic.

    Args:
        logits: [B, C] of the samples `chosen`; what follows is indexed by sample.
        values: [B, contexts].
        chosen: [B] samples.
        actions: [S], and so are old_log_probs, advantages, targets and contexts.
        old_log_probs: See actions.
        advantages: See actions.
        targets: See actions.
        contexts: See actions.
        reference: [S, C] log-probabilities; not read if not residual and kl is NO_KL.
        residual: Whether logits are to be added to the reference.
        kl: NO_KL, REFERENCE_SECOND or REFERENCE_FIRST.
        price: Weight of the divergence.
        clip: Half the width of the clipping range.
        entropy_weight: Weight of the entropy.
        value_weight: Weight of the value loss.
        scale: One over the size of the minibatch.
        dlogits: [B, C], overwritten.
        dvalues: [B, contexts], zeros on entry.
        figures: [len(FIGURES)] sums over the samples are added.
    """
    choices = logits.shape[1]
    log_p, p = np.empty(choices, np.float32), np.empty(choices, np.float32)
    for b in range(chosen.shape[0]):
        s = chosen[b]
        top = np.float32(-np.inf)
        for c in range(choices):
            log_p[c] = logits[b, c] + reference[s, c] if residual else logits[b, c]
            top = max(top, log_p[c])
        total = np.float32(0)
        for c in range(choices):
            total += np.exp(log_p[c] - top)
        normaliser = top + np.log(total)
        entropy, divergence = np.float32(0), np.float32(0)
        for c in range(choices):
            log_p[c] -= normaliser
            p[c] = np.exp(log_p[c])
            entropy -= p[c] * log_p[c]
            if kl == REFERENCE_SECOND:
                divergence += p[c] * (log_p[c] - reference[s, c])
            elif kl == REFERENCE_FIRST:
                divergence += np.exp(reference[s, c]) * (reference[s, c] - log_p[c])
        action, advantage = actions[s], advantages[s]
        ratio = np.exp(log_p[action] - old_log_probs[s])
        # the minimum picks the clipped branch, whose slope is zero, on the side that A favours
        free = ratio <= 1 + clip if advantage >= 0 else ratio >= 1 - clip
        bounded = min(max(ratio, 1 - clip), 1 + clip)
        slope = -ratio * advantage if free else np.float32(0)
        for c in range(choices):
            d = -slope * p[c] + entropy_weight * p[c] * (log_p[c] + entropy)
            if kl == REFERENCE_SECOND:
                d += price * p[c] * (log_p[c] - reference[s, c] - divergence)
            elif kl == REFERENCE_FIRST:
                d += price * (p[c] - np.exp(reference[s, c]))
            dlogits[b, c] = scale * d
        dlogits[b, action] += scale * slope
        error = values[b, contexts[s]] - targets[s]
        dvalues[b, contexts[s]] = scale * value_weight * error
        figures[0] -= min(ratio * advantage, bounded * advantage)
        figures[1] += error * error / 2
        figures[2] += entropy
        figures[3] += divergence
        figures[4] += 0 if free else 1


def minibatches(
    size: int, epochs: int, parts: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Shuffles the samples in each epoch and deals them out in `parts` of nearly equal size."""
    for _ in range(epochs):
        yield from np.array_split(generator.permutation(size), parts)


def normalised(advantages: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Advantages with mean 0 and standard deviation 1, and the deviation they had."""
    scale = float(advantages.std()) + 1e-8
    return (advantages - advantages.mean()) / np.float32(scale), scale
