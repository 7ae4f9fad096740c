"""Training that begins with a policy: what it decides at first is what the policy's file does."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training import checkpoints, commands, export, runs
from training.beginnings import begin_with
from training.config import METHODS, with_changes
from training.runs import make_trainer

ROOM, RING = "kitchen/cramped_room", "kitchen/coordination_ring"
SMALL = {
    "num_envs": 8, "rollout_length": 20, "hidden": 8, "minibatches": 2, "steps": 640,
    "encoding": "egocentric", "checkpoint_every": 320,
}  # fmt: skip


def config_of(method="self-play", world=ROOM, **changes):
    return METHODS[method].from_json(SMALL | {"world": world} | changes)


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """A folder with trained policies; one of them is small because its file is compact."""
    home = tmp_path_factory.mktemp("begin")
    for name, changes in (
        ("one", {}), ("small", {}), ("curved", {"activation": "tanh"}), ("gru", {"memory": "gru"}),
        ("picture", {"encoding": "lossless"}), ("elsewhere", {"world": RING}),
    ):  # fmt: skip
        (run,), _ = runs.start("self-play", config_of(**changes), home / name)
        export.export_run(run, name, home / "policies", compact=name == "small")
    export.export_run(home / "one", "secret", home / "policies", held_out=True)
    (run,), _ = runs.start("ippo", config_of("ippo"), home / "ippo")
    export.export_run(run, "apart", home / "policies")
    return home / "policies"


@pytest.mark.parametrize(("name", "method", "changes"), [
    ("one", "self-play", {}), ("one", "srpo", {"partner_share": 0.5, "partner": "stay"}),
    ("one", "ippo", {}), ("one", "ppo-bc", {"partner": "stay"}), ("one", "e3t", {}),
    ("small", "self-play", {}), ("small", "srpo", {}), ("curved", "srpo", {"activation": "tanh"}),
    ("picture", "self-play", {"encoding": "lossless"}),
])  # fmt: skip
def test_every_method_begins_with_what_the_file_says(policies, method, changes, name):
    config = config_of(method, start_from=name, start_folder=str(policies), **changes)
    trainer = make_trainer(method, config, [3, 4])
    assert begin_with(trainer) == {name: load_policy(name, folder=policies).card.sha256}
    session = onnxruntime.InferenceSession(policies / name / "policy.onnx")
    encoding = trainer.observer.encoding
    games = make_world(ROOM, 16)
    games.reset(seed=9)
    generator = np.random.default_rng(1)
    for _ in range(30):
        trainer.world.set_states(games.get_states())
        trainer.observer.write(trainer.rollout.observations, 0)
        seen = games.observe(encoding.name).reshape(32, *encoding.shape)
        theirs = session.run(["logits"], {"observation": seen})[0]
        assert np.ptp(theirs) > 0.01
        for member in (0, 1):
            for item in trainer.exports(member).values():
                observed = trainer.rollout.observations
                ours, _ = item.networks[0].evaluate(observed, np.arange(32))
                assert ours == pytest.approx(theirs, abs=1e-4)
        games.step(generator.integers(0, 6, (16, 2)))
    assert {"adversary"} <= set(trainer.policies) or method != "srpo"


def test_the_run_says_where_it_began_and_goes_on_without_that_policy(policies, tmp_path):
    config = config_of(start_from="one", start_folder=str(policies))
    (whole,), finished = runs.start("self-play", config, tmp_path / "whole")
    assert finished
    digest = load_policy("one", folder=policies).card.sha256
    assert json.loads((whole / "config.json").read_text())["start"] == {"one": digest}
    (folder,) = export.export_run(whole, "mine", tmp_path / "policies")
    settings = json.loads((folder / "card.json").read_text())["hyperparameters"]
    assert settings["start"] == {"one": digest}
    assert settings["start_from"] == "one"
    assert "start_folder" not in settings

    away = with_changes(config, start_folder=str(tmp_path / "nowhere"))
    trainer = make_trainer("self-play", config)
    begin_with(trainer)
    path = checkpoints.new_run_dir(tmp_path / "part", away, "self-play")
    checkpoints.write_config(path, away, trainer)
    trainer.iterate()
    checkpoints.save(path, trainer, 1.0)
    assert runs.resume([path])
    saved = [
        torch.load(run / "checkpoint.pt", weights_only=True)["trainer"]["learners"]["policy"]
        for run in (whole, path)
    ]
    assert torch.equal(*(own["network"]["flat"] for own in saved))


def test_a_memory_is_begun_with_too(policies):
    config = config_of(start_from="gru", start_folder=str(policies), memory="gru")
    trainer = make_trainer("self-play", config)
    before = trainer.exports()[""].networks[0].flat.clone()
    begin_with(trainer)
    (network,) = trainer.exports()[""].networks
    run = policies.parent / "gru"
    record, own = checkpoints.read_config(run)
    trained = make_trainer(record["method"], own)
    checkpoints.load(run, trained)
    (learnt,) = trained.exports()[""].networks
    drawn = network.views(before.numpy())
    for part, now, then, first in zip(
        network.parts._fields, network.weights, learnt.weights, drawn, strict=True
    ):
        halves = (..., slice(8)), (..., slice(8, None))
        actor, critic = halves if part in ("table", "bias1") else ((0,), (1,))
        if part.startswith(("actor", "critic")):
            np.testing.assert_array_equal(now, then if part.startswith("actor") else first)
            continue
        assert now[actor] == pytest.approx(then[actor], abs=1e-6)
        np.testing.assert_array_equal(now[critic], first[critic])


def test_the_command_takes_the_network_from_the_policy(policies, tmp_path):
    begin = ["self-play", "--world", ROOM, "--steps", "160", "--num-envs", "4"]
    begin += ["--rollout-length", "20", "--minibatches", "2", "--start-folder", str(policies)]
    for name, network in (
        ("curved", (8, "tanh", "none", "egocentric")),
        ("picture", (8, "relu", "none", "lossless")),
        ("gru", (8, "relu", "gru", "egocentric")),
    ):  # fmt: skip
        words = [*begin, "--start-from", name, "--run-dir", str(tmp_path / name)]
        CliRunner().invoke(commands.train, words, catch_exceptions=False)
        _, config = checkpoints.read_config(tmp_path / name)
        own = (config.hidden, config.activation, config.memory, config.encoding)
        assert own == network
    words = [*begin, "--start-from", "one", "--hidden", "16", "--run-dir", str(tmp_path / "one")]
    with pytest.raises(UserError, match="give --hidden 8"):
        CliRunner().invoke(commands.train, words, catch_exceptions=False)


@pytest.mark.parametrize(("name", "changes", "complaint"), [
    ("nobody", {}, "nobody"),
    ("greedy", {}, "--start-from is greedy, which plays by rules"),
    ("one", {"memory": "gru"}, "other settings: give --memory none"),
    ("one", {"hidden": 16, "activation": "tanh"}, "give --hidden 8 --activation relu"),
    ("one", {"encoding": "lossless"}, "give --encoding egocentric"),
    ("secret", {}, "secret is held out for evaluation, so no training may use it"),
    ("elsewhere", {}, "was trained for kitchen/coordination_ring"),
    ("apart-seat1", {}, "was trained for seat 1, but is to take seat 0"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence(policies, name, changes, complaint, tmp_path):
    config = config_of(start_from=name, start_folder=str(policies), **changes)
    with pytest.raises(UserError, match=complaint):
        runs.start("self-play", config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_exploiter_begins_with_its_hero(policies, tmp_path):
    config = METHODS["exploiter"].from_json(
        SMALL | {"world": ROOM, "start_from": "one", "start_folder": str(policies)}
        | {"against": str(policies.parent / "one")}
    )  # fmt: skip
    with pytest.raises(UserError, match="begins with its --hero: leave --start-from out"):
        runs.start("exploiter", config, tmp_path / "run")
