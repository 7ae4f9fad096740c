"""The passes of the network with a memory: a gated recurrent unit in place of the second layer.

From what the first layer says, x, and the state before, h, the unit makes the state after:

    r = logistic(x A_r + h B_r + b_r)           reset
    z = logistic(x A_z + h B_z + b_z)           update
    n = tanh(x A_n + b_n + r (h B_n + c_n))     candidate
    h' = n + z (h - n)

Source: Cho et al. 2014 (arXiv 1406.1078), in the form of `torch.nn.GRU`. Samples of a sequence
lie one step after the other: row t * B + b is step t of sequence b.
"""

from typing import Any, NamedTuple

import numpy as np

from training.kernels import Array, activate, embed, embed_gradient, jit
from training.loss import loss_gradient
from training.passes import BLOCK, add_product, add_rows

RESET, UPDATE, CANDIDATE = 0, 1, 2


class GruWeights(NamedTuple):
    """The network's weights, or their gradient, as float32 arrays.

    V rows of the table, H units, C actions, M values of the critic. Index 0 of the unit's arrays,
    and columns below H of the table, belong to the actor.
    """

    table: Array  # [V, 2H]
    bias1: Array  # [2H]
    input_weight: Array  # [2, 3, H, H] A for each gate
    state_weight: Array  # [2, 3, H, H] B for each gate
    gate_bias: Array  # [2, 4, H] b for each gate, and c_n
    actor_weight: Array  # [H, C]
    actor_bias: Array  # [C]
    critic_weight: Array  # [H, M]
    critic_bias: Array  # [M]


@jit
def unflatten(flat: Array, rows: int, hidden: int, actions: int, contexts: int) -> Any:
    """The GruWeights that lie one after the other in flat [P]: V, H, C and M as there."""
    square = 6 * hidden * hidden
    ends = np.cumsum(
        np.array([
            rows * 2 * hidden, 2 * hidden, square, square, 8 * hidden, hidden * actions, actions,
            hidden * contexts, contexts,
        ])
    )  # fmt: skip
    return GruWeights(
        flat[: ends[0]].reshape((rows, 2 * hidden)),
        flat[ends[0] : ends[1]],
        flat[ends[1] : ends[2]].reshape((2, 3, hidden, hidden)),
        flat[ends[2] : ends[3]].reshape((2, 3, hidden, hidden)),
        flat[ends[3] : ends[4]].reshape((2, 4, hidden)),
        flat[ends[4] : ends[5]].reshape((hidden, actions)),
        flat[ends[5] : ends[6]],
        flat[ends[6] : ends[7]].reshape((hidden, contexts)),
        flat[ends[7] : ends[8]],
    )


@jit
def multiply(x: Array, weight: Array, out: Array) -> None:
    """Writes x @ weight to `out`, in products that BLAS keeps to one thread."""
    for begin in range(0, x.shape[0], BLOCK):
        end = min(begin + BLOCK, x.shape[0])
        np.dot(x[begin:end], weight, out[begin:end])


@jit
def add_to_weight(x: Array, dy: Array, scratch: Array, total: Array) -> None:
    """Adds x.T @ dy to `total`, likewise."""
    for begin in range(0, x.shape[0], BLOCK):
        end = min(begin + BLOCK, x.shape[0])
        add_product(x[begin:end], dy[begin:end], scratch, total)


@jit
def logistic(x: Array, y: Array, bias: Array) -> None:
    """Turns x [B, H] into the logistic function of x + y + bias."""
    half = np.float32(0.5)
    for b in range(x.shape[0]):
        for h in range(x.shape[1]):
            x[b, h] = half + half * activate(half * (x[b, h] + y[b, h] + bias[h]), 1)


@jit
def step_gates(
    reset: Array, update: Array, candidate: Array, from_state: Array, bias: Array,
    before: Array, after: Array,
) -> None:  # fmt: skip
    """The unit's step, once the products are known.

    Args:
        reset: [B, H] x A of this gate on entry, r on return; the next two likewise.
        update: See reset.
        candidate: See reset.
        from_state: [3, B, H] h B of each gate; the last one has c_n added on return.
        bias: [4, H].
        before: [B, H] h.
        after: [B, H] out; h'.
    """
    logistic(reset, from_state[RESET], bias[RESET])
    logistic(update, from_state[UPDATE], bias[UPDATE])
    held = from_state[CANDIDATE]
    for b in range(held.shape[0]):
        for h in range(held.shape[1]):
            held[b, h] += bias[3, h]
            candidate[b, h] += bias[CANDIDATE, h] + reset[b, h] * held[b, h]
        for h in range(held.shape[1]):
            candidate[b, h] = activate(candidate[b, h], 1)
        for h in range(held.shape[1]):
            n = candidate[b, h]
            after[b, h] = n + update[b, h] * (before[b, h] - n)


