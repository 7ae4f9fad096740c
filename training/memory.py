"""What policies remember of the games that they are in."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


class Memory:
    """What the policies of a kind remember in every slot; nothing if they have no memory.

    Attributes:
        size: Numbers M that each remembers.
        now: [S, M] float32; zeros before the first step of an episode.
        start: [S, M] the same before the first step of the latest rollout.
    """

    def __init__(self, slots: int, size: int) -> None:
        self.size = size
        self.now = np.zeros((slots, size), np.float32)
        self.start = np.zeros_like(self.now)

    def begin(self) -> None:
        """Takes note that a rollout begins."""
        self.start[:] = self.now

    def forget(self, done: NDArray[np.bool_]) -> None:
        """Begins anew in slots whose episode ended, done [S]."""
        self.now[done] = 0

    def state(self, slots: slice) -> torch.Tensor:
        """What is remembered in some slots."""
        return torch.from_numpy(self.now[slots].copy())

    def restore(self, state: Any, slots: slice) -> None:
        """Goes back to what `state` returned."""
        self.now[slots] = state.numpy()
