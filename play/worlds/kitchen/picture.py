"""An array of lossless observations that is brought up to date by writing what changed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import Runner
from play.worlds.kitchen.encode import DRAWN, terrain_planes
from play.worlds.kitchen.layouts import Layout


class Picture:
    """An array, and the memory of what was last written into it.

    Attributes:
        out: [N, A, width, height, 26] observations.
    """

    def __init__(self, layout: Layout, out: NDArray[Any], sparse_width: int) -> None:
        """Overwrites the array with empty kitchens."""
        n, players = out.shape[:2]
        out[...] = terrain_planes(layout)
        self.out = out
        self._flat = out.reshape(n, players, -1)
        size = DRAWN + 2 * players + sparse_width
        self._drawn = np.zeros((n, size), np.int32)
        self._values = np.zeros((n, size), np.uint8)
        self._lists: tuple[Any, Any] | None = None

    def update(self, run: Runner, state: NDArray[np.int32]) -> None:
        """Shows the given state rows [N, size]."""
        if run.compiled:
            run("dense_loop", len(state), (self._flat, self._drawn, self._values), (state,))
            return
        if self._lists is None:
            self._lists = (self._drawn.tolist(), self._values.tolist())
        # A few numbers change in a large array, so it stays an array here.
        run.direct("dense_loop", self._flat, *self._lists, state.tolist(), 0, len(state))
