"""Proximal policy optimisation: the loss, and the update that every method shares.

Source: Schulman et al. 2017 (arXiv 1707.06347).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.config import TrainConfig
from training.kernels import Array
from training.loss import FIGURES, NO_KL
from training.networks import ActorCritic, Observations
from training.passes import loss_gradient_of_weights

torch.set_num_threads(1)  # the matrices are small; batches are split by rows instead
ADAM_EPSILON = 1e-8  # the usual 1e-5 holds back what is rarely seen, such as a distant pot
SHARDS = 2  # fixed, so that results do not depend on the number of cores
WORKERS = ThreadPoolExecutor(SHARDS - 1, thread_name_prefix="gradient")


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
        self._parameter = torch.nn.Parameter(network.flat)  # shares the network's memory
        self.optimizer = torch.optim.Adam(
            [self._parameter], lr=config.learning_rate, eps=ADAM_EPSILON, fused=True
        )
        self._gradients = [np.zeros(network.flat.shape, np.float32) for _ in range(SHARDS)]
        self._views = [network.views(gradient) for gradient in self._gradients]
        self._parameter.grad = torch.from_numpy(self._gradients[0])
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
        batches = self._deal(samples, generator)
        return self._learn(observations, samples, learning_rate, batches, reference, WORKERS.submit)

    def _deal(
        self, samples: Samples, generator: np.random.Generator
    ) -> Iterator[NDArray[np.int64]]:
        config = self._config
        return minibatches(len(samples.rows), config.epochs, config.minibatches, generator)

    def _learn(
        self, observations: Observations, samples: Samples, learning_rate: float,
        batches: Iterable[NDArray[np.int64]], reference: Reference,
        submit: Callable[..., Future[None]],
    ) -> dict[str, float]:  # fmt: skip
        config = self._config
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        figures = np.zeros((SHARDS, len(FIGURES)))
        for batch in batches:
            shards = np.array_split(batch, SHARDS)
            arguments = (observations, samples, reference, len(batch))
            others = [
                submit(self._gradient, shard, chosen, *arguments, figures[shard])
                for shard, chosen in enumerate(shards[1:], 1)
            ]
            self._gradient(0, shards[0], *arguments, figures[0])
            for other, gradient in zip(others, self._gradients[1:], strict=True):
                other.result()
                self._gradients[0] += gradient
            shorten(self._gradients[0], config.max_grad_norm)
            self.optimizer.step()
        means = figures.sum(0) / (len(samples.rows) * config.epochs)
        return dict(zip(FIGURES, means.tolist(), strict=True))

    def _gradient(
        self, shard: int, chosen: NDArray[np.int64], observations: Observations, samples: Samples,
        reference: Reference, total: int, figures: Array,
    ) -> None:  # fmt: skip
        """Writes the gradient of a share of a minibatch of `total` samples into a buffer."""
        config = self._config
        self._gradients[shard].fill(0)
        loss_gradient_of_weights(
            self.network.weights, self._views[shard], self.network.kind,
            observations.index, observations.value, observations.count,
            samples.rows[chosen], chosen, samples.actions, samples.log_probs,
            samples.advantages, samples.targets, samples.contexts, reference.log_probs,
            reference.residual, reference.kl, np.float32(reference.price),
            np.float32(config.clip), np.float32(self._entropy),
            np.float32(config.value_coefficient), np.float32(1 / total), figures,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def update_together(
    learners: Sequence[Learner], observations: Observations, samples: Sequence[Samples],
    learning_rate: float, generator: np.random.Generator,
) -> list[dict[str, float]]:  # fmt: skip
    """Updates learners that do not depend on each other, each in a thread of its own.

    The result is that of `Learner.update` on one after the other, bit for bit.
    """
    jobs = [
        (learner, own, list(learner._deal(own, generator)))
        for learner, own in zip(learners, samples, strict=True)
    ]

    def learn(learner: Learner, own: Samples, batches: list[NDArray[np.int64]]) -> dict[str, float]:
        return learner._learn(observations, own, learning_rate, batches, NO_REFERENCE, at_once)

    others = [WORKERS.submit(learn, *job) for job in jobs[1:]]
    return [learn(*jobs[0]), *(other.result() for other in others)]


def at_once(function: Callable[..., None], *arguments: Any) -> Future[None]:
    """Runs a function here and now, where a pool's `submit` would leave it to another thread."""
    done: Future[None] = Future()
    function(*arguments)
    done.set_result(None)
    return done


def shorten(gradient: NDArray[np.float32], longest: float) -> None:
    """Scales a gradient that is longer than `longest` to that length, in place."""
    norm = float(np.sqrt(np.dot(gradient, gradient)))
    if norm > longest:
        gradient *= np.float32(longest / norm)


def minibatches(
    size: int, epochs: int, parts: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Shuffles the samples in each epoch and deals them out in `parts` of nearly equal size."""
    for _ in range(epochs):
        yield from np.array_split(generator.permutation(size), parts)


def normalised(
    advantages: NDArray[np.float32], smallest: float
) -> tuple[NDArray[np.float32], float]:
    """Advantages with mean 0 and standard deviation 1, and what they were divided by.

    A deviation below `smallest` counts as `smallest`: before the first reward is found, all that
    differs is the critic's noise, and blown up to size one it would wear the entropy down.
    """
    scale = max(float(advantages.std()), smallest)
    return (advantages - advantages.mean()) / np.float32(scale), scale
