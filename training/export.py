"""Turning trained networks into policies as files: policy.onnx and card.json."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from agents.library import write_card
from agents.onnx import OnnxPolicy
from agents.policy import Policy
from play.worlds.errors import UserError
from training import checkpoints
from training.evaluation.crossplay import Seating, episode_seeds, play_episodes
from training.gru import CANDIDATE, RESET, UPDATE
from training.networks import ActorCritic, dense_first_layer
from training.runs import make_trainer
from training.trainer import Export, Trainer

OPSET = 17
IR_VERSION = 8
SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "policies"
TOLERANCE = 1e-3
EPISODES = 100
TYPES = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "float32": TensorProto.FLOAT}
TITLES = {
    "ippo": "Independent PPO", "self-play": "Self-play", "srpo": "SRPO", "e3t": "E3T",
    "fcp": "Fictitious co-play", "mep": "Maximum entropy population",
    "pure-adversary": "Pure adversary", "exploiter": "Exploiter", "ppo-bc": "PPO-BC",
    "best-response": "Best response", "preferring": "Partner with preferences",
}  # fmt: skip


def export_run(
    run_dir: Path,
    name: str,
    folder: Path | None = None,
    title: str | None = None,
    held_out: bool = False,
    share: float = 1.0,
    compact: bool = False,
) -> list[Path]:
    """Writes every policy of a run and returns their folders.

    Args:
        run_dir: A run directory with a checkpoint.
        name: Name of the policy, such as ``kitchen/cramped_room/srpo``; a method with one
            policy per seat adds ``-seat0`` and so on.
        folder: What the name is relative to; the shipped policies if None.
        title: What people read in menus; made of method, role and layout if None.
        held_out: Whether it is kept for evaluation, so that no training may use it.
        share: For a policy as it was on the way, the share of the training after which a
            checkpoint was kept.
        compact: Whether the file is to be small: weights in half precision, and none for inputs
            that were never seen in training. What is checked and measured is the compact policy.

    Raises:
        UserError: No such run, no fit name, a policy of that name exists, or ONNX and torch
            disagree.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*", name):
        raise UserError(
            f"{name!r} is no name for a policy: use letters, digits, '_', '-' and '.' between "
            "slashes, as in kitchen/cramped_room/mine"
        )
    record, config = checkpoints.read_config(run_dir)
    trainer = make_trainer(record["method"], config)
    checkpoints.load(run_dir, trainer, share=share)
    if compact:
        make_compact(trainer)
    root = SHIPPED if folder is None else folder
    targets = {root / f"{name}{suffix}": item for suffix, item in trainer.exports().items()}
    for target in targets:
        if target.exists():
            raise UserError(f"{target} already exists: choose another name or remove it first")
    # Checked before anything is written, and complete before it bears its name: nobody ever
    # finds half a policy.
    models = {target: to_onnx(item.networks, trainer, compact) for target, item in targets.items()}
    for target, item in targets.items():
        check_against_torch(models[target], item.networks, trainer)
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, prefix=".export-") as workshop:
        drafts: list[Path] = []
        for target, item in targets.items():
            draft = Path(workshop) / str(len(drafts))
            draft.mkdir()
            (draft / "policy.onnx").write_bytes(models[target].SerializeToString())
            name = target.relative_to(root).as_posix()
            card = _card(name, record, trainer, item, title)
            write_card(draft, card | {"held_out": held_out})
            drafts.append(draft)
        _add_results(drafts, trainer)
        for draft, target in zip(drafts, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(target)
    return list(targets)


def make_compact(trainer: Trainer) -> None:
    """Rounds all weights to half precision and clears those of inputs that were never seen.

    An input that no sample had has had no gradient either, so Adam's second moment is zero there,
    and its weights are those of the beginning: random, or of the policy that training began with.
    """
    for policies in trainer.policies.values():
        for learner in policies.learners:
            network = learner.network
            for moments in learner.optimizer.state.values():  # none if it has never learnt
                seen = network.views(moments["exp_avg_sq"].numpy()).table.any(1)
                network.weights.table[~seen] = 0
            network.flat.copy_(network.flat.half())


def to_onnx(
    networks: Sequence[ActorCritic], trainer: Trainer, compact: bool = False
) -> onnx.ModelProto:
    """The sum of some actors over full observations as a graph; exact up to float rounding.

    Its state is what the actors with a memory remember, one after the other.

    Args:
        networks: The networks.
        trainer: Whose they are.
        compact: Whether to store half-precision numbers, and only the inputs with any weight; the
            weights must be what half precision can tell (see `make_compact`).
    """
    facts, encoding = trainer.world.facts, trainer.observer.encoding
    sizes = _memory(networks)
    nodes = [
        helper.make_node("Cast", ["observation"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["x0"], axis=1),
    ]
    constants: list[TensorProto] = []
    states = [f"state_{k}" for k in range(len(sizes))]
    if states:
        for name, numbers in (("sizes", sizes), ("first_axis", [0])):
            constants.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        nodes.append(helper.make_node("Split", ["state_in", "sizes"], states, axis=1))
    after: list[str] = []
    for number, network in enumerate(networks):
        weight1, bias1 = dense_first_layer(network, encoding, trainer.observer.native)
        arrays = {
            "weight1": weight1,
            "bias1": bias1,
            **_second_layer(network),
            "weight3": network.weights.actor_weight,
            "bias3": network.weights.actor_bias,
        }
        x = "x0"
        if compact:
            used = np.flatnonzero(weight1.any(1))
            constants.append(numpy_helper.from_array(used, f"used_{number}"))
            x = f"x0_{number}"
            nodes.append(helper.make_node("Gather", ["x0", f"used_{number}"], [x], axis=1))
            arrays["weight1"] = weight1[used]
        for own, array in arrays.items():
            name = f"{own}_{number}"
            if compact:
                nodes.append(
                    helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT)
                )
                array, name = array.astype(np.float16), f"{name}_half"
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        for layer in (1, 2, 3):
            z = f"z{layer}_{number}"
            weights = [f"weight{layer}_{number}", f"bias{layer}_{number}"]
            if layer == 2 and network.state_size:
                nodes += _gru_nodes(x, states[len(after)], z, number, network.hidden)
                after.append(z)
                x = z
                continue
            nodes.append(helper.make_node("Gemm", [x, *weights], [z]))
            if layer < 3:
                x = f"x{layer}_{number}"
                function = {"relu": "Relu", "tanh": "Tanh"}[network.activation]
                nodes.append(helper.make_node(function, [z], [x]))
    parts = [f"z3_{number}" for number in range(len(networks))]
    nodes.append(helper.make_node("Sum", parts, ["logits"]))
    observation = helper.make_tensor_value_info(
        "observation", TYPES[encoding.dtype], ["batch", *encoding.shape]
    )
    logits = helper.make_tensor_value_info(
        "logits", TensorProto.FLOAT, ["batch", len(facts.actions)]
    )
    inputs, outputs = [observation], [logits]
    if states:
        nodes.append(helper.make_node("Concat", after, ["state_out"], axis=1))
        for name, tensors in (("state_in", inputs), ("state_out", outputs)):
            tensors.append(
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", sum(sizes)])
            )
    graph = helper.make_graph(nodes, "policy", inputs, outputs, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _memory(networks: Sequence[ActorCritic]) -> list[int]:
    """Numbers that each actor with a memory remembers; the critics' are left behind."""
    return [network.hidden for network in networks if network.state_size]


def _second_layer(network: ActorCritic) -> dict[str, NDArray[np.float32]]:
    """The actor's arrays between the first layer and the head, by their names in the graph."""
    w = network.weights
    if not network.state_size:
        return {"weight2": w.weight2[0], "bias2": w.bias2[0]}
    order = [UPDATE, RESET, CANDIDATE]  # ONNX's; each gate's matrix is the transpose of ours
    from_input, from_state = (
        each[0, order].swapaxes(1, 2).reshape(1, 3 * network.hidden, network.hidden)
        for each in (w.input_weight, w.state_weight)
    )
    bias = np.zeros((1, 6, network.hidden), np.float32)
    bias[0, :3], bias[0, 5] = w.gate_bias[0, order], w.gate_bias[0, 3]
    return {"input2": from_input, "state2": from_state, "bias2": bias.reshape(1, -1)}


def _gru_nodes(x: str, state: str, after: str, number: int, hidden: int) -> list[NodeProto]:
    """One step of a gated recurrent unit: a sequence of one."""
    begun, time = f"begun_{number}", f"time_{number}"
    weights = [f"{name}_{number}" for name in ("input2", "state2", "bias2")]
    return [
        helper.make_node("Unsqueeze", [x, "first_axis"], [time]),
        helper.make_node("Unsqueeze", [state, "first_axis"], [begun]),
        helper.make_node(
            "GRU", [time, *weights, "", begun], ["", f"end_{number}"],
            hidden_size=hidden, linear_before_reset=1,
        ),
        helper.make_node("Squeeze", [f"end_{number}", "first_axis"], [after]),
    ]  # fmt: skip


def check_against_torch(
    model: onnx.ModelProto, networks: Sequence[ActorCritic], trainer: Trainer
) -> None:
    """Plays on and compares the logits of ONNX and torch in every state on the way.

    What a network remembers goes on over the ends of episodes, in both alike.

    Raises:
        UserError: They differ by more than `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    encoding, slots = trainer.observer.encoding, trainer.rollout.slots
    feed: dict[str, Any] = {}
    if size := sum(_memory(networks)):
        feed["state_in"] = np.zeros((slots, size), np.float32)
    states = [torch.zeros(slots, network.state_size) for network in networks]
    for dense, rows in trainer.recorded_states(encoding.name):
        ours, *after = session.run(None, feed | {"observation": dense})
        feed = {"state_in": after[0]} if after else {}
        observations = trainer.rollout.observations.dense(rows, trainer.observer.num_rows)
        theirs = torch.zeros(ours.shape)
        for number, network in enumerate(networks):
            logits, _, states[number] = network(observations, states[number])
            theirs += logits
        difference = float(np.abs(ours - theirs.numpy()).max())
        if difference > TOLERANCE:
            raise UserError(
                f"The exported network differs from the trained one by {difference:g} in its "
                f"logits, more than {TOLERANCE:g}: nothing usable was written"
            )


def _card(
    name: str, record: dict[str, Any], trainer: Trainer, export: Export, title: str | None
) -> dict[str, Any]:
    facts, encoding = trainer.world.facts, trainer.observer.encoding
    seats, memory = export.seats, sum(_memory(export.networks))
    layout = facts.world.split("/", 1)[1]
    hyperparameters = dict(record["config"])
    for key in ("others_folder", "partner_folder", "start_folder"):
        hyperparameters.pop(key, None)  # a place of one machine; the guests' hashes stay
    for key in {"hero", "partner"} & set(hyperparameters):
        hyperparameters[key] = hyperparameters[key].replace("{seed}", str(trainer.config.seed))
    hyperparameters |= trainer.drawn()
    if record.get("start"):
        hyperparameters["start"] = record["start"]
    if trainer.guests:
        hyperparameters["guests"] = trainer.fingerprints()
    if title is None:
        alone = "" if len(seats) == len(trainer.team) else f", seat {seats[0]}"
        role = f", {trainer.config.role}" if trainer.config.role else ""
        method = TITLES[record["method"]] + (" with memory" if memory else "")
        title = f"{method}{role}{alone} ({layout.replace('_', ' ')})"
    return {
        "schema": 1,
        "name": name,
        "title": title,
        "description": f"Trained with {TITLES[record['method']]} by `{record['command']}`.",
        "world": facts.world,
        "options": {} if facts.family else dict(facts.options),
        "layouts": [layout],
        "num_players": facts.num_players,
        "seats": list(seats),
        "encoding": {
            "name": encoding.name,
            "version": encoding.version,
            "shape": list(encoding.shape),
            "dtype": encoding.dtype,
        },
        "family": facts.family or None,
        "features": list(facts.features) if facts.family else [],
        "recurrent": memory > 0,
        "state_shape": [memory] if memory else None,
        "actions": list(facts.actions),
        "algorithm": record["method"],
        "hyperparameters": hyperparameters,
        "seed": record["config"]["seed"],
        "steps": trainer.steps,
        "git_commit": record["git_commit"],
        "versions": record["versions"],
        "opset": OPSET,
        "results": {},
        "known_failures": [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _add_results(folders: list[Path], trainer: Trainer) -> None:
    """Puts the return with itself into the cards, beside each guest where there are other roles."""
    policies = [OnnxPolicy(folder) for folder in folders]
    own: dict[int, Policy] = dict(zip(trainer.team, policies * len(trainer.team), strict=False))
    facts, returns = trainer.world.facts, []
    seeds, seats = episode_seeds(1, EPISODES), range(trainer.players)
    guests = [guest for guest in trainer.guests if not set(guest.seats) & set(trainer.team)]
    for guest in guests or (None,):
        # where it cannot sit, the first one who can does
        at_table = [guest, *guests] if guest else []
        others = {seat: one.policy for one in reversed(at_table) for seat in one.seats}
        seated = tuple((others | own)[seat] for seat in seats)
        played = play_episodes(Seating(seated), facts.world, dict(facts.options), seeds)
        returns += played.rewards[:, list(trainer.team)].sum(1).tolist()
    result: dict[str, Any] = {
        "own_pair": {
            "return": float(np.mean(returns)),
            "standard_error": float(np.std(returns, ddof=1) / np.sqrt(len(returns))),
            "episodes": len(returns),
            "seed": 1,
        }
    }
    if guests:
        result["own_pair"]["beside"] = [guest.policy.name for guest in guests]
    for folder in folders:
        card = json.loads((folder / "card.json").read_text())
        card["results"] = result
        write_card(folder, card)
