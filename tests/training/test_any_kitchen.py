"""A policy of many kitchens: trained like any other, goes on like any other, and plays them all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.library import check_fit, list_partners, load_policy
from play.worlds.errors import UserError
from play.worlds.kitchen.generator import kitchen_text
from play.worlds.registry import make_world
from training import checkpoints, export, runs
from training.config import METHODS
from training.evaluation.crossplay import Seating, returns_of

WORLD = "kitchens/generated"
SMALL = {
    "world": WORLD, "options": "count=6,horizon=40", "num_envs": 8, "rollout_length": 20,
    "hidden": 8, "minibatches": 2, "steps": 640, "checkpoint_every": 160,
}  # fmt: skip


def config_of(**changes):
    return METHODS["srpo"].from_json(SMALL | changes)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A run of SRPO, and the folder of policies with the one that it became."""
    home = tmp_path_factory.mktemp("any")
    (run,), finished = runs.start("srpo", config_of(tau=1.0), home / "run")
    assert finished
    export.export_run(run, "kitchen/mine", home / "policies")
    return run, home / "policies"


def test_a_run_that_was_stopped_becomes_what_it_would_have_been(exported, tmp_path, monkeypatch):
    whole, _ = exported
    config = config_of(tau=1.0)
    trainer = runs.make_trainer("srpo", config)
    path = checkpoints.new_run_dir(tmp_path / "part", config, "srpo")
    checkpoints.write_config(path, config, trainer)
    for _ in range(2):
        trainer.iterate()
    checkpoints.save(path, trainer, 1.0)
    assert runs.resume([path])
    networks = [
        torch.load(run / "checkpoint.pt", weights_only=True)["trainer"]["learners"]["hero"]
        for run in (whole, path)
    ]
    assert torch.equal(*(saved["network"]["flat"] for saved in networks))


def test_it_plays_every_kitchen_for_two_under_any_rules(exported):
    _, folder = exported
    policy = load_policy("kitchen/mine", folder=folder)
    assert policy.card.family == "kitchen"
    assert policy.card.encoding["name"] == "egocentric_orders"
    drawn = ("kitchen/mine.layout", {"layout_text": kitchen_text(77)})
    for world, options in (
        ("kitchen/cramped_room", {}), ("kitchen/cramped_room", {"dynamics": "new"}),
        ("kitchen/forced_coordination", {"cook_time": 5}), drawn,
    ):  # fmt: skip
        facts = make_world(world, **options).facts
        check_fit(policy, facts, [0, 1])
        seating = Seating((policy, policy))
        assert returns_of(seating, world, {"horizon": 30, **options}, 2, 0).shape == (2,)


def test_it_is_listed_for_all_kitchens_and_for_nothing_else(exported):
    _, folder = exported
    for world in ("kitchen/cramped_room", "kitchen/own.layout"):
        assert "kitchen/mine" in [partner.name for partner in list_partners(world, folder)]
    for world in ("tag/simple", "private-kitchen/scarce"):
        assert "kitchen/mine" not in [partner.name for partner in list_partners(world, folder)]
    policy = load_policy("kitchen/mine", folder=folder)
    with pytest.raises(UserError, match="was trained for kitchens/generated, but the game is tag"):
        check_fit(policy, make_world("tag/simple").facts)


@pytest.mark.parametrize(("name", "options", "unknown"), [
    ("multiplayer_schelling", {}, "4 cooks"),
    ("cramped_room_tomato", {}, "tomatoes or orders other than three onions"),
    ("cramped_room", {"start_all_orders": [{"ingredients": ["onion"]}]}, "orders other than three"),
])  # fmt: skip
def test_what_no_training_kitchen_had_it_does_not_play(name, options, unknown, exported):
    _, folder = exported
    policy = load_policy("kitchen/mine", folder=folder)
    facts = make_world(f"kitchen/{name}", **options).facts
    with pytest.raises(UserError, match=f"was not trained with {unknown}"):
        check_fit(policy, facts, [0])
    (partner,) = (each for each in list_partners(folder=folder) if each.name == "kitchen/mine")
    assert not partner.takes(facts, [0])
    assert partner.takes(make_world("kitchen/bottleneck").facts, [0])
    known = replace(policy.card, features=list(facts.features))
    check_fit(replace(partner, card=known), facts, [0])


def test_seeds_trained_together_become_what_they_would_alone(exported):
    whole, _ = exported
    together = runs.make_trainer("srpo", config_of(tau=1.0), [0, 5])
    while together.steps < together.total_steps:
        together.iterate()
    saved = torch.load(whole / "checkpoint.pt", weights_only=True)["trainer"]["learners"]["hero"]
    ours = together.policies["hero"].learners[0].network.flat
    np.testing.assert_array_equal(ours.numpy(), saved["network"]["flat"].numpy())
