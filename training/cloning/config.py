"""Settings of behaviour cloning, and the models of people that are compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from agents.demonstrations import SPLITS
from play.worlds.errors import UserError
from training.config import require, setting

CONTENDERS: dict[str, dict[str, Any]] = {
    "featurize with pace": {},
    "lossless with pace": {"encoding": "lossless"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "featurize": {"pace": False},
    "lossless": {"pace": False, "encoding": "lossless"},
    "featurize with pace, patient": {"impatience": 0.0},
    "recurrent": {"network": "recurrent", "epochs": 40, "pace": False},
    "recurrent with pace": {"network": "recurrent", "epochs": 40},
}
"""What differs from the defaults, by the name of the model: those of which the better is shipped
for a layout, and those that they are compared with."""
EVERYBODY = "all"


@dataclass(frozen=True)
class CloneConfig:
    """Behaviour cloning: a model of people that predicts the next action of each."""

    world: str = setting("kitchen/cramped_room", "World that people played in.")
    data: str = setting("humans.npz", "Games of people, from `understudy humans import`.")
    split: str = setting(
        "train",
        "Whose play to learn from: train, test for the proxy that no method may use, or all.",
    )
    network: str = setting("feed-forward", "feed-forward or recurrent (a GRU).")
    encoding: str = setting("featurize", "How the model sees the world.")
    pace: bool = setting(
        True, "Whether the model knows how long it has stood there, and what it changed before."
    )
    impatience: float = setting(
        0.3,
        "How much more evenly it chooses with each step of a rest beyond those that people take.",
    )
    hidden: int = setting(128, "Units of each hidden layer.")
    dropout: float = setting(0.2, "Share of the hidden units that is silenced in training.")
    learning_rate: float = setting(1e-3, "Adam's step size.")
    weight_decay: float = setting(0.01, "Decay of the weights per step, times the step size.")
    batch: int = setting(256, "Steps of play in a minibatch.")
    epochs: int = setting(24, "Most passes over the games; cross-validation chooses how many.")
    folds: int = setting(4, "Parts of the pairs in cross-validation.")
    seed: int = setting(0, "Root of every random stream.")

    def __post_init__(self) -> None:
        """Raises UserError for a value outside its range."""
        sides = (*SPLITS, EVERYBODY)
        require(self.split in sides, "split", self.split, ", ".join(sides))
        require(self.network in ("feed-forward", "recurrent"), "network", self.network,
                "feed-forward or recurrent")  # fmt: skip
        for name in ("hidden", "batch", "epochs"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        require(self.folds >= 2, "folds", self.folds, "2 or more")
        require(self.impatience >= 0, "impatience", self.impatience, "0 or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        require(self.seed >= 0, "seed", self.seed, "0 or more")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @property
    def side(self) -> str | None:
        """The side of the split, for `load_demonstrations`."""
        return None if self.split == EVERYBODY else self.split

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CloneConfig":
        """Rebuilds the settings.

        Raises:
            UserError: An unknown setting, or a value out of range.
        """
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise UserError(f"Behaviour cloning has no setting called {', '.join(unknown)}")
        return cls(**values)
