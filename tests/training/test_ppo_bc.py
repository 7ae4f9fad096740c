"""A policy that learns beside another one: PPO-BC, best responses, SRPO with a human proxy."""

import numpy as np
import pytest
import torch

from agents.library import load_policy
from play.worlds.errors import UserError
from training import runs
from training.config import METHODS, with_changes
from training.export import export_run
from training.runs import make_trainer
from training.srpo import trembling

ROOM = "kitchen/cramped_room"
SMALL = {"world": ROOM, "num_envs": 8, "rollout_length": 20, "hidden": 8, "steps": 1600}
IDLE = 4


def config_of(method="ppo-bc", **changes):
    return METHODS[method].from_json(SMALL | changes)


def weights(trainer, member=0):
    return [policies.stack.flat[member].copy() for policies in trainer.policies.values()]


def test_it_plays_with_itself_at_first_and_beside_the_partner_in_the_end():
    trainer = make_trainer("ppo-bc", config_of(partner="stay", partner_warmup=0.5))
    shares = []
    for _ in range(10):
        shares.append(trainer.partner_share())
        trainer.iterate()
    assert shares == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1])
    trainer = make_trainer("ppo-bc", config_of(
        partner="stay", partner_share=0.8, partner_warmup=0.2, final_partner_share=0.2
    ))  # fmt: skip
    shares = []
    for _ in range(10):
        shares.append(trainer.partner_share())
        trainer.steps += 160
    assert shares == pytest.approx([0, 0.4, 0.8, 0.725, 0.65, 0.575, 0.5, 0.425, 0.35, 0.275])
    trainer = make_trainer("ppo-bc", config_of(partner="stay", partner_share=0.5))
    assert not trainer.beside.any()
    trainer.steps = 800
    trainer._choose(np.ones(8, np.bool_))
    own, beside = trainer.rollout.actions, trainer.beside
    assert beside.any()
    assert not beside.all()
    trainer.play()
    assert (own[:-1, trainer.partner_slots[beside]] == IDLE).all()
    for slots in (trainer.partner_slots[~beside], trainer.learning):
        assert (own[:-1, slots] != IDLE).any(0).all()
    assert sorted([*trainer.learning, *trainer.partner_slots]) == list(range(16))
    assert set(trainer.learning % 2) == {0, 1}


def test_the_partner_of_an_episode_is_drawn_when_it_begins():
    config = config_of(
        partner="stay", partner_share=0.5, partner_warmup=0.0, options="horizon=10",
        exploring_starts=0.0,
    )  # fmt: skip
    trainer = make_trainer("ppo-bc", config, (0, 1, 2, 3))
    trainer.play()
    idle = (trainer.rollout.actions[:20, trainer.partner_slots] == IDLE).reshape(2, 10, -1).all(1)
    assert 0.25 < idle.mean() < 0.75
    assert (idle[0] != idle[1]).any()


def test_it_learns_from_its_own_seat_only(monkeypatch):
    trainer = make_trainer("ppo-bc", config_of(partner="stay", partner_warmup=0.0))
    taught = []
    monkeypatch.setattr(trainer, "teach", lambda lessons: taught.extend(lessons) or [{}])
    trainer.play()
    trainer.learn()
    (lesson,) = taught
    expected = trainer.rollout.rows(trainer.learning)
    np.testing.assert_array_equal(lesson.samples.rows, expected)


@pytest.mark.parametrize(("method", "more"), [
    ("ppo-bc", {"partner_warmup": 0.2}), ("srpo", {"partner_share": 0.5, "tau": 1.0}),
    ("srpo", {"partner_share": 0.5, "partner_warmup": 0.8, "tau": 1.0}),
    ("srpo", {"partner_share": 1.0, "tau": 1.0, "partner": f"{ROOM}/human-proxy,greedy"}),
])  # fmt: skip
def test_a_seed_beside_a_human_proxy_becomes_what_it_would_alone_and_goes_on(method, more):
    """The proxy has a memory, and sits in some games of both seeds."""
    config = config_of(method, **more)
    stack, alone = (
        make_trainer(method, config, (0, 3)),
        make_trainer(method, with_changes(config, seed=3)),
    )
    half = make_trainer(method, with_changes(config, seed=3))
    for step in range(4):
        stack.iterate()
        alone.iterate()
        if step < 2:
            half.iterate()
    again = make_trainer(method, with_changes(config, seed=3))
    again.restore(half.state())
    for _ in range(2):
        again.iterate()
    for mine, stacked, resumed in zip(
        weights(alone), weights(stack, 1), weights(again), strict=True
    ):
        np.testing.assert_array_equal(mine, stacked)
        np.testing.assert_array_equal(mine, resumed)
    sha256 = load_policy(f"{ROOM}/human-proxy").card.sha256
    assert alone.fingerprints()[f"{ROOM}/human-proxy"] == sha256


