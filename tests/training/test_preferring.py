"""Partners with preferences: what they are paid, against events counted by hand."""

import numpy as np
import pytest

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.kitchen.state import ACTIONS
from play.worlds.registry import make_world
from training import runs
from training.config import METHODS
from training.export import export_run
from training.preferring import draw_preferences
from training.runs import make_trainer

ROOM = "kitchen/cramped_room"
SMALL = {"world": ROOM, "num_envs": 4, "rollout_length": 24, "hidden": 8, "steps": 960,
         "exploring_starts": 0.0}  # fmt: skip


def trainer_of(seeds=None, **changes):
    return make_trainer("preferring", METHODS["preferring"].from_json(SMALL | changes), seeds)


def test_a_partner_is_paid_for_what_it_likes(monkeypatch):
    """Players begin at (1, 2) and (3, 1); onions are at (0, 1) and (4, 1), the pot at (2, 0)."""
    word = {name: index for index, name in enumerate(ACTIONS)}
    ways = {
        0: ["north", "west", "interact", "east", "north", "interact", "stay", "stay", "stay"],
        1: ["stay", "east", "interact", "stay", "south", "stay", "stay", "east", "interact"],
    }
    trainer = trainer_of(preferences="onion_pickup=0.5,potting_onion=2,idle=-0.125,reward=1")

    def scripted(policies, step, slots, uniforms):
        for slot in slots:
            way = ways[slot % 2]
            trainer.rollout.actions[step, slot] = word[way[step] if step < len(way) else "stay"]

    monkeypatch.setattr(trainer, "decide", scripted)
    trainer.play()
    assert trainer.partner_slots.tolist() == [0, 3, 4, 7]  # the seats in turn
    paid = {0: [0, 0, 0.5, 0, 0, 2, -0.125, -0.125, -0.125],
            3: [-0.125, 0, 0.5, -0.125, 0, -0.125, -0.125, 0, 0]}  # fmt: skip
    for slot, expected in paid.items():
        assert trainer.liked[:9, slot].tolist() == expected, slot
    assert not trainer.liked[:, trainer.adapting_slots].any()


def test_pay_is_the_weighted_sum_of_the_events_of_the_own_seat():
    """A second world, stepped with the same actions, tells the events by name."""
    trainer = trainer_of((7, 8))
    for member in trainer.preferences:
        assert member == draw_preferences(7 if member is trainer.preferences[0] else 8,
                                          trainer.config.events)  # fmt: skip
    world = make_world(ROOM, 8, autoreset=True)
    world.set_states(trainer.world.get_states())
    trainer.play()
    names = world.facts.events
    for step in range(24):
        actions = trainer.rollout.actions[step].reshape(8, 2)
        world.step(actions)
        for env in range(8):
            seat = env % 2
            likes = trainer.preferences[env // 4]
            happened = [names[e] for e in np.flatnonzero(world.events[env, seat])]
            pay = sum(likes.get(name, 0.0) for name in happened)
            pay += likes["idle"] * (actions[env, seat] == ACTIONS.index("stay"))
            pay += likes["reward"] * world.rewards[env].sum() / 20
            assert trainer.liked[step, 2 * env + seat] == pytest.approx(pay, abs=1e-6)


def test_seeds_differ_in_what_they_like_and_in_nothing_but_their_seed():
    events = METHODS["preferring"]().events
    drawn = [tuple(draw_preferences(seed, events).values()) for seed in range(40)]
    assert len(set(drawn)) > 35
    assert drawn[3] == tuple(draw_preferences(3, events).values())
    assert {weights[-1] for weights in drawn} == {0.0, 1.0}


def test_preferences_can_be_milder_and_beside_the_teams_reward_for_all():
    seeds = tuple(range(6))
    drawn = [draw_preferences(seed, METHODS["preferring"]().events) for seed in seeds]
    assert {own["reward"] for own in drawn} == {0.0, 1.0}
    milder = trainer_of(seeds, preference_strength=0.5).preferences
    always = trainer_of(seeds, reward_always=True).preferences
    for own, mild, paid in zip(drawn, milder, always, strict=True):
        assert mild == {k: v if k == "reward" else v / 2 for k, v in own.items()}
        assert paid == own | {"reward": 1.0}


def test_each_side_learns_from_its_own_pay(monkeypatch):
    trainer = trainer_of((1, 2))
    taught = []
    monkeypatch.setattr(
        trainer, "teach", lambda lessons: taught.extend(lessons) or [{}] * len(lessons)
    )
    trainer.play()
    trainer.liked[:] = 1.0
    trainer.rollout.own[:] = 0.0
    trainer.rollout.shaped[:] = 0.0
    trainer.rollout.values[:] = 0.0
    trainer.learn()
    means = [lesson.samples.targets.mean() for lesson in taught]
    assert means[0] > 5 < means[2]
    assert means[1] == means[3] == 0
    learners = [lesson.learner for lesson in taught]
    assert learners == [
        trainer.partners.learners[0], trainer.adapting.learners[0],
        trainer.partners.learners[1], trainer.adapting.learners[1],
    ]  # fmt: skip


def test_preferences_count_after_a_share_of_the_training(monkeypatch):
    """A round has 96 of the 960 steps; a quarter of them is over in the third."""
    trainer = trainer_of((1,), preferences_after=0.25)
    pay, samples = [], trainer.samples

    def noted(policies, rewards, slots):
        if policies is trainer.partners:
            pay.append(rewards is trainer.liked)
        return samples(policies, rewards, slots)

    monkeypatch.setattr(trainer, "samples", noted)
    for _ in range(4):
        trainer.iterate()
    assert pay == [False, False, False, True]


def test_the_card_tells_the_preferences_that_the_seed_drew(tmp_path):
    config = METHODS["preferring"].from_json(SMALL | {"steps": 1})
    (_, path), _ = runs.start("preferring", config, tmp_path / "runs", (3, 4))
    folders = export_run(path, f"{ROOM}/liking", tmp_path / "policies", held_out=True)
    assert [folder.name for folder in folders] == ["liking", "liking-adapting"]
    card = load_policy(f"{ROOM}/liking", folder=tmp_path / "policies").card
    drawn = draw_preferences(4, config.events)
    assert card.hyperparameters["preferences"] == {k: v for k, v in drawn.items() if v}
    assert card.held_out


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"preferences": "onions=1"}, "--preferences names onions, but it must be idle, reward or"),
        ({"liked_events": "onion_pickup,naps"}, "--liked-events names naps, but kitchen/cramped_r"),
        ({"preference_strength": 0.0}, "--preference-strength is 0.0, but it must be above 0"),
        ({"preferences_after": 1.0}, "--preferences-after is 1.0, but it must be 0 or more and be"),
        ({"world": "private-kitchen/scarce", "liked_events": ""}, None),
    ],
)
def test_mistakes_are_one_sentence(changes, sentence):
    if sentence is None:
        trainer_of(**changes)
        return
    with pytest.raises(UserError, match=sentence):
        trainer_of(**changes)
