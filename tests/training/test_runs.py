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

from play.main import cli
from play.worlds.errors import UserError
from training import checkpoints, commands, ppo, runs
from training.config import METHODS, VARIANTS, FcpConfig, PpoBcConfig, with_changes
from training.rollout import Returns

HERE = Path(__file__).parent
# an exploiter needs one of the others first, and partners with preferences a world with events
LEARNERS = [method for method in METHODS if method not in ("exploiter", "preferring")]
SMALL = {
    "world": "tiny/goal", "num_envs": 16, "rollout_length": 16, "learning_rate": 3e-3,
    "hidden": 16, "steps": 12_000,
}  # fmt: skip


def config_of(method, **changes):
    """Settings of a small run; a population is ready after two rounds unless said otherwise."""
    settings = SMALL | changes
    if issubclass(METHODS[method], FcpConfig):
        rollout = settings["num_envs"] * settings.get("rollout_length", 16)
        settings = {"population": 2, "population_steps": 2 * rollout} | settings
    if issubclass(METHODS[method], PpoBcConfig):
        settings = {"partner": "random"} | settings
    return METHODS[method].from_json(settings)


def weights_of(trainer, member=0):
    return {name: torch.from_numpy(p.stack.flat[member]) for name, p in trainer.policies.items()}


def assert_same_weights(first, second, member=0):
    one, two = weights_of(first), weights_of(second, member)
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


def trained(method, config, updates):
    trainer = runs.make_trainer(method, config)
    for _ in range(updates):
        trainer.iterate()
    return trainer


@pytest.mark.parametrize("method", LEARNERS)
def test_every_method_learns_the_tiny_game(method):
    trainer = runs.make_trainer(method, config_of(method, population_steps=SMALL["steps"])
                                if method in ("fcp", "mep") else config_of(method))  # fmt: skip
    figures = []
    while trainer.steps < trainer.total_steps:
        figures += trainer.iterate()
    returns = [own["return"] for own in figures if "return" in own]
    returns = [value for value in returns if not np.isnan(value)]  # from the first episode on
    assert returns[0] < 2.9  # beside partners that know the game, half of it is earned at once
    beside_random = method in ("ppo-bc", "best-response", "fcp", "mep")
    assert returns[-1] > (2.5 if beside_random else 3.5)
    if method in ("fcp", "mep"):
        assert max(own.get("population_return", 0) for own in figures) > 3.5


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_srpo_trains(variant):
    config = config_of("srpo", **{**VARIANTS[variant], "hidden": 16})
    (figures,) = trained("srpo", config, 2).iterate()
    assert figures["adversary_kl"] >= 0
    assert ("return" in figures) == (config.true_partner_share > 0)


@pytest.mark.parametrize("method", LEARNERS)
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
        flat = trainer.policies["hero"].stack.flat
        print(hashlib.sha256(flat.tobytes()).hexdigest())
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


@pytest.mark.parametrize("method", LEARNERS)
def test_lessons_side_by_side_are_those_taken_in_turn(method, monkeypatch):
    together = trained(method, config_of(method), 3)
    monkeypatch.setattr(ppo, "side_by_side", lambda jobs, sizes: [job() for job in jobs])
    apart = trained(method, config_of(method), 3)
    assert_same_weights(together, apart)
    assert together.iterate()[0] == pytest.approx(apart.iterate()[0], nan_ok=True, rel=0, abs=0)


KITCHEN = {"world": "kitchen/cramped_room", "options": "horizon=40", "rollout_length": 32}


