"""The hand-written gradient of the loss against autograd on the formulas of the papers."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from training.loss import FIGURES, NO_KL, REFERENCE_FIRST, REFERENCE_SECOND, loss_gradient
from training.ppo import minibatches, normalised, shorten

CLIP, ENTROPY, VALUE, PRICE = 0.2, 0.03, 0.5, 0.7
KLS = [(NO_KL, False), (REFERENCE_SECOND, True), (REFERENCE_SECOND, False), (REFERENCE_FIRST, True)]


def loss_by_autograd(logits, values, data, kl, residual):
    """The same loss in plain torch."""
    actions, old, advantages, targets, contexts, reference = map(torch.from_numpy, data)
    log_p = torch.log_softmax(logits + reference if residual else logits, 1)
    ratio = torch.exp(log_p.gather(1, actions[:, None])[:, 0] - old)
    surrogate = torch.minimum(
        ratio * advantages, torch.clamp(ratio, 1 - CLIP, 1 + CLIP) * advantages
    )
    entropy = -(log_p.exp() * log_p).sum(1)
    divergence = torch.zeros(len(old))
    if kl == REFERENCE_SECOND:
        divergence = (log_p.exp() * (log_p - reference)).sum(1)
    if kl == REFERENCE_FIRST:
        divergence = (reference.exp() * (reference - log_p)).sum(1)
    error = values.gather(1, contexts[:, None])[:, 0] - targets
    value_loss = torch.square(error) / 2
    loss = (-surrogate - ENTROPY * entropy + PRICE * divergence + VALUE * value_loss).mean()
    return loss, [-surrogate, value_loss, entropy, divergence]


@pytest.mark.parametrize(("kl", "residual"), KLS)
def test_gradient_of_the_loss_equals_autograd(kl, residual):
    generator, size = np.random.default_rng(5), 200
    logits = torch.from_numpy(generator.normal(size=(size, 6)).astype(np.float32))
    values = torch.from_numpy(generator.normal(size=(size, 2)).astype(np.float32))
    reference = torch.log_softmax(torch.from_numpy(generator.normal(size=(size, 6))), 1).float()
    actions = generator.integers(0, 6, size)
    shown = logits + reference if residual else logits
    new = torch.log_softmax(shown, 1).numpy()[np.arange(size), actions]
    old = (new + generator.normal(size=size) * 0.3).astype(np.float32)  # some are clipped
    advantages, targets = generator.normal(size=(2, size)).astype(np.float32)
    contexts = generator.integers(0, 2, size)
    data = (actions, old, advantages, targets, contexts, reference.numpy())

    dlogits, dvalues = np.empty((size, 6), np.float32), np.zeros((size, 2), np.float32)
    figures = np.zeros(len(FIGURES))
    loss_gradient(
        logits.numpy(), values.numpy(), np.arange(size), *data, residual, kl, np.float32(PRICE),
        np.float32(CLIP), np.float32(ENTROPY), np.float32(VALUE), np.float32(1 / size), dlogits,
        dvalues, figures,
    )  # fmt: skip

    logits.requires_grad_()
    values.requires_grad_()
    loss, parts = loss_by_autograd(logits, values, data, kl, residual)
    loss.backward()
    assert dlogits == pytest.approx(logits.grad.numpy(), abs=1e-6)
    assert dvalues == pytest.approx(values.grad.numpy(), abs=1e-6)
    assert figures[:4] == pytest.approx([part.sum().item() for part in parts], abs=1e-3)
    assert 0 < figures[4] < size


def test_minibatches_deal_out_every_sample_once_per_epoch():
    dealt = list(minibatches(10, 2, 3, np.random.default_rng(0)))
    assert [len(batch) for batch in dealt] == [4, 3, 3, 4, 3, 3]
    for epoch in (dealt[:3], dealt[3:]):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(10))


def test_long_gradients_are_shortened_as_torch_does_and_short_ones_are_kept():
    for size in (0.1, 3.0):
        gradient = (size * np.random.default_rng(0).normal(size=50) / 50**0.5).astype(np.float32)
        parameter = torch.zeros(50, requires_grad=True)
        parameter.grad = torch.from_numpy(gradient.copy())
        torch.nn.utils.clip_grad_norm_([parameter], 0.5)
        shorten(gradient, 0.5)
        assert gradient == pytest.approx(parameter.grad.numpy(), rel=1e-4)


def test_advantages_get_deviation_one_unless_they_are_only_noise():
    large = np.float32([1, 3, 5, 7])
    scaled, scale = normalised(large, 0.02)
    assert scale == pytest.approx(5**0.5)
    assert scaled == pytest.approx((large - 4) / 5**0.5)
    noise, scale = normalised(large / 1000, 0.02)
    assert scale == 0.02
    assert noise == pytest.approx((large - 4) / 1000 / 0.02, rel=1e-4)


def test_matrix_products_keep_to_one_thread():
    """Threads of BLAS would wait for each other where the processors are busy."""
    code = (
        "import training.ppo, threadpoolctl as t; "
        "print(sorted({p['num_threads'] for p in t.threadpool_info() if p['user_api'] == 'blas'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1]\n"
