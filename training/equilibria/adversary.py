"""The inner problem: what a risk-averse player imagines the others to play.

min over p of <p, v> + D / tau, where v are the player's expected payoffs by the others' joint
action and q is what the others really play. D = KL(p || q) has the closed form
p ~ q exp(-tau v), and the minimum is the entropic risk measure -log E_q[exp(-tau v)] / tau. For
D = KL(q || p) the stationary point is p = q / (tau v + m), with the number m such that p sums to
one.

Source: Qu et al. 2026 (arXiv 2602.21515), section 3, for the first.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from training.equilibria.games import ADVERSARY_FIRST, Array, softmax


class Imagined(NamedTuple):
    """A solution of the inner problem and how it moves.

    dp = by_reference dlog q - by_payoff (tau dv + v dtau).

    Attributes:
        play: [M] the imagined joint strategy p.
        by_reference: [M, M].
        by_payoff: [M, M].
    """

    play: Array
    by_reference: Array
    by_payoff: Array


def imagined_play(payoff: Array, log_reference: Array, tau: float, direction: str) -> Array:
    """The joint strategy p [M] of the others that a player fears, for finite tau.

    Args:
        payoff: [M] the player's expected payoffs v.
        log_reference: [M] log q; -inf where the others never play.
        tau: Degree of risk aversion, 0 or more.
        direction: See `Preferences`.
    """
    if direction == ADVERSARY_FIRST or tau == 0:
        return softmax(log_reference - tau * payoff)
    reference = np.exp(log_reference)
    loss = tau * payoff
    return _mass_covering(loss - loss.min(), reference)


def _mass_covering(loss: Array, reference: Array) -> Array:
    """The minimiser of KL(q || p) + <p, loss>, where the least loss is 0."""
    played, best = reference > 0, loss == 0
    if not (played & best).any() and (reference[played] / loss[played]).sum() < 1:
        # what the others never do costs no divergence to imagine: the rest of the mass goes there
        play = np.divide(reference, loss, out=np.zeros_like(loss), where=played)
        play[best] = (1 - play.sum()) / best.sum()
        return play
    chances, losses = reference[played], loss[played]
    # no share q / (loss + shift) may exceed one; from that bound, Newton's method on the concave
    # function 1 / sum(q / (loss + shift)) rises to the root without passing it
    shift = max(float((chances - losses).max()), 0.0)
    for _ in range(100):
        terms = chances / (losses + shift)
        total = terms.sum()
        change = total * (total - 1) / (terms / (losses + shift)).sum()
        shift += change
        if change <= 1e-16 * shift:
            break
    play = np.divide(reference, loss + shift, out=np.zeros_like(loss), where=played)
    return np.asarray(play / play.sum())


def respond(payoff: Array, log_reference: Array, tau: float, direction: str) -> Imagined:
    """`imagined_play` with its derivatives."""
    play = imagined_play(payoff, log_reference, tau, direction)
    if direction == ADVERSARY_FIRST or tau == 0:
        # at tau 0 both divergences have the same first-order effect
        spread = np.diag(play) - np.outer(play, play)
        return Imagined(play, spread, spread)
    reference = np.exp(log_reference)
    weight = np.divide(play**2, reference, out=np.zeros_like(play), where=reference > 0)
    share = weight / weight.sum()
    return Imagined(
        play,
        np.diag(play) - np.outer(share, play),
        np.diag(weight) - np.outer(share, weight),
    )


def divergence(play: Array, reference: Array, direction: str) -> float:
    """KL(p || q) or KL(q || p), as `direction` says."""
    first, second = (play, reference) if direction == ADVERSARY_FIRST else (reference, play)
    charged = first > 0
    with np.errstate(divide="ignore"):
        return float((first[charged] * np.log(first[charged] / second[charged])).sum())


def cautious_value(payoff: Array, log_reference: Array, tau: float, direction: str) -> float:
    """The minimum of the inner problem, also for tau 0 (the mean) and infinity (the worst)."""
    if tau == 0:
        return float(np.exp(log_reference) @ payoff)
    if np.isinf(tau):
        return float(payoff.min())
    if direction == ADVERSARY_FIRST:
        return float(-logsumexp(log_reference - tau * payoff) / tau)
    play = imagined_play(payoff, log_reference, tau, direction)
    return float(play @ payoff) + divergence(play, np.exp(log_reference), direction) / tau
