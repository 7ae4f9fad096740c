import numpy as np
import pytest
import torch

from training.kernels import activate
from training.networks import ActorCritic, Observations

ROWS, ACTIONS, HIDDEN, WIDTH = 40, 6, 16, 9


def random_observations(generator, number):
    """Sparse observations, padded with garbage, and the same as dense vectors."""
    index = generator.integers(0, ROWS, (number, WIDTH)).astype(np.int32)
    value = generator.integers(1, 20, (number, WIDTH)).astype(np.float32)
    count = generator.integers(0, WIDTH + 1, number).astype(np.int32)
    dense = np.zeros((number, ROWS), np.float32)
    for row in range(number):
        for k in range(count[row]):
            dense[row, index[row, k]] += value[row, k]
    return Observations(index, value, count), torch.from_numpy(dense)


def dense_forward(network, dense):
    function = {"relu": torch.relu, "tanh": torch.tanh}[network.activation]
    half = network.weight2.shape[1]
    first = function(dense @ network.table + network.bias1)
    actor, critic = first[:, :half], first[:, half:]
    actor = function(actor @ network.weight2[0] + network.bias2[0])
    critic = function(critic @ network.weight2[1] + network.bias2[1])
    return (
        actor @ network.actor_weight + network.actor_bias,
        critic @ network.critic_weight + network.critic_bias,
    )


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_sparse_network_and_its_gradient_equal_the_dense_ones(activation):
    generator = np.random.default_rng(3)
    observations, dense = random_observations(generator, 50)
    network = ActorCritic(
        ROWS, ACTIONS, HIDDEN, activation, torch.Generator().manual_seed(1), num_contexts=2,
        actor_gain=1.0, active_inputs=100,
    )  # fmt: skip
    rows = generator.permutation(50)[:33]

    logits, values = dense_forward(network, dense[rows])
    dlogits, dvalues = 2 * logits.detach(), torch.tensor([1.0, -2.0]).expand(33, 2).contiguous()
    (torch.square(logits).sum() + (values * dvalues).sum()).backward()
    run = network.run(observations, rows)
    torch.testing.assert_close(run.logits, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(run.values, values, rtol=1e-4, atol=1e-4)
    ours = network.gradient(run, dlogits, dvalues)
    for gradient, parameter in zip(ours, network.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-3, atol=1e-2)


def test_rational_tanh_is_close_to_tanh():
    points = np.linspace(-12, 12, 4001).astype(np.float32)
    ours = np.array([activate(point, 1) for point in points])
    assert np.abs(ours - np.tanh(points.astype(np.float64))).max() < 1e-6
