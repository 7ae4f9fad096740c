"""Worlds as PettingZoo sees them, by PettingZoo's own tests."""

import warnings
from typing import Any

import numpy as np
import pytest

from play.worlds.parallel import ParallelWorld
from play.worlds.registry import FAMILIES, make_world, world_names

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from pettingzoo.test import parallel_api_test, parallel_seed_test  # imports old games

FIRST = [next(n for n in world_names() if n.startswith(f"{family}/")) for family in FAMILIES]
MORE = ["kitchen/cramped_room_single", "kitchen/multiplayer_schelling", "tag/two_runners"]
every_family = pytest.mark.parametrize("name", [*FIRST, *MORE])


@every_family
def test_pettingzoo_finds_nothing_wrong(name: str) -> None:
    for encoding in make_world(name).facts.encodings:
        parallel_api_test(ParallelWorld(name, encoding, horizon=60), num_cycles=150)


@every_family
def test_the_seed_determines_everything(name: str) -> None:
    parallel_seed_test(lambda: ParallelWorld(name, horizon=60), num_cycles=130)


@every_family
def test_it_is_the_same_game_as_the_worlds(name: str) -> None:
    env, world = ParallelWorld(name, horizon=30), make_world(name, horizon=30)
    seen, _ = env.reset(seed=4)
    world.reset(4)
    generator = np.random.default_rng(0)
    facts = world.facts
    first = next(iter(facts.encodings))
    assert len(env.possible_agents) == facts.num_players
    for t in range(1, 31):
        expected = world.observe(first)[0]
        np.testing.assert_array_equal(list(seen.values()), expected)
        np.testing.assert_array_equal(env.state(), expected.reshape(-1))
        joint = generator.integers(len(facts.actions), size=facts.num_players)
        agents = list(env.agents)
        seen, rewards, ended, cut, infos = env.step(
            {agent: int(action) for agent, action in zip(agents, joint, strict=True)}
        )
        world.step(joint[None])
        own = world.rewards[0]
        wanted = [own.sum()] * len(agents) if facts.shared_reward else own
        assert list(rewards.values()) == pytest.approx(list(wanted))
        for seat, agent in enumerate(agents):
            happened = [facts.events[event] for event in np.flatnonzero(world.events[0, seat])]
            assert infos[agent]["events"] == happened
            assert infos[agent]["own_reward"] == own[seat]
            assert infos[agent]["shaped_reward"] == world.shaped_rewards[0, seat]
        assert set(ended.values()) == {t == 30}
        assert set(cut.values()) == {False}
    assert env.agents == []
    with pytest.raises(ValueError, match=r"must be for \[\]"):
        env.step(dict.fromkeys(agents, 0))
    with pytest.raises(ValueError, match="the episode is over"):
        env.step({})


def test_agents_are_called_by_their_roles() -> None:
    assert ParallelWorld("tag/simple").possible_agents == ["chaser_0", "chaser_1", "runner_0"]
    assert ParallelWorld("kitchen/cramped_room").possible_agents == ["player_0", "player_1"]


def test_episodes_without_a_seed_differ() -> None:
    def start(env: ParallelWorld) -> Any:
        seen, _ = env.reset()
        return seen["runner_0"].tolist()

    env = ParallelWorld("tag/simple")
    assert start(env) != start(env)
    assert start(ParallelWorld("tag/simple")) != start(ParallelWorld("tag/simple"))


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no encoding 'pixels'; there are simple_tag, relative"):
        ParallelWorld("tag/simple", "pixels")
