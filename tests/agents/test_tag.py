"""The rule-based players of tag do what they are for, in their own roles."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agents.card import write_card
from agents.library import BUILTIN, list_partners, load_policy
from agents.policy import SeatView
from agents.tag import Fugitive, Pursuer
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.tag.world import INSTANCES, Tag, make

ENVS = 12


def touches(chasers: list[str], runner: str, name: str = "simple", seed: int = 0) -> float:
    """Mean number of steps with a touch in games of 30 seconds."""
    world = make(name, ENVS, horizon=300, starts="apart", compiled=True)
    world.reset(seed)
    seats = chasers + [runner] * world.tables.runners
    policies = [BUILTIN[name].make(name) for name in seats]
    draws = np.random.default_rng(seed)
    total = 0.0
    while not world.done[0]:
        joint = [
            policy.act(
                None, [SeatView(world, env, seat) for env in range(ENVS)], None, draws.random(ENVS)
            ).actions
            for seat, policy in enumerate(policies)
        ]
        world.step(np.stack(joint, axis=1))
        total += float((world.rewards[:, 0] > 0).mean())
    return total


def test_pursuers_catch_whoever_does_not_flee() -> None:
    assert touches(["pursue", "pursue"], "stay") > 60
    assert touches(["pursue", "pursue"], "random") > 30
    assert touches(["pursue"], "random", "duel") > 20
    assert touches(["pursue"] * 3, "random", "two_runners") > 30


def test_a_fugitive_is_hard_but_not_impossible_to_catch() -> None:
    """Two who go for it catch it every few seconds, one alone less; blind luck does not."""
    two, one = touches(["pursue", "pursue"], "flee"), touches(["pursue"], "flee", "duel")
    assert 5 < two < 25
    assert one < two
    assert touches(["random", "random"], "flee") < 1


def test_a_fugitive_stays_in_the_field() -> None:
    world = make("simple", ENVS, horizon=300, starts="apart", compiled=True)
    flee, draws = Fugitive("flee"), np.random.default_rng(0)
    outside = 0.0
    for _ in range(300):
        views = [SeatView(world, env, 2) for env in range(ENVS)]
        runner = flee.act(None, views, None, draws.random(ENVS)).actions
        world.step(np.column_stack([draws.integers(0, 5, (ENVS, 2)), runner]))
        outside += float(world.events[:, 2, 5].mean())
    assert outside < 15


def placed(chaser: tuple[float, float], mate: tuple[float, float], runner: Any) -> Tag:
    """A game without obstacles in which everybody stands still somewhere."""
    world = make("open_field")
    row = world.get_states()
    row[0, 1:] = [*chaser, 0, 0, *mate, 0, 0, *runner, 0, 0]
    world.set_states(row)
    return world


def choice(policy: Any, world: Tag, seat: int) -> str:
    """The action that is likeliest."""
    made = policy.act(None, [SeatView(world, 0, seat)], None, np.array([0.5]))
    assert made.probabilities.sum() == pytest.approx(1)
    return world.facts.actions[int(made.probabilities[0].argmax())]


def test_who_is_near_goes_straight_and_the_other_cuts_the_way_off() -> None:
    world = placed((-0.3, 0.0), (0.1, 0.6), (0.0, 0.0))
    assert choice(Pursuer("pursue"), world, 0) == "right"
    assert choice(Pursuer("pursue"), world, 1) == "down"
    beyond = placed((0.0, -0.3), (0.0, -0.9), (0.0, 0.0))  # the second goes past, not after
    assert choice(Pursuer("pursue"), beyond, 1) == "up"


def test_the_hunted_goes_away() -> None:
    for chaser, away in (((-0.2, 0.0), "right"), ((0.2, 0.0), "left"), ((0.0, 0.2), "down")):
        assert choice(Fugitive("flee"), placed(chaser, (0.9, 0.9), (0.0, 0.0)), 2) == away
    corner = placed((0.3, -0.9), (-0.9, 0.9), (0.9, -0.9))
    assert choice(Fugitive("flee"), corner, 2) == "up"


@pytest.mark.parametrize("name", INSTANCES)
def test_the_list_has_somebody_for_every_seat(name: str) -> None:
    facts = make_world(f"tag/{name}").facts
    for seat, role in enumerate(facts.roles):
        names = [p.name for p in list_partners(facts.world) if p.takes(facts, [seat])]
        own, other = ("pursue", "flee") if role == "chaser" else ("flee", "pursue")
        assert own in names
        assert other not in names
        assert {"random", "stay"} <= set(names)


def test_a_role_that_is_not_its_own_is_refused() -> None:
    facts = make_world("tag/simple").facts
    load_policy("pursue", facts, seats=(0, 1))
    load_policy("flee", facts, seats=(2,))
    with pytest.raises(UserError, match="flee plays as runner only, but is to take seat 1, a chas"):
        load_policy("flee", facts, seats=(1, 2))
    with pytest.raises(UserError, match="pursue plays tag worlds only, not kitchen/cramped_room"):
        load_policy("pursue", make_world("kitchen/cramped_room").facts)


def chaser(folder: Path, **options: Any) -> Path:
    """A trained chaser, as its files look; returns the root to look in."""
    facts = make_world("tag/simple", **options).facts
    encoding = facts.encodings["simple_tag"]
    size = encoding.shape[0]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "weights"], ["logits"])],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(np.eye(size, 5, dtype=np.float32), "weights")],
    )
    place = folder / "tag" / "simple" / "mine"
    place.mkdir(parents=True)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), place / "policy.onnx")
    write_card(
        place,
        {
            "schema": 1, "name": "tag/simple/mine", "title": "Mine", "description": "A test.",
            "world": "tag/simple", "options": dict(facts.options), "layouts": ["simple"],
            "num_players": facts.num_players, "seats": [0, 1], "actions": list(facts.actions),
            "algorithm": "none", "opset": 17,
            "encoding": {
                "name": "simple_tag", "version": 1, "shape": [size], "dtype": "float32",
            },
        },
    )  # fmt: skip
    return folder


def test_a_trained_chaser_plays_longer_games_that_begin_otherwise(tmp_path: Path) -> None:
    root = chaser(tmp_path, reward_scale=0.1)
    world = make_world("tag/simple", horizon=300, starts="apart")
    policy = load_policy("tag/simple/mine", world.facts, root, seats=(1,))
    seen = world.observe("simple_tag")[0, 1:2]
    made = policy.act(seen, [], None, np.array([0.3]))
    expected = np.exp(seen[0, :5]) / np.exp(seen[0, :5]).sum()
    np.testing.assert_allclose(made.probabilities[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "seat", "words"),
    [
        ("tag/simple", {"chasers": 3}, 0, "trained with chasers 2, but the game has chasers 3: "),
        ("tag/simple", {"obstacles": 4}, 0, "trained with obstacles 2, but the game has obstacle"),
        ("tag/two_runners", {}, 0, "trained for tag/simple, but the game is tag/two_runners: "),
        ("tag/simple", {}, 2, "trained for seat 0 or 1, but is to take seat 2"),
    ],
)
def test_a_policy_for_another_size_is_refused_in_one_sentence(
    tmp_path: Path, name: str, options: dict[str, Any], seat: int, words: str
) -> None:
    facts = make_world(name, **options).facts
    with pytest.raises(UserError, match=words) as refused:
        load_policy("tag/simple/mine", facts, chaser(tmp_path), seats=(seat,))
    assert "\n" not in str(refused.value)
