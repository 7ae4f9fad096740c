"""Partners of FCP, MEP and E3T, and the adversary that pays nothing, against their definitions."""

import numpy as np
import pytest
import torch

from play.worlds.errors import UserError
from training.config import METHODS
from training.fcp import POINTS, SNAPSHOTS
from training.loss import NO_KL
from training.runs import make_trainer

SMALL = {"world": "tiny/goal", "num_envs": 16, "rollout_length": 16, "hidden": 16, "steps": 2048}
POPULATION = {"population": 3, "population_steps": 8 * 256}


def trainer_of(method, seeds=None, **changes):
    return make_trainer(method, METHODS[method].from_json(SMALL | changes), seeds)


def raised(method, seeds=None, returns=None, **changes):
    """A trainer whose partners are ready, and their networks at first and after each update.

    With returns [updates, partners] these are what the partners are said to earn.
    """
    trainer = trainer_of(method, seeds, **POPULATION, **changes)
    population = trainer.population
    really, seen = population.iterate, [population.policy.stack.flat.copy()]

    def iterate():
        found = really()
        if returns is not None:
            found = [{"return": value} for value in returns[len(seen) - 1]]
        seen.append(population.policy.stack.flat.copy())
        return found

    population.iterate = iterate
    while trainer.population is not None:
        trainer.iterate()
    return trainer, seen


@pytest.mark.parametrize("method", ["fcp", "mep"])
def test_partners_are_kept_untrained_half_way_to_their_final_return_and_at_the_end(method):
    nan = np.nan
    returns = np.array([
        [nan, nan, nan, 0.0, 0.0, 0.0, 0.0, 20.0],  # 10 is passed only at the end
        [nan, nan, 0.0, 12.0, 3.0, 18.0, 20.0, 20.0],  # and here much earlier
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # it never learnt: any of them will do
        [-40.0, -40.0, -21.0, -19.0, -5.0, 0.0, 0.0, 0.0],  # from below
        [nan, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 26.0],  # half-way from 4 to 26 is 15
        [nan, 9.0, 9.0, 9.0, 9.0, 9.0, 5.0, 1.0],  # it got worse
    ])  # fmt: skip
    half = [8, 4, 1, 4, 5, 2]
    trainer, seen = raised(method, (0, 4), returns.T)
    for number, point in enumerate(half):
        member, own = divmod(number, 3)
        kept = trainer.snapshots[member, :, own]
        np.testing.assert_array_equal(kept[0], seen[0][number])
        np.testing.assert_array_equal(kept[1], seen[point][number])
        np.testing.assert_array_equal(kept[2], seen[POINTS][number])
    assert len(trainer.snapshots[0]) == SNAPSHOTS
    assert len(seen) == POINTS + 1
    assert trainer.steps == trainer.population_steps == 3 * 8 * 256
    assert trainer.own_steps == 0
    assert trainer.learning_rate() == trainer.config.learning_rate
    before = trainer.snapshots.copy()
    trainer.iterate()
    np.testing.assert_array_equal(trainer.snapshots, before)


def test_each_partner_acts_by_its_own_network_and_never_beside_itself_as_hero():
    trainer, _ = raised("fcp", (0, 4))
    for network in trainer.hero.stack.networks:
        network.weights.actor_bias[:] = [99.0, 0, 0]  # a hero says "a"
    flat = trainer.snapshots.reshape(2, 9, -1)
    for member in (0, 1):
        for number in range(9):
            network = trainer.hero.stack.networks[0]
            bias = network.views(flat[member, number]).actor_bias
            bias[:] = 99.0 * np.eye(3)[1 + (number + member) % 2]  # partners say "b" or "c"
    trainer.act(0, np.random.default_rng(0).random(64))
    actions = trainer.rollout.actions[0].reshape(32, 2)
    for env in range(32):
        hero = env % 2
        said = 1 + (trainer.partner[env] + env // 16) % 2
        assert actions[env, hero] == 0
        assert actions[env, 1 - hero] == said


def test_partners_of_fcp_come_equally_often_and_change_when_an_episode_ends():
    trainer, _ = raised("fcp")
    drawn = []
    for _ in range(40):
        before = trainer.partner.copy()
        trainer.rollout.done[0] = np.arange(16) < 8
        trainer.after_step(0)
        np.testing.assert_array_equal(trainer.partner[8:], before[8:])
        drawn += trainer.partner[:8].tolist()
    counts = np.bincount(drawn, minlength=9)
    assert counts.min() > 0.5 * len(drawn) / 9


def test_partners_of_mep_are_preferred_by_the_rank_of_their_difficulty():
    trainer, _ = raised("mep")
    trainer.success[0] = [5, 1, 4, 9, 8, 7, 6, 3, 2]
    ranks = np.array([5, 9, 6, 1, 2, 3, 4, 7, 8])
    assert trainer.weights(0) == pytest.approx(ranks**3.0 / (ranks**3.0).sum())


def test_meps_bonus_is_the_surprise_at_the_mean_policy_of_the_own_population():
    trainer = trainer_of("mep", (0, 4), **POPULATION)
    population = trainer.population
    population.play()
    rollout, step = population.rollout, 3
    slots = np.arange(rollout.slots)
    rows = step * rollout.slots + slots
    dense = rollout.observations.dense(rows, population.observer.num_rows)
    shares = torch.stack(
        [torch.softmax(network(dense)[0], 1) for network in population.policy.stack.networks]
    ).numpy()  # [6 networks, slots, actions]
    group = slots // (rollout.slots // 2)
    mean = np.stack([shares[:3].mean(0), shares[3:].mean(0)])[group, slots]
    expected = np.log(mean[slots, rollout.actions[step]])
    assert population._mean_log_probs(step) == pytest.approx(expected, abs=1e-4)
    before = rollout.own[step].copy()
    population.learn()
    assert rollout.own[step] - before == pytest.approx(-0.0005 * expected, abs=1e-6)


def test_the_partner_of_e3t_is_the_policy_with_a_share_of_random_play():
    trainer = trainer_of("e3t", random_share=0.6)
    trainer.policy.stack.networks[0].weights.actor_bias[:] = [99.0, 0, 0]
    generator = np.random.default_rng(1)
    actions = []
    for _ in range(300):
        trainer.act(0, generator.random(32))
        actions.append(trainer.rollout.actions[0].reshape(16, 2).copy())
    said = np.array(actions)
    envs = np.arange(16)
    assert (said[:, envs, envs % 2] == 0).all()
    partner = np.bincount(said[:, envs, 1 - envs % 2].reshape(-1), minlength=3) / said[..., 0].size
    assert partner == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    assert trainer.learning.tolist() == [2 * env + env % 2 for env in envs]


def test_a_pure_adversary_pays_nothing_and_heroes_keep_their_entropy():
    trainer = trainer_of("pure-adversary", entropy=0.07)
    trainer.play()
    trainer.divergence[:] = 5.0
    rewards, own = trainer.rewards(), trainer.rollout.slot_rewards(trainer.shaping())
    (role,) = trainer.adversaries
    np.testing.assert_array_equal(rewards[:, role.slots], -own[:, role.slots])
    lesson = trainer._adversarys_lesson(role, 0, rewards)
    assert lesson.reference.kl == NO_KL
    assert trainer.heroes[0].policies.learners[0].entropy == 0.07
    with pytest.raises(UserError, match="--kl-in is both"):
        trainer_of("pure-adversary", kl_in="both")