@pytest.mark.parametrize("starts", ["exploring_starts", "visited_starts"])
@pytest.mark.parametrize("method", LEARNERS)
def test_a_seed_becomes_the_same_alone_and_among_others(method, starts):
    config = config_of(method, **KITCHEN, **{starts: 1.0})
    stack = runs.make_trainer(method, config, (5, 0, 7))
    alone = {seed: runs.make_trainer(method, with_changes(config, seed=seed)) for seed in (0, 7)}
    for _ in range(4):
        figures = stack.iterate()
        own = {seed: trainer.iterate()[0] for seed, trainer in alone.items()}
    for member, seed in ((1, 0), (2, 7)):
        assert_same_weights(alone[seed], stack, member)
        assert figures[member] == pytest.approx(own[seed], nan_ok=True, rel=0, abs=0)
        states = stack.world.get_states(stack.members[member].envs)
        np.testing.assert_array_equal(states, alone[seed].world.get_states())


def test_adversaries_of_one_seed_wait_while_those_of_another_play():
    config = config_of("srpo")
    stack = runs.make_trainer("srpo", config, (0, 1))
    alone = [runs.make_trainer("srpo", config_of("srpo", seed=seed)) for seed in (0, 1)]
    for trainer in (*alone, stack):
        for steering in trainer.steering:
            steering.pace["true"] = -50.0  # so far from a success that nobody's begin by itself
    for steering in (stack.steering[1], alone[1].steering[0]):
        steering.begun = True
    for trainer in (*alone, stack):
        for _ in range(3):
            figures = trainer.iterate()
    assert [steering.begun for steering in stack.steering] == [False, True]
    assert figures[0]["adversary_kl"] == 0 < figures[1]["adversary_kl"]
    for member in (0, 1):
        assert_same_weights(alone[member], stack, member)


def test_a_stack_that_was_stopped_goes_on_together_or_one_by_one(tmp_path):
    config = config_of("srpo", **KITCHEN, visited_starts=0.5, steps=5 * 16 * 32)
    whole, _ = runs.start("srpo", config, tmp_path / "whole", (3, 4))
    stack = runs.make_trainer("srpo", config, (3, 4))
    for _ in range(2):
        stack.iterate()
    for name in ("together", "apart"):
        for member, seed in enumerate((3, 4)):
            path = tmp_path / name / f"seed{seed}"
            checkpoints.new_run_dir(path, config, "srpo")
            checkpoints.write_config(path, with_changes(config, seed=seed), stack)
            checkpoints.save(path, stack, 0.0, member)
    assert runs.find_runs(tmp_path / "together") == [tmp_path / f"together/seed{s}" for s in (3, 4)]
    assert runs.resume(runs.find_runs(tmp_path / "together"))
    for seed in (4, 3):
        assert runs.resume([tmp_path / f"apart/seed{seed}"])
    for seed, path in zip((3, 4), whole, strict=True):
        ended = [path, tmp_path / f"together/seed{seed}", tmp_path / f"apart/seed{seed}"]
        trainers = [runs.make_trainer("srpo", with_changes(config, seed=seed)) for _ in ended]
        for trainer, folder in zip(trainers, ended, strict=True):
            checkpoints.load(folder, trainer)
        assert_same_weights(trainers[0], trainers[1])
        assert_same_weights(trainers[0], trainers[2])


def test_runs_that_do_not_belong_together_are_not_resumed_together(tmp_path):
    config = config_of("ippo", steps=512)
    (first, second), _ = runs.start("ippo", config, tmp_path / "runs", (0, 1))
    (other,), _ = runs.start("ippo", config_of("ippo", steps=512, hidden=8), tmp_path / "other")
    (longer,), _ = runs.start("ippo", config_of("ippo", steps=512, seed=2), tmp_path / "longer")
    trainer = runs.make_trainer("ippo", config_of("ippo", steps=512, seed=2))
    trainer.iterate()
    checkpoints.save(longer, trainer, 0.0)
    for pair, words in (
        ((first, other), "different settings"),
        ((first, first), "have one seed"),
        ((second, longer), "has come to step 256, another run to step 512"),
    ):
        with pytest.raises(UserError, match=words):
            runs.resume(pair)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,1", "0-2,1"])
def test_seeds_that_are_none_are_refused(text):
    with pytest.raises(UserError, match="different seeds, as in 0-9"):
        commands.parse_seeds(text)


