"""How long somebody has stood there: the memory of a model of people.

People press a key, wait until something happens, and press again; how they go on depends on how
long they have stood there already. A state of the kitchen does not show it. So the memory holds
where a cook was, where it looked and what it held one step ago, and for how many steps nothing of
it has changed. What the other cook did just before is left out: two models that both wait until
the other moves wait for ever, though it predicts people no worse.

`Pace` says it in numpy, for learning; `training.cloning.export` says the same in ONNX.
"""

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.spec import Encoding

SPANS = (3, 10, 30, 100)  # steps after which a count of quiet steps is cut off
FACINGS = ("north", "south", "east", "west")
ITEMS = ("onion", "soup", "dish", "tomato")
LOOKS = 10  # numbers that say where a cook is, looks and what it holds
CHANGES = 3

Array = NDArray[np.float32]


class Features:
    """Reads off featurize observations how a cook looks.

    Attributes:
        columns: [F, 10] picks out facing, item and place.
    """

    def __init__(self, encoding: Encoding) -> None:
        names = [f"own_facing_{name}" for name in FACINGS]
        names += [f"own_holds_{name}" for name in ITEMS] + ["own_x", "own_y"]
        self.columns = np.zeros((len(encoding.channels), LOOKS), np.float32)
        for column, name in enumerate(names):
            self.columns[encoding.channels.index(name), column] = 1

    def of(self, observations: Array) -> Array:
        """[B, 10] of observations [B, F]."""
        return observations @ self.columns


class Planes:
    """Reads off lossless observations how a cook looks: what lies where it stands, it holds.

    Attributes:
        cells: Cells of the grid.
        channels: Numbers per cell.
        own: The channel that is 1 where the cook stands.
        facings: [4] the channels of its facing.
        items: [4] the channels of items.
        places: [cells, 2] x and y of every cell.
    """

    def __init__(self, encoding: Encoding) -> None:
        width, height, self.channels = encoding.shape
        self.cells = width * height
        at = encoding.channels.index
        self.own = at("own_position")
        self.facings = np.array([at(f"own_{name}") for name in FACINGS])
        self.items = np.array([at("soup_done" if name == "soup" else name) for name in ITEMS])
        self.places = np.stack(np.divmod(np.arange(self.cells), height), 1).astype(np.float32)

    def of(self, observations: Array) -> Array:
        """[B, 10] of observations [B, F]."""
        planes = observations.reshape(-1, self.cells, self.channels)
        here = planes[:, :, self.own, None]
        facing = planes[:, :, self.facings].sum(1)
        held = (planes[:, :, self.items] * here).sum(1)
        return np.concatenate([facing, held, (here * self.places).sum(1)], 1)


READERS: dict[str, type[Features] | type[Planes]] = {"featurize": Features, "lossless": Planes}


class Pace:
    """The memory over observations of a kitchen.

    Attributes:
        size: Numbers S of the memory: how the cook looked, [10], and its quiet steps, [1].
        features: Numbers E that it adds to an observation: whether the cook has moved, turned, or
            got something into its hand or out of it; whether it was quiet; and its quiet steps
            in parts of each of `SPANS`, at most 1.
        looks: Reads off an observation how the cook looks: facing, item, place.
        groups: [10, 3] sums the differences of looks to moves, turns and hands.
        spans: [1, 4] divides the quiet steps by the spans.

    Raises:
        UserError: It cannot be read off this encoding.
    """

    size = LOOKS + 1
    features = CHANGES + 1 + len(SPANS)

    def __init__(self, encoding: Encoding) -> None:
        if encoding.name not in READERS:
            raise UserError(
                f"Models with --pace read {' or '.join(READERS)}, not {encoding.name}: add "
                "--no-pace"
            )
        self.looks = READERS[encoding.name](encoding)
        self.groups = np.repeat(np.eye(CHANGES, dtype=np.float32)[[1, 2, 0]], (4, 4, 2), axis=0)
        self.spans = 1 / np.array([SPANS], np.float32)

    def step(self, observations: Array, memory: Array) -> tuple[Array, Array]:
        """One step of B seats.

        Args:
            observations: [B, F].
            memory: [B, S] what the last call returned; zeros before the first.

        Returns:
            [B, F + E] the observations with what the memory adds, and the memory [B, S] after.
        """
        looks = self.looks.of(observations)
        before, counts = memory[:, :LOOKS], memory[:, LOOKS:]
        changes = np.clip(np.abs(looks - before) @ self.groups, 0, 1)
        quiet = np.maximum(1 - changes.sum(1, keepdims=True), 0)
        counts = (counts + 1) * quiet
        spans = np.minimum(counts @ self.spans, 1)
        extended = np.concatenate([observations, changes, quiet, spans], 1)
        return extended, np.concatenate([looks, counts], 1)
