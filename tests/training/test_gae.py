import numpy as np
import pytest

from training.gae import advantages


def gae(rewards, values, last, done, discount, gae_lambda):
    arrays = [np.asarray(array, np.float32) for array in (rewards, values, last)]
    return advantages(*arrays, np.asarray(done), discount, gae_lambda)


def test_lambda_one_is_the_discounted_return_minus_the_value():
    rewards, values = np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [0.25], [-1.0]])
    got = gae(rewards, values, [10.0], [[False]] * 3, 0.9, 1.0)
    returns = [1 + 0.9 * 2 + 0.81 * 3 + 0.729 * 10, 2 + 0.9 * 3 + 0.81 * 10, 3 + 0.9 * 10]
    assert got[:, 0] == pytest.approx(np.array(returns) - values[:, 0], abs=1e-5)


def test_lambda_zero_is_the_temporal_difference():
    got = gae([[1.0], [2.0]], [[3.0], [4.0]], [5.0], [[False], [False]], 0.9, 0.0)
    assert got[:, 0] == pytest.approx([1 + 0.9 * 4 - 3, 2 + 0.9 * 5 - 4], abs=1e-6)


def test_constant_reward_and_zero_values_give_the_geometric_sum():
    steps, decay = 50, 0.99 * 0.95
    got = gae(np.ones((steps, 1)), np.zeros((steps, 1)), [0.0], [[False]] * steps, 0.99, 0.95)
    assert got[0, 0] == pytest.approx((1 - decay**steps) / (1 - decay), rel=1e-5)


def test_an_episode_end_hides_everything_after_it():
    rewards, values = np.ones((4, 2)), np.zeros((4, 2))
    done = np.array([[False, False], [True, False], [False, False], [False, False]])
    got = gae(rewards, values, [100.0, 100.0], done, 1.0, 1.0)
    assert got.tolist() == [[2, 104], [1, 103], [102, 102], [101, 101]]
