"""Names of everything that training logs, and what each means.

A name followed by ``/seat0`` is the same figure for the policy of that seat; one that starts
with ``adversary_`` and is not listed is the same figure for the adversary.
"""

MEANINGS = {
    "steps": "Joint environment steps so far.",
    "seconds": "Wall-clock seconds of training so far, all resumed parts together.",
    "steps_per_second": "Joint environment steps per second since the last line.",
    "return": "Mean team return, in points and without shaping, of the last 100 training games "
    "(SRPO: of those with the true partner).",
    "population_return": "Mean return of the self-play policies that become partners (FCP, MEP).",
    "return_with_adversary": "The same for games with the adversary in the partner's seat.",
    "return_ratio": "Smoothed reward per step with the adversary over that with the partner: "
    "near 1 the adversary has faded, near 0 it sabotages.",
    "adversary_kl": "Divergence of the adversary from its reference, nats per step.",
    "tau": "Degree of risk aversion per unit of reward.",
    "entropy": "Mean entropy of the policy in nats.",
    "value_loss": "Half the mean squared error of the critic, in squared units of reward.",
    "shaping": "Weight of the shaped reward.",
    "learning_rate": "Adam's step size.",
}
