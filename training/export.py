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
from onnx import TensorProto, helper, numpy_helper

from agents.library import write_card
from agents.onnx import OnnxPolicy
from agents.policy import Policy
from play.worlds.errors import UserError
from training import checkpoints
from training.evaluation.crossplay import Seating, episode_seeds, play_episodes
from training.networks import ActorCritic, dense_first_layer
from training.runs import make_trainer
from training.trainer import Trainer

OPSET = 17
IR_VERSION = 8
SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "policies"
TOLERANCE = 1e-3
EPISODES = 100
TYPES = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "float32": TensorProto.FLOAT}
TITLES = {
    "ippo": "Independent PPO", "self-play": "Self-play", "srpo": "SRPO", "e3t": "E3T",
    "fcp": "Fictitious co-play", "mep": "Maximum entropy population",
    "pure-adversary": "Pure adversary", "exploiter": "Exploiter",
}  # fmt: skip


def export_run(
    run_dir: Path,
    name: str,
    folder: Path | None = None,
    title: str | None = None,
    held_out: bool = False,
) -> list[Path]:
    """Writes every policy of a run and returns their folders.

    Args:
        run_dir: A run directory with a checkpoint.
        name: Name of the policy, such as ``kitchen/cramped_room/srpo``; a method with one
            policy per seat adds ``-seat0`` and so on.
        folder: What the name is relative to; the shipped policies if None.
        title: What people read in menus; made of method, role and layout if None.
        held_out: Whether it is kept for evaluation, so that no training may use it.

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
    checkpoints.load(run_dir, trainer)
    root = SHIPPED if folder is None else folder
    targets = {root / f"{name}{suffix}": item for suffix, item in trainer.exports().items()}
    for target in targets:
        if target.exists():
            raise UserError(f"{target} already exists: choose another name or remove it first")
    # Checked before anything is written, and complete before it bears its name: nobody ever
    # finds half a policy.
    models = {target: to_onnx(item.networks, trainer) for target, item in targets.items()}
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
            card = _card(name, record, trainer, item.seats, title)
            write_card(draft, card | {"held_out": held_out})
            drafts.append(draft)
        _add_results(drafts, trainer)
        for draft, target in zip(drafts, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(target)
    return list(targets)


def to_onnx(networks: Sequence[ActorCritic], trainer: Trainer) -> onnx.ModelProto:
    """The sum of some actors over full observations as a graph; exact up to float rounding."""
    facts, encoding = trainer.world.facts, trainer.observer.encoding
    nodes = [
        helper.make_node("Cast", ["observation"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["x0"], axis=1),
    ]
    constants: list[TensorProto] = []
    for number, network in enumerate(networks):
        weight1, bias1 = dense_first_layer(network, facts, trainer.observer.native)
        arrays = {
            "weight1": weight1,
            "bias1": bias1,
            "weight2": network.weights.weight2[0],
            "bias2": network.weights.bias2[0],
            "weight3": network.weights.actor_weight,
            "bias3": network.weights.actor_bias,
        }
        constants += [
            numpy_helper.from_array(np.ascontiguousarray(array), f"{name}_{number}")
            for name, array in arrays.items()
        ]
        x = "x0"
        for layer in (1, 2, 3):
            z = f"z{layer}_{number}"
            weights = [f"weight{layer}_{number}", f"bias{layer}_{number}"]
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
    graph = helper.make_graph(nodes, "policy", [observation], [logits], constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def check_against_torch(
    model: onnx.ModelProto, networks: Sequence[ActorCritic], trainer: Trainer
) -> None:
    """Plays on and compares the logits of ONNX and torch in every state on the way.

    Raises:
        UserError: They differ by more than `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    encoding = trainer.observer.encoding
    for dense, rows in trainer.recorded_states(encoding.name):
        ours = session.run(["logits"], {"observation": dense})[0]
        observations = trainer.rollout.observations.dense(rows, trainer.observer.num_rows)
        theirs = sum(network(observations)[0] for network in networks).numpy()
        difference = float(np.abs(ours - theirs).max())
        if difference > TOLERANCE:
            raise UserError(
                f"The exported network differs from the trained one by {difference:g} in its "
                f"logits, more than {TOLERANCE:g}: nothing usable was written"
            )


def _card(
    name: str, record: dict[str, Any], trainer: Trainer, seats: tuple[int, ...], title: str | None
) -> dict[str, Any]:
    facts, encoding = trainer.world.facts, trainer.observer.encoding
    layout = facts.world.split("/", 1)[1]
    hyperparameters = dict(record["config"])
    hyperparameters.pop("others_folder", None)  # a place of one machine; the guests' hashes stay
    if "hero" in hyperparameters:
        hyperparameters["hero"] = hyperparameters["hero"].replace(
            "{seed}", str(trainer.config.seed)
        )
    if trainer.guests:
        hyperparameters["guests"] = trainer.fingerprints()
    if title is None:
        alone = "" if len(seats) == len(trainer.team) else f", seat {seats[0]}"
        role = f", {trainer.config.role}" if trainer.config.role else ""
        title = f"{TITLES[record['method']]}{role}{alone} ({layout.replace('_', ' ')})"
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
        "recurrent": False,
        "state_shape": None,
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
    for guest in trainer.guests or (None,):
        # where it cannot sit, the first one who can does
        at_table = [guest, *trainer.guests] if guest else []
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
    if trainer.guests:
        result["own_pair"]["beside"] = [guest.policy.name for guest in trainer.guests]
    for folder in folders:
        card = json.loads((folder / "card.json").read_text())
        card["results"] = result
        write_card(folder, card)
