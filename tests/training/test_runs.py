"""Learning, repeating, interrupting and resuming, on a game that takes a second to learn."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from play.worlds.errors import UserError
from training import checkpoints, commands, ippo, runs
from training.config import METHODS, VARIANTS
from training.rollout import Returns

HERE = Path(__file__).parent
SMALL = {
    "world": "tiny/goal", "num_envs": 16, "rollout_length": 16, "learning_rate": 3e-3,
    "hidden": 16, "steps": 12_000,
}  # fmt: skip


def config_of(method, **changes):
    return METHODS[method].from_json(SMALL | changes)


def weights_of(trainer):
    return {
        f"{name}.{key}": tensor
        for name, learner in trainer.learners.items()
        for key, tensor in learner.network.state_dict().items()
    }


def assert_same_weights(first, second):
    one, two = weights_of(first), weights_of(second)
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


def trained(method, config, updates):
    trainer = runs.make_trainer(method, config)
    for _ in range(updates):
        trainer.iterate()
    return trainer


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_the_tiny_game(method):
    trainer = runs.make_trainer(method, config_of(method))
    first = trainer.iterate()["return"]
    while trainer.steps < trainer.config.steps:
        last = trainer.iterate()["return"]
    assert first < 2.5
    assert last > 3.5


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_srpo_trains(variant):
    config = config_of("srpo", **{**VARIANTS[variant], "hidden": 16})
    figures = trained("srpo", config, 2).iterate()
    assert figures["adversary_kl"] >= 0
    assert ("return" in figures) == (config.true_partner_share > 0)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_gives_the_same_weights_and_another_seed_others(method):
    first = trained(method, config_of(method), 3)
    assert_same_weights(first, trained(method, config_of(method), 3))
    with pytest.raises(AssertionError):
        assert_same_weights(first, trained(method, config_of(method, seed=1), 3))


def test_the_process_that_compiles_gives_the_weights_of_those_that_follow(tmp_path):
    code = """if True:
        import hashlib
        from play.worlds import registry
        from tests.training.test_runs import config_of, trained
        registry.FAMILIES["tiny"] = "tests.training.tiny_world"
        trainer = trained("srpo", config_of("srpo", num_envs=64, hidden=64, rollout_length=64), 8)
        flat = trainer.learners["hero"].network.flat
        print(hashlib.sha256(flat.numpy().tobytes()).hexdigest())
    """
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(HERE.parents[1]),
    }
    prints = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True,
            timeout=300,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert prints[0] == prints[1]
    assert any(tmp_path.rglob("*.nbi"))


def test_seats_learn_side_by_side_as_they_would_in_turn(monkeypatch):
    def in_turn(learners, observations, samples, rate, generator):
        pairs = zip(learners, samples, strict=True)
        return [learner.update(observations, own, rate, generator) for learner, own in pairs]

    together = trained("ippo", config_of("ippo"), 3)
    monkeypatch.setattr(ippo, "update_together", in_turn)
    apart = trained("ippo", config_of("ippo"), 3)
    assert_same_weights(together, apart)
    assert together.iterate() == pytest.approx(apart.iterate(), nan_ok=True, rel=0, abs=0)


def test_the_return_is_that_of_whole_episodes():
    returns = Returns(2, unit=20.0, horizon=3)
    rewards = np.array([[1, 0], [0, 1], [2, 0], [0, 4], [1, 0], [1, 0]], np.float32)
    done = np.array([[0, 0], [0, 1], [1, 0], [0, 0], [0, 1], [1, 0]], np.bool_)
    returns.add(rewards[:4], done[:4])
    resumed = Returns(2, unit=20.0, horizon=3)
    resumed.restore(returns.state())
    resumed.add(rewards[4:], done[4:])
    assert list(resumed.latest) == [
        60,
        80,
        40,
    ]  # not the first episode of the second, which is short


@pytest.mark.parametrize("method", METHODS)
def test_resumed_run_equals_an_uninterrupted_one(method, tmp_path):
    whole = trained(method, config_of(method), 6)
    half = trained(method, config_of(method), 3)
    checkpoints.save(tmp_path, half, 1.5)
    resumed = runs.make_trainer(method, config_of(method))
    assert checkpoints.load(tmp_path, resumed) == 1.5
    for _ in range(3):
        figures = resumed.iterate()
    assert_same_weights(whole, resumed)
    assert whole.iterate() == pytest.approx(resumed.iterate(), nan_ok=True)
    assert figures["steps"] == 6 * 16 * 16


def test_a_resumed_run_draws_the_same_random_starts(tmp_path):
    settings = {"world": "kitchen/cramped_room", "options": "horizon=8", "exploring_starts": 1.0}
    config = config_of("self-play", **settings)
    whole = trained("self-play", config, 4)
    half = trained("self-play", config, 2)
    checkpoints.save(tmp_path, half, 1.5)
    resumed = runs.make_trainer("self-play", config)
    checkpoints.load(tmp_path, resumed)
    for _ in range(2):
        resumed.iterate()
    np.testing.assert_array_equal(whole.world.get_states(), resumed.world.get_states())
    assert_same_weights(whole, resumed)


def test_interrupted_command_saves_and_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []
    original = runs.SelfPlay.iterate

    def interrupted(self):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self)

    monkeypatch.setattr(runs.SelfPlay, "iterate", interrupted)
    words = ["self-play", "--world", "tiny/goal", "--num-envs", "16", "--rollout-length", "16",
             "--steps", "2560", "--run-dir", "run"]  # fmt: skip
    stopped = CliRunner().invoke(commands.train, words, catch_exceptions=False)
    assert "understudy train --resume run" in stopped.output
    assert len((tmp_path / "run/metrics.jsonl").read_text().splitlines()) == 5
    finished = CliRunner().invoke(commands.train, ["--resume", "run"], catch_exceptions=False)
    assert "understudy export run NAME" in finished.output
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines] == [256 * (i + 1) for i in range(10)]
    record = json.loads((tmp_path / "run/config.json").read_text())
    assert record["config"]["steps"] == 2560
    assert set(record) >= {"method", "git_commit", "versions", "command"}


def test_run_directories_are_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = config_of("ippo")
    first = checkpoints.new_run_dir(None, config, "ippo")
    assert checkpoints.new_run_dir(None, config, "ippo") != first
    (first / "config.json").write_text("{}")
    with pytest.raises(UserError, match="already exists"):
        checkpoints.new_run_dir(first, config, "ippo")


def test_unknown_setting_is_refused():
    with pytest.raises(UserError, match="no setting called learning_rat"):
        METHODS["ippo"].from_json({"learning_rat": 1.0})


@pytest.mark.parametrize("setting", [{"num_envs": 0}, {"clip": 0.0}, {"activation": "gelu"}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(UserError):
        METHODS["self-play"].from_json(setting)


def test_damaged_or_missing_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="not a training run"):
        runs.resume(tmp_path)
    trainer = runs.make_trainer("ippo", config_of("ippo"))
    with pytest.raises(UserError, match=r"no checkpoint\.pt"):
        checkpoints.load(tmp_path, trainer)
    checkpoints.save(tmp_path, trainer, 0.0)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged"):
        checkpoints.load(tmp_path, trainer)


def test_options_of_the_world_reach_it_and_nonsense_is_refused():
    config = config_of("ippo", world="kitchen/cramped_room", options="dynamics=new, horizon=32")
    facts = runs.make_trainer("ippo", config).world.facts
    assert facts.horizon == 32
    assert facts.options["dynamics"] == "new"
    with pytest.raises(UserError, match="--options is 'dynamics', but it must be name=value"):
        config_of("ippo", options="dynamics")
    with pytest.raises(UserError, match="A kitchen has no option 'speed'"):
        runs.make_trainer(
            "ippo", config_of("ippo", world="kitchen/cramped_room", options="speed=2")
        )
