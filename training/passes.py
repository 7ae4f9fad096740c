"""The network's forward and backward pass, in blocks of samples that stay in the cache.

One call does all the work on its samples without the interpreter: networks this small spend more
time in a general engine's calls than in arithmetic. Matrix products are BLAS's.
"""

from typing import Any, NamedTuple

import numpy as np

from training.kernels import RELU, Array, activate, embed, embed_gradient, jit
from training.loss import loss_gradient

BLOCK = 64
"""Samples in a block. A product of this size is the largest that OpenBLAS keeps to one thread."""


class Weights(NamedTuple):
    """The network's weights, or their gradient, as float32 arrays.

    V rows of the table, H units in each hidden layer, C actions, M values of the critic. Index 0
    of the second layer, and columns below H of the table, belong to the actor.
    """

    table: Array  # [V, 2H]
    bias1: Array  # [2H]
    weight2: Array  # [2, H, H]
    bias2: Array  # [2, H]
    actor_weight: Array  # [H, C]
    actor_bias: Array  # [C]
    critic_weight: Array  # [H, M]
    critic_bias: Array  # [M]


@jit
def forward_block(w: Any, kind: int, x1: Array, x2: Array, logits: Array, values: Array) -> None:
    """Second layer and heads.

    Args:
        w: Weights.
        kind: RELU or TANH.
        x1: [2, BLOCK, H] the first layer.
        x2: [2, BLOCK, H] out; the second layer.
        logits: [BLOCK, C] out.
        values: [BLOCK, M] out.
    """
    for side in range(2):
        out, bias = x2[side], w.bias2[side]
        np.dot(x1[side], w.weight2[side], out)
        for b in range(out.shape[0]):
            if kind == RELU:
                for h in range(out.shape[1]):
                    out[b, h] = max(out[b, h] + bias[h], np.float32(0))
            else:
                for h in range(out.shape[1]):
                    out[b, h] = activate(out[b, h] + bias[h], kind)
    np.dot(x2[0], w.actor_weight, logits)
    np.dot(x2[1], w.critic_weight, values)
    for b in range(logits.shape[0]):
        for c in range(logits.shape[1]):
            logits[b, c] += w.actor_bias[c]
        for c in range(values.shape[1]):
            values[b, c] += w.critic_bias[c]


@jit
def forward(
    w: Any, kind: int, index: Array, value: Array, count: Array, rows: Array,
    logits: Array, values: Array,
) -> None:  # fmt: skip
    """Evaluates the chosen observations.

    Args:
        w: Weights.
        kind: RELU or TANH.
        index: [R, K] as in `kernels.embed`, and so are value and count.
        value: See index.
        count: See index.
        rows: [B] which observations.
        logits: [B, C] out.
        values: [B, M] out.
    """
    hidden = w.weight2.shape[1]
    block = BLOCK
    while block >= 2 * len(rows):
        block //= 2
    x1 = np.zeros((2, block, hidden), np.float32)
    x2 = np.empty((2, block, hidden), np.float32)
    block_logits = np.empty((block, logits.shape[1]), np.float32)
    block_values = np.empty((block, values.shape[1]), np.float32)
    for begin in range(0, len(rows), block):
        size = min(block, len(rows) - begin)
        embed(index, value, count, rows[begin : begin + size], w.table, w.bias1, kind, x1)
        forward_block(w, kind, x1, x2, block_logits, block_values)
        logits[begin : begin + size] = block_logits[:size]
        values[begin : begin + size] = block_values[:size]


@jit
def unflatten(flat: Array, rows: int, hidden: int, actions: int, contexts: int) -> Any:
    """The Weights that lie one after the other in flat [P]: V, H, C and M as there."""
    ends = np.cumsum(
        np.array([
            rows * 2 * hidden, 2 * hidden, 2 * hidden * hidden, 2 * hidden, hidden * actions,
            actions, hidden * contexts, contexts,
        ])
    )  # fmt: skip
    return Weights(
        flat[: ends[0]].reshape((rows, 2 * hidden)),
        flat[ends[0] : ends[1]],
        flat[ends[1] : ends[2]].reshape((2, hidden, hidden)),
        flat[ends[2] : ends[3]].reshape((2, hidden)),
        flat[ends[3] : ends[4]].reshape((hidden, actions)),
        flat[ends[4] : ends[5]],
        flat[ends[5] : ends[6]].reshape((hidden, contexts)),
        flat[ends[6] : ends[7]],
    )


