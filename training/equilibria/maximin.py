"""The limit tau = infinity: a player that expects the worst, whatever the others really play."""

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.special import logsumexp, softmax

from training.equilibria.games import Array

BINDING = 1e-6  # probability above which the worst case is taken to use an outcome


def maximin(matrix: Array, epsilon: float) -> tuple[Array, Array]:
    """The strategy x that maximises min over p of x'Ap + epsilon * entropy(x), and that p.

    Args:
        matrix: [n, M] own utility A by own action and the others' joint action.
        epsilon: Weight of the entropy. With 0 the strategy need not be unique; one is returned.

    Returns:
        Strategies x [n] and p [M].
    """
    if epsilon == 0:
        return _security(matrix), _security(-matrix.T)
    return _with_entropy(matrix, epsilon)


def _security(matrix: Array) -> Array:
    """[n] a security strategy: maximise w subject to (x'A)_a >= w, a linear program."""
    size, outcomes = matrix.shape
    found = linprog(
        np.concatenate([np.zeros(size), [-1.0]]),
        A_ub=np.hstack([-matrix.T, np.ones((outcomes, 1))]),
        b_ub=np.zeros(outcomes),
        A_eq=np.concatenate([np.ones(size), [0.0]])[None],
        b_eq=[1.0],
        bounds=[(0, 1)] * size + [(None, None)],
        method="highs",
    )
    strategy = np.clip(found.x[:size], 0, 1)
    return np.asarray(strategy / strategy.sum())


def _with_entropy(matrix: Array, epsilon: float) -> tuple[Array, Array]:
    """By duality: p minimises epsilon * logsumexp(Ap / epsilon), and x is its softmax."""
    outcomes = matrix.shape[1]
    found = minimize(
        lambda p: epsilon * logsumexp(matrix @ p / epsilon),
        np.full(outcomes, 1 / outcomes),
        jac=lambda p: matrix.T @ softmax(matrix @ p / epsilon),
        bounds=[(0, 1)] * outcomes,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    worst = np.clip(found.x, 0, 1)
    worst = _polish(matrix, epsilon, worst / worst.sum())
    return softmax(matrix @ worst / epsilon), worst


def _polish(matrix: Array, epsilon: float, worst: Array) -> Array:
    """Newton's method on: all outcomes in use are equally bad, and their weights sum to one."""
    used = worst > BINDING
    own = matrix[:, used]
    weights = worst[used] / worst[used].sum()
    for _ in range(20):
        strategy = softmax(own @ weights / epsilon)
        values = strategy @ own
        spread = np.diag(strategy) - np.outer(strategy, strategy)
        hessian = own.T @ spread @ own / epsilon
        level = values @ weights
        system = np.block([[hessian, -np.ones((len(weights), 1))], [np.ones(len(weights)), 0.0]])
        change = np.linalg.lstsq(system, np.append(level - values, 0.0), rcond=None)[0]
        weights = weights + change[:-1]
        if np.abs(change[:-1]).max() < 1e-14:
            break
    if (weights < 0).any():
        return worst
    polished = np.zeros_like(worst)
    polished[used] = weights / weights.sum()
    return polished
