"""A partner that is not quite itself: with some probability it does what somebody else would."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, Policy, SeatView, sample
from play.worlds.errors import UserError
from training.evaluation.crossplay import refuse_memory_of_moves


class Mixture:
    """In every step, another policy's action with probability `weight`, else one's own.

    As the divergence is convex, KL(mixture || own) is at most `weight` times KL(other || own).

    Args:
        own: The policy that is disturbed.
        other: The policy that disturbs it; it looks at the same encoding or at none.
        weight: Probability of the other's action.

    Raises:
        UserError: The two look at different encodings, or one remembers its own moves.
    """

    def __init__(self, own: Policy, other: Policy, weight: float) -> None:
        if other.encoding not in (None, own.encoding):
            raise UserError(
                f"{other.name} reads {other.encoding}, but {own.name} reads {own.encoding}: mix "
                "policies of one encoding, or with a rule-based one"
            )
        for policy in (own, other):
            refuse_memory_of_moves(policy)
        self.own, self.other, self.weight = own, other, weight
        self.name = f"{own.name} and {other.name}"
        self.encoding = own.encoding

    def initial_state(self, batch: int) -> tuple[Any, Any]:
        """Both memories."""
        return self.own.initial_state(batch), self.other.initial_state(batch)

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: tuple[Any, Any],
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        own = self.own.act(observations, views, state[0], uniforms)
        other = self.other.act(observations, views, state[1], uniforms)
        weight = np.float32(self.weight)
        mixed = (1 - weight) * own.probabilities + weight * other.probabilities
        return Decisions(sample(mixed, uniforms), mixed, (own.state, other.state))
