"""Policies that need no training: a random one and one that stands still."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, SeatView, sample


class FixedPolicy:
    """Draws every action from one distribution, whatever the state."""

    encoding: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def weights(self, view: SeatView) -> NDArray[np.float32]:
        """[actions] probabilities in the seat's world."""
        raise NotImplementedError

    def initial_state(self, batch: int) -> None:
        """No memory."""

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        if all(view.world is views[0].world for view in views):  # many games of one world
            probabilities = np.tile(self.weights(views[0]), (len(views), 1))
        else:
            probabilities = np.stack([self.weights(view) for view in views])
        return Decisions(sample(probabilities, uniforms), probabilities, None)


class RandomPolicy(FixedPolicy):
    """Every action with the same probability."""

    def weights(self, view: SeatView) -> NDArray[np.float32]:
        """The uniform distribution."""
        count = len(view.world.facts.actions)
        return np.full(count, 1 / count, np.float32)


class StayPolicy(FixedPolicy):
    """Always the idle action."""

    def weights(self, view: SeatView) -> NDArray[np.float32]:
        """All weight on the idle action."""
        facts = view.world.facts
        weights = np.zeros(len(facts.actions), np.float32)
        weights[facts.idle_action] = 1
        return weights
