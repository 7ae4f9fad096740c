"""Frozen policies in the seats of other roles: who sits where, and that runs go on beside them."""

import shutil
from itertools import product

import numpy as np
import pytest
import torch

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training import checkpoints, runs
from training.config import METHODS, with_changes
from training.export import export_run
from training.guests import seat_guests

TAG = {"world": "tag/simple", "num_envs": 12, "rollout_length": 20, "hidden": 8, "steps": 480}


def config_of(method="ippo", **changes):
    return METHODS[method].from_json(TAG | changes)


def weights(trainer, member=0):
    return {name: policies.stack.flat[member].copy() for name, policies in trainer.policies.items()}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], name)


@pytest.fixture(scope="module")
def chasers(tmp_path_factory):
    """A folder with a chaser for each seat and one for both, as files."""
    folder = tmp_path_factory.mktemp("policies")
    for method, name in (("ippo", "apart"), ("self-play", "alike")):
        run = folder / "runs" / name
        runs.start(method, config_of(method, others="stay", steps=1), run)
        export_run(run, f"tag/simple/{name}", folder, title="A chaser")
    return folder


def test_all_combinations_of_guests_come_up_equally_often():
    world = make_world("tag/two_runners", 36)  # seats 3 and 4 are taken
    policies = {name: load_policy(name, world.facts) for name in ("flee", "random", "stay")}
    guests = {3: list(policies.values()), 4: list(policies.values())[::-1]}
    parts = [
        np.sort([5 * env + seat for env in range(18 * k, 18 * k + 18) for seat in (3, 4)])
        for k in range(2)
    ]
    seated = seat_guests(guests, world, parts)
    who = {int(slot): g.policy.name for g in seated for part in g._parts for slot in part}
    assert sorted(who) == sorted(int(slot) for part in parts for slot in part)
    pairs = [(who[5 * env + 3], who[5 * env + 4]) for env in range(36)]
    expected = set(product(policies, policies))
    assert {pair: pairs.count(pair) for pair in pairs} == dict.fromkeys(expected, 4)
    assert pairs[:18] == pairs[18:]  # every seed has the same


def test_a_runner_learns_beside_chasers_that_take_the_seats_they_can(chasers):
    others = "pursue,tag/simple/apart-seat1,tag/simple/alike"
    config = config_of(role="runner", others=others, others_folder=str(chasers))
    trainer = runs.make_trainer("ippo", config)
    assert trainer.team == (2,)
    seats = {guest.policy.name: guest.seats for guest in trainer.guests}
    assert seats == {"pursue": [0, 1], "tag/simple/alike": [0, 1], "tag/simple/apart-seat1": [1]}
    trainer.iterate()
    acted = trainer.rollout.actions[:-1].reshape(20, 12, 3)
    assert all(len(np.unique(acted[:, :, seat])) > 1 for seat in range(3))
    rewards = trainer.rollout.rewards
    assert (rewards <= 0).all()  # what the runner loses, not what the chasers gain
    assert rewards.min() < 0


def test_a_seed_beside_guests_becomes_what_it_would_alone_and_goes_on(chasers, tmp_path):
    config = config_of(
        role="runner", others="pursue,tag/simple/alike", others_folder=str(chasers), steps=720
    )
    stack = runs.make_trainer("ippo", config, (0, 3))
    alone = runs.make_trainer("ippo", with_changes(config, seed=3))
    for _ in range(3):
        stack.iterate()
        alone.iterate()
    assert_equal(weights(alone), weights(stack, 1))
    halves = runs.make_trainer("ippo", with_changes(config, seed=3))
    halves.iterate()
    again = runs.make_trainer("ippo", with_changes(config, seed=3))
    saved = torch.load(_saved(halves.state(), tmp_path), weights_only=True)
    again.restore(saved)
    for _ in range(2):
        again.iterate()
    assert_equal(weights(alone), weights(again))


