"""What it takes to sit in a seat: the Policy protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from play.worlds.spec import World


@dataclass(frozen=True)
class SeatView:
    """One seat of one running environment: what a rule-based partner looks at."""

    world: World
    env: int
    seat: int


@dataclass
class Decisions:
    """What a policy decided for a batch of seats.

    Attributes:
        actions: [B] int64 action indices.
        probabilities: [B, actions] float32; the distribution that each action was drawn from.
        state: The policy's memory for the next call, batch first, or None.
    """

    actions: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    state: Any


class Policy(Protocol):
    """Chooses actions for a batch of seats that may belong to different games.

    A policy holds no memory of its own: recurrent state goes in and comes out, and all its
    randomness is in the uniform numbers that the caller draws from each game's seeded generator.
    So a decision depends neither on the batch that it was part of nor on what was played before.
    """

    name: str
    encoding: str | None
    """The encoding of `observations`, or None for a policy that looks at `views` instead."""

    def initial_state(self, batch: int) -> Any:
        """The memory at the start of an episode, or None."""
        ...

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats.

        Args:
            observations: [B, *shape] in the policy's encoding; None when `encoding` is None.
            views: The B seats; only rule-based policies look at them.
            state: What the last call returned, or `initial_state(B)`.
            uniforms: [B] numbers in [0, 1), one fresh draw for each decision.
        """
        ...


def sample(probabilities: NDArray[np.float32], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draws one action per row by inverting the cumulative distribution.

    Args:
        probabilities: [B, actions], rows summing to one.
        uniforms: [B] in [0, 1).

    Returns:
        [B] int64 action indices; never an action of probability zero.
    """
    cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
    scaled = uniforms * cumulative[:, -1]  # float32 rows sum to one only nearly
    actions: NDArray[np.int64] = (cumulative <= scaled[:, None]).sum(axis=1, dtype=np.int64)
    return actions