@pytest.mark.parametrize("method", ["ppo-bc", "srpo"])
def test_a_held_out_proxy_is_refused(method):
    share = {"partner_share": 0.5} if method == "srpo" else {}
    config = config_of(method, partner=f"{ROOM}/human-proxy-held-out", **share)
    with pytest.raises(UserError, match="human-proxy-held-out is held out for evaluation"):
        make_trainer(method, config)


def test_a_yardstick_may_meet_it():
    config = config_of("best-response", partner=f"{ROOM}/human-proxy-held-out")
    trainer = make_trainer("best-response", config)
    assert trainer.beside.all()
    with pytest.raises(UserError, match="--partner is empty, but it must be the name of a policy"):
        config_of("best-response")


def test_every_seed_has_a_partner_of_its_own(tmp_path):
    """And a run of several is what each would be alone; the card names the partner."""
    for seed in (4, 5):
        run = tmp_path / f"run{seed}"
        runs.start("self-play", config_of("self-play", seed=seed, steps=1), run)
        export_run(run, f"{ROOM}/p/seed{seed}", tmp_path / "policies", held_out=True)
    config = config_of(
        "best-response", partner=f"{ROOM}/p/seed{{seed}}", partner_folder=str(tmp_path / "policies")
    )
    stack = make_trainer("best-response", config, (4, 5))
    alone = make_trainer("best-response", with_changes(config, seed=5))
    for _ in range(2):
        stack.iterate()
        alone.iterate()
    np.testing.assert_array_equal(weights(stack, 1)[0], weights(alone)[0])
    assert list(stack.fingerprints()) == [f"{ROOM}/p/seed4", f"{ROOM}/p/seed5"]
    paths, done = runs.start(
        "best-response", with_changes(config, steps=320), tmp_path / "b", (4, 5)
    )
    assert done
    export_run(paths[1], f"{ROOM}/b", tmp_path / "policies")
    card = load_policy(f"{ROOM}/b", folder=tmp_path / "policies").card
    assert card.algorithm == "best-response"
    assert card.hyperparameters["partner"] == f"{ROOM}/p/seed5"
    assert "partner_folder" not in card.hyperparameters
    assert set(card.hyperparameters["guests"]) == {f"{ROOM}/p/seed5"}
    assert "beside" not in card.results["own_pair"]


