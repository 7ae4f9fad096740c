"""Policies as files whose actions have known probabilities."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agents.library import write_card

TINY = {
    "world": "tiny/goal", "actions": ["a", "b", "c"],
    "encoding": {"name": "goal", "version": 1, "shape": [5], "dtype": "uint8"},
}  # fmt: skip
WORK = {
    "world": "work/pair", "actions": ["idle", "work"],
    "encoding": {"name": "one", "version": 1, "shape": [1], "dtype": "float32"},
}  # fmt: skip


def write_linear(folder, name, about, weight, algorithm, seed, seats=(0, 1), **hyperparameters):
    """A policy whose logits are the observation times a matrix."""
    size, dtype = about["encoding"]["shape"][0], about["encoding"]["dtype"]
    kind = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}[dtype]
    nodes = [
        helper.make_node("Cast", ["observation"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["numbers", "weight"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes, "policy",
        [helper.make_tensor_value_info("observation", kind, ["batch", size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", weight.shape[1]])],
        [numpy_helper.from_array(weight.astype(np.float32), "weight")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    target = folder / name
    target.mkdir(parents=True)
    onnx.save(model, target / "policy.onnx")
    write_card(target, {
        "schema": 1, "name": name, "title": name, "description": "", "options": {},
        "layouts": [about["world"].split("/")[1]], "num_players": 2, "seats": list(seats),
        "algorithm": algorithm, "sha256": "", "opset": 17, "seed": seed,
        "hyperparameters": hyperparameters, **about,
    })  # fmt: skip


def write_goal(folder, name, method, seed, knows, seats=(0, 1), **hyperparameters):
    """In tiny/goal: a policy that names the goal, or always the first action."""
    weight = np.zeros((5, 3), np.float32)
    if knows:
        weight[:3] = 100 * np.eye(3)
    else:
        weight[3:, 0] = 100
    write_linear(folder, name, TINY, weight, method, seed, seats, **hyperparameters)


def write_worker(folder, name, method, seed, probability, seats=(0, 1), **more):
    """In work/pair: a policy that works with a probability."""
    with np.errstate(divide="ignore"):
        odds = np.log(probability) - np.log(1 - probability)
    weight = np.array([[0.0, np.clip(odds, -100, 100)]])
    about = WORK | {"world": more.pop("world", "work/pair")}
    write_linear(folder, name, about, weight, method, seed, seats, **more)
