"""From a run to policies as files: ONNX against torch, complete or not there at all."""

import json

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training import checkpoints, commands, export, runs
from training.config import METHODS

SMALL = {"num_envs": 8, "rollout_length": 16, "hidden": 16, "minibatches": 2}


def run_of(folder, method="self-play", world="tiny/goal", steps=640, **changes):
    config = METHODS[method].from_json(
        SMALL | {"world": world, "steps": steps, "learning_rate": 1e-2} | changes
    )
    (path,), finished = runs.start(method, config, folder / f"run-{method}")
    assert finished
    return path


@pytest.mark.parametrize(("activation", "encoding"), [
    ("relu", ""), ("tanh", ""), ("relu", "egocentric"), ("relu", "featurize"),
])  # fmt: skip
def test_exported_kitchen_policy_equals_torch_in_states_that_export_never_saw(
    tmp_path, activation, encoding
):
    world = "kitchen/cramped_room"
    run = run_of(tmp_path, world=world, activation=activation, encoding=encoding)
    (folder,) = export.export_run(run, "kitchen/cramped_room/mine", tmp_path / "policies")
    record, config = checkpoints.read_config(run)
    trainer = runs.make_trainer(record["method"], config)
    checkpoints.load(run, trainer)
    (policies,) = trainer.policies.values()
    session = onnxruntime.InferenceSession(folder / "policy.onnx")
    games = make_world(world, 8)
    games.reset(seed=99)
    generator = np.random.default_rng(1)
    seen = 0.0
    for _ in range(60):
        dense = games.observe(encoding or "lossless")
        trainer.world.set_states(games.get_states())
        trainer.observer.write(trainer.rollout.observations, 0)
        theirs, _ = policies.stack.networks[0].evaluate(trainer.rollout.observations, np.arange(16))
        ours = session.run(["logits"], {"observation": dense.reshape(16, *dense.shape[2:])})[0]
        assert ours == pytest.approx(theirs, abs=1e-3)
        seen = max(seen, float(np.ptp(ours, axis=0).max()))
        games.step(generator.integers(0, 6, (8, 2)))
    assert seen > 1e-3  # the policy does look at what it sees


@pytest.mark.parametrize(("method", "names"), [
    ("self-play", ["mine"]), ("srpo", ["mine"]), ("ippo", ["mine-seat0", "mine-seat1"]),
])  # fmt: skip
def test_card_tells_where_the_policy_comes_from(tmp_path, method, names):
    run = run_of(tmp_path, method, seed=5)
    folders = export.export_run(run, "tiny/goal/mine", tmp_path / "policies")
    assert [folder.name for folder in folders] == names
    for seat, folder in enumerate(folders):
        card = json.loads((folder / "card.json").read_text())
        assert card["name"] == f"tiny/goal/{folder.name}"
        assert (card["algorithm"], card["seed"], card["steps"]) == (method, 5, 640)
        assert card["seats"] == ([seat] if len(names) > 1 else [0, 1])
        assert card["results"]["own_pair"]["episodes"] == 100
        policy = load_policy(card["name"], make_world("tiny/goal").facts, tmp_path / "policies")
        assert policy.name == card["name"]


@pytest.mark.parametrize("name", ["../mine", "tiny/../../mine", "/mine", "tiny//mine", "", "."])
def test_a_name_never_leads_out_of_the_folder(tmp_path, name):
    with pytest.raises(UserError, match="is no name for a policy: use letters"):
        export.export_run(tmp_path / "run", name, tmp_path / "policies")
    assert list(tmp_path.iterdir()) == []


def test_export_never_overwrites(tmp_path):
    run = run_of(tmp_path)
    (folder,) = export.export_run(run, "mine", tmp_path / "policies")
    before = (folder / "policy.onnx").read_bytes()
    (folder / "policy.onnx").write_bytes(b"precious")
    with pytest.raises(UserError, match="already exists: choose another name"):
        export.export_run(run, "mine", tmp_path / "policies")
    assert (folder / "policy.onnx").read_bytes() == b"precious" != before


def test_a_network_that_differs_from_its_file_leaves_nothing_behind(tmp_path, monkeypatch):
    run = run_of(tmp_path)
    right = export.to_onnx

    def wrong(networks, trainer, compact):
        networks[0].weights.actor_bias[:] += 0.01
        model = right(networks, trainer)
        networks[0].weights.actor_bias[:] -= 0.01
        return model

    monkeypatch.setattr(export, "to_onnx", wrong)
    with pytest.raises(UserError, match=r"differs from the trained one by 0\.01"):
        export.export_run(run, "mine", tmp_path / "policies")
    assert not (tmp_path / "policies").exists()


def test_command_says_where_the_policy_lies(tmp_path):
    run = run_of(tmp_path)
    said = CliRunner().invoke(
        commands.export, [str(run), "mine", "--to", str(tmp_path / "policies")]
    )
    assert said.exit_code == 0
    assert f"Wrote {tmp_path / 'policies' / 'mine'}" in said.output


def test_a_compact_policy_is_small_and_decides_as_the_whole_one(tmp_path):
    """Half precision, and no weights for what was never seen: nearly the same where it has been."""
    world = "kitchen/cramped_room"
    run = run_of(tmp_path, world=world, steps=2560, hidden=64)
    (whole,) = export.export_run(run, f"{world}/whole", tmp_path / "policies")
    (small,) = export.export_run(run, f"{world}/small", tmp_path / "policies", compact=True)
    sizes = [(folder / "policy.onnx").stat().st_size for folder in (small, whole)]
    assert sizes[0] < sizes[1] / 4
    policies = [load_policy(f"{world}/{name}", folder=tmp_path / "policies")
                for name in ("small", "whole")]  # fmt: skip
    games = make_world(world, 16)
    generator = np.random.default_rng(1)
    for _ in range(40):
        seen = games.observe("lossless").reshape(32, 5, 4, 26)
        ours, theirs = (policy.logits(seen, None)[0] for policy in policies)
        assert ours == pytest.approx(theirs, abs=0.02)
        games.step(generator.integers(0, 6, (16, 2)))
    assert np.ptp(theirs) > 0.02  # a difference of nothing at all would be no wonder


def test_a_policy_can_be_exported_as_it_was_on_the_way(tmp_path):
    config = METHODS["self-play"].from_json(SMALL | {"world": "tiny/goal", "steps": 640})
    (run,), _ = runs.start("self-play", config, tmp_path / "run", keep=(0.2, 0.5))
    for share, steps in ((0.2, 128), (0.5, 384), (1.0, 640)):
        (folder,) = export.export_run(run, f"tiny/goal/{share}", tmp_path / "policies", share=share)
        assert json.loads((folder / "card.json").read_text())["steps"] == steps
    with pytest.raises(UserError, match=r"has no checkpoint-75\.pt"):
        export.export_run(run, "tiny/goal/none", tmp_path / "policies", share=0.75)
