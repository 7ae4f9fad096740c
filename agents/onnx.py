"""Policies as ONNX files, run for any number of seats at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from agents.card import Card, read_card
from agents.policy import Decisions, SeatView, sample
from play.worlds.errors import UserError

DTYPES = {"uint8": "tensor(uint8)", "int8": "tensor(int8)", "float32": "tensor(float)"}
MAX_OPSET = 21
INPUTS, OUTPUTS = {"observation", "state_in"}, {"logits", "state_out"}


class OnnxPolicy:
    """A policy folder: ``policy.onnx`` and ``card.json``, checked against each other.

    Args:
        folder: The policy's folder.

    Attributes:
        name: The card's name.
        encoding: The card's encoding.
        card: The card.

    Raises:
        UserError: The card or the file is missing, damaged, or they do not belong together.
    """

    def __init__(self, folder: Path) -> None:
        self.card: Card = read_card(folder)
        self.name = self.card.name
        self.encoding: str | None = self.card.encoding["name"]
        self._session = _open(folder / "policy.onnx", self.card)
        self._state_shape = tuple(self.card.state_shape or ())

    def initial_state(self, batch: int) -> NDArray[np.float32] | None:
        """Zeros [batch, *state_shape], or None for a policy without memory."""
        if not self.card.recurrent:
            return None
        return np.zeros((batch, *self._state_shape), np.float32)

    def logits(
        self, observations: NDArray[Any], state: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Runs the network: logits [B, actions] and the new memory."""
        feed = {"observation": np.ascontiguousarray(observations, self.card.encoding["dtype"])}
        if not self.card.recurrent:
            return self._session.run(["logits"], feed)[0], None
        logits, after = self._session.run(["logits", "state_out"], {**feed, "state_in": state})
        return logits, after

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats in one call of the runtime; see `agents.policy.Policy`."""
        if observations is None:
            raise ValueError(f"{self.name} needs observations in the encoding {self.encoding}")
        logits, after = self.logits(observations, state)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        return Decisions(sample(probabilities, uniforms), probabilities, after)


def _open(path: Path, card: Card) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Networks are small: more threads cost more than they save, and games share the cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise UserError(
            f"{path} cannot be loaded by onnxruntime {onnxruntime.__version__} ({_first(error)}): "
            f"export it again with opset {MAX_OPSET} or lower"
        ) from error
    _check_opset(path, session, card)
    _check_tensors(path, session, card)
    return session


def _first(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]


def _check_opset(path: Path, session: onnxruntime.InferenceSession, card: Card) -> None:
    if not isinstance(card.opset, int) or not 7 <= card.opset <= MAX_OPSET:
        raise UserError(
            f"{path} has opset {card.opset!r}, but 7 to {MAX_OPSET} can be played: export it again"
        )


def _check_tensors(path: Path, session: onnxruntime.InferenceSession, card: Card) -> None:
    """Compares names, types and shapes of inputs and outputs with the card."""
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = {item.name: item for item in session.get_outputs()}
    count = 2 if card.recurrent else 1
    expected = sorted(INPUTS)[:count], sorted(OUTPUTS)[:count]
    if (sorted(inputs), sorted(outputs)) != expected:
        raise UserError(
            f"{path} has inputs {sorted(inputs)} and outputs {sorted(outputs)}, but its card "
            f"needs {expected[0]} and {expected[1]}: export it again"
        )
    wanted: list[tuple[Any, str, list[int]]] = [
        (inputs["observation"], DTYPES[card.encoding["dtype"]], list(card.encoding["shape"])),
        (outputs["logits"], DTYPES["float32"], [len(card.actions)]),
    ]
    if card.recurrent:
        shape = list(card.state_shape or ())
        wanted += [(tensor, DTYPES["float32"], shape) for tensor in
                   (inputs["state_in"], outputs["state_out"])]  # fmt: skip
    for tensor, dtype, shape in wanted:
        if tensor.type != dtype or list(tensor.shape[1:]) != shape:
            raise UserError(
                f"{path}: {tensor.name} is {tensor.type} {list(tensor.shape[1:])} per seat, but "
                f"the card says {dtype} {shape}: file and card do not belong together"
            )
        if not isinstance(tensor.shape[0], str):
            raise UserError(
                f"{path}: the batch axis of {tensor.name} is fixed to {tensor.shape[0]}: export "
                "it with a symbolic batch axis"
            )
