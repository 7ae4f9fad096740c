"""Networks that say how likely people are to take each action."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.cloning.config import CloneConfig
from training.cloning.pace import SPANS


class Cloner(nn.Module):
    """What the networks share.

    Attributes:
        state_size: Numbers S of the network's memory; 0 without one.
        scale: [F] factor of each input: inputs that never vary where people played have 0, so
            that the model cannot react to them; the others end up between -1 and 1.
        patience: [] steps of a rest after which choices become more even.
        impatience: How much more even with each further step.
    """

    state_size = 0
    scale: Tensor
    patience: Tensor
    out: nn.Linear

    def __init__(self, inputs: int, config: CloneConfig) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(inputs))
        self.register_buffer("patience", torch.zeros(()))
        self.impatience = config.impatience if config.pace else 0.0
        self.dropout = nn.Dropout(config.dropout)
        self.layer1 = nn.Linear(inputs, config.hidden)

    def fit_scale(self, inputs: NDArray[np.float32]) -> None:
        """Chooses the scale by the inputs [R, F] that the model learns from."""
        largest = np.abs(inputs).max(0)
        varies = inputs.max(0) > inputs.min(0)
        scale = np.where(varies, 1 / np.maximum(largest, 1), 0).astype(np.float32)
        self.scale.copy_(torch.from_numpy(scale))

    def decide(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Like `forward`, but for what the model plays: less and less sure in an endless rest.

        Where two people would have found a way out, the model may not know one. What it does
        there people never did, so there is nothing to learn it from.
        """
        logits, after = self(inputs, state)
        if self.impatience > 0:
            rest = inputs[..., -1:] * SPANS[-1]
            logits = logits / (1 + self.impatience * torch.relu(rest - self.patience))
        return logits, after

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of a stretch of play.

        Args:
            inputs: [T, B, F].
            state: [B, S] the memory before the stretch.

        Returns:
            Logits [T, B, A] and the memory after the stretch.
        """
        raise NotImplementedError


class FeedForward(Cloner):
    """Two hidden layers and no memory of its own: the field's usual model of people."""

    def __init__(self, inputs: int, actions: int, config: CloneConfig) -> None:
        super().__init__(inputs, config)
        self.layer2 = nn.Linear(config.hidden, config.hidden)
        self.out = nn.Linear(config.hidden, actions)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See `Cloner`."""
        first = self.dropout(torch.relu(self.layer1(inputs * self.scale)))
        second = self.dropout(torch.relu(self.layer2(first)))
        return self.out(second), state


class Recurrent(Cloner):
    """A hidden layer, a gated recurrent unit, and the logits from both."""

    def __init__(self, inputs: int, actions: int, config: CloneConfig) -> None:
        super().__init__(inputs, config)
        self.state_size = config.hidden
        self.gru = nn.GRU(config.hidden, config.hidden)
        self.out = nn.Linear(2 * config.hidden, actions)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See `Cloner`."""
        first = self.dropout(torch.relu(self.layer1(inputs * self.scale)))
        remembered, after = self.gru(first, state[None].contiguous())
        return self.out(torch.cat([first, self.dropout(remembered)], -1)), after[0]


def make_model(inputs: int, actions: int, config: CloneConfig) -> Cloner:
    """The network of some settings, with initial weights drawn from their seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        kind = FeedForward if config.network == "feed-forward" else Recurrent
        return kind(inputs, actions, config)