@jit
def step_gates_gradient(
    reset: Array, update: Array, candidate: Array, held: Array, before: Array, dafter: Array
) -> None:
    """Turns what `step_gates` left into the gradient with respect to the products.

    Args:
        reset: [B, H] r on entry, the gradient of x A_r and h B_r on return.
        update: [B, H] z, likewise.
        candidate: [B, H] n, likewise of x A_n.
        held: [B, H] h B_n + c_n, likewise of h B_n.
        before: [B, H] h.
        dafter: [B, H] gradient of h' on entry; on return the part of h's that passes by the gates.
    """
    one = np.float32(1)
    for b in range(reset.shape[0]):
        for h in range(reset.shape[1]):
            r, z, n, c, d = reset[b, h], update[b, h], candidate[b, h], held[b, h], dafter[b, h]
            dn = d * (one - z) * (one - n * n)
            update[b, h] = d * (before[b, h] - n) * z * (one - z)
            candidate[b, h] = dn
            held[b, h] = dn * r
            reset[b, h] = dn * c * r * (one - r)
            dafter[b, h] = d * z


@jit
def remember(w: Any, x: Array, state: Array) -> None:
    """One step of actor's and critic's unit.

    Args:
        w: GruWeights.
        x: [2, B, H] the first layer.
        state: [2, B, H] h on entry, h' on return.
    """
    shape = (3, x.shape[1], x.shape[2])
    gates, from_state = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for side in range(2):
        for gate in range(3):
            multiply(x[side], w.input_weight[side, gate], gates[gate])
            multiply(state[side], w.state_weight[side, gate], from_state[gate])
        step_gates(
            gates[RESET], gates[UPDATE], gates[CANDIDATE], from_state, w.gate_bias[side],
            state[side], state[side],
        )  # fmt: skip


@jit
def heads(w: Any, states: Array, logits: Array, values: Array) -> None:
    """Logits [B, C] and values [B, M] of states [2, B, H]."""
    multiply(states[0], w.actor_weight, logits)
    multiply(states[1], w.critic_weight, values)
    for b in range(logits.shape[0]):
        for c in range(logits.shape[1]):
            logits[b, c] += w.actor_bias[c]
        for c in range(values.shape[1]):
            values[b, c] += w.critic_bias[c]


@jit
def forward_many(
    flat: Array, table_rows: int, hidden: int, kind: int, index: Array, value: Array,
    count: Array, rows: Array, ends: Array, begin: int, end: int, state: Array, logits: Array,
    values: Array,
) -> None:  # fmt: skip
    """Evaluates some networks, each on observations of its own; see `passes.forward_many`.

    Args:
        flat: [G, P] their weights.
        table_rows: V.
        hidden: H.
        kind: RELU or TANH, the first layer's.
        index: [R, K] as in `kernels.embed`, and so are value and count.
        value: See index.
        count: See index.
        rows: [B] which observations; network g reads rows[ends[g]] to rows[ends[g + 1] - 1].
        ends: [G + 1] ascending.
        begin: First network to evaluate.
        end: The one after the last.
        state: [B, 2H] what is remembered before; on return, what is remembered after.
        logits: [B, C] out.
        values: [B, M] out.
    """
    for g in range(begin, end):
        size = ends[g + 1] - ends[g]
        if size > 0:
            w = unflatten(flat[g], table_rows, hidden, logits.shape[1], values.shape[1])
            own = slice(ends[g], ends[g + 1])
            x, h = np.empty((2, size, hidden), np.float32), np.empty((2, size, hidden), np.float32)
            embed(index, value, count, rows[own], w.table, w.bias1, kind, x)
            for side in range(2):
                h[side] = state[own, side * hidden : (side + 1) * hidden]
            remember(w, x, h)
            for side in range(2):
                state[own, side * hidden : (side + 1) * hidden] = h[side]
            heads(w, h, logits[own], values[own])


@jit
def go_through(
    w: Any, side: int, x: Array, starts: Array, going_on: Array, gates: Array, held: Array,
    before: Array, after: Array,
) -> None:  # fmt: skip
    """All steps of one unit.

    Args:
        w: GruWeights.
        side: 0 for the actor's unit, 1 for the critic's.
        x: [T * B, H] the first layer.
        starts: [B, H] h before the first step.
        going_on: [T, B] as in `loss_gradient_of_weights`.
        gates: [3, T * B, H] out; r, z and n.
        held: [T * B, H] out; h B_n + c_n.
        before: [T * B, H] out; h.
        after: [T * B, H] out; h'.
    """
    steps, count = going_on.shape
    from_state, last = np.empty((3, *starts.shape), np.float32), starts
    for gate in range(3):
        multiply(x, w.input_weight[side, gate], gates[gate])
    for t in range(steps):
        here = slice(t * count, (t + 1) * count)
        for b in range(count):
            for h in range(starts.shape[1]):
                before[here.start + b, h] = going_on[t, b] * last[b, h]
        for gate in range(3):
            multiply(before[here], w.state_weight[side, gate], from_state[gate])
        step_gates(
            gates[RESET, here], gates[UPDATE, here], gates[CANDIDATE, here], from_state,
            w.gate_bias[side], before[here], after[here],
        )  # fmt: skip
        held[here] = from_state[CANDIDATE]
        last = after[here]


