"""The actor-critic network, and the sparse form of the observations that it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from play.worlds.errors import UserError
from play.worlds.spec import Encoding, World
from training import kernels, passes
from training.passes import Weights
from training.workers import SHARDS, WORKERS

KINDS = {"relu": kernels.RELU, "tanh": kernels.TANH}
WORTH_A_THREAD = 64  # observations; for fewer, waking a thread costs what it saves


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

    def dense(self, rows: NDArray[np.int64], num_rows: int) -> Tensor:
        """The chosen observations [B, V], one number per row of the table."""
        dense = np.zeros((len(rows), num_rows), np.float32)
        for b, row in enumerate(rows):
            entries = slice(self.count[row])
            np.add.at(dense[b], self.index[row, entries], self.value[row, entries])
        return torch.from_numpy(dense)


class SparseObserver:
    """Writes a world's observations in sparse form.

    A world that has `observe_sparse` says which entries of its first encoding vary; otherwise the
    non-zero entries are listed, at most `sparse_widths[encoding]` of them if it says so.

    Attributes:
        num_rows: Rows V of the table that the indices point into.
        width: Greatest number K of entries of one observation.
        native: Whether the world itself lists the entries.
    """

    def __init__(self, world: World, encoding: str = "") -> None:
        """Makes room for what the world shows.

        Args:
            world: The environments.
            encoding: One of its encodings; the first if empty.

        Raises:
            UserError: The world has no such encoding.
        """
        self._world = cast(Any, world)
        known = world.facts.encodings
        first = next(iter(known))
        if encoding and encoding not in known:
            raise UserError(
                f"{world.facts.world} has no encoding {encoding!r}: choose {', '.join(known)}"
            )
        self.encoding = known[encoding or first]
        features = int(np.prod(self.encoding.shape))
        self.native = self.encoding.name == first and hasattr(self._world, "observe_sparse")
        self.num_rows = features + 2 if self.native else features
        widths = getattr(self._world, "sparse_widths", {})
        self.width = int(widths.get(self.encoding.name, features))
        seats = world.num_envs * world.facts.num_players
        if not self.native:
            shape = (world.num_envs, world.facts.num_players, *self.encoding.shape)
            self._dense = np.zeros(shape, self.encoding.dtype)
            self._flat = self._dense.reshape(seats, features)
            bytes_each = self._flat.itemsize == 1 and features % 4 == 0
            self._words = self._flat.view(np.uint32) if bytes_each else None

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
            if self._words is None:
                kernels.sparsify(self._flat, index, value, count)
            else:
                kernels.sparsify_bytes(self._words, self._flat, index, value, count)


class ActorCritic(nn.Module):
    """Two separate two-layer networks, actor and critic, evaluated side by side.

    All weights lie in one flat array, so that the optimiser has one thing to step. The gradient
    is written by hand in `training.passes`, and checked against autograd in the tests.

    Attributes:
        flat: [P] all weights, one after the other.
        weights: The same memory as arrays by name.
        hidden: Units H of a hidden layer.
        activation: "relu" or "tanh".
        kind: The same for the kernels.
        state_size: Numbers M that it remembers from step to step.
    """

    parts: ClassVar[Any] = Weights
    add_gradient: ClassVar[Any] = staticmethod(passes.loss_gradient_of_weights)
    state_size = 0

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
        self.hidden, self.activation = hidden, activation
        self.kind = KINDS[activation]

        def orthogonal(rows: int, columns: int, gain: float) -> Tensor:
            return nn.init.orthogonal_(torch.empty(rows, columns), gain, generator=generator)

        first = torch.randn(num_rows, 2 * hidden, generator=generator)
        initial = {
            "table": first / active_inputs**0.5,
            "bias1": torch.zeros(2 * hidden),
            **self.between(orthogonal),
            "actor_weight": orthogonal(hidden, num_actions, actor_gain),
            "actor_bias": torch.zeros(num_actions),
            "critic_weight": orthogonal(hidden, num_contexts, 1.0),
            "critic_bias": torch.zeros(num_contexts),
        }
        self._shapes = [tuple(initial[name].shape) for name in self.parts._fields]
        flat = torch.cat([initial[name].reshape(-1) for name in self.parts._fields])
        self.flat: Tensor
        self.register_buffer("flat", flat)
        self.weights = self.views(flat.numpy())

    def between(self, orthogonal: Callable[[int, int, float], Tensor]) -> dict[str, Tensor]:
        """Initial weights of what lies between the first layer and the heads, by name."""
        weights = [orthogonal(self.hidden, self.hidden, 2**0.5) for _ in range(2)]
        return {"weight2": torch.stack(weights), "bias2": torch.zeros(2, self.hidden)}

    def move_to(self, memory: NDArray[np.float32]) -> None:
        """Lets the weights lie in the given memory [P], which holds them already."""
        self.flat = torch.from_numpy(memory)
        self.weights = self.views(memory)

    def views(self, flat: NDArray[np.float32]) -> Any:
        """Arrays by name that share the memory of a flat one of size P."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        parts = zip(np.split(flat, ends[:-1]), self._shapes, strict=True)
        return self.parts(*(part.reshape(shape) for part, shape in parts))

    def tensors(self) -> Any:
        """The weights by name as tensors, for torch."""
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        parts = zip(torch.split(self.flat, sizes), self._shapes, strict=True)
        return self.parts(*(part.reshape(shape) for part, shape in parts))

    def first_layer(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """The first layer [B, H] of actor and critic in plain torch."""
        function = {"relu": torch.relu, "tanh": torch.tanh}[self.activation]
        w = self.tensors()
        seen, judged = function(observations @ w.table + w.bias1).split(self.hidden, 1)
        return seen, judged

    def forward(
        self, observations: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same network in plain torch, over dense observations: the reference for checks.

        Args:
            observations: [B, V] one number per row of the table.
            state: [B, M] what is remembered before; None at the start of an episode.

        Returns:
            Logits [B, actions], values [B, contexts] and what is remembered after.
        """
        function = {"relu": torch.relu, "tanh": torch.tanh}[self.activation]
        w, (seen, judged) = self.tensors(), self.first_layer(observations)
        seen = function(seen @ w.weight2[0] + w.bias2[0])
        judged = function(judged @ w.weight2[1] + w.bias2[1])
        logits = seen @ w.actor_weight + w.actor_bias
        return logits, judged @ w.critic_weight + w.critic_bias, torch.zeros(len(logits), 0)

    def evaluate(
        self, observations: Observations, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits [B, actions] and values [B, contexts] of the chosen observations.

        A network with a memory has seen nothing before.
        """
        state = np.zeros((len(rows), self.state_size), np.float32)
        bounds = np.array([0, len(rows)])
        return evaluate(self, self.flat.numpy()[None], observations, rows, bounds, state)

    def forward_many(
        self, flat: NDArray[np.float32], observations: Observations, rows: NDArray[np.int64],
        bounds: NDArray[np.int64], begin: int, end: int, state: NDArray[np.float32],
        logits: NDArray[np.float32], values: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Evaluates the networks from `begin` to `end` in this thread; see `evaluate`."""
        passes.forward_many(
            flat, len(self.weights.table), self.hidden, self.kind, observations.index,
            observations.value, observations.count, rows, bounds, begin, end, logits, values,
        )  # fmt: skip


class Stack:
    """Networks of one shape whose weights lie side by side, evaluated in one call.

    Attributes:
        networks: The G networks.
        flat: [G, P] their weights; a network's own arrays are views of its row.
    """

    def __init__(self, networks: Sequence[ActorCritic]) -> None:
        self.networks = list(networks)
        self.flat = np.stack([network.flat.numpy() for network in networks])
        for network, row in zip(networks, self.flat, strict=True):
            network.move_to(row)


def evaluate(
    shape: ActorCritic, flat: NDArray[np.float32], observations: Observations,
    rows: NDArray[np.int64], bounds: NDArray[np.int64], state: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """What networks of the shape of one of them say of the chosen observations.

    Args:
        shape: The one.
        flat: [G, P] their weights.
        observations: Where to read.
        rows: [B] which observations; network g reads rows[bounds[g]] to rows[bounds[g + 1] - 1].
        bounds: [G + 1] ascending.
        state: [B, M] what is remembered before; on return, what is remembered after.

    Returns:
        Logits [B, actions] and values [B, contexts].
    """
    weights = shape.weights
    logits = np.empty((len(rows), len(weights.actor_bias)), np.float32)
    values = np.empty((len(rows), len(weights.critic_bias)), np.float32)

    def run(begin: int, end: int) -> None:
        shape.forward_many(
            flat, observations, rows, bounds, begin, end, state, logits, values
        )  # fmt: skip

    parts = SHARDS if len(flat) >= SHARDS and len(rows) >= SHARDS * WORTH_A_THREAD else 1
    # networks are dealt out so that the threads get nearly equal numbers of observations
    middle = np.searchsorted(bounds, len(rows) * np.arange(1, parts) / parts)
    cuts = [0, *middle.tolist(), len(flat)]
    others = [WORKERS.submit(run, *cuts[part : part + 2]) for part in range(1, parts)]
    run(*cuts[:2])
    for other in others:
        other.result()
    return logits, values


def dense_first_layer(
    network: ActorCritic, encoding: Encoding, native: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The actor's first layer over the full observation: weight [features, H] and bias [H].

    Entries that the sparse form leaves out because they never vary have weight zero. The row
    for the kitchen's urgency plane, which is one everywhere or zero everywhere, is spread over
    the plane's cells.
    """
    hidden = network.hidden
    table = network.weights.table[:, :hidden]
    shape = encoding.shape
    features = int(np.prod(shape))
    weight = table[:features].copy()
    if native:
        cells = features // shape[-1]
        varies = np.ones(shape[-1], bool)
        varies[10:16] = False  # terrain: constant over a layout, so never listed
        weight = (weight.reshape(cells, shape[-1], hidden) * varies[:, None]).astype(np.float32)
        weight[:, -1] = table[features] / cells
        weight = weight.reshape(features, hidden)
    return weight, network.weights.bias1[:hidden].copy()
