"""Policies with a memory: their unit against torch's, and what is remembered when and where."""

import numpy as np
import pytest
import torch

from agents.library import load_policy
from play.deciding import decide
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from tests.play.games import session
from tests.training import tiny_world
from tests.training.test_networks import ACTIONS, HIDDEN, ROWS, random_observations
from tests.training.tiny_world import TinyWorld
from training import checkpoints, runs
from training.config import METHODS, FcpConfig, with_changes
from training.evaluation.crossplay import Seating, episode_seeds, play_episodes
from training.export import export_run
from training.loss import FIGURES, NO_KL
from training.networks import evaluate
from training.recurrent import RecurrentActorCritic
from training.srpo import trembling

SMALL = {
    "world": "tiny/goal", "memory": "gru", "num_envs": 12, "rollout_length": 6, "hidden": 8,
    "minibatches": 2, "steps": 12 * 6 * 12, "learning_rate": 1e-2,
}  # fmt: skip
AFTERWARDS = ("exploiter", "best-response")  # which need one of the others first
LEARNERS = [method for method in METHODS if method not in AFTERWARDS]


def some_network(activation="relu"):
    generator = torch.Generator().manual_seed(1)
    network = RecurrentActorCritic(
        ROWS, ACTIONS, HIDDEN, activation, generator, num_contexts=2, actor_gain=1.0,
        active_inputs=1000,
    )  # fmt: skip
    network.flat += 0.1 * torch.randn(len(network.flat), generator=generator)  # biases too
    return network


def units_of_torch(network):
    """The actor's and the critic's unit as torch.nn.GRU, and their parameters."""
    w, units = network.tensors(), []
    for side in range(2):
        unit = torch.nn.GRU(HIDDEN, HIDDEN)
        bias_of_state = torch.cat([torch.zeros(2 * HIDDEN), w.gate_bias[side, 3]])
        parameters = {
            "weight_ih_l0": w.input_weight[side].transpose(1, 2).reshape(3 * HIDDEN, HIDDEN),
            "weight_hh_l0": w.state_weight[side].transpose(1, 2).reshape(3 * HIDDEN, HIDDEN),
            "bias_ih_l0": w.gate_bias[side, :3].reshape(-1),
            "bias_hh_l0": bias_of_state,
        }
        units.append((unit, parameters))
    return units


def play_through(network, dense, starts, going_on):
    """Logits [T * B, actions] and values of sequences by torch's units.

    Args:
        network: The network.
        dense: [T * B, V] observations.
        starts: [B, M].
        going_on: [T, B] 0 where an episode begins.
    """
    steps, count = going_on.shape
    heads = []
    for side, layer in enumerate(network.first_layer(dense)):
        unit, parameters = units_of_torch(network)[side]
        h, after = starts[:, side * HIDDEN : (side + 1) * HIDDEN], []
        for t, x in enumerate(layer.reshape(steps, 1, count, HIDDEN)):
            h = (h * going_on[t, :, None]).contiguous()
            _, h = torch.func.functional_call(unit, parameters, (x, h[None]))
            h = h[0]
            after.append(h)
        heads.append(torch.cat(after))
    w = network.tensors()
    return heads[0] @ w.actor_weight + w.actor_bias, heads[1] @ w.critic_weight + w.critic_bias


def some_sequences(steps, count):
    """Observations of T * B steps, sparse and dense, first states, and where episodes begin."""
    generator = np.random.default_rng(3)
    observations, dense = random_observations(generator, steps * count)
    starts = generator.normal(size=(count, 2 * HIDDEN)).astype(np.float32)
    going_on = (generator.random((steps, count)) > 0.2).astype(np.float32)
    return observations, dense, starts, going_on


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("count", [1, 64, 133])
def test_compiled_steps_equal_those_of_torch(activation, count):
    network = some_network(activation)
    observations, dense, starts, going_on = some_sequences(7, count)
    theirs, their_values = play_through(network, dense, *map(torch.from_numpy, (starts, going_on)))
    state, plain = starts.copy(), torch.from_numpy(starts)
    for t in range(7):
        state *= going_on[t, :, None]
        plain = plain * torch.from_numpy(going_on[t, :, None])
        rows = np.arange(t * count, (t + 1) * count)
        bounds = np.array([0, count])
        logits, values = evaluate(
            network, network.flat.numpy()[None], observations, rows, bounds, state
        )
        assert logits == pytest.approx(theirs[rows].numpy(), abs=2e-4)
        assert values == pytest.approx(their_values[rows].numpy(), abs=2e-4)
        plain_logits, plain_values, plain = network(dense[rows], plain)
        assert plain_logits.numpy() == pytest.approx(theirs[rows].numpy(), abs=1e-4)
        assert plain_values.numpy() == pytest.approx(their_values[rows].numpy(), abs=1e-4)
        assert state == pytest.approx(plain.numpy(), abs=1e-4)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("steps", "count"), [(1, 3), (9, 1), (9, 70)])
