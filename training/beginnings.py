"""Training that begins with what a policy has learnt, such as one for all kitchens in a single one.

Only the actor is in a policy's file; critics and adversaries begin as they always do.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from agents.card import Card
from agents.library import POLICIES_DIR, load_policy
from play.worlds.errors import UserError
from training.networks import ActorCritic
from training.trainer import Trainer

PARTS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")
"""Weights of an actor of two layers, as `training.export.to_onnx` names them."""


def begin_with(trainer: Trainer) -> dict[str, str]:
    """Gives the policies that training will export the weights of the one that it starts from.

    Args:
        trainer: A trainer that has not learnt anything; its settings name the policy.

    Returns:
        Name and SHA-256 of that policy; nothing if training starts from random weights.

    Raises:
        UserError: There is none of that name, or its network does not fit.
    """
    config = trainer.config
    name, root = config.start_from, Path(config.start_folder or POLICIES_DIR)
    if not name:
        return {}
    card: Card | None = getattr(load_policy(name, folder=root), "card", None)
    if card is None:
        raise UserError(f"--start-from is {name}, which plays by rules and has nothing to go on")
    actor = _actor_in(root / name / "policy.onnx", name)
    own, encoding = trainer.observer, card.encoding
    activation = actor.pop("activation")
    hidden = actor["bias1"].shape[0]
    wanted = {
        "encoding": (encoding["name"], own.encoding.name),
        "hidden": (hidden, config.hidden),
        "activation": (activation, config.activation),
        "memory": ("none", config.memory),
    }
    if give := [f"--{key} {there}" for key, (there, here) in wanted.items() if there != here]:
        raise UserError(
            f"--start-from is {name}, whose network has other settings: give {' '.join(give)}"
        )
    if (encoding["version"], list(encoding["shape"])) != (
        own.encoding.version, list(own.encoding.shape),
    ) or own.native:  # fmt: skip
        raise UserError(
            f"--start-from {name} sees {encoding['name']} in another form than {config.world} "
            "shows it in training: choose a policy with the encoding egocentric"
        )
    exports = [e for k in range(len(trainer.members)) for e in trainer.exports(k).values()]
    if any(len(export.networks) > 1 for export in exports):
        raise UserError(f"{trainer.method} begins with its --hero: leave --start-from out")
    for export in exports:
        if not set(export.seats) <= set(card.seats):
            able, asked = (", ".join(map(str, seats)) for seats in (card.seats, export.seats))
            raise UserError(
                f"--start-from is {name}, which can sit in seat {able}, but {trainer.method} plays "
                f"in seats {asked}: choose a policy that can"
            )
    for export in exports:
        _give(export.networks[0], actor)
    return {name: card.sha256}


def _actor_in(path: Path, name: str) -> dict[str, Any]:
    """The arrays of an actor by name, and its activation, from a file that we have written."""
    graph = onnx.load(path).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    kinds = {node.op_type for node in graph.node} & {"Relu", "Tanh"}
    found: dict[str, Any] = {
        part: arrays[key].astype(np.float32)
        for part in PARTS
        for key in (f"{part}_0", f"{part}_0_half")
        if key in arrays
    }
    if len(found) < len(PARTS) or len(kinds) != 1 or any(key.endswith("_1") for key in arrays):
        raise UserError(
            f"--start-from is {name}, but it must be one network without a memory, as "
            "`understudy export` writes it"
        )
    if "used_0" in arrays:  # compact: only the inputs with any weight are there
        features = int(np.prod([axis.dim_value or 1 for axis in _shape_of_input(graph)]))
        weight = np.zeros((features, found["weight1"].shape[1]), np.float32)
        weight[arrays["used_0"]] = found["weight1"]
        found["weight1"] = weight
    return found | {"activation": kinds.pop().lower()}


def _shape_of_input(graph: onnx.GraphProto) -> Any:
    (entry,) = (entry for entry in graph.input if entry.name == "observation")
    return entry.type.tensor_type.shape.dim


def _give(network: ActorCritic, actor: dict[str, NDArray[np.float32]]) -> None:
    weights, hidden = network.weights, network.hidden
    weights.table[:, :hidden] = actor["weight1"]
    weights.bias1[:hidden] = actor["bias1"]
    weights.weight2[0], weights.bias2[0] = actor["weight2"], actor["bias2"]
    weights.actor_weight[:], weights.actor_bias[:] = actor["weight3"], actor["bias3"]
