"""The PPO loss and its gradient with respect to the network's output.

Source: Schulman et al. 2017 (arXiv 1707.06347), equation 7.
"""

from typing import Any

import numpy as np

from training.kernels import Array, jit

NO_KL, REFERENCE_SECOND, REFERENCE_FIRST = 0, 1, 2
FIGURES = ("policy_loss", "value_loss", "entropy", "kl_to_reference", "clipped")


@jit
def loss_gradient(
    logits: Array, values: Array, chosen: Array, actions: Array, old_log_probs: Array,
    advantages: Array, targets: Array, contexts: Array, reference: Array, residual: bool,
    kl: int, price: Any, clip: Any, entropy_weight: Any, value_weight: Any, scale: Any,
    dlogits: Array, dvalues: Array, figures: Array,
) -> None:  # fmt: skip
    """Gradient of the PPO loss of some samples with respect to the network's output.

    The loss is the sum over the samples of `scale` times: minus the clipped surrogate
    min(ratio * A, clip(ratio) * A) (equation 7 of the source), minus `entropy_weight` times
    the entropy, plus `price` times the divergence from the reference, plus `value_weight` times
    half the squared error of the critic.

    Args:
        logits: [B, C] of the samples `chosen`; what follows is indexed by sample.
        values: [B, contexts].
        chosen: [B] samples.
        actions: [S], and so are old_log_probs, advantages, targets and contexts.
        old_log_probs: See actions.
        advantages: See actions.
        targets: See actions.
        contexts: See actions.
        reference: [S, C] log-probabilities; not read if not residual and kl is NO_KL.
        residual: Whether logits are to be added to the reference.
        kl: NO_KL, REFERENCE_SECOND or REFERENCE_FIRST.
        price: Weight of the divergence.
        clip: Half the width of the clipping range.
        entropy_weight: Weight of the entropy.
        value_weight: Weight of the value loss.
        scale: One over the size of the minibatch.
        dlogits: [B, C], overwritten.
        dvalues: [B, contexts], zeros on entry.
        figures: [len(FIGURES)] sums over the samples are added.
    """
    choices = logits.shape[1]
    log_p, p = np.empty(choices, np.float32), np.empty(choices, np.float32)
    for b in range(chosen.shape[0]):
        s = chosen[b]
        top = np.float32(-np.inf)
        for c in range(choices):
            log_p[c] = logits[b, c] + reference[s, c] if residual else logits[b, c]
            top = max(top, log_p[c])
        total = np.float32(0)
        for c in range(choices):
            p[c] = np.exp(log_p[c] - top)
            total += p[c]
        normaliser, share = top + np.log(total), np.float32(1) / total
        entropy, divergence = np.float32(0), np.float32(0)
        for c in range(choices):
            log_p[c] -= normaliser
            p[c] *= share
            entropy -= p[c] * log_p[c]
            if kl == REFERENCE_SECOND:
                divergence += p[c] * (log_p[c] - reference[s, c])
            elif kl == REFERENCE_FIRST:
                divergence += np.exp(reference[s, c]) * (reference[s, c] - log_p[c])
        action, advantage = actions[s], advantages[s]
        ratio = np.exp(log_p[action] - old_log_probs[s])
        # the minimum picks the clipped branch, whose slope is zero, on the side that A favours
        free = ratio <= 1 + clip if advantage >= 0 else ratio >= 1 - clip
        bounded = min(max(ratio, 1 - clip), 1 + clip)
        slope = -ratio * advantage if free else np.float32(0)
        for c in range(choices):
            d = -slope * p[c] + entropy_weight * p[c] * (log_p[c] + entropy)
            if kl == REFERENCE_SECOND:
                d += price * p[c] * (log_p[c] - reference[s, c] - divergence)
            elif kl == REFERENCE_FIRST:
                d += price * (p[c] - np.exp(reference[s, c]))
            dlogits[b, c] = scale * d
        dlogits[b, action] += scale * slope
        error = values[b, contexts[s]] - targets[s]
        dvalues[b, contexts[s]] = scale * value_weight * error
        figures[0] -= min(ratio * advantage, bounded * advantage)
        figures[1] += error * error / 2
        figures[2] += entropy
        figures[3] += divergence
        figures[4] += 0 if free else 1
