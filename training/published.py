"""Policies as files, read back into the networks that trainers evaluate."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from agents.library import check_fit
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.spec import World
from training.gru import CANDIDATE, RESET, UPDATE
from training.networks import ActorCritic, SparseObserver
from training.recurrent import NETWORKS

ACTIVATIONS = {"Relu": "relu", "Tanh": "tanh"}


def read_actor(
    folder: Path, world: World, observer: SparseObserver, seats: Sequence[int]
) -> ActorCritic:
    """The actor that a policy's file holds, as `training.export.to_onnx` wrote it.

    Its logits are the file's, up to float rounding. A file holds no critic: its values are zero.

    Args:
        folder: The policy's folder.
        world: Where it is to play.
        observer: What writes the observations there.
        seats: The seats that it is to take.

    Raises:
        UserError: The policy is damaged, does not fit the world, the seats or what is observed,
            or is not one network of ours.
    """
    policy = OnnxPolicy(folder)
    check_fit(policy, world.facts, seats)
    if policy.encoding != observer.encoding.name:
        raise UserError(
            f"{folder} sees {policy.encoding}, but this training {observer.encoding.name}: "
            f"give --encoding {policy.encoding}"
        )
    graph = onnx.load(folder / "policy.onnx").graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    found = {
        name.removesuffix("_half").rpartition("_")[0]: np.array(array, np.float32)
        for name, array in arrays.items()
        if name.endswith(("_0", "_0_half")) and not name.startswith("used")
    }
    memory = "gru" if policy.card.recurrent else "none"
    between = {"none": {"weight2", "bias2"}, "gru": {"input2", "state2", "bias2"}}[memory]
    functions = [node.op_type for node in graph.node if node.op_type in ACTIVATIONS]
    outer = {"weight1", "bias1", "weight3", "bias3"}
    if (
        not functions
        or set(found) != outer | between
        or "bias3_1" in {name.removesuffix("_half") for name in arrays}
    ):
        raise UserError(
            f"{folder} is not one network as `understudy export` writes it: give the folder of a "
            "policy that a method of `understudy train` other than exploiter made"
        )
    hidden = len(found["bias1"])
    network: ActorCritic = NETWORKS[memory](
        observer.num_rows, len(world.facts.actions), hidden, ACTIVATIONS[functions[0]],
        torch.Generator(),
    )  # fmt: skip
    network.flat.zero_()
    weights = network.weights
    features = int(np.prod(observer.encoding.shape))
    dense = np.zeros((features, hidden), np.float32)
    dense[arrays.get("used_0", slice(None))] = found["weight1"]
    _write_first_layer(weights.table[:, :hidden], dense, observer)
    weights.bias1[:hidden] = found["bias1"]
    if memory == "none":
        weights.weight2[0], weights.bias2[0] = found["weight2"], found["bias2"]
    else:
        _write_unit(weights, found, hidden)
    weights.actor_weight[:], weights.actor_bias[:] = found["weight3"], found["bias3"]
    return network


def _write_first_layer(
    table: NDArray[np.float32], dense: NDArray[np.float32], observer: SparseObserver
) -> None:
    """The inverse of `training.networks.dense_first_layer`."""
    table[: len(dense)] = dense
    if observer.native:  # the plane of urgency is one row of the table
        planes = observer.encoding.shape[-1]
        table[len(dense)] = dense.reshape(-1, planes, dense.shape[1])[:, -1].sum(0)


def _write_unit(weights: Any, found: dict[str, NDArray[np.float32]], hidden: int) -> None:
    """The gated recurrent unit, in our order of gates."""
    order = [UPDATE, RESET, CANDIDATE]
    for ours, theirs in ((weights.input_weight, "input2"), (weights.state_weight, "state2")):
        ours[0, order] = found[theirs].reshape(3, hidden, hidden).swapaxes(1, 2)
    bias = found["bias2"].reshape(6, hidden)
    weights.gate_bias[0, order], weights.gate_bias[0, 3] = bias[:3], bias[5]
