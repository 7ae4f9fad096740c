"""Models of people as ONNX graphs, with their memory."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from play.worlds.errors import UserError
from play.worlds.spec import Encoding, WorldFacts
from training.cloning.config import CloneConfig
from training.cloning.models import Cloner, FeedForward, Recurrent
from training.cloning.pace import CHANGES, LOOKS, SPANS, Features, Pace
from training.export import IR_VERSION, OPSET, TOLERANCE, TYPES

CHECKED_STEPS = 200


class Graph:
    """An ONNX graph in the making: nodes, constants, and names for what lies between."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def constant(self, array: NDArray[Any]) -> str:
        """The name of a constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(array)
        return name

    def add(
        self, kind: str, *inputs: str | NDArray[Any], named: str = "", **attributes: Any
    ) -> str:
        """Adds a node with one output and returns the output's name."""
        names = [item if isinstance(item, str) else self.constant(item) for item in inputs]
        name = named or f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [name], **attributes))
        return name

    def split(self, what: str, sizes: list[int]) -> list[str]:
        """Cuts the last axis into pieces."""
        names = [f"x{len(self.nodes)}_{i}" for i in range(len(sizes))]
        lengths = self.constant(np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [what, lengths], names, axis=-1))
        return names

    def linear(self, what: str, weight: torch.Tensor, bias: torch.Tensor, named: str = "") -> str:
        """A layer of torch."""
        return self.add("Gemm", what, weight.detach().numpy().T, bias.detach().numpy(), named=named)


def to_onnx(model: Cloner, facts: WorldFacts, config: CloneConfig) -> onnx.ModelProto:
    """The model with its memories as an ONNX graph; exact up to float rounding."""
    graph, encoding = Graph(), facts.encodings[config.encoding]
    numbers = graph.add("Cast", "observation", to=TensorProto.FLOAT)
    inputs = graph.add("Flatten", numbers, axis=1)
    pace = Pace(encoding) if config.pace else None
    memories = [size for size in (pace.size if pace else 0, model.state_size) if size]
    parts = graph.split("state_in", memories) if len(memories) > 1 else ["state_in"]
    after, sureness = [], None
    if pace:
        inputs, rest, remembered = _pace(graph, pace, inputs, parts[0])
        after.append(remembered)
        sureness = _sureness(graph, model, rest)
    weight = model.layer1.weight * model.scale
    first = graph.add("Relu", graph.linear(inputs, weight, model.layer1.bias))
    if isinstance(model, Recurrent):
        state = _gru(graph, model.gru, first, parts[-1])
        after.append(state)
        second, out = graph.add("Concat", first, state, axis=1), model.out
    else:
        assert isinstance(model, FeedForward)
        layer, out = model.layer2, model.out
        second = graph.add("Relu", graph.linear(first, layer.weight, layer.bias))
    logits = graph.linear(second, out.weight, out.bias)
    if sureness:
        logits = graph.add("Mul", logits, sureness)
    graph.add("Identity", logits, named="logits")
    if memories:
        graph.add("Concat", *after, axis=1, named="state_out")
    return _model(graph, encoding, len(facts.actions), sum(memories))


def _pace(graph: Graph, pace: Pace, observation: str, memory: str) -> tuple[str, str, str]:
    """`Pace.step`: the extended observation, the steps of the rest, and the memory after."""
    one, zero = np.array(1, np.float32), np.array(0, np.float32)
    before, counts = graph.split(memory, [LOOKS, 1])
    looks = _looks(graph, pace, observation)
    difference = graph.add("Abs", graph.add("Sub", looks, before))
    changes = graph.add("Clip", graph.add("MatMul", difference, pace.groups), zero, one)
    total = graph.add("MatMul", changes, np.ones((CHANGES, 1), np.float32))
    quiet = graph.add("Relu", graph.add("Sub", one, total))
    counts = graph.add("Mul", graph.add("Add", counts, one), quiet)
    spans = graph.add("Min", graph.add("MatMul", counts, pace.spans), one)
    extended = graph.add("Concat", observation, changes, quiet, spans, axis=1)
    rest = graph.add("Min", counts, np.array(SPANS[-1], np.float32))
    return extended, rest, graph.add("Concat", looks, counts, axis=1)