def test_srpos_adversary_stays_close_to_the_partner_that_it_stands_in_for():
    config = config_of(
        "srpo", num_envs=12, partner="stay", partner_share=0.5, partner_warmup=0.0, tau=1.0
    )
    trainer = make_trainer("srpo", config)
    trainer.play()
    guests = np.flatnonzero(trainer.is_guest)
    hosted = np.unique(guests // 2)
    assert len(hosted) == len(guests) == 6
    assert sorted(guests % 2) == [0, 0, 0, 1, 1, 1]
    true_games = hosted[hosted < 4]
    assert len(true_games) == 2
    seated = [slot for slot in guests if slot // 2 in true_games]
    assert (trainer.rollout.actions[:-1, seated] == IDLE).all()
    (adversary,), (hero,) = trainer.adversaries, trainer.heroes
    beside_guests = np.intersect1d(adversary.slots, guests)
    assert len(beside_guests) == 4
    certain = np.full((1, 6), -np.inf, np.float32)
    certain[0, IDLE] = 0
    expected = trembling(np.maximum(certain, np.log(np.float32(1e-8))), 0.2)[0]
    assert trainer.reference[:-1, beside_guests] == pytest.approx(
        np.tile(expected, (20, 4, 1)), abs=1e-5
    )
    others = np.setdiff1d(adversary.slots, guests)
    assert np.ptp(trainer.reference[:-1, others], axis=2).max() < 0.5  # a beginner's, nearly even
    assert not np.intersect1d(hero.slots, guests).size
    assert trainer.context.reshape(12, 2)[:, 0].tolist() == [
        (env >= 4) + 2 * (env in hosted) for env in range(12)
    ]


def test_srpos_partner_is_let_in_over_the_part_of_the_run_that_is_asked_for():
    """Evenly with and without adversaries and in both seats; who is not yet seated is the hero."""
    config = config_of(
        "srpo", num_envs=24, partner="stay", partner_share=0.75, partner_warmup=0.5, tau=1.0,
        true_partner_share=0.5, steps=4 * 24 * 20,
    )  # fmt: skip
    trainer = make_trainer("srpo", config)
    (hero,) = trainer.heroes
    found = []
    for _ in range(3):
        trainer.play()
        guests = np.flatnonzero(trainer.is_guest)
        true_games = guests[guests // 2 < 12]
        found.append((len(guests), len(true_games), int((guests % 2).sum())))
        idle = (trainer.rollout.actions[:-1] == IDLE).all(0)
        np.testing.assert_array_equal(np.flatnonzero(idle), true_games)
        np.testing.assert_array_equal(hero.early, np.setdiff1d(np.arange(48), guests))
        assert (trainer.context.reshape(24, 2)[:, 0] >= 2).nonzero()[0].tolist() == sorted(
            guests // 2
        )
        trainer.steps += 24 * 20
    assert found == [(0, 0, 0), (8, 4, 4), (16, 8, 8)]


def test_srpos_partner_leaves_games_to_the_hero_in_the_end():
    config = config_of(
        "srpo", num_envs=48, partner="stay", partner_share=0.75, partner_warmup=0.25,
        final_partner_share=0.25, true_partner_share=0.5, steps=4 * 48 * 20,
    )  # fmt: skip
    trainer = make_trainer("srpo", config)
    found = []
    for _ in range(5):
        trainer._seat_guests()
        guests = np.flatnonzero(trainer.is_guest)
        found.append((len(guests), int((guests // 2 < 24).sum()), int((guests % 2).sum())))
        trainer.steps += 48 * 20
    assert found == [(0, 0, 0), (36, 18, 18), (28, 14, 14), (20, 10, 10), (12, 6, 6)]


def test_a_share_that_rises_in_the_end_is_a_mistake():
    with pytest.raises(UserError, match=r"--final-partner-share is 0.6, .*partner_share, 0.5, at"):
        config_of("srpo", partner_share=0.5, final_partner_share=0.6)


def test_before_adversaries_play_the_partner_itself_does():
    config = config_of("srpo", num_envs=12, partner="stay", partner_share=0.5, partner_warmup=0.0)
    trainer = make_trainer("srpo", config)
    trainer.iterate()
    assert not trainer.steering[0].begun
    guests = np.flatnonzero(trainer.is_guest)
    assert (trainer.rollout.actions[:-1, guests] == IDLE).all()
    (hero,) = trainer.heroes
    np.testing.assert_array_equal(hero.early, np.setdiff1d(np.arange(24), guests))


@pytest.mark.parametrize("method", ["ppo-bc", "srpo"])
def test_several_partners_have_equal_shares_of_both_seats(method):
    names = ["stay", "random", f"{ROOM}/human-proxy", "greedy"]
    config = config_of(method, num_envs=96, partner=", ".join(names), partner_share=0.75)
    trainer = make_trainer(method, config, (0, 3))
    games = {"ppo-bc": 96, "srpo": 72}[method]
    assert [guest.policy.name for guest in trainer.guests] == names
    met = np.concatenate([part for guest in trainer.guests for part in guest._parts])
    assert len(set((met // 2).tolist())) == len(met) == 2 * games
    for guest in trainer.guests:
        for part in guest._parts:
            assert len(part) == games // 4
            assert np.sum(part % 2) == len(part) / 2
            if method == "srpo":
                adversarial = np.sum(trainer._adversarial()[part // 2 % 96])
                assert adversarial == pytest.approx(len(part) * 2 / 3, abs=2)


def test_partners_that_see_the_same_look_once_in_each_step(monkeypatch):
    names = f"{ROOM}/human-proxy,{ROOM}/e3t,{ROOM}/self-play"
    trainer = make_trainer("ppo-bc", config_of(partner=names, num_envs=6))
    looked, observe = [], trainer.world.observe

    def counted(encoding, *rest):
        looked.append(encoding)
        return observe(encoding, *rest)

    monkeypatch.setattr(trainer.world, "observe", counted)
    monkeypatch.setattr(trainer, "act", lambda step, uniforms: None)
    trainer.play()
    assert len({guest.policy.encoding for guest in trainer.guests}) == 2
    assert len(looked) == 2 * 20


def test_more_partners_than_games_to_share_are_a_mistake():
    with pytest.raises(UserError, match="--partner names 5 policies, but there are 4 pairs of"):
        make_trainer("ppo-bc", config_of(partner="stay,greedy,random,slow,stubborn"))


def test_a_partner_without_games_is_a_mistake():
    with pytest.raises(UserError, match="--partner-share 0 leaves it no games"):
        config_of("srpo", partner="stay")


def test_a_saved_state_can_be_read_back(tmp_path):
    trainer = make_trainer("ppo-bc", config_of())
    trainer.iterate()
    torch.save(trainer.state(), tmp_path / "state.pt")
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    assert saved["beside"].dtype == torch.bool
