"""The actor-critic network with a memory, and the choice of networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training import gru
from training.networks import ActorCritic, Observations


class RecurrentActorCritic(ActorCritic):
    """A first layer, a gated recurrent unit and a head; actor and critic have their own of each.

    What it remembers are the states of the actor's and of the critic's unit, in this order.
    """

    parts = gru.GruWeights
    add_gradient = staticmethod(gru.loss_gradient_of_weights)

    def between(self, orthogonal: Callable[[int, int, float], Tensor]) -> dict[str, Tensor]:
        """Initial weights of the units, by name."""
        self.state_size = 2 * self.hidden

        def gates() -> Tensor:
            squares = [orthogonal(self.hidden, self.hidden, 1.0) for _ in range(6)]
            return torch.stack(squares).reshape(2, 3, self.hidden, self.hidden)

        return {
            "input_weight": gates(),
            "state_weight": gates(),
            "gate_bias": torch.zeros(2, 4, self.hidden),
        }

    def forward(
        self, observations: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One step of the same network in plain torch; see `ActorCritic`."""
        if state is None:
            state = torch.zeros(len(observations), self.state_size)
        w, after = self.tensors(), []
        layers, states = self.first_layer(observations), state.split(self.hidden, 1)
        for side, (x, h) in enumerate(zip(layers, states, strict=True)):
            inputs = x @ w.input_weight[side] + w.gate_bias[side, :3, None]  # [3, B, H]
            from_state = h @ w.state_weight[side]
            reset, update = torch.sigmoid(inputs[:2] + from_state[:2])
            new = torch.tanh(inputs[2] + reset * (from_state[2] + w.gate_bias[side, 3]))
            after.append(new + update * (h - new))
        logits = after[0] @ w.actor_weight + w.actor_bias
        return logits, after[1] @ w.critic_weight + w.critic_bias, torch.cat(after, 1)

    def forward_many(
        self, flat: NDArray[np.float32], observations: Observations, rows: NDArray[np.int64],
        bounds: NDArray[np.int64], begin: int, end: int, state: NDArray[np.float32],
        logits: NDArray[np.float32], values: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Evaluates the networks from `begin` to `end` in this thread; see `networks.evaluate`."""
        gru.forward_many(
            flat, len(self.weights.table), self.hidden, self.kind, observations.index,
            observations.value, observations.count, rows, bounds, begin, end, state, logits, values,
        )  # fmt: skip


NETWORKS: dict[str, Any] = {"none": ActorCritic, "gru": RecurrentActorCritic}
"""The kind of network for each setting of `memory`."""