def test_gradient_through_time_equals_autograd(activation, steps, count):
    network = some_network(activation)
    observations, dense, starts, going_on = some_sequences(steps, count)
    size, generator = steps * count, np.random.default_rng(6)
    chosen, actions = np.arange(size), generator.integers(0, ACTIONS, size)
    contexts = generator.integers(0, 2, size)
    old, advantages, targets = generator.normal(size=(3, size)).astype(np.float32)
    buffer, figures = np.zeros(len(network.flat), np.float32), np.zeros(len(FIGURES))
    network.add_gradient(
        network.weights, network.views(buffer), network.kind, observations.index,
        observations.value, observations.count, chosen, starts, going_on, chosen, actions, old,
        advantages, targets, contexts, np.zeros((0, 0), np.float32), False, NO_KL, np.float32(0),
        np.float32(1e9), np.float32(0.1), np.float32(0.5), np.float32(1 / size), figures,
    )  # fmt: skip

    network.flat.requires_grad_()
    logits, values = play_through(network, dense, *map(torch.from_numpy, (starts, going_on)))
    log_p = torch.log_softmax(logits, 1)
    ratio = torch.exp(log_p[chosen, actions] - torch.from_numpy(old))
    entropy = -(log_p.exp() * log_p).sum(1)
    error = values[chosen, contexts] - torch.from_numpy(targets)
    loss = -ratio * torch.from_numpy(advantages) - 0.1 * entropy + 0.25 * error**2
    loss.mean().backward()
    theirs = network.views(network.flat.grad.numpy())
    for name, gradient in network.views(buffer)._asdict().items():
        other = getattr(theirs, name)
        close = pytest.approx(other, rel=1e-3, abs=2e-4 * float(np.abs(other).max()) + 1e-7)
        assert gradient == close, name


def config_of(method, **changes):
    """Settings of a small run; a population is ready after two rounds."""
    settings = SMALL | changes
    if issubclass(METHODS[method], FcpConfig):
        rollout = settings["num_envs"] * settings["rollout_length"]
        settings = {"population": 2, "population_steps": 2 * rollout} | settings
    return METHODS[method].from_json(settings)


def assert_same(one, other, member=0):
    """Both trainers are at the same point, weights and memories, bit for bit."""
    for name, policies in one.policies.items():
        np.testing.assert_array_equal(
            policies.stack.flat[0], other.policies[name].stack.flat[member], name
        )
    own = other._slots_of(member)
    for memory, theirs in zip(one.memories, other.memories, strict=True):
        np.testing.assert_array_equal(memory.now, theirs.now[own])
        assert memory.now.any()


FACTS = make_world("kitchen/cramped_room").facts
KITCHEN = {"world": "kitchen/cramped_room", "options": "horizon=40", "rollout_length": 12}


@pytest.mark.parametrize("method", LEARNERS)
def test_a_seed_with_a_memory_becomes_the_same_alone_among_others_and_resumed(method, tmp_path):
    config = config_of(method, **KITCHEN)
    stack = runs.make_trainer(method, config, (5, 0))
    alone = runs.make_trainer(method, with_changes(config, seed=0))
    halves = runs.make_trainer(method, with_changes(config, seed=0))
    for trainer in (stack, alone, halves):
        for steering in getattr(trainer, "steering", ()):
            steering.begun = True  # adversaries play from the first step on
    for _ in range(3):  # the last one ends amid episodes
        halves.iterate()
    checkpoints.save(tmp_path, halves, 0.0)
    resumed = runs.make_trainer(method, with_changes(config, seed=0))
    checkpoints.load(tmp_path, resumed)
    for _ in range(6):
        stack.iterate()
        alone.iterate()
    for _ in range(3):
        resumed.iterate()
    assert_same(alone, stack, 1)
    assert_same(alone, resumed)


