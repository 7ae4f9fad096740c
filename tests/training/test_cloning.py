"""Behaviour cloning: against closed forms, torch against ONNX, and what training may not touch."""

import numpy as np
import pytest
import torch

from agents.demonstrations import Demonstration, save_demonstrations
from agents.library import list_partners, load_policy
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training.cloning.config import CloneConfig
from training.cloning.data import Play, batch_of, folds_of, plays_of
from training.cloning.export import to_onnx
from training.cloning.fit import learn, patience_of, score
from training.cloning.models import make_model
from training.cloning.pace import SPANS, Pace
from training.cloning.proxy import failures_of, make_proxy
from training.config import SelfPlayConfig
from training.evaluation.teams import find_teams
from training.guests import load_guests

WORLD = "kitchen/cramped_room"
STAY, INTERACT = 4, 5


def game(steps=120, seed=0, pair="a", split="train", repeat=4, people=(0, 1)):
    """Random play in which every action is followed by some steps of rest."""
    world = make_world(WORLD, 1, horizon=steps)
    world.reset(seed)
    actions = np.random.default_rng(seed).integers(0, 6, (steps, 2)).astype(np.int8)
    actions[np.arange(steps) % repeat != 0] = STAY
    states = [world.get_states()[0]]
    for joint in actions:
        world.step(joint[None])
        states.append(world.get_states()[0])
    options = dict(world.facts.options)
    return Demonstration(WORLD, options, pair, pair, split, people, np.stack(states), actions)


