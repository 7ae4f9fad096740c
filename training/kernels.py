"""The compiled loops of training: sparse first layer, sampling, advantages.

An observation of a kitchen has some hundred numbers of which a dozen are neither zero nor the
same in every state. So the first layer is a sum of a dozen rows of a table, and its gradient
touches only these rows; a dense layer would multiply zeros nine times out of ten.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import digest_of

MODULES = ("gae", "gru", "kernels", "loss", "passes")  # all that use jit
Array = NDArray[Any]
RELU, TANH = 0, 1
SOURCES = digest_of(*(Path(__file__).with_name(f"{name}.py") for name in MODULES))


def jit(function: Callable[..., Any]) -> Any:
    """Compiles a function on its first call and keeps the machine code on disk.

    The arithmetic is exactly as written (no fastmath): the optimiser is free to reassociate
    fastmath differently in the process that compiles than in those that load the result, and the
    same command would give other weights the second time.
    """
    function.__qualname__ += f"-{SOURCES}"
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)


@jit
def activate(x: Any, kind: int) -> Any:
    """Rectifier or tanh; tanh by the rational approximation of degree 13/6, exact to 4e-7."""
    if kind == 0:
        return max(x, np.float32(0))
    x = min(max(x, np.float32(-7.90531110763549805)), np.float32(7.90531110763549805))
    y = x * x
    p = np.float32(-2.76076847742355e-16)
    p = p * y + np.float32(2.00018790482477e-13)
    p = p * y + np.float32(-8.60467152213735e-11)
    p = p * y + np.float32(5.12229709037114e-08)
    p = p * y + np.float32(1.48572235717979e-05)
    p = p * y + np.float32(6.37261928875436e-04)
    p = p * y + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * y + np.float32(1.18534705686654e-04)
    q = q * y + np.float32(2.26843463243900e-03)
    q = q * y + np.float32(4.89352518554385e-03)
    return x * p / q


@jit
def embed(
    index: Array, value: Array, count: Array, rows: Array,
    table: Array, bias: Array, kind: int, out: Array,
) -> None:  # fmt: skip
    """First layer of the chosen observations, actor's and critic's half in one pass.

    Args:
        index: [R, K] rows of the table; only the first count[r] of a row count.
        value: [R, K] what they are multiplied with.
        count: [R] number of entries.
        rows: [B] which observations.
        table: [V, 2H] float32.
        bias: [2H] float32.
        kind: RELU or TANH.
        out: [2, ≥ B, H] float32, overwritten.
    """
    width = table.shape[1]
    half = width // 2
    total = np.empty(width, np.float32)
    for b in range(rows.shape[0]):
        r = rows[b]
        for h in range(width):
            total[h] = bias[h]
        n, k = count[r], 0
        while k + 4 <= n:  # four rows per sweep: a quarter of the loads and stores of `total`
            i0, i1, i2, i3 = index[r, k], index[r, k + 1], index[r, k + 2], index[r, k + 3]
            v0, v1 = np.float32(value[r, k]), np.float32(value[r, k + 1])
            v2, v3 = np.float32(value[r, k + 2]), np.float32(value[r, k + 3])
            for h in range(width):
                total[h] += (
                    v0 * table[i0, h] + v1 * table[i1, h] + v2 * table[i2, h] + v3 * table[i3, h]
                )
            k += 4
        while k < n:
            i0, v0 = index[r, k], np.float32(value[r, k])
            for h in range(width):
                total[h] += v0 * table[i0, h]
            k += 1
        if kind == 0:
            for h in range(half):
                out[0, b, h] = max(total[h], np.float32(0))
                out[1, b, h] = max(total[half + h], np.float32(0))
        else:
            for h in range(half):
                out[0, b, h] = activate(total[h], 1)
                out[1, b, h] = activate(total[half + h], 1)


@jit
def embed_gradient(
    index: Array, value: Array, count: Array, rows: Array,
    x: Array, dx: Array, kind: int, table_gradient: Array, bias_gradient: Array,
) -> None:  # fmt: skip
    """Adds the gradient of `embed` to `table_gradient` [V, 2H] and `bias_gradient` [2H].

    Args:
        index: As in `embed`, and so are value, count and rows.
        value: See index.
        count: See index.
        rows: See index.
        x: [2, ≥ B, H] what `embed` returned.
        dx: [2, ≥ B, H] gradient with respect to it.
        kind: RELU or TANH.
        table_gradient: Added to.
        bias_gradient: Added to.
    """
    width = table_gradient.shape[1]
    half = width // 2
    d = np.empty(width, np.float32)
    for b in range(rows.shape[0]):
        r = rows[b]
        for side in range(2):
            at = side * half
            if kind == 0:
                for h in range(half):
                    d[at + h] = dx[side, b, h] if x[side, b, h] > 0 else np.float32(0)
            else:
                for h in range(half):
                    d[at + h] = dx[side, b, h] * (np.float32(1) - x[side, b, h] * x[side, b, h])
        for h in range(width):
            bias_gradient[h] += d[h]
        for k in range(count[r]):
            i, v = index[r, k], np.float32(value[r, k])
            for h in range(width):
                table_gradient[i, h] += v * d[h]


@jit
def sample_actions(
    logits: Array, uniforms: Array, rows: Array, actions: Array, log_probs: Array
) -> None:
    """Draws one action per row of `logits` and stores it, with its log-probability, at `rows`.

    Args:
        logits: [B, C] float32.
        uniforms: [R] in [0, 1); entry rows[b] decides row b.
        rows: [B] where the results go.
        actions: [R], overwritten at rows.
        log_probs: [R], overwritten at rows.
    """
    choices = logits.shape[1]
    weights = np.empty(choices, np.float64)
    for b in range(rows.shape[0]):
        r = rows[b]
        top = logits[b, 0]
        for c in range(1, choices):
            top = max(top, logits[b, c])
        total = 0.0
        for c in range(choices):
            weights[c] = np.exp(np.float64(logits[b, c] - top))
            total += weights[c]
        threshold = uniforms[r] * total
        chosen, cumulative = 0, weights[0]
        while cumulative <= threshold and chosen < choices - 1:
            chosen += 1
            cumulative += weights[chosen]
        actions[r] = chosen
        log_probs[r] = np.log(weights[chosen] / total)


@jit
def sparsify(dense: Array, index: Array, value: Array, count: Array) -> None:
    """Lists the non-zero entries of dense [R, F] in index, value [R, K] and count [R]."""
    for r in range(dense.shape[0]):
        n = 0
        for f in range(dense.shape[1]):
            if dense[r, f] != 0:
                index[r, n] = f
                value[r, n] = dense[r, f]
                n += 1
        count[r] = n


@jit
def sparsify_bytes(words: Array, dense: Array, index: Array, value: Array, count: Array) -> None:
    """As `sparsify` for bytes, of which words [R, F / 4] are four each: most are zero together."""
    for r in range(words.shape[0]):
        n = 0
        for word in range(words.shape[1]):
            if words[r, word] != 0:
                for f in range(4 * word, 4 * word + 4):
                    if dense[r, f] != 0:
                        index[r, n] = f
                        value[r, n] = dense[r, f]
                        n += 1
        count[r] = n