def log_probs_of(lesson, trainer):
    """Log-probabilities of the actions of a lesson, by plain torch, from what was stored."""
    samples, network = lesson.samples, lesson.learner.network
    state, logits = torch.from_numpy(samples.sequences.starts), []
    count = len(state)
    for step, going_on in enumerate(torch.from_numpy(samples.sequences.going_on)):
        rows = samples.rows[step * count : (step + 1) * count]
        dense = trainer.rollout.observations.dense(rows, trainer.observer.num_rows)
        said, _, state = network(dense, state * going_on[:, None])
        logits.append(said)
    logits = torch.cat(logits)
    if lesson.reference.residual:
        logits += torch.from_numpy(lesson.reference.log_probs)
    return torch.log_softmax(logits, 1)[np.arange(len(logits)), samples.actions].numpy()


@pytest.mark.parametrize("method", LEARNERS)
def test_what_is_learnt_from_is_what_was_remembered_and_done(method, monkeypatch):
    trainer = runs.make_trainer(method, config_of(method, **KITCHEN), (0, 1))
    while trainer.own_steps < 3 * 12 * 12:  # episodes end amid the next rollout
        trainer.iterate()
    for steering in getattr(trainer, "steering", ()):
        steering.begun = True
    taught, teach = [], trainer.teach

    def look(lessons):
        for lesson in lessons:
            sequences = lesson.samples.sequences
            assert sequences.starts.any() or lesson.reference.residual  # adversaries begin anew
            assert not sequences.going_on.all()
            done = log_probs_of(lesson, trainer)
            assert done == pytest.approx(lesson.samples.log_probs, abs=1e-4)
        taught.extend(lessons)
        return teach(lessons)

    monkeypatch.setattr(trainer, "teach", look)
    trainer.iterate()
    assert len(taught) == 2 * len(trainer.policies)


def test_a_hero_in_the_adversarys_seat_remembers_what_was_seen_there():
    """The reference of the adversary is the hero as it would be, had it sat there all the time."""
    trainer = runs.make_trainer("srpo", config_of("srpo", **KITCHEN, tremble=0.1))
    (hero,) = trainer.heroes
    (network,) = hero.policies.stack.networks
    trainer.steering[0].begun = True
    slots, rollout = trainer.replaced, trainer.rollout
    state = torch.zeros(len(slots), network.state_size)
    for _ in range(4):
        trainer.play()
        for step in range(rollout.length):
            rows = step * rollout.slots + slots
            dense = rollout.observations.dense(rows, trainer.observer.num_rows)
            logits, _, state = network(dense, state)
            expected = trembling(logits.numpy(), 0.1)
            assert trainer.reference[step, slots] == pytest.approx(expected, abs=1e-4)
            state = state * torch.from_numpy(~rollout.slot_done()[step, slots])[:, None]
        assert hero.policies.memory.now[slots] == pytest.approx(state.numpy(), abs=1e-4)
    assert rollout.done.any()
    assert state.any()


def test_meps_mean_policy_remembers_what_each_policy_saw():
    config = config_of("mep", **KITCHEN, population=3)
    population = runs.make_trainer("mep", config, (0, 4)).population
    rollout, networks = population.rollout, population.policy.stack.networks
    slots = np.arange(rollout.slots)
    group = slots // (rollout.slots // 2)
    states = [torch.zeros(len(slots), network.state_size) for network in networks]
    for _ in range(4):
        population.play()
        for step in range(rollout.length):
            dense = rollout.observations.dense(
                step * rollout.slots + slots, population.observer.num_rows
            )
            shares = []
            for number, network in enumerate(networks):
                logits, _, states[number] = network(dense, states[number])
                shares.append(torch.softmax(logits, 1).numpy())
                states[number] *= torch.from_numpy(~rollout.slot_done()[step])[:, None]
            mean = np.stack([np.mean(shares[:3], 0), np.mean(shares[3:], 0)])[group, slots]
            expected = np.log(mean[slots, rollout.actions[step]])
            assert population._log_probs[step] == pytest.approx(expected, abs=1e-4)