@jit
def forward_many(
    flat: Array, table_rows: int, hidden: int, kind: int, index: Array, value: Array,
    count: Array, rows: Array, ends: Array, begin: int, end: int, logits: Array, values: Array,
) -> None:  # fmt: skip
    """Evaluates some networks, each on observations of its own.

    Args:
        flat: [G, P] their weights.
        table_rows: V.
        hidden: H.
        kind: RELU or TANH.
        index: [R, K] as in `kernels.embed`, and so are value and count.
        value: See index.
        count: See index.
        rows: [B] which observations; network g reads rows[ends[g]] to rows[ends[g + 1] - 1].
        ends: [G + 1] ascending.
        begin: First network to evaluate.
        end: The one after the last.
        logits: [B, C] out.
        values: [B, M] out.
    """
    for g in range(begin, end):
        w = unflatten(flat[g], table_rows, hidden, logits.shape[1], values.shape[1])
        own = slice(ends[g], ends[g + 1])
        if ends[g] < ends[g + 1]:
            forward(w, kind, index, value, count, rows[own], logits[own], values[own])


@jit
def add_product(x: Array, y: Array, product: Array, total: Array) -> None:
    """Adds x.T @ y to `total`; `product` is scratch space of its shape."""
    np.dot(x.T, y, product)
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += product[i, j]


@jit
def add_rows(x: Array, total: Array) -> None:
    """Adds the sum over the rows of x to `total`."""
    for b in range(x.shape[0]):
        for h in range(x.shape[1]):
            total[h] += x[b, h]


@jit
def activation_gradient(x: Array, dx: Array, kind: int) -> None:
    """Turns dx, the gradient after the nonlinearity that gave x, into the one before it."""
    for b in range(x.shape[0]):
        if kind == RELU:
            for h in range(x.shape[1]):
                dx[b, h] = dx[b, h] if x[b, h] > 0 else np.float32(0)
        else:
            for h in range(x.shape[1]):
                dx[b, h] *= np.float32(1) - x[b, h] * x[b, h]


@jit
def loss_gradient_of_weights(
    w: Any, g: Any, kind: int, index: Array, value: Array, count: Array, rows: Array,
    chosen: Array, actions: Array, old_log_probs: Array, advantages: Array, targets: Array,
    contexts: Array, reference: Array, residual: bool, kl: int, price: Any, clip: Any,
    entropy_weight: Any, value_weight: Any, scale: Any, figures: Array,
) -> None:  # fmt: skip
    """Adds the gradient of the PPO loss of some samples to `g`.

    Args:
        w: Weights.
        g: Weights; the gradient so far.
        kind: RELU or TANH.
        index: [R, K] as in `kernels.embed`, and so are value and count.
        value: See index.
        count: See index.
        rows: [B] which observations.
        chosen: [B] which samples they belong to; this and what follows as in `loss_gradient`.
        actions: See chosen.
        old_log_probs: See chosen.
        advantages: See chosen.
        targets: See chosen.
        contexts: See chosen.
        reference: See chosen.
        residual: See chosen.
        kl: See chosen.
        price: See chosen.
        clip: See chosen.
        entropy_weight: See chosen.
        value_weight: See chosen.
        scale: See chosen.
        figures: See chosen.
    """
    hidden = w.weight2.shape[1]
    num_actions, num_values = w.actor_weight.shape[1], w.critic_weight.shape[1]
    x1, dx1 = np.zeros((2, BLOCK, hidden), np.float32), np.empty((2, BLOCK, hidden), np.float32)
    x2, dx2 = np.empty((2, BLOCK, hidden), np.float32), np.empty((2, BLOCK, hidden), np.float32)
    logits = np.empty((BLOCK, num_actions), np.float32)
    values = np.empty((BLOCK, num_values), np.float32)
    dlogits, dvalues = np.empty_like(logits), np.empty_like(values)
    square = np.empty((hidden, hidden), np.float32)
    tall, narrow = np.empty_like(w.actor_weight), np.empty_like(w.critic_weight)
    for begin in range(0, len(rows), BLOCK):
        size = min(BLOCK, len(rows) - begin)
        here = rows[begin : begin + size]
        embed(index, value, count, here, w.table, w.bias1, kind, x1)
        forward_block(w, kind, x1, x2, logits, values)
        # rows of a last, shorter block that stand for no sample must add nothing
        dlogits[:], dvalues[:] = np.float32(0), np.float32(0)
        loss_gradient(
            logits, values, chosen[begin : begin + size], actions, old_log_probs, advantages,
            targets, contexts, reference, residual, kl, price, clip, entropy_weight,
            value_weight, scale, dlogits, dvalues, figures,
        )  # fmt: skip
        add_product(x2[0], dlogits, tall, g.actor_weight)
        add_product(x2[1], dvalues, narrow, g.critic_weight)
        add_rows(dlogits, g.actor_bias)
        add_rows(dvalues, g.critic_bias)
        np.dot(dlogits, w.actor_weight.T, dx2[0])
        np.dot(dvalues, w.critic_weight.T, dx2[1])
        for side in range(2):
            activation_gradient(x2[side], dx2[side], kind)
            add_product(x1[side], dx2[side], square, g.weight2[side])
            add_rows(dx2[side], g.bias2[side])
            np.dot(dx2[side], w.weight2[side].T, dx1[side])
        embed_gradient(index, value, count, here, x1, dx1, kind, g.table, g.bias1)
