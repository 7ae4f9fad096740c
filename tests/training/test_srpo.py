"""SRPO's adversary against closed forms of one-state games."""

import numpy as np
import pytest
import torch

from play.worlds.errors import UserError
from training.config import SelfPlayConfig, SrpoConfig
from training.loss import FIGURES, REFERENCE_FIRST, REFERENCE_SECOND, loss_gradient
from training.runs import make_trainer
from training.srpo import divergence, log_softmax, trembling

HERO_PAYOFF = np.array([1.0, 0.0, -2.0])
REFERENCE = np.array([0.5, 0.3, 0.2])


def learnt_adversary(payoff, reference, tau, residual=True, kl=REFERENCE_SECOND):
    """What gradient descent on the adversary's loss converges to, fed with exact returns."""
    size = len(payoff)
    log_reference = np.tile(np.log(reference), (size, 1)).astype(np.float32)
    own = torch.zeros(1, size)
    if not residual:
        own[:] = torch.from_numpy(log_reference[:1])
    own.requires_grad_()
    optimizer = torch.optim.Adam([own], lr=0.02)
    for _ in range(1500):
        logits = own.detach().numpy() + (log_reference[:1] if residual else 0)
        log_probs = log_softmax(logits)[0]
        # every action once, weighted by its probability: an infinite batch without noise
        weight = np.exp(log_probs) * size
        gain = (-payoff + (np.exp(log_probs) * payoff).sum()) * weight
        dlogits, dvalues = np.empty((size, size), np.float32), np.zeros((size, 1), np.float32)
        loss_gradient(
            np.tile(own.detach().numpy(), (size, 1)), dvalues, np.arange(size), np.arange(size),
            log_probs, gain.astype(np.float32), np.zeros(size, np.float32),
            np.zeros(size, np.int64), log_reference, residual, kl, np.float32(1 / tau),
            np.float32(0.2), np.float32(0), np.float32(0.5), np.float32(1 / size), dlogits,
            dvalues, np.zeros(len(FIGURES)),
        )  # fmt: skip
        own.grad = torch.from_numpy(dlogits.sum(0, keepdims=True))
        optimizer.step()
    return np.exp(log_softmax(own.detach().numpy() + (log_reference[:1] if residual else 0)))[0]


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(
    ("tau", "expected"),
    [(0.1, (0.453917, 0.300994, 0.245090)), (1.0, (0.093763, 0.152925, 0.753312))],
)
def test_adversary_reaches_the_entropic_risk_measure(tau, expected, residual):
    """KL(adversary || partner): p* is proportional to r exp(-tau q)."""
    got = learnt_adversary(HERO_PAYOFF, REFERENCE, tau, residual=residual)
    assert got == pytest.approx(expected, abs=2e-3)


def test_forward_direction_reaches_its_own_closed_form():
    """KL(partner || adversary) with two actions; differs from the paper's direction."""
    tau, chance = 2.0, 0.6
    got = learnt_adversary(
        np.array([1.0, 0.0]), np.array([chance, 1 - chance]), tau, kl=REFERENCE_FIRST
    )
    root = np.sqrt((tau + 1) ** 2 - 4 * tau * chance)
    assert got[0] == pytest.approx((tau + 1 - root) / (2 * tau), abs=2e-3)
    papers = chance * np.exp(-tau) / (chance * np.exp(-tau) + 1 - chance)
    assert abs(got[0] - papers) > 0.05


def test_divergence_of_the_oracle_game_in_both_directions():
    p = np.log(np.array([[0.093763, 0.152925, 0.753312]], np.float32))
    r = np.log(REFERENCE[None].astype(np.float32))
    assert divergence(p + 5, r, "adversary") == pytest.approx([0.739024], abs=1e-5)
    forward = (REFERENCE * (np.log(REFERENCE) - p[0])).sum()
    assert divergence(p + 5, r, "partner") == pytest.approx([forward], abs=1e-5)