def _saved(state, folder):
    torch.save(state, folder / "state.pt")
    return folder / "state.pt"


def test_a_run_beside_a_file_that_has_changed_does_not_go_on(chasers, tmp_path):
    folder = tmp_path / "policies"
    shutil.copytree(chasers / "tag", folder / "tag")
    run = tmp_path / "run"
    config = config_of(role="runner", others="tag/simple/alike", others_folder=str(folder))
    runs.start("ippo", config, run)
    record, _ = checkpoints.read_config(run)
    (known,) = record["guests"].values()
    assert known == load_policy("tag/simple/alike", folder=folder).card.sha256
    assert runs.resume([run])
    trained = tmp_path / "other"
    runs.start("self-play", config_of("self-play", others="stay", seed=1, steps=1), trained)
    shutil.rmtree(folder / "tag/simple/alike")
    export_run(trained, "tag/simple/alike", folder)
    with pytest.raises(UserError, match=r"began beside tag/simple/alike with the SHA-256 \w{12}…"):
        runs.resume([run])


def test_an_exported_runner_says_beside_whom_it_learnt(chasers, tmp_path):
    run = tmp_path / "run"
    config = config_of(role="runner", others="pursue,stay", steps=240)
    runs.start("ippo", config, run)
    (folder,) = export_run(run, "tag/simple/runner", tmp_path / "policies")
    policy = load_policy("tag/simple/runner", folder=tmp_path / "policies")
    assert folder.name == "runner"
    assert policy.card.seats == [2]
    assert policy.card.title == "Independent PPO, runner (simple)"
    assert policy.card.hyperparameters["guests"] == {"pursue": "rule-based", "stay": "rule-based"}
    assert policy.card.results["own_pair"]["beside"] == ["pursue", "stay"]
    assert policy.card.results["own_pair"]["return"] < 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"role": "rat"}, "--role is rat, but in tag/simple it must be chaser or runner"),
        ({"others": "flee,pursue"}, "pursue plays as chaser only, but is to take seat 2, a runner"),
        ({"others": " , "}, "--others is ' , ', but it must name one policy or several"),
        ({"others": "fleee"}, "no partner called 'fleee': did you mean flee"),
        ({"others": "flee", "options": "obstacles=13"}, "leave no free place to start from"),
        ({"others": "flee", "options": "runners=9"}, "runners 9 cannot be played"),
        ({"world": "kitchen/cramped_room", "role": "cook"}, "all have one role: leave it out"),
    ],
)
def test_mistakes_are_one_sentence(changes, sentence):
    with pytest.raises(UserError, match=sentence) as refused:
        runs.make_trainer("ippo", config_of(**changes))
    assert "\n" not in str(refused.value)


def test_a_seat_that_nobody_can_take_is_refused(chasers):
    config = config_of(
        role="runner", others="tag/simple/apart-seat0", others_folder=str(chasers)
    )  # fmt: skip
    with pytest.raises(UserError, match="Nobody can take seat 1 of tag/simple"):
        runs.make_trainer("ippo", config)


def test_a_runner_that_is_held_out_is_no_company_in_training(tmp_path):
    run = tmp_path / "run"
    runs.start("ippo", config_of(role="runner", others="stay", steps=1), run)
    export_run(run, "tag/simple/kept", tmp_path, held_out=True)
    assert load_policy("tag/simple/kept", folder=tmp_path).card.held_out
    config = config_of(others="flee,tag/simple/kept", others_folder=str(tmp_path))
    with pytest.raises(UserError, match="tag/simple/kept is held out for evaluation"):
        runs.make_trainer("ippo", config)


def test_a_guest_of_another_size_is_refused(chasers):
    config = config_of(
        role="runner", others="tag/simple/alike", others_folder=str(chasers), options="obstacles=3"
    )
    with pytest.raises(UserError, match="trained with obstacles 2, but the game has obstacles 3"):
        runs.make_trainer("ippo", config)
