"""How long somebody has stood there: the memory of a model of people.

People press a key, wait until something happens, and press again; how they go on depends on how
long they have stood there already. A state of the kitchen does not show it. So the memory holds
where a cook was, where it looked and what it held one step ago, and for how many steps nothing of
it has changed. What the other cook did just before is left out: two models that both wait until
the other moves wait for ever, though it predicts people no worse.

`Pace` says it in numpy, for learning; `training.cloning.export` says the same in ONNX.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPANS = (3, 10, 30, 100)  # steps after which a count of quiet steps is cut off
FACINGS = ("north", "south", "east", "west")
ITEMS = ("onion", "soup", "dish", "tomato")
LOOKS = 10  # numbers that say where a cook is, looks and what it holds
CHANGES = 3


class Pace:
    """The memory over featurize observations of a kitchen.

    Attributes:
        size: Numbers S of the memory: how the cook looked, [10], and its quiet steps, [1].
        features: Numbers E that it adds to an observation: whether the cook has moved, turned, or
            got something into its hand or out of it; whether it was quiet; and its quiet steps
            in parts of each of `SPANS`, at most 1.
        looks: [F, 10] picks out of an observation how the cook looks: facing, item, place.
        groups: [10, 3] sums the differences of looks to moves, turns and hands.
        spans: [1, 4] divides the quiet steps by the spans.
    """

    size = LOOKS + 1
    features = CHANGES + 1 + len(SPANS)

    def __init__(self, channels: Sequence[str]) -> None:
        names = [f"own_facing_{name}" for name in FACINGS]
        names += [f"own_holds_{name}" for name in ITEMS] + ["own_x", "own_y"]
        self.looks = np.zeros((len(channels), LOOKS), np.float32)
        for column, name in enumerate(names):
            self.looks[list(channels).index(name), column] = 1
        self.groups = np.repeat(np.eye(CHANGES, dtype=np.float32)[[1, 2, 0]], (4, 4, 2), axis=0)
        self.spans = 1 / np.array([SPANS], np.float32)

    def step(
        self, observations: NDArray[np.float32], memory: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One step of B seats.

        Args:
            observations: [B, F].
            memory: [B, S] what the last call returned; zeros before the first.

        Returns:
            [B, F + E] the observations with what the memory adds, and the memory [B, S] after.
        """
        looks = observations @ self.looks
        before, counts = memory[:, :LOOKS], memory[:, LOOKS:]
        changes = np.clip(np.abs(looks - before) @ self.groups, 0, 1)
        quiet = np.maximum(1 - changes.sum(1, keepdims=True), 0)
        counts = (counts + 1) * quiet
        spans = np.minimum(counts @ self.spans, 1)
        extended = np.concatenate([observations, changes, quiet, spans], 1)
        return extended, np.concatenate([looks, counts], 1)