def test_trembling_mixes_with_uniform_play():
    logits = np.array([[50.0, 0.0, 0.0, 0.0]], np.float32)
    assert np.exp(trembling(logits, 0.2))[0] == pytest.approx([0.85, 0.05, 0.05, 0.05])


def small(**settings):
    return SrpoConfig(world="tiny/goal", num_envs=6, rollout_length=8, **settings)


def test_rewards_carry_the_price_of_deviation_and_are_opposed():
    trainer = make_trainer("srpo", small(tau=2.0))
    trainer.iterate()
    trainer.divergence[:] = 0
    slots = trainer.adversaries[0].slots
    trainer.divergence[:, slots] = 0.5
    rewards = trainer.rewards().reshape(8, 6, 2)
    team = trainer.rollout.own[:, ::2]
    for env in range(6):
        if env < 2:  # a third of the games is with the true partner
            assert np.array_equal(rewards[:, env], np.stack([team[:, env]] * 2, 1))
        else:
            adversary = env % 2
            assert rewards[:, env, 1 - adversary] == pytest.approx(team[:, env] + 0.25)
            assert rewards[:, env, adversary] == pytest.approx(-team[:, env] - 0.25)


def test_residual_adversary_starts_as_the_reference():
    trainer = make_trainer("srpo", small(tau=1.0))
    trainer.act(0, np.full(12, 0.5))
    assert np.abs(trainer.divergence[0]).max() < 1e-6
    for _ in range(20):
        trainer.iterate()
    assert trainer.divergence.max() > 1e-3


def test_the_adversary_waits_for_returns_to_steer_by():
    """Until then SRPO is self-play: with the same draws it plays and earns the same."""
    alone_config = SelfPlayConfig(world="tiny/goal", num_envs=6, rollout_length=8)
    trainer, alone = make_trainer("srpo", small()), make_trainer("self-play", alone_config)
    policies = (
        trainer.heroes[0].policies.stack.networks[0], alone.policy.stack.networks[0],
    )  # fmt: skip
    for own, copy in zip(*(policy.weights for policy in policies), strict=True):
        copy[...] = own[tuple(slice(size) for size in copy.shape)]  # one critic's value of the two
    for each in (trainer, alone):
        each.play()
    np.testing.assert_array_equal(trainer.rollout.actions, alone.rollout.actions)
    np.testing.assert_array_equal(trainer.rewards(), alone.rollout.slot_rewards(1.0))
    assert not trainer.reference.any()  # no adversary was ever compared with its partner
    (steering,) = trainer.steering
    assert not steering.begun
    assert not any(name.startswith("adversary_entropy") for name in trainer.learn()[0])
    steering.pace["true"] = 10.0  # the task is found
    trainer.learn()
    assert steering.begun
    assert "adversary_entropy" in trainer.iterate()[0]


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_adversaries_wait_for_the_end_of_a_warm_start(tau: float):
    config = small(steps=480, tau=tau, warm_start=0.5)
    trainer = make_trainer("srpo", config)
    begun = []
    while trainer.steps < config.steps:
        trainer.steering[0].pace["true"] = 10.0  # the task is found at once
        begun.append((trainer.steps / config.steps, "adversary_entropy" in trainer.iterate()[0]))
    assert [playing for _, playing in begun] == [share >= 0.5 for share, _ in begun]


def test_tau_rises_while_the_adversary_is_too_weak():
    trainer = make_trainer("srpo", small(initial_tau=3.0))
    for weak, rises in ((1.0, True), (0.1, False)):
        (steering,) = trainer.steering
        before = steering.tau
        steering.pace.update({"true": 1.0, "adversary": weak})
        trainer.rollout.rewards[:] = 1.0
        trainer.rollout.rewards[:, 2:] = weak
        trainer._steer(0)
        assert (steering.tau > before) == rises


@pytest.mark.parametrize(
    "settings",
    [
        {"tau": 1.0, "return_ratio": 0.5},
        {"true_partner_share": 0.0},
        {"tau": -1.0},
        {"kl_in": "somewhere"},
    ],
)
def test_contradictory_settings_are_refused(settings):
    with pytest.raises(UserError):
        small(**settings).validate()