def test_seeds_are_read_as_ranges_and_lists():
    assert commands.parse_seeds("0-2,7") == [0, 1, 2, 7]
    assert commands.parse_seeds(None) is None


def test_episodes_begin_in_visited_states_as_often_as_asked():
    config = config_of("self-play", **KITCHEN, exploring_starts=0.0, visited_starts=0.5)
    trainer = runs.make_trainer("self-play", config)
    begun = []

    def watch(step):
        trainer_after_step(step)
        done = trainer.rollout.done[step]
        begun.extend(trainer.world.get_states()[done, 0].tolist())

    trainer_after_step, trainer._after_step = trainer._after_step, watch
    for _ in range(12):
        trainer.iterate()
    late = np.count_nonzero(begun[16:])  # when the first ones began, little had been visited
    assert 0.3 < late / len(begun[16:]) < 0.7
    assert max(begun) < 40


def test_the_entropy_bonus_goes_from_its_first_weight_to_its_last():
    trainer = runs.make_trainer("ippo", config_of("ippo", entropy=0.4, final_entropy=0.1))
    weights = []
    while trainer.steps < trainer.config.steps:
        trainer.iterate()
        weights += [
            learner.entropy for each in trainer.policies.values() for learner in each.learners
        ]
    assert weights[0] == pytest.approx(0.4)
    assert weights == pytest.approx(np.repeat(np.linspace(0.4, 0.1, 48)[:47], 2), abs=0.01)
    with pytest.raises(UserError, match=r"final-entropy is -0\.5"):
        config_of("ippo", final_entropy=-0.5)


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


@pytest.mark.parametrize("method", LEARNERS)
def test_resumed_run_equals_an_uninterrupted_one(method, tmp_path):
    whole = trained(method, config_of(method), 6)
    half = trained(method, config_of(method), 3)
    checkpoints.save(tmp_path, half, 1.5)
    resumed = runs.make_trainer(method, config_of(method))
    assert checkpoints.load(tmp_path, resumed) == 1.5
    for _ in range(3):
        figures = resumed.iterate()
    assert_same_weights(whole, resumed)
    assert whole.iterate()[0] == pytest.approx(resumed.iterate()[0], nan_ok=True)
    assert figures[0]["steps"] == half.steps + 3 * 16 * 16


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
        runs.resume([tmp_path])
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


def test_a_family_has_defaults_of_its_own_and_options_come_before_them(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "_train", lambda method, config, *rest: seen.append(config))
    for words in (
        "ippo --world private-kitchen/scarce --entropy 0.3",
        "srpo --world private-kitchen/scarce --variant released-grid",
        "ippo --world tag/simple",
    ):
        commands.train.main(words.split(), standalone_mode=False)
    own, released, tag = seen
    assert (own.learning_rate, own.min_deviation, own.entropy) == (2e-3, 1.0, 0.3)
    assert (released.min_deviation, released.learning_rate, released.entropy) == (1.0, 6e-4, 0.1)
    assert tag == METHODS["ippo"](world="tag/simple")


@pytest.mark.parametrize(("words", "expected"), [
    (["ippo"], {"encoding": "egocentric", "entropy": 0.05, "steps": 2_000_000}),
    (["srpo", "--world", "kitchen/forced_coordination"], {"warm_start": 0.5}),
    (["self-play", "--encoding", "lossless", "--steps", "9"], {"encoding": "lossless", "steps": 9}),
    (["srpo", "--world", "tag/simple"], {"encoding": "", "warm_start": 0.0}),
])  # fmt: skip
def test_the_command_takes_what_suits_the_world_unless_told_otherwise(monkeypatch, words, expected):
    seen = []
    monkeypatch.setattr(commands, "_train", lambda method, config, *rest: seen.append(config))
    assert CliRunner().invoke(cli, ["train", *words], catch_exceptions=False).exit_code == 0
    found = seen[0].to_json()
    assert {name: found[name] for name in expected} == expected
