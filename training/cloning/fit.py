"""Fitting a model of people: cross-validation by pair, then all of the split's play."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.cloning.config import CloneConfig
from training.cloning.data import Batch, Play, batch_of, folds_of
from training.cloning.models import Cloner, make_model
from training.cloning.pace import SPANS

STRETCH = 100  # steps through which the gradient of a recurrent model flows
MAX_GRAD_NORM = 1.0
USUAL = 0.98  # share of the rests that are no longer than what is usual


@dataclass(frozen=True)
class Fitted:
    """A model and how well models like it predicted people whom they had not seen.

    Attributes:
        model: Fitted to all plays.
        epochs: Passes that cross-validation chose.
        log_likelihood: Mean log-likelihood per action of the unseen pairs, in nats.
        accuracy: Share of their actions that was the likeliest.
        by_fold: The log-likelihood in every fold.
        curve: The mean over folds after each pass.
    """

    model: Cloner
    epochs: int
    log_likelihood: float
    accuracy: float
    by_fold: list[float]
    curve: list[float]


def fit(plays: Sequence[Play], actions: int, config: CloneConfig) -> Fitted:
    """Chooses the number of passes by cross-validation and fits a model to all plays."""
    scores = np.array(
        [cross_validate(seen, unseen, actions, config)
         for seen, unseen in folds_of(plays, config.folds)]
    )  # fmt: skip
    curve = scores[:, :, 0].mean(0)
    best = int(curve.argmax())
    model = learn(plays, actions, config, best + 1)
    return Fitted(
        model, best + 1, float(curve[best]), float(scores[:, best, 1].mean()),
        scores[:, best, 0].tolist(), curve.tolist(),
    )  # fmt: skip


def cross_validate(
    seen: Sequence[Play], unseen: Sequence[Play], actions: int, config: CloneConfig
) -> list[tuple[float, float]]:
    """Log-likelihood and accuracy on the unseen plays after each pass over the seen ones."""
    held_out = batch_of(unseen)
    scores: list[tuple[float, float]] = []
    learn(seen, actions, config, config.epochs, lambda m: scores.append(score(m, held_out)))
    return scores


def score(model: Cloner, batch: Batch) -> tuple[float, float]:
    """Mean log-likelihood per action in nats, and the share that was the likeliest."""
    model.eval()
    with torch.no_grad():
        start = torch.zeros(batch.actions.shape[1], model.state_size)
        logits, _ = model.decide(torch.from_numpy(batch.inputs), start)
        loss = _losses(logits, torch.from_numpy(batch.actions)).numpy()
        right = logits.argmax(-1).numpy() == batch.actions
    return -float(np.average(loss, weights=batch.weights)), float(
        np.average(right, weights=batch.weights)
    )


def learn(
    plays: Sequence[Play],
    actions: int,
    config: CloneConfig,
    epochs: int,
    after_epoch: Callable[[Cloner], None] = lambda _: None,
) -> Cloner:
    """Fits a model by some passes over plays; the same arguments give the same weights."""
    batch = batch_of(plays)
    model = make_model(batch.inputs.shape[-1], actions, config)
    model.fit_scale(np.concatenate([play.inputs for play in plays]))
    if config.pace:
        model.patience.fill_(patience_of(plays))
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    run = _shuffled if model.state_size == 0 else _in_order
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are small, and results must not depend on the machine
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed + 1)
            for _ in range(epochs):
                model.train()
                for loss in run(model, batch, config):
                    optimiser.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
                    optimiser.step()
                after_epoch(model)
    finally:
        torch.set_num_threads(threads)
    model.eval()
    return model


def patience_of(plays: Sequence[Play]) -> float:
    """The length that all but the longest rests of people do not exceed, in steps."""
    counts = [np.append(play.inputs[:, -1], 0) * SPANS[-1] for play in plays]
    rests = np.concatenate([c[:-1][(c[:-1] > 0) & (c[1:] == 0)] for c in counts])
    return float(np.quantile(rests, USUAL)) if len(rests) else 0.0


def _losses(logits: Tensor, actions: Tensor) -> Tensor:
    flat = functional.cross_entropy(logits.flatten(0, -2), actions.flatten(), reduction="none")
    return flat.view_as(actions)


def _shuffled(model: Cloner, batch: Batch, config: CloneConfig) -> Iterator[Tensor]:
    """Losses of minibatches of single steps, in random order."""
    known = torch.from_numpy(batch.weights).flatten().bool()
    inputs = torch.from_numpy(batch.inputs).flatten(0, 1)[known]
    actions = torch.from_numpy(batch.actions).flatten()[known]
    for rows in torch.randperm(len(actions)).split(config.batch):
        logits, _ = model(inputs[rows], torch.zeros(0))
        yield _losses(logits, actions[rows]).mean()


def _in_order(model: Cloner, batch: Batch, config: CloneConfig) -> Iterator[Tensor]:
    """Losses of one stretch after the other, all plays side by side, memory handed on."""
    length, count = batch.actions.shape
    inputs, actions = torch.from_numpy(batch.inputs), torch.from_numpy(batch.actions)
    weights = torch.from_numpy(batch.weights)
    begin = int(torch.randint(1, STRETCH + 1, ()))  # so that gradients are cut elsewhere each time
    edges = [0, *range(begin, length, STRETCH), length]
    state = torch.zeros(count, model.state_size)
    for first, last in pairwise(edges):
        part = slice(first, last)
        logits, state = model(inputs[part], state.detach())
        yield (_losses(logits, actions[part]) * weights[part]).sum() / (STRETCH * count)
