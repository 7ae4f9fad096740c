import numpy as np
import pytest
import torch

from training.kernels import activate
from training.loss import FIGURES, NO_KL
from training.networks import ActorCritic, Observations
from training.passes import loss_gradient_of_weights

ROWS, ACTIONS, HIDDEN, WIDTH = 40, 6, 16, 9


def some_network(activation, size):
    """A network with large enough weights, and observations for it, sparse and dense."""
    observations, dense = random_observations(np.random.default_rng(3), size)
    network = ActorCritic(
        ROWS, ACTIONS, HIDDEN, activation, torch.Generator().manual_seed(1), num_contexts=2,
        actor_gain=1.0, active_inputs=1000,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(2)
    network.flat += 0.1 * torch.randn(len(network.flat), generator=generator)  # biases too
    return observations, dense, network


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


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("size", [1, 64, 133])
def test_compiled_network_equals_the_one_in_torch(activation, size):
    observations, dense, network = some_network(activation, size)
    rows = np.random.default_rng(4).permutation(size)
    logits, values = network.evaluate(observations, rows)
    their_logits, their_values, _ = network(dense[rows])
    torch.testing.assert_close(torch.from_numpy(logits), their_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.from_numpy(values), their_values, rtol=1e-4, atol=1e-4)
    assert torch.equal(observations.dense(rows, ROWS), dense[rows])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("size", [1, 64, 133])
def test_gradient_of_the_weights_equals_autograd(activation, size):
    observations, dense, network = some_network(activation, size)
    generator = np.random.default_rng(6)
    rows, actions = generator.permutation(size), generator.integers(0, ACTIONS, size)
    contexts = generator.integers(0, 2, size)
    old, advantages, targets = generator.normal(size=(3, size)).astype(np.float32)
    reference = np.zeros((0, 0), np.float32)
    buffer, figures = np.zeros(len(network.flat), np.float32), np.zeros(len(FIGURES))
    chosen = np.arange(size)
    loss_gradient_of_weights(
        network.weights, network.views(buffer), network.kind, observations.index,
        observations.value, observations.count, rows, chosen, actions, old, advantages, targets,
        contexts, reference, False, NO_KL, np.float32(0), np.float32(1e9), np.float32(0.1),
        np.float32(0.5), np.float32(1 / size), figures,
    )  # fmt: skip

    network.flat.requires_grad_()
    logits, values, _ = network(dense[rows])
    log_p = torch.log_softmax(logits, 1)
    ratio = torch.exp(log_p[chosen, actions] - torch.from_numpy(old))
    entropy = -(log_p.exp() * log_p).sum(1)
    error = values[chosen, contexts] - torch.from_numpy(targets)
    loss = -ratio * torch.from_numpy(advantages) - 0.1 * entropy + 0.25 * error**2
    loss.mean().backward()
    ours = network.views(buffer)
    theirs = network.views(network.flat.grad.numpy())
    for name, gradient in ours._asdict().items():
        other = getattr(theirs, name)
        assert gradient == pytest.approx(other, rel=1e-3, abs=1e-4 * float(np.abs(other).max())), (
            name
        )


def test_rational_tanh_is_close_to_tanh():
    points = np.linspace(-12, 12, 4001).astype(np.float32)
    ours = np.array([activate(point, 1) for point in points])
    assert np.abs(ours - np.tanh(points.astype(np.float64))).max() < 1e-6