class Echo(TinyWorld):
    """To be named is the goal of the step before: a third of that is luck without a memory."""

    def step(self, actions):
        shown = self._states[:, 1].copy()
        super().step(actions)
        self.rewards[:] = 0.5 * (actions == self._before[:, None])
        self._before[:] = shown

    def reset(self, seed=None):
        self._before = np.zeros(self.num_envs, np.int64)
        super().reset(seed)


def test_only_a_memory_learns_to_name_what_was_seen_before(monkeypatch):
    monkeypatch.setattr(tiny_world, "TinyWorld", Echo)
    returns = {}
    for memory in ("none", "gru"):
        config = config_of("self-play", memory=memory, num_envs=32, rollout_length=16, steps=30_000)
        trainer = runs.make_trainer("self-play", config)
        while trainer.steps < config.steps:
            (figures,) = trainer.iterate()
        returns[memory] = figures["return"]
    assert returns["none"] < 2.0  # of four; 1.33 by luck
    assert returns["gru"] > 3.0  # nobody knows the first step's


def test_too_few_slots_for_the_minibatches_are_refused():
    trainer = runs.make_trainer("ippo", config_of("ippo", minibatches=13))
    with pytest.raises(UserError, match="learns from whole slots, of which it has 12 here"):
        trainer.iterate()
    with pytest.raises(UserError, match="--memory is lstm, but it must be none or gru"):
        config_of("ippo", memory="lstm")


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """A folder with kitchen policies that remember, after weights so large that it shows."""
    folder = tmp_path_factory.mktemp("policies")
    for method in ("self-play", "srpo"):
        config = config_of(method, **KITCHEN, steps=1)
        trainer, run = runs.make_trainer(method, config), folder / "runs" / method
        for name in trainer.policies:
            flat = trainer.policies[name].stack.flat
            flat += 0.3 * np.random.default_rng(0).normal(size=flat.shape).astype(np.float32)
        checkpoints.new_run_dir(run, config, method)
        checkpoints.write_config(run, config, trainer)
        checkpoints.save(run, trainer, 0.0)
        export_run(run, f"kitchen/cramped_room/{method}", folder)
    return folder


def test_an_exported_policy_says_and_remembers_what_the_trained_one_does(policies):
    record, config = checkpoints.read_config(policies / "runs" / "srpo")
    trainer = runs.make_trainer(record["method"], config)
    checkpoints.load(policies / "runs" / "srpo", trainer)
    (network,) = trainer.heroes[0].policies.stack.networks
    policy = load_policy("kitchen/cramped_room/srpo", folder=policies)
    assert (policy.card.recurrent, policy.card.state_shape) == (True, [8])
    assert policy.card.title == "SRPO with memory (cramped room)"
    games = make_world("kitchen/cramped_room", 12, horizon=40)
    games.reset(seed=9)
    generator, bounds = np.random.default_rng(1), np.array([0, 24])
    ours, theirs = policy.initial_state(24), np.zeros((24, network.state_size), np.float32)
    observations = trainer.rollout.observations
    for _ in range(40):
        dense = games.observe("lossless")
        trainer.world.set_states(games.get_states())
        trainer.observer.write(observations, 0)
        logits, ours = policy.logits(dense.reshape(24, *dense.shape[2:]), ours)
        flat = network.flat.numpy()[None]
        expected, _ = evaluate(network, flat, observations, np.arange(24), bounds, theirs)
        assert logits == pytest.approx(expected, abs=1e-3)
        assert ours == pytest.approx(theirs[:, :8], abs=1e-3)
        games.step(generator.integers(0, 6, (12, 2)))
    forgetful, _ = policy.logits(dense.reshape(24, *dense.shape[2:]), policy.initial_state(24))
    assert np.abs(forgetful - logits).max() > 0.1  # what it remembers matters


def by_hand(pair, seed, uniforms, steps):
    """Actions [T, 2] of an episode, and what both remember at its end."""
    world = make_world("kitchen/cramped_room", 1, horizon=40)
    world.reset(seed)
    states, taken = [policy.initial_state(1) for policy in pair], []
    for t in range(steps):
        seen = world.observe("lossless")
        actions = []
        for seat, policy in enumerate(pair):
            decided = policy.act(seen[:, seat], [], states[seat], uniforms[t, seat : seat + 1])
            states[seat] = decided.state
            actions.append(int(decided.actions[0]))
        world.step(np.array([actions]))
        taken.append(actions)
    return taken, states


