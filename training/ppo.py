"""Proximal policy optimisation: the loss, and the update that every method shares.

Source: Schulman et al. 2017 (arXiv 1707.06347).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  (loads the library that is limited below)
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.config import TrainConfig
from training.kernels import Array
from training.loss import FIGURES, NO_KL
from training.networks import ActorCritic, Observations
from training.workers import SHARDS, WORKERS, at_once, side_by_side

# The matrices are small, and batches are split by rows instead. Compiled products are scipy's BLAS;
# from 128 units on it would wake a thread per processor for each of them, which then wait for each
# other where the processors are busy.
torch.set_num_threads(1)
threadpool_limits(1, "blas")
ADAM_EPSILON = 1e-8  # the usual 1e-5 holds back what is rarely seen, such as a distant pot


@dataclass(frozen=True)
class Sequences:
    """How the samples of a policy with a memory follow each other: T steps in L slots.

    Sample t * L + l is step t of sequence l.

    Attributes:
        starts: [L, M] what was remembered before the first step.
        going_on: [T, L] float32; 0 where a step begins an episode, before which nothing was.
    """

    starts: NDArray[np.float32]
    going_on: NDArray[np.float32]

    def samples(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """[T * B] the samples of B sequences, step after step."""
        steps, count = self.going_on.shape
        return (np.arange(steps)[:, None] * count + chosen).reshape(-1)


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
        sequences: How they follow each other, for a policy with a memory: minibatches then consist
            of whole sequences, for the gradient flows back through the steps.
    """

    rows: NDArray[np.int64]
    actions: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    advantages: NDArray[np.float32]
    targets: NDArray[np.float32]
    contexts: NDArray[np.int64]
    sequences: Sequences | None = None

    @property
    def units(self) -> int:
        """What minibatches consist of: the number of samples or of sequences."""
        return len(self.rows if self.sequences is None else self.sequences.starts)


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
    """One policy, its optimiser, and the update of both.

    Attributes:
        network: The policy.
        optimizer: Adam.
        entropy: Weight of the entropy bonus in the next update.
    """

    def __init__(self, network: ActorCritic, config: TrainConfig, entropy: float) -> None:
        self.network = network
        self._parameter = torch.nn.Parameter(network.flat)  # shares the network's memory
        self.optimizer = torch.optim.Adam(
            [self._parameter], lr=config.learning_rate, eps=ADAM_EPSILON, fused=True
        )
        self._gradients = [np.zeros(network.flat.shape, np.float32) for _ in range(SHARDS)]
        self._views = [network.views(gradient) for gradient in self._gradients]
        self._parameter.grad = torch.from_numpy(self._gradients[0])
        self._config, self.entropy = config, entropy

    def update(
        self,
        observations: Observations,
        samples: Samples,
        learning_rate: float,
        batches: Iterable[NDArray[np.int64]],
        reference: Reference = NO_REFERENCE,
        submit: Callable[..., Future[None]] = WORKERS.submit,
    ) -> dict[str, float]:
        """One step for each minibatch.

        Args:
            observations: Where the samples' rows are.
            samples: What to learn from.
            learning_rate: Adam's step size.
            batches: The minibatches, as indices of samples or of sequences.
            reference: What an adversary is compared with.
            submit: How shares of a minibatch are run: in another thread, or `at_once`.

        Returns:
            The mean of each figure over the samples.
        """
        config = self._config
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        figures = np.zeros((SHARDS, len(FIGURES)))
        length = len(samples.rows) // samples.units
        for batch in batches:
            shards = np.array_split(batch, SHARDS)
            arguments = (observations, samples, reference, len(batch) * length)
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
        config, sequences = self._config, samples.sequences
        self._gradients[shard].fill(0)
        memory: tuple[Array, ...] = ()
        if sequences is not None:
            memory = sequences.starts[chosen], sequences.going_on.take(chosen, 1)
            chosen = sequences.samples(chosen)
        self.network.add_gradient(
            self.network.weights, self._views[shard], self.network.kind,
            observations.index, observations.value, observations.count,
            samples.rows[chosen], *memory, chosen, samples.actions, samples.log_probs,
            samples.advantages, samples.targets, samples.contexts, reference.log_probs,
            reference.residual, reference.kl, np.float32(reference.price),
            np.float32(config.clip), np.float32(self.entropy),
            np.float32(config.value_coefficient), np.float32(1 / total), figures,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


@dataclass(frozen=True)
class Lesson:
    """What one learner learns in one update.

    Attributes:
        learner: Who learns.
        samples: From what.
        generator: Shuffles the samples.
        reference: What an adversary is compared with.
    """

    learner: Learner
    samples: Samples
    generator: np.random.Generator
    reference: Reference = NO_REFERENCE


def learn_all(
    lessons: Sequence[Lesson], observations: Observations, learning_rate: float, config: TrainConfig
) -> list[dict[str, float]]:
    """Updates learners that do not depend on each other.

    Learners get a thread each where that keeps all threads busy; otherwise they take turns and
    share out their minibatches. The results are the same, bit for bit.

    Args:
        lessons: Who learns what; generators are used in this order.
        observations: Where the samples' rows are.
        learning_rate: Adam's step size.
        config: Says how many epochs and minibatches.

    Returns:
        The figures of each lesson.
    """
    dealt = [
        list(minibatches(o.samples.units, config.epochs, config.minibatches, o.generator))
        for o in lessons
    ]
    sizes = [len(lesson.samples.rows) for lesson in lessons]
    together = max(sizes) * SHARDS <= sum(sizes)

    def learn(number: int) -> dict[str, float]:
        lesson, submit = lessons[number], at_once if together else WORKERS.submit
        return lesson.learner.update(
            observations, lesson.samples, learning_rate, dealt[number], lesson.reference, submit
        )

    jobs = [partial(learn, number) for number in range(len(lessons))]
    return side_by_side(jobs, sizes) if together else [job() for job in jobs]


def shorten(gradient: NDArray[np.float32], longest: float) -> None:
    """Scales a gradient that is longer than `longest` to that length, in place."""
    norm = float(np.sqrt(np.dot(gradient, gradient)))
    if norm > longest:
        gradient *= np.float32(longest / norm)


def minibatches(
    size: int, epochs: int, parts: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Shuffles samples or sequences in each epoch and deals them out in nearly equal `parts`."""
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
