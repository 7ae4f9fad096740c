"""Generalised advantage estimation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.kernels import Array, jit


def advantages(
    rewards: NDArray[np.float32],
    values: NDArray[np.float32],
    last_values: NDArray[np.float32],
    done: NDArray[np.bool_],
    discount: float,
    gae_lambda: float,
) -> NDArray[np.float32]:
    """Advantages of every step of a batch of trajectories.

    A_t = delta_t + discount * gae_lambda * A_{t+1}, delta_t = r_t + discount * V_{t+1} - V_t,
    where an episode's end cuts both V_{t+1} and A_{t+1}: the horizon is part of the task.

    Args:
        rewards: [T, S] reward after step t.
        values: [T, S] value of the state before step t.
        last_values: [S] value of the state after the last step.
        done: [T, S] whether step t ended its episode.
        discount: Discount factor per step.
        gae_lambda: Decay of the sum over temporal differences.

    Returns:
        [T, S]; add `values` for the targets of the critic.

    Source: Schulman et al. 2016 (arXiv 1506.02438), equation 16.
    """
    out = np.empty_like(rewards)
    _advantages(
        rewards, values, last_values, done, np.float32(discount), np.float32(gae_lambda), out
    )
    return out


@jit
def _advantages(
    rewards: Array, values: Array, last_values: Array, done: Array,
    discount: Any, gae_lambda: Any, out: Array,
) -> None:  # fmt: skip
    for s in range(rewards.shape[1]):
        following, next_value = np.float32(0), last_values[s]
        for t in range(rewards.shape[0] - 1, -1, -1):
            alive = np.float32(0) if done[t, s] else np.float32(1)
            delta = rewards[t, s] + discount * alive * next_value - values[t, s]
            following = delta + discount * gae_lambda * alive * following
            out[t, s] = following
            next_value = values[t, s]