def pair_of(policies):
    names = ("kitchen/cramped_room/self-play", "kitchen/cramped_room/srpo")
    return [load_policy(name, folder=policies) for name in names]


def test_live_sessions_carry_the_memory_of_each_seat_and_begin_each_episode_without(policies):
    pair = pair_of(policies)
    for seed in (3, 4):  # a second episode of the same policies
        play = session(*pair, seed=seed, horizon=40)
        draws = [
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(seat,)))
            for seat in range(2)
        ]
        uniforms = np.array([[draw.random() for draw in draws] for _ in range(40)])
        taken, states = by_hand(pair, seed, uniforms, 40)
        for expected in taken:
            decisions = {
                request.seat: decision
                for request in play.requests()
                for decision in decide([request])
            }
            result = play.step(0.0, 0.0, decisions)
            assert list(result.actions) == expected
        for seat in range(2):
            np.testing.assert_array_equal(play._states[seat], states[seat])


def test_evaluations_carry_the_memory_of_each_seat_through_each_episode(policies):
    pair, seeds = pair_of(policies), episode_seeds(5, 3)
    options = {"horizon": 40}
    played = play_episodes(Seating(tuple(pair)), "kitchen/cramped_room", options, seeds)
    for episode, seed in enumerate(seeds.tolist()):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        generator.integers(40)
        taken, _ = by_hand(pair, [seed], generator.random((40, 2)), 40)
        idle = np.mean(np.array(taken) == FACTS.idle_action, 0)
        assert played.idle[episode] == pytest.approx(idle)
    assert len({tuple(row) for row in played.idle}) == 3


TAG = {"world": "tag/simple", "options": "", "num_envs": 8, "rollout_length": 30}


def test_a_guest_with_a_memory_follows_its_games_alone_among_others_and_resumed(tmp_path):
    runs.start(
        "ippo", config_of("ippo", **TAG, role="runner", others="stay", steps=1), tmp_path / "run"
    )
    export_run(tmp_path / "run", "tag/simple/runner", tmp_path)
    config = config_of("self-play", **TAG, others="tag/simple/runner", others_folder=str(tmp_path))
    stack = runs.make_trainer("self-play", config, (1, 0))
    alone, halves = (runs.make_trainer("self-play", config) for _ in range(2))
    for _ in range(2):  # ends amid an episode of 100 steps
        halves.iterate()
    checkpoints.save(tmp_path, halves, 0.0)
    resumed = runs.make_trainer("self-play", config)
    checkpoints.load(tmp_path, resumed)
    for _ in range(3):
        stack.iterate()
        alone.iterate()
    (guest,), rollout = alone.guests, alone.rollout
    state = np.array(guest.state(0), np.float32)
    for trainer in (stack, alone, resumed, resumed):
        trainer.iterate()
    assert_same(alone, stack, 1)
    assert_same(alone, resumed)
    assert guest.state(0) == resumed.guests[0].state(0) == stack.guests[0].state(1)
    slots = alone.slots(2)
    for step in range(rollout.length):  # every state once, and nothing of an episode before
        dense = rollout.observations.dense(step * rollout.slots + slots, alone.observer.num_rows)
        _, state = guest.policy.logits(dense.numpy(), state)
        state[rollout.done[step]] = 0
    assert np.array(guest.state(0)) == pytest.approx(state, abs=1e-4)
    assert rollout.done.any()
    assert state.any()


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_an_exploiter_of_a_hero_with_a_memory_is_exported_with_both_memories(memory, tmp_path):
    runs.start("self-play", config_of("self-play", steps=1), tmp_path / "hero")
    settings = {"against": str(tmp_path / "hero"), "hero": "tiny/goal/hero", "memory": memory}
    runs.start("exploiter", config_of("exploiter", **settings, steps=1), tmp_path / "exploiter")
    trainer = runs.make_trainer("exploiter", config_of("exploiter", **settings))
    checkpoints.load(tmp_path / "exploiter", trainer)
    assert trainer.hero_memory.now.any()
    export_run(tmp_path / "exploiter", "tiny/goal/exploiter", tmp_path / "policies")
    for seat in range(2):
        policy = load_policy(f"tiny/goal/exploiter-seat{seat}", folder=tmp_path / "policies")
        assert policy.card.state_shape == [16 if memory == "gru" else 8]