def random_plays(rows=600, plays=4, seed=0):
    """Inputs [T, 3] of -1 or 1, and actions that the first of them makes more or less likely."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(plays):
        inputs = generator.choice(np.array([-1, 1], np.float32), (rows, 3))
        right = generator.random(rows) < 0.8
        actions = np.where(right, inputs[:, 0] > 0, inputs[:, 0] < 0).astype(np.int64)
        found.append(Play(f"{number}", inputs, actions))
    return found


def test_pace_counts_what_the_cook_did_not_change():
    world = make_world(WORLD, 1, dynamics="old")
    world.reset(0)
    pace = Pace(world.facts.encodings["featurize"])
    memory, shown = np.zeros((1, pace.size), np.float32), []
    # (1, 2): south into the counter only turns; west is one, too; north moves and turns
    for action in (None, STAY, 1, STAY, STAY, 0, 0, STAY):
        if action is not None:
            world.step(np.array([[action, STAY]]))
        seen = world.observe("featurize")[:, 0].reshape(1, -1).astype(np.float32)
        extended, memory = pace.step(seen, memory)
        shown.append(extended[0, seen.shape[1] :])
    moved, turned, hand, quiet = np.array(shown)[1:, :4].T
    assert moved.tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert turned.tolist() == [0, 1, 0, 0, 1, 0, 0]
    assert hand.tolist() == [0] * 7
    assert quiet.tolist() == [1, 0, 1, 1, 0, 1, 1]
    counts = np.array([1, 0, 1, 2, 0, 1, 2])
    for column, span in enumerate(SPANS, start=4):
        assert np.array(shown)[1:, column] == pytest.approx(np.minimum(counts / span, 1))


def test_both_encodings_tell_the_same_pace():
    played = game(steps=400, repeat=2)
    features, planes = (
        [play.inputs[:, -Pace.features :] for play in plays_of([played], encoding, True)]
        for encoding in ("featurize", "lossless")
    )
    np.testing.assert_array_equal(features, planes)
    assert (np.array(features)[:, :, :3].max(1) == 1).all()  # moves, turns and hands all changed
    with pytest.raises(UserError, match="has no encoding 'pixels': choose lossless"):
        plays_of([played], "pixels", True)


def test_patience_is_the_length_of_usual_rests():
    def of(*rests):
        counts = np.concatenate([[0, *range(1, length + 1)] for length in rests])
        return Play("a", np.array([[n / SPANS[-1]] for n in counts], np.float32), counts)

    assert patience_of([of(*[2] * 99, 50)]) == pytest.approx(2)
    assert patience_of([of(3, 5), of(4)]) == pytest.approx(np.quantile([3, 4, 5], 0.98))
    assert patience_of([Play("a", np.zeros((5, 1), np.float32), np.zeros(5, np.int64))]) == 0


@pytest.mark.parametrize("network", ["feed-forward", "recurrent"])
def test_likelihood_on_unseen_play_reaches_the_entropy_of_what_is_copied(network):
    config = CloneConfig(network=network, pace=False, hidden=16, epochs=6, learning_rate=1e-2,
                         dropout=0.0)  # fmt: skip
    model = learn(random_plays(), 6, config, 12)
    likelihood, accuracy = score(model, batch_of(random_plays(seed=1)))
    assert likelihood == pytest.approx(0.8 * np.log(0.8) + 0.2 * np.log(0.2), abs=0.03)
    assert accuracy == pytest.approx(0.8, abs=0.03)


def test_only_a_memory_knows_what_was_seen_before():
    def echo(seed):
        inputs = np.random.default_rng(seed).integers(0, 2, (300, 1)).astype(np.float32)
        return Play(f"{seed}", inputs, np.roll(inputs[:, 0], 1).astype(np.int64))

    scores = {}
    for network in ("feed-forward", "recurrent"):
        config = CloneConfig(network=network, pace=False, hidden=16, learning_rate=1e-2, dropout=0)
        scores[network] = score(learn([echo(n) for n in range(8)], 6, config, 40),
                                batch_of([echo(9)]))[0]  # fmt: skip
    assert scores["feed-forward"] < -0.65  # ln 2 = 0.69
    assert scores["recurrent"] > -0.1


def test_a_seed_gives_the_same_weights_and_another_others():
    plays = random_plays(rows=100)

    def weights(seed):
        config = CloneConfig(pace=False, hidden=8, seed=seed)
        return torch.cat([p.flatten() for p in learn(plays, 6, config, 2).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.allclose(weights(0), weights(1))


def test_plays_of_unequal_length_count_by_their_steps():
    long, short = random_plays(rows=90, plays=1)[0], random_plays(rows=10, plays=1, seed=2)[0]
    model = learn([long], 6, CloneConfig(pace=False, hidden=8), 2)
    apart = [score(model, batch_of([play]))[0] for play in (long, short)]
    together = score(model, batch_of([long, short]))[0]
    assert together == pytest.approx(0.9 * apart[0] + 0.1 * apart[1], rel=1e-5)


def test_folds_have_no_pair_in_common_and_cover_all():
    plays = [Play(f"p{n // 2}", np.zeros((1, 1), np.float32), np.zeros(1, np.int64))
             for n in range(10)]  # fmt: skip
    seen_of, unseen_of = zip(*folds_of(plays, 3), strict=True)
    for seen, unseen in zip(seen_of, unseen_of, strict=True):
        assert not {p.pair for p in seen} & {p.pair for p in unseen}
        assert len(seen) + len(unseen) == 10
    assert sorted(p.pair for unseen in unseen_of for p in unseen) == sorted(p.pair for p in plays)
    with pytest.raises(UserError, match="only 5 pairs played: give 5 or fewer"):
        folds_of(plays, 6)


@pytest.mark.parametrize("encoding", ["featurize", "lossless"])
@pytest.mark.parametrize("network", ["feed-forward", "recurrent"])
@pytest.mark.parametrize("pace", [True, False])
def test_onnx_says_what_torch_says_step_by_step(encoding, network, pace):
    import onnxruntime

    config = CloneConfig(encoding=encoding, network=network, pace=pace, hidden=12, impatience=0.7)
    played = game(repeat=40)  # long rests
    play = plays_of([played], encoding, pace)[1]
    model = make_model(play.inputs.shape[1], 6, config)
    model.fit_scale(play.inputs)
    model.patience.fill_(5.0)
    model.eval()
    facts = make_world(WORLD).facts
    session = onnxruntime.InferenceSession(to_onnx(model, facts, config).SerializeToString())
    names = [item.name for item in session.get_inputs()]
    assert names == ["observation"] + ["state_in"] * (pace or network == "recurrent")
    world = make_world(WORLD, len(played.actions), **played.options)
    world.set_states(played.states[:-1])
    seen, ours, feed = world.observe(encoding)[:, 1], [], {}
    if "state_in" in names:
        feed["state_in"] = np.zeros((1, session.get_inputs()[1].shape[1]), np.float32)
    for observation in seen:
        logits, *after = session.run(None, {"observation": observation[None], **feed})
        feed = {"state_in": after[0]} if after else {}
        ours.append(logits[0])
    with torch.no_grad():
        inputs = torch.from_numpy(play.inputs[:, None])
        theirs = model.decide(inputs, torch.zeros(1, model.state_size))[0][:, 0].numpy()
        patient = model(inputs, torch.zeros(1, model.state_size))[0][:, 0].numpy()
    assert np.array(ours) == pytest.approx(theirs, abs=1e-5)
    assert (np.abs(patient - theirs).max() > 1e-3) == pace  # the long rests do make a difference


@pytest.fixture(scope="module")
def proxies(tmp_path_factory):
    """A folder with the proxies of both sides of small games."""
    folder = tmp_path_factory.mktemp("proxies")
    games = [game(seed=n, pair=f"{n}", split=("train", "test")[n % 2]) for n in range(6)]
    save_demonstrations(folder / "games.npz", games)
    for split, name in (("train", "human-proxy"), ("test", "human-proxy-held-out")):
        config = CloneConfig(data=str(folder / "games.npz"), split=split, hidden=8, epochs=2,
                             folds=2)  # fmt: skip
        make_proxy(config, f"{WORLD}/{name}", folder / "policies")
    return folder


def test_a_proxy_is_a_partner_that_says_what_it_is(proxies):
    facts = make_world(WORLD).facts
    for name, held_out in (("human-proxy", False), ("human-proxy-held-out", True)):
        policy = load_policy(f"{WORLD}/{name}", facts, proxies / "policies", seats=(0, 1))
        assert isinstance(policy, OnnxPolicy)
        card = policy.card
        assert (card.held_out, card.algorithm, card.recurrent) == (
            held_out, "behaviour-cloning", True,
        )  # fmt: skip
        assert card.options == {"dynamics": "old", "horizon": 400}
        assert card.hyperparameters["data"] == "games.npz"
        assert card.results["pairs_of_the_other_side"]["pairs"] == 3
        assert card.results["own_pair"]["episodes"] == 50
        # three of four steps are rests, in the data of both sides
        assert card.results["people"]["stay"] == pytest.approx(0.79, abs=0.03)
    assert "for evaluation only" in card.description.lower()


def test_failures_are_where_play_is_plainly_not_peoples():
    people = {"soups": 4.0, "futile": 0.05, "rests": 0.1}

    def of(**own):
        return failures_of({"people": people, "own_pair_habits": people | own})

    assert of() == of(soups=2.0, futile=0.1, rests=0.2) == []
    assert of(soups=1.9) == [
        "Beside itself it delivers 1.9 soups in 400 steps; people deliver 4.0."
    ]
    assert [text.split(" more")[0] for text in of(futile=0.11, rests=0.21)] == [
        "Beside itself it tries something in vain", "Beside itself it rests for 40 steps",
    ]  # fmt: skip


def test_no_proxy_is_a_team_of_an_evaluation(proxies):
    with pytest.raises(UserError, match="There is no trained policy"):
        find_teams(make_world(WORLD).facts, proxies / "policies")


def test_nothing_overwrites_a_proxy_or_takes_games_of_other_rules(proxies):
    config = CloneConfig(data=str(proxies / "games.npz"), folds=2)
    with pytest.raises(UserError, match="already exists: choose another name"):
        make_proxy(config, f"{WORLD}/human-proxy", proxies / "policies")
    other = game(seed=9, pair="9")
    mixed = [game(), Demonstration(**{**vars(other), "options": {"dynamics": "new"}})]
    save_demonstrations(proxies / "mixed.npz", mixed)
    config = CloneConfig(data=str(proxies / "mixed.npz"), folds=2)
    with pytest.raises(UserError, match="import games of one kind at a time"):
        make_proxy(config, "mixed", proxies / "policies")


def test_training_refuses_company_that_is_held_out(proxies, monkeypatch):
    monkeypatch.setattr("agents.library.POLICIES_DIR", proxies / "policies")
    world = make_world(WORLD, 2)
    found = load_guests(SelfPlayConfig(others=f"{WORLD}/human-proxy"), world.facts, [0])
    assert [policy.name for policy in found[0]] == [f"{WORLD}/human-proxy"]
    with pytest.raises(UserError, match="held-out is held out for evaluation"):
        load_guests(SelfPlayConfig(others=f"{WORLD}/human-proxy-held-out"), world.facts, [0])


@pytest.mark.parametrize("layout", [
    "cramped_room", "asymmetric_advantages", "coordination_ring", "forced_coordination",
    "counter_circuit_o_1order",
])  # fmt: skip
def test_every_classic_layout_has_a_proxy_and_a_held_out_one(layout):
    world = f"kitchen/{layout}"
    cards = {p.name: p.card for p in list_partners(world) if p.algorithm == "behaviour-cloning"}
    held_out = {name: card.held_out for name, card in cards.items()}
    assert held_out == {f"{world}/human-proxy": False, f"{world}/human-proxy-held-out": True}
    for card in cards.values():
        people, own = card.results["people"], card.results["own_pair_habits"]
        assert own["stay"] == pytest.approx(people["stay"], abs=0.12)
        assert own["rests"] <= people["rests"] + 0.1  # it is stuck no more often than people are
        assert own["soups"] > people["soups"] / 5
        assert card.known_failures == failures_of(card.results)
        assert card.results["pairs_of_the_other_side"]["log_likelihood"] > np.log(1 / 6) + 0.5


def test_a_shipped_file_predicts_unseen_pairs_as_well_as_its_card_says():
    from play.trials import trials_of_2019

    policy = load_policy(f"{WORLD}/human-proxy")
    others = [g for g in trials_of_2019() if g.world == WORLD and g.split == "test"]
    steps = max(len(g.actions) for g in others)
    total = count = 0
    seats = [(g, seat) for g in others for seat in (0, 1)]
    seen = np.zeros((steps, len(seats), 96), np.float64)
    for column, (g, seat) in enumerate(seats):
        world = make_world(g.world, len(g.actions), **g.options)
        world.set_states(g.states[:-1])
        seen[: len(g.actions), column] = world.observe("featurize")[:, seat]
    memory = policy.initial_state(len(seats))
    for t in range(steps):
        logits, memory = policy.logits(seen[t], memory)
        chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        for column, (g, seat) in enumerate(seats):
            if t < len(g.actions):
                total += np.log(chances[column, g.actions[t, seat]])
                count += 1
    stated = policy.card.results["pairs_of_the_other_side"]["log_likelihood"]
    assert total / count == pytest.approx(stated, abs=1e-4)