def _looks(graph: Graph, pace: Pace, observation: str) -> str:
    """`Features.of` or `Planes.of`."""
    how = pace.looks
    if isinstance(how, Features):
        return graph.add("MatMul", observation, how.columns)
    over_cells = graph.constant(np.array([1], np.int64))

    def total(what: str) -> str:
        return graph.add("ReduceSum", what, over_cells, keepdims=0)

    shape = np.array([-1, how.cells, how.channels], np.int64)
    planes = graph.add("Reshape", observation, shape)
    here = graph.add("Gather", planes, np.array([how.own]), axis=2)
    facing = total(graph.add("Gather", planes, how.facings, axis=2))
    held = total(graph.add("Mul", graph.add("Gather", planes, how.items, axis=2), here))
    place = total(graph.add("Mul", here, how.places[None]))
    return graph.add("Concat", facing, held, place, axis=1)


def _sureness(graph: Graph, model: Cloner, rest: str) -> str:
    """What `Cloner.decide` multiplies logits with."""
    beyond = graph.add("Relu", graph.add("Sub", rest, model.patience.numpy()))
    divisor = graph.add("Mul", beyond, np.array(model.impatience, np.float32))
    return graph.add("Reciprocal", graph.add("Add", divisor, np.array(1, np.float32)))


def _gru(graph: Graph, gru: torch.nn.GRU, what: str, state: str) -> str:
    """One step of torch's GRU: the state after."""
    size = [gru.hidden_size] * 3
    weights = dict(gru.named_parameters())
    ours = graph.linear(what, weights["weight_ih_l0"], weights["bias_ih_l0"])
    theirs = graph.linear(state, weights["weight_hh_l0"], weights["bias_hh_l0"])
    (r1, z1, n1), (r2, z2, n2) = graph.split(ours, size), graph.split(theirs, size)
    reset = graph.add("Sigmoid", graph.add("Add", r1, r2))
    update = graph.add("Sigmoid", graph.add("Add", z1, z2))
    new = graph.add("Tanh", graph.add("Add", n1, graph.add("Mul", reset, n2)))
    kept = graph.add("Mul", update, graph.add("Sub", state, new))
    return graph.add("Add", new, kept)


def _model(graph: Graph, encoding: Encoding, actions: int, memory: int) -> onnx.ModelProto:
    def tensor(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, ["batch", *shape])

    inputs = [tensor("observation", TYPES[encoding.dtype], *encoding.shape)]
    outputs = [tensor("logits", TensorProto.FLOAT, actions)]
    if memory:
        inputs.append(tensor("state_in", TensorProto.FLOAT, memory))
        outputs.append(tensor("state_out", TensorProto.FLOAT, memory))
    constants = [numpy_helper.from_array(a, name) for name, a in graph.constants.items()]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "policy", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def check_against_torch(
    made: onnx.ModelProto, model: Cloner, observations: NDArray[Any], inputs: NDArray[np.float32]
) -> None:
    """Compares the graph, step by step, with torch over a whole stretch of one play.

    Args:
        made: The graph.
        model: The model.
        observations: [T, *shape] what the seat saw.
        inputs: [T, F] the same as the model learned from it.

    Raises:
        UserError: They differ by more than `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    shapes = {item.name: item.shape for item in session.get_inputs()}
    feed: dict[str, Any] = {}
    if "state_in" in shapes:
        feed["state_in"] = np.zeros((1, *shapes["state_in"][1:]), np.float32)
    ours = []
    for observation in observations[:CHECKED_STEPS]:
        logits, *after = session.run(None, {**feed, "observation": observation[None]})
        feed = {"state_in": after[0]} if after else {}
        ours.append(logits)
    with torch.no_grad():
        sequence = torch.from_numpy(inputs[:CHECKED_STEPS, None])
        theirs, _ = model.decide(sequence, torch.zeros(1, model.state_size))
    difference = float(np.abs(np.stack(ours) - theirs.numpy()).max())
    if difference > TOLERANCE:
        raise UserError(
            f"The exported network differs from the fitted one by {difference:g} in its logits, "
            f"more than {TOLERANCE:g}: nothing usable was written"
        )
