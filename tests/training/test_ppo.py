import math

import pytest
import torch

from training.ppo import clipped_objective, entropy_of


def objective(ratio, advantage):
    new = torch.tensor([math.log(ratio)], requires_grad=True)
    value = clipped_objective(new, torch.zeros(1), torch.tensor([advantage]), 0.2)
    value.backward()
    return value.item(), new.grad.item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "value", "slope"),
    [
        (1.1, 2.0, 2.2, 2.2),  # inside the range: the plain surrogate
        (1.5, 2.0, 2.4, 0.0),  # a good action that is likely enough already
        (0.5, 2.0, 1.0, 1.0),  # a good action that became unlikely is never clipped
        (0.5, -2.0, -1.6, 0.0),  # a bad action that is unlikely enough already
        (1.5, -2.0, -3.0, -3.0),  # a bad action that became likely is never clipped
    ],
)
def test_clipped_objective_in_each_of_its_cases(ratio, advantage, value, slope):
    assert objective(ratio, advantage) == pytest.approx((value, slope), abs=1e-5)


def test_entropy_of_uniform_and_certain_choices():
    rows = torch.log_softmax(torch.tensor([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0]]), 1)
    assert entropy_of(rows).tolist() == pytest.approx([math.log(3), 0.0], abs=1e-6)
