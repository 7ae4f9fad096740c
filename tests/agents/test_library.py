"""Policies as files: what is loaded, what it computes, and what is refused in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agents.card import read_card, write_card
from agents.library import HUMAN_PROXY, POLICIES_DIR, check_fit, list_partners, load_policy
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.registry import make_world

WORLD = "kitchen/cramped_room"
SHAPE = [5, 4, 26]
ACTIONS = ["north", "south", "east", "west", "stay", "interact"]
OPSET = 17


def tensor(name: str, kind: int, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def network(
    batch: int | str = "batch",
    shape: list[int] = SHAPE,
    kind: int = TensorProto.UINT8,
    opset: int = OPSET,
    name: str = "observation",
) -> onnx.ModelProto:
    """Logits = the first six entries of channel 0, with their sum as memory when recurrent."""
    weights = np.zeros((int(np.prod(shape)), 6), np.float32)
    weights[np.arange(6) * shape[-1], np.arange(6)] = 1.0
    nodes = [
        helper.make_node("Cast", [name], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "policy",
        [tensor(name, kind, [batch, *shape])],
        [tensor("logits", TensorProto.FLOAT, [batch, 6])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def counter() -> onnx.ModelProto:
    """A policy with memory: it counts its steps, and its logits are the count."""
    nodes = [
        helper.make_node("Add", ["state_in", "one"], ["state_out"]),
        helper.make_node("MatMul", ["state_out", "spread"], ["logits"]),
        helper.make_node("Identity", ["observation"], ["unused"]),
    ]
    spread = np.arange(6, dtype=np.float32)[None]
    graph = helper.make_graph(
        nodes,
        "policy",
        [
            tensor("observation", TensorProto.UINT8, ["batch", *SHAPE]),
            tensor("state_in", TensorProto.FLOAT, ["batch", 1]),
        ],
        [
            tensor("logits", TensorProto.FLOAT, ["batch", 6]),
            tensor("state_out", TensorProto.FLOAT, ["batch", 1]),
        ],
        [
            numpy_helper.from_array(np.ones((1, 1), np.float32), "one"),
            numpy_helper.from_array(spread, "spread"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def card(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1, "name": "kitchen/cramped_room/mine", "title": "Mine", "description": "A test.",
        "world": WORLD, "options": {"dynamics": "old"}, "layouts": ["cramped_room"],
        "num_players": 2, "seats": [0, 1], "actions": ACTIONS, "algorithm": "none", "opset": OPSET,
        "encoding": {"name": "lossless", "version": 1, "shape": SHAPE, "dtype": "uint8"},
        **changes,
    }  # fmt: skip


def put(folder: Path, model: onnx.ModelProto, **changes: Any) -> Path:
    """Writes a policy folder; returns the root to look in."""
    place = folder / "kitchen" / "cramped_room" / "mine"
    place.mkdir(parents=True)
    (place / "policy.onnx").write_bytes(model.SerializeToString())
    write_card(place, card(**changes))
    return folder


NAME = "kitchen/cramped_room/mine"


def test_a_policy_is_softmax_of_its_file(tmp_path: Path) -> None:
    world = make_world(WORLD, 8)
    world.reset(seed=3)
    policy = load_policy(NAME, world.facts, put(tmp_path, network()), seats=(0, 1))
    observations = np.random.default_rng(0).integers(0, 4, (50, *SHAPE), dtype=np.uint8)
    flat = observations.reshape(50, -1)[:, np.arange(6) * SHAPE[-1]].astype(np.float64)
    expected = np.exp(flat) / np.exp(flat).sum(1, keepdims=True)
    uniforms = np.random.default_rng(1).random(50)
    decisions = policy.act(observations, [], None, uniforms)
    np.testing.assert_allclose(decisions.probabilities, expected, rtol=1e-5)
    drawn = (expected.cumsum(1) <= uniforms[:, None]).sum(1)
    np.testing.assert_array_equal(decisions.actions, drawn)
    alone = [policy.act(observations[i : i + 1], [], None, uniforms[i : i + 1]) for i in range(50)]
    assert [int(one.actions[0]) for one in alone] == drawn.tolist()


def test_memory_goes_in_and_comes_out(tmp_path: Path) -> None:
    folder = put(tmp_path, counter(), recurrent=True, state_shape=[1])
    policy = OnnxPolicy(folder / NAME)
    observations = np.zeros((2, *SHAPE), np.uint8)
    state = policy.initial_state(2)
    assert state is not None
    np.testing.assert_array_equal(state, np.zeros((2, 1), np.float32))
    for count in (1, 2, 3):
        state = policy.act(observations, [], state, np.array([0.5, 0.5])).state
        np.testing.assert_array_equal(state, np.full((2, 1), count, np.float32))
    state[1] = 0  # that seat's next episode begins
    logits, _ = policy.logits(observations, state)
    np.testing.assert_array_equal(logits[:, 1], [4, 1])


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        (network(shape=[5, 4, 25]), {}, r"observation is tensor\(uint8\) \[5, 4, 25\] per seat, "
         r"but the card says tensor\(uint8\) \[5, 4, 26\]"),
        (network(kind=TensorProto.FLOAT), {}, r"observation is tensor\(float\)"),
        (network(batch=1), {}, "batch axis of observation is fixed to 1"),
        (network(name="obs"), {}, r"has inputs \['obs'\]"),
        (network(), {"recurrent": True, "state_shape": [1]}, "its card needs .*state_in"),
        (counter(), {}, r"has inputs \['observation', 'state_in'\]"),
        (network(), {"opset": 99}, "has opset 99, but 7 to 21 can be played"),
        (network(opset=99), {}, "cannot be loaded by onnxruntime"),
        (network(), {"actions": ACTIONS[:5]}, r"logits is tensor\(float\) \[6\] per seat"),
    ],
    ids=["shape", "dtype", "batch", "input", "no memory", "memory", "opset", "runtime", "actions"],
)  # fmt: skip
def test_file_and_card_must_belong_together(
    tmp_path: Path, model: onnx.ModelProto, changes: dict[str, Any], words: str
) -> None:
    folder = put(tmp_path, model, **changes)
    with pytest.raises(UserError, match=words) as refused:
        load_policy(NAME, folder=folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"world": "kitchen/coordination_ring", "layouts": ["coordination_ring"]},
         "was trained for kitchen/coordination_ring, but the game is kitchen/cramped_room"),
        ({"options": {"dynamics": "new"}}, "trained with dynamics new, but the game has dynamics "
         "old: play with dynamics new"),
        ({"encoding": {"name": "lossless", "version": 2, "shape": SHAPE, "dtype": "uint8"}},
         "has encoding version 2, but kitchen/cramped_room now has 1"),
        ({"encoding": {"name": "pixels", "version": 1, "shape": SHAPE, "dtype": "uint8"}},
         "reads the encoding 'pixels', but kitchen/cramped_room has"),
        ({"actions": [*ACTIONS[:4], "interact", "stay"]}, "has set of actions"),
        ({"seats": [1]}, "was trained for seat 1, but is to take seat 0"),
    ],
    ids=["world", "rules", "version", "encoding", "actions", "seat"],
)  # fmt: skip
def test_a_policy_for_another_game_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    facts = make_world(WORLD, 1).facts
    folder = put(tmp_path, network(), **changes)
    with pytest.raises(UserError, match=words):
        load_policy(NAME, facts, folder, seats=(0,))


def test_the_horizon_may_differ_from_the_training(tmp_path: Path) -> None:
    facts = make_world(WORLD, 1, horizon=50).facts
    load_policy(NAME, facts, put(tmp_path, network(), options={"dynamics": "old", "horizon": 400}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "policy.onnx").unlink(), "policy.onnx cannot be read"),
        (lambda place: (place / "policy.onnx").write_bytes(b""), "SHA-256"),
        (lambda place: (place / "card.json").write_text("{"), "not valid JSON"),
        (lambda place: (place / "card.json").write_text("[]"), "not a JSON object"),
        (lambda place: (place / "card.json").write_text('{"schema": 7}'), "card schema 7"),
        (lambda place: (place / "card.json").write_text('{"schema": 1}'), "lacks actions"),
    ],
    ids=["no file", "empty", "broken", "list", "schema", "keys"],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: Any, words: str) -> None:
    folder = put(tmp_path, network())
    damage(folder / NAME)
    with pytest.raises(UserError, match=words):
        load_policy(NAME, folder=folder)


def test_nothing_outside_the_library_is_opened(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", network())
    (tmp_path / "library").mkdir()
    for name in ("../elsewhere/" + NAME, str(tmp_path / "elsewhere" / NAME), "", ".", "/"):
        with pytest.raises(UserError, match="no partner called"):
            load_policy(name, folder=tmp_path / "library")


def shipped() -> list[str]:
    return [partner.name for partner in list_partners() if partner.card is not None]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_policy_fits_its_own_game(name: str) -> None:
    description = read_card(POLICIES_DIR / name)
    facts = make_world(description.world, 1, **description.options).facts
    policy = load_policy(name, facts, seats=description.seats)
    check_fit(policy, facts, description.seats)
    assert description.name == name
    assert (POLICIES_DIR / name / "policy.onnx").stat().st_size < 1_500_000


def test_the_recommended_partner_comes_first() -> None:
    first = list_partners(WORLD)[0]
    assert (first.name, first.recommended) == (f"{WORLD}/srpo", True)
    assert [p.name for p in list_partners(WORLD) if p.recommended] == [first.name]
    anywhere = list_partners("kitchen/bottleneck")[0]
    assert (anywhere.name, anywhere.recommended) == ("kitchens/generated/srpo", True)
    check_fit(anywhere, make_world("kitchen/bottleneck").facts, (0, 1))


def test_partners_for_any_kitchen_come_between_those_for_the_layout_and_models_of_people() -> None:
    partners = list_partners(WORLD)
    kinds = [
        "any" if p.card and p.family else "rules" if not p.card
        else "people" if p.algorithm == HUMAN_PROXY else "own"
        for p in partners
    ]  # fmt: skip
    assert list(dict.fromkeys(kinds)) == ["own", "any", "people", "rules"]
    assert kinds == sorted(kinds, key=["own", "any", "people", "rules"].index)
