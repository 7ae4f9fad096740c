"""Episodes that begin in states which were visited before.

Policies that only ever begin where the game does know little of the states that a partner who
plays otherwise brings them into. Source: "state augmentation" of Gessler et al. 2025 (OvercookedV2,
arXiv 2503.17821); there the states are those of the policy's own self-play, as here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from play.worlds.spec import World

CAPACITY = 4096
KEEP = 0.02  # of the states seen: a few thousand steps of a batch fill the store


class VisitedStarts:
    """For each seed a store of states from its own games, the latest CAPACITY that were kept."""

    def __init__(self, world: World, members: Sequence[Any]) -> None:
        """Begins with empty stores.

        Args:
            world: The environments of all seeds.
            members: The seeds, with their `envs` and `start_stream`.
        """
        self._world, self._members = world, members
        size = world.get_states(slice(0, 1)).shape[1]
        dtype = world.get_states(slice(0, 1)).dtype
        self._store = np.zeros((len(members), CAPACITY, size), dtype)
        self._count = np.zeros(len(members), np.int64)

    def after_step(self, done: NDArray[np.bool_], share: float) -> None:
        """Keeps some states, and moves some of the episodes that have just begun into others.

        Args:
            done: [N] whether the episode before has just ended.
            share: Probability that a new episode begins in a visited state.
        """
        for k, member in enumerate(self._members):
            own = np.arange(member.envs.start, member.envs.stop)
            draws = member.start_stream.random((3, len(own)))
            begun = done[own]
            self._keep(k, own[(draws[0] < KEEP) & ~begun])
            filled = min(int(self._count[k]), CAPACITY)
            moved = begun & (draws[1] < share) & (filled > 0)
            if moved.any():
                chosen = (draws[2][moved] * filled).astype(np.int64)
                self._world.set_states(self._store[k, chosen], own[moved])

    def _keep(self, k: int, envs: NDArray[np.int64]) -> None:
        if len(envs):
            places = (self._count[k] + np.arange(len(envs))) % CAPACITY
            self._store[k, places] = self._world.get_states(envs)
            self._count[k] += len(envs)

    def state(self, member: int) -> dict[str, Any]:
        """The store of a seed."""
        return {
            "store": torch.from_numpy(self._store[member].copy()),
            "count": int(self._count[member]),
        }

    def restore(self, state: dict[str, Any], member: int) -> None:
        """Goes back to what `state` returned."""
        self._store[member] = state["store"].numpy()
        self._count[member] = state["count"]
