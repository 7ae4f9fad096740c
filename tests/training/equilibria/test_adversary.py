"""The inner problem against numbers worked out by hand and against numerical minimisation."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from training.equilibria.adversary import cautious_value, divergence, imagined_play, respond
from training.equilibria.games import ADVERSARY_FIRST, DIRECTIONS, PARTNER_FIRST

PAYOFF = np.array([1.0, 0.0, -2.0])
REFERENCE = np.array([0.5, 0.3, 0.2])


@pytest.mark.parametrize(
    ("tau", "play", "value", "kl"),
    [
        (0.1, (0.453917, 0.300994, 0.245090), 0.033062, 0.006932),
        (1.0, (0.093763, 0.152925, 0.753312), -0.673837, 0.739024),
        (10.0, (0.0, 0.0, 1.0), -1.839056, 1.609438),
    ],
)
def test_one_step_adversary(tau, play, value, kl):
    got = imagined_play(PAYOFF, np.log(REFERENCE), tau, ADVERSARY_FIRST)
    assert got == pytest.approx(play, abs=1e-6)
    assert divergence(got, REFERENCE, ADVERSARY_FIRST) == pytest.approx(kl, abs=1e-6)
    assert cautious_value(PAYOFF, np.log(REFERENCE), tau, ADVERSARY_FIRST) == pytest.approx(
        value, abs=1e-6
    )


@pytest.mark.parametrize(("tau", "y"), [(0.25, 0.57), (2.0, 0.65), (50.0, 0.9)])
def test_other_direction_with_two_actions(tau, y):
    """P solves D p^2 - (D + 1) p + y = 0 if the first action pays D / tau more."""
    gap = 0.4
    got = imagined_play(np.array([gap, 0.0]), np.log([y, 1 - y]), tau, PARTNER_FIRST)
    d = tau * gap
    assert got[0] == pytest.approx((d + 1 - np.sqrt((d + 1) ** 2 - 4 * d * y)) / (2 * d), abs=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_no_other_play_is_worse_for_the_player(direction):
    generator = np.random.default_rng(0)
    for _ in range(6):
        size = int(generator.integers(2, 7))
        payoff, reference = generator.normal(size=size), generator.dirichlet(np.ones(size))
        tau = float(10 ** generator.uniform(-1, 1))

        def harm(logits, payoff=payoff, reference=reference, tau=tau):
            play = softmax(logits)
            return play @ payoff + divergence(play, reference, direction) / tau

        least = minimize(harm, np.zeros(size), tol=1e-14)
        log_reference = np.log(reference)
        assert cautious_value(payoff, log_reference, tau, direction) == pytest.approx(
            least.fun, abs=1e-9
        )
        assert imagined_play(payoff, log_reference, tau, direction) == pytest.approx(
            softmax(least.x), abs=1e-4
        )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("tau", [0.0, 0.7, 5.0])
def test_derivatives_agree_with_differences(direction, tau):
    generator = np.random.default_rng(1)
    payoff, logits = generator.normal(size=(2, 5))
    dpayoff, dlogits = generator.normal(size=(2, 5))
    dtau, h = 0.3, 1e-6

    def at(step):
        return imagined_play(
            payoff + step * dpayoff, log_softmax(logits + step * dlogits), tau + step * dtau,
            direction,
        )  # fmt: skip

    here = respond(payoff, log_softmax(logits), tau, direction)
    change = here.by_reference @ (dlogits - softmax(logits) @ dlogits)
    change -= here.by_payoff @ (tau * dpayoff + payoff * dtau)
    assert (at(h) - at(-h)) / (2 * h) == pytest.approx(change, abs=1e-8)


def test_limits_of_the_inner_problem():
    log_reference = np.log(REFERENCE)
    for direction in DIRECTIONS:
        assert cautious_value(PAYOFF, log_reference, 0.0, direction) == pytest.approx(0.1)
        assert cautious_value(PAYOFF, log_reference, np.inf, direction) == -2.0
        assert cautious_value(PAYOFF, log_reference, 1e-5, direction) == pytest.approx(
            0.1 - 1e-5 / 2 * 1.29, abs=1e-9
        )


def test_mass_covering_adversary_may_imagine_what_is_never_played():
    """Imagining it costs nothing of its own there, only what is taken from the rest."""
    with np.errstate(divide="ignore"):
        never = np.log([0.6, 0.4, 0.0])
    strong = imagined_play(PAYOFF, never, 5.0, PARTNER_FIRST)
    assert strong == pytest.approx([0.6 / 15, 0.4 / 10, 1 - 0.08])
    weak = imagined_play(PAYOFF, never, 0.1, PARTNER_FIRST)
    assert weak[2] == 0
    assert weak.sum() == pytest.approx(1)
