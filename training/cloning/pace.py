"""What just changed and since when nothing has: the memory of a model of people.

People press a key, wait until something happens, and press again; how they go on depends on how
long they have stood there already, and on whether their partner has just moved. A state of the
kitchen shows none of this. So the memory holds, for a seat and the other cook, where each was, where it looked
and what it held one step ago, and for how many steps nothing of it has changed.

`Pace` says it in numpy, for learning; `training.cloning.export` says the same in ONNX.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPANS = (3, 10, 30, 100)  # steps after which a count of quiet steps is cut off
FACINGS = ("north", "south", "east", "west")
ITEMS = ("onion", "soup", "dish", "tomato")
LOOKS = 10  # numbers that say where a cook is, looks and what it holds
COOKS = 2


class Pace:
    """The memory over featurize observations of a kitchen for two.

    Attributes:
        size: Numbers S of the memory: how both looked, [20], and their quiet steps, [2].
        features: Numbers E that it adds to an observation.
        looks: [F, 20] picks out of an observation how both look: facing, item, place.
        groups: [20, 6] sums the differences of looks to moves, turns and hands, cook by cook.
        quiet: [6, 2] sums these cook by cook.
        spans: [2, 8] divides the quiet steps by the spans.
    """

    size = COOKS * (LOOKS + 1)
    features = COOKS * (3 + 1 + len(SPANS))

    def __init__(self, channels: Sequence[str]) -> None:
        at = {name: number for number, name in enumerate(channels)}
        self.looks = np.zeros((len(channels), COOKS * LOOKS), np.float32)
        for cook, who in enumerate(("own", "other1")):
            names = [f"{who}_facing_{name}" for name in FACINGS]
            names += [f"{who}_holds_{name}" for name in ITEMS]
            for column, name in enumerate(names):
                self.looks[at[name], LOOKS * cook + column] = 1
            for column, axis in enumerate("xy", start=len(names)):
                self.looks[at[f"own_{axis}"], LOOKS * cook + column] = 1
                if cook:  # the place of the other is said relative to one's own
                    self.looks[at[f"{who}_relative_{axis}"], LOOKS * cook + column] = 1
        one = np.repeat(np.eye(3, dtype=np.float32)[[1, 2, 0]], (4, 4, 2), axis=0)
        self.groups = np.kron(np.eye(COOKS, dtype=np.float32), one)
        self.quiet = np.kron(np.eye(COOKS, dtype=np.float32), np.ones((3, 1), np.float32))
        spans = 1 / np.array([SPANS], np.float32)
        self.spans = np.kron(np.eye(COOKS, dtype=np.float32), spans)

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
        before, counts = memory[:, : COOKS * LOOKS], memory[:, COOKS * LOOKS :]
        changes = np.clip(np.abs(looks - before) @ self.groups, 0, 1)
        quiet = np.maximum(1 - changes @ self.quiet, 0)
        counts = (counts + 1) * quiet
        spans = np.minimum(counts @ self.spans, 1)
        extended = np.concatenate([observations, changes, quiet, spans], 1)
        return extended, np.concatenate([looks, counts], 1)
