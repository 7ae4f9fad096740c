"""The actor-critic network, and the sparse form of the observations that it reads."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from play.worlds.spec import World, WorldFacts
from training import kernels

KINDS = {"relu": kernels.RELU, "tanh": kernels.TANH}


@dataclass(frozen=True)
class Observations:
    """R sparse observations: for each the table rows that are active, and their weights.

    Attributes:
        index: [R, K] int32.
        value: [R, K].
        count: [R] int32; entries beyond it are padding.
    """

    index: NDArray[Any]
    value: NDArray[Any]
    count: NDArray[Any]


class SparseObserver:
    """Writes a world's observations in sparse form.

    A world that has `observe_sparse` says which entries vary; for any other the non-zero entries
    of its first encoding are listed.

    Attributes:
        num_rows: Rows V of the table that the indices point into.
        width: Greatest number K of entries of one observation.
        native: Whether the world itself lists the entries.
    """

    def __init__(self, world: World) -> None:
        self._world = cast(Any, world)
        self.encoding = next(iter(world.facts.encodings.values()))
        features = int(np.prod(self.encoding.shape))
        self.native = hasattr(self._world, "observe_sparse")
        self.num_rows = features + 2 if self.native else features
        self.width = int(self._world.sparse_width) if self.native else features
        seats = world.num_envs * world.facts.num_players
        if not self.native:
            shape = (world.num_envs, world.facts.num_players, *self.encoding.shape)
            self._dense = np.zeros(shape, self.encoding.dtype)
            self._flat = self._dense.reshape(seats, features)

    def empty(self, steps: int) -> Observations:
        """Room for the observations of all seats over some steps, R = steps * N * A."""
        seats = self._world.num_envs * self._world.facts.num_players
        dtype = np.float32
        return Observations(
            np.zeros((steps * seats, self.width), np.int32),
            np.zeros((steps * seats, self.width), dtype),
            np.zeros(steps * seats, np.int32),
        )

    def write(self, out: Observations, step: int) -> None:
        """Writes what every seat sees now into the rows of `step`."""
        num_envs, players = self._world.num_envs, self._world.facts.num_players
        seats = num_envs * players
        part = slice(step * seats, (step + 1) * seats)
        index, value, count = out.index[part], out.value[part], out.count[part]
        if self.native:
            shape = (num_envs, players)
            self._world.observe_sparse(
                index.reshape(*shape, self.width),
                value.reshape(*shape, self.width),
                count.reshape(shape),
            )
        else:
            self._world.observe(self.encoding.name, self._dense)
            kernels.sparsify(self._flat, index, value, count)


class ActorCritic(nn.Module):
    """Two separate two-layer networks, actor and critic, evaluated side by side.

    The first layer of both is one table of shape [V, 2H]; the second is a pair of matrices
    [2, H, H]. Index 0 of that pair, and columns below H of the table, belong to the actor.
    The gradient is written by hand (and checked against autograd in the tests): networks this
    small spend more time in a general engine than in arithmetic.
    """

    def __init__(
        self,
        num_rows: int,
        num_actions: int,
        hidden: int,
        activation: str,
        generator: torch.Generator,
        num_contexts: int = 1,
        actor_gain: float = 0.01,
        active_inputs: int = 14,
    ) -> None:
        """Draws the initial weights.

        Args:
            num_rows: Rows V of the table.
            num_actions: Number of actions.
            hidden: Units H of each hidden layer.
            activation: "relu" or "tanh".
            generator: Source of the initial weights.
            num_contexts: Values that the critic gives, one per context; the actor sees none.
            actor_gain: Size of the actor's last layer; 0 makes it start uniform.
            active_inputs: Typical number of non-zero inputs; scales the first layer.
        """
        super().__init__()
        self.activation = activation
        self.kind = KINDS[activation]

        def orthogonal(rows: int, columns: int, gain: float) -> Tensor:
            return nn.init.orthogonal_(torch.empty(rows, columns), gain, generator=generator)

        first = torch.randn(num_rows, 2 * hidden, generator=generator)
        self.table = nn.Parameter(first / active_inputs**0.5)
        self.bias1 = nn.Parameter(torch.zeros(2 * hidden))
        layers = [orthogonal(hidden, hidden, 2**0.5) for _ in range(2)]
        self.weight2 = nn.Parameter(torch.stack(layers))
        self.bias2 = nn.Parameter(torch.zeros(2, 1, hidden))
        self.actor_weight = nn.Parameter(orthogonal(hidden, num_actions, actor_gain))
        self.actor_bias = nn.Parameter(torch.zeros(num_actions))
        self.critic_weight = nn.Parameter(orthogonal(hidden, num_contexts, 1.0))
        self.critic_bias = nn.Parameter(torch.zeros(num_contexts))

    def run(self, observations: Observations, rows: NDArray[np.int64]) -> "Activations":
        """Evaluates the chosen observations, without recording anything for autograd."""
        table, bias1 = self.table.detach(), self.bias1.detach()
        x1 = torch.empty(2, len(rows), self.weight2.shape[1])  # [2, B, H]
        kernels.embed(
            observations.index, observations.value, observations.count, rows,
            table.numpy(), bias1.numpy(), self.kind, x1.numpy(),
        )  # fmt: skip
        x2 = torch.baddbmm(self.bias2.detach(), x1, self.weight2.detach())  # [2, B, H]
        kernels.activate_all(x2.numpy().reshape(-1), self.kind)
        logits = torch.addmm(self.actor_bias.detach(), x2[0], self.actor_weight.detach())
        values = torch.addmm(self.critic_bias.detach(), x2[1], self.critic_weight.detach())
        return Activations(observations, rows, x1, x2, logits, values)

    def gradient(self, run: "Activations", dlogits: Tensor, dvalues: Tensor) -> list[Tensor]:
        """The gradient of every parameter, in the order of `parameters()`.

        Args:
            run: What `run` returned.
            dlogits: [B, actions] gradient with respect to the logits.
            dvalues: [B, contexts] gradient with respect to the values.
        """
        actor_weight, critic_weight = self.actor_weight.detach(), self.critic_weight.detach()
        dx2 = torch.empty_like(run.x2)
        torch.mm(dlogits, actor_weight.T, out=dx2[0])
        torch.mm(dvalues, critic_weight.T, out=dx2[1])
        kernels.activate_gradient(run.x2.numpy().reshape(-1), dx2.numpy().reshape(-1), self.kind)
        dx1 = torch.bmm(dx2, self.weight2.detach().transpose(1, 2))
        dtable, dbias1 = torch.zeros_like(self.table), torch.zeros_like(self.bias1)
        observations = run.observations
        kernels.embed_gradient(
            observations.index, observations.value, observations.count, run.rows, run.x1.numpy(),
            dx1.numpy(), self.kind, dtable.detach().numpy(), dbias1.detach().numpy(),
        )  # fmt: skip
        return [
            dtable, dbias1, torch.bmm(run.x1.transpose(1, 2), dx2), dx2.sum(1, keepdim=True),
            run.x2[0].T @ dlogits, dlogits.sum(0), run.x2[1].T @ dvalues, dvalues.sum(0),
        ]  # fmt: skip


@dataclass(frozen=True)
class Activations:
    """One evaluation of a network, with what its gradient needs.

    Attributes:
        observations: What the network was run on.
        rows: [B] which of them.
        x1: [2, B, H] first hidden layers of actor and critic.
        x2: [2, B, H] second hidden layers.
        logits: [B, actions].
        values: [B, contexts].
    """

    observations: Observations
    rows: NDArray[np.int64]
    x1: Tensor
    x2: Tensor
    logits: Tensor
    values: Tensor


def dense_first_layer(
    network: ActorCritic, facts: WorldFacts, native: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The actor's first layer over the full observation: weight [features, H] and bias [H].

    Entries that the sparse form leaves out because they never vary have weight zero. The row
    for the kitchen's urgency plane, which is one everywhere or zero everywhere, is spread over
    the plane's cells.
    """
    hidden = network.weight2.shape[1]
    table = network.table.detach().numpy()[:, :hidden]
    shape = next(iter(facts.encodings.values())).shape
    features = int(np.prod(shape))
    weight = table[:features].copy()
    if native:
        cells = features // shape[-1]
        varies = np.ones(shape[-1], bool)
        varies[10:16] = False  # terrain: constant over a layout, so never listed
        weight = (weight.reshape(cells, shape[-1], hidden) * varies[:, None]).astype(np.float32)
        weight[:, -1] = table[features] / cells
        weight = weight.reshape(features, hidden)
    return weight, network.bias1.detach().numpy()[:hidden].copy()
