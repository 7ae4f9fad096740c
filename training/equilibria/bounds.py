"""Theorem 4.2: how much free-riding symmetric games of two with private costs leave room for."""

import numpy as np

from training.equilibria.games import Array

PRINTED, RESTORED = "printed", "restored"


def free_riding_bound(shared: Array, cost: Array, tau: Array, epsilon: float, form: str) -> Array:
    """The greatest difference of expected costs that an equilibrium can have, by tau.

    The theorem: with tau > 2 (epsilon log n + v) C^2 / (epsilon d^2) no equilibrium has a
    difference above d, where C is the range of the costs and v that of the utilities; here it is
    solved for d.

    Args:
        shared: [n, n] shared reward.
        cost: [n] private cost of each action, the same for both players.
        tau: [K] degrees of risk aversion of both players, above 0.
        epsilon: Weight of the entropy.
        form: "printed" as in the paper, or "restored" with epsilon^2 in the denominator, which is
            what its proof supports: a factor epsilon is lost where the strong concavity of the
            entropy is used.

    Returns:
        [K], no more than the range of the costs.
    """
    cost_range = float(np.ptp(cost))
    utility_range = float((shared.max() - cost.min()) - (shared.min() - cost.max()))
    room = 2 * (epsilon * np.log(len(cost)) + utility_range) * cost_range**2
    power = {PRINTED: 1, RESTORED: 2}[form]
    return np.minimum(np.sqrt(room / (epsilon**power * tau)), cost_range)