@jit
def go_back(
    w: Any, g: Any, side: int, x: Array, going_on: Array, gates: Array, held: Array,
    before: Array, dafter: Array, dx: Array,
) -> None:  # fmt: skip
    """The gradient of `go_through`, whose results are overwritten.

    Args:
        w: GruWeights.
        g: GruWeights; the gradient so far.
        side: See `go_through`, also for what follows.
        x: See side.
        going_on: See side.
        gates: See side.
        held: See side.
        before: See side.
        dafter: [T * B, H] gradient of h' by what is said in its step.
        dx: [T * B, H] out.
    """
    steps, count = going_on.shape
    part = np.empty((3, count, x.shape[1]), np.float32)
    for t in range(steps - 1, -1, -1):
        here = slice(t * count, (t + 1) * count)
        reset, update, hold = gates[RESET, here], gates[UPDATE, here], held[here]
        step_gates_gradient(
            reset, update, gates[CANDIDATE, here], hold, before[here], dafter[here]
        )  # fmt: skip
        if t > 0:
            multiply(reset, w.state_weight[side, RESET].T, part[RESET])
            multiply(update, w.state_weight[side, UPDATE].T, part[UPDATE])
            multiply(hold, w.state_weight[side, CANDIDATE].T, part[CANDIDATE])
            for b in range(count):
                row = here.start + b
                for h in range(x.shape[1]):
                    by_gates = part[RESET, b, h] + part[UPDATE, b, h] + part[CANDIDATE, b, h]
                    dafter[row - count, h] += going_on[t, b] * (dafter[row, h] + by_gates)
    product, square = np.empty_like(x), np.empty((x.shape[1], x.shape[1]), np.float32)
    dx[:] = np.float32(0)
    for gate in range(3):
        add_to_weight(x, gates[gate], square, g.input_weight[side, gate])
        add_rows(gates[gate], g.gate_bias[side, gate])
        multiply(gates[gate], w.input_weight[side, gate].T, product)
        dx += product
        from_state = held if gate == CANDIDATE else gates[gate]
        add_to_weight(before, from_state, square, g.state_weight[side, gate])
    add_rows(held, g.gate_bias[side, 3])


@jit
def loss_gradient_of_weights(
    w: Any, g: Any, kind: int, index: Array, value: Array, count: Array, rows: Array,
    starts: Array, going_on: Array, chosen: Array, actions: Array, old_log_probs: Array,
    advantages: Array, targets: Array, contexts: Array, reference: Array, residual: bool, kl: int,
    price: Any, clip: Any, entropy_weight: Any, value_weight: Any, scale: Any, figures: Array,
) -> None:  # fmt: skip
    """Adds the gradient of the PPO loss of B whole sequences of T steps to `g`.

    Args:
        w: GruWeights.
        g: GruWeights; the gradient so far.
        kind: RELU or TANH, the first layer's.
        index: [R, K] as in `kernels.embed`, and so are value and count.
        value: See index.
        count: See index.
        rows: [T * B] which observations.
        starts: [B, 2H] what is remembered before the first step.
        going_on: [T, B] float32; 0 where a step begins an episode, so that nothing is remembered.
        chosen: [T * B] which samples they belong to; this and what follows as in `loss_gradient`.
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
    size, hidden = len(rows), starts.shape[1] // 2
    x, dx = np.empty((2, size, hidden), np.float32), np.empty((2, size, hidden), np.float32)
    gates, held = np.empty((2, 3, size, hidden), np.float32), np.empty_like(x)
    before, after, dafter = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    embed(index, value, count, rows, w.table, w.bias1, kind, x)
    for side in range(2):
        begun = starts[:, side * hidden : (side + 1) * hidden].copy()
        go_through(
            w, side, x[side], begun, going_on, gates[side], held[side], before[side], after[side]
        )  # fmt: skip
    logits = np.empty((size, w.actor_weight.shape[1]), np.float32)
    values = np.empty((size, w.critic_weight.shape[1]), np.float32)
    heads(w, after, logits, values)
    dlogits, dvalues = np.empty_like(logits), np.zeros_like(values)
    loss_gradient(
        logits, values, chosen, actions, old_log_probs, advantages, targets, contexts, reference,
        residual, kl, price, clip, entropy_weight, value_weight, scale, dlogits, dvalues, figures,
    )  # fmt: skip
    add_to_weight(after[0], dlogits, np.empty_like(w.actor_weight), g.actor_weight)
    add_to_weight(after[1], dvalues, np.empty_like(w.critic_weight), g.critic_weight)
    add_rows(dlogits, g.actor_bias)
    add_rows(dvalues, g.critic_bias)
    multiply(dlogits, w.actor_weight.T, dafter[0])
    multiply(dvalues, w.critic_weight.T, dafter[1])
    for side in range(2):
        go_back(
            w, g, side, x[side], going_on, gates[side], held[side], before[side], dafter[side],
            dx[side],
        )  # fmt: skip
    embed_gradient(index, value, count, rows, x, dx, kind, g.table, g.bias1)
