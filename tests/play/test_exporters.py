"""Exported records, read back with the tools that they are for, and compared with the record."""

import contextlib
import importlib
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from play.episode import EpisodeWriter, read_episode, replay_states
from play.exporters import export_episodes
from play.session import Decision, Line, SeatConfig, Session, SessionConfig
from play.worlds.errors import UserError
from play.worlds.kitchen.world import Kitchen
from tests.play.games import Walker, session
from tests.worlds.drivers import CookingDriver
from tests.worlds.oracle import old_dynamics_class, overcooked

OWN_KITCHEN = """{
    "grid": "XXPPXX\\nO 1 2O\\nX    X\\nXDTSXX",
    "start_all_orders": [{"ingredients": ["onion", "tomato"]}, {"ingredients": ["onion"] * 3}],
    "start_bonus_orders": [{"ingredients": ["onion", "tomato"]}],
    "onion_value": 21, "tomato_value": 7, "onion_time": 3, "tomato_time": 4,
}""".replace('["onion"] * 3', '["onion", "onion", "onion"]')


def cooked(folder: Path, layout: str, steps: int = 400, seed: int = 3, **options: Any) -> Path:
    """A recorded game in which rule-following cooks, as people, do a bit of everything."""
    config = SessionConfig(
        f"kitchen/{layout}",
        (SeatConfig("human", "left"), SeatConfig("human", "right")),
        seed,
        {"horizon": steps, **options},
        100,
    )
    play = Session(config, (None, None))
    world = play.world
    assert isinstance(world, Kitchen)
    cooks = CookingDriver(world.layout, world.tables, seed)
    writer = EpisodeWriter(folder, play.header())
    lines: list[Line] = []
    for t in range(steps):
        for seat, action in enumerate(cooks(world.state[0].tolist())):
            play.press(seat, action, 100.0 * t + 50, 100.0 * t + 60)
            play.release(seat, action, 100.0 * t + 70, 100.0 * t + 80)
        lines += play.step(100.0 * (t + 1), 100.0 * (t + 1) + 1, {}).lines
    writer.append([*lines, *play.finish("complete", 100.0 * steps)])
    writer.close()
    return writer.path


def watched(folder: Path, steps: int = 12, played: int | None = None) -> Path:
    """A recorded game of a person beside a policy that is late once."""
    play = session(None, Walker(), horizon=steps)
    writer = EpisodeWriter(folder, play.header())
    for t in range(played or steps):
        (request,) = play.requests()
        chosen = Decision(int(request.uniform * 6), [0.25] * 4 + [0, 0], request.state, 1.5)
        writer.append(play.step(10.0 * t, 10.0 * t, {} if t == 5 else {1: chosen}).lines)
    if played is None:
        writer.append(play.finish("complete", 10.0 * steps))
    writer.close()
    return writer.path


# Parquet


def test_parquet_has_every_step(tmp_path: Path) -> None:
    first, second = cooked(tmp_path, "cramped_room"), watched(tmp_path)
    out = tmp_path / "new" / "games.parquet"
    assert export_episodes([first, second], "parquet", out) == 2
    rows = pq.read_table(out).to_pylist()
    assert len(rows) == 412
    episode = read_episode(first)
    worlds = replay_states(episode)
    states = [json.dumps(world.scene(0)) for world in worlds]
    score = 0.0
    for t, (row, line) in enumerate(zip(rows, episode.ticks, strict=False)):
        score += sum(line["rewards"])
        assert (row["episode"], row["t"]) == (episode.id, t + 1)
        assert [row["action_0"], row["action_1"]] == line["actions"]
        assert [row["reward_0"], row["reward_1"]] == line["rewards"]
        assert (row["score"], row["hash"]) == (score, line.get("hash"))
        assert (row["due_ms"], row["at_ms"]) == (line["due_ms"], line["at_ms"])
        assert (row["state"], row["next_state"]) == (states[t], states[t + 1])
        assert row["kind_1"] == "human"
        assert row["done"] is (t == 399)
    assert score > 0
    assert any("soup_delivery" in row["events_0"] + row["events_1"] for row in rows[:400])


def test_parquet_has_what_policies_decided(tmp_path: Path) -> None:
    path, out = watched(tmp_path), tmp_path / "game.parquet"
    export_episodes([path], "parquet", out)
    rows = pq.read_table(out).to_pylist()
    for row, line in zip(rows, read_episode(path).ticks, strict=True):
        (decision,) = line["decisions"]
        for key in ("probabilities", "fallback", "inference_ms", "uniform", "observation"):
            assert row[f"{key}_1"] == decision.get(key)
            assert row[f"{key}_0"] is None
        assert (row["kind_1"], row["policy_1"]) == ("policy", "walker")
    assert [row["fallback_1"] for row in rows].count("late") == 1


def test_parquet_loses_no_key_press_and_no_header(tmp_path: Path) -> None:
    path, out = cooked(tmp_path, "cramped_room", 30), tmp_path / "game.parquet"
    export_episodes([path], "parquet", out)
    episode = read_episode(path)
    found = []
    for row in pq.read_table(out).to_pylist():
        for seat in (0, 1):
            for press in row[f"inputs_{seat}"]:
                assert row["at_ms"] - 101 < press["server_ms"] <= row["at_ms"]
                found.append({"kind": "input", "seat": seat, **press})
    key = lambda press: (press["server_ms"], press["seat"], press["action"], press["down"])  # noqa: E731
    assert sorted(found, key=key) == sorted(episode.inputs, key=key)
    (info,) = json.loads(pq.read_schema(out).metadata[b"understudy.episodes"])
    assert (info["header"], info["end"]) == (episode.header, episode.end)


# overcooked-ai


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Any]:
    """`AgentEvaluator` of the real package, which was written for numpy 1.

    1.1.0 cannot make the environments of any trajectory, its own included, since `from_mdp` does
    not know a key that its check of dynamics needs; so the key is taken away in between.
    """
    hidden = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(np, "Inf", np.inf, raising=False)
        with contextlib.redirect_stderr(hidden), contextlib.redirect_stdout(hidden):
            module = importlib.import_module("overcooked_ai_py.agents.benchmarking")
        make = module.OvercookedEnv.from_mdp

        def from_mdp(mdp: Any, num_mdp: int, _variable_mdp: bool = False, **params: Any) -> Any:
            assert num_mdp == 1
            return make(mdp, **params)

        patch.setattr(module.OvercookedEnv, "from_mdp", staticmethod(from_mdp))
        overcooked().Recipe.configure({})  # their loader wants some layout to have been made
        yield module.AgentEvaluator


def load(evaluator: Any, tmp_path: Path, *paths: Path) -> dict[str, Any]:
    out = tmp_path / "games.json"
    export_episodes(paths, "overcooked", out)
    found: dict[str, Any] = evaluator.load_traj_from_json(str(tmp_path / "games"))
    return found


def check(evaluator: Any, games: dict[str, Any]) -> None:
    """The package's own checks: keys, types, and that the dynamics lead from state to state."""
    for params in games["env_params"]:
        params["_variable_mdp"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator.check_trajectories(games)


@pytest.mark.parametrize("layout", ["corridor", "cramped_room_tomato", "cramped_room_o_3orders"])
def test_overcooked_ai_replays_new_dynamics(evaluator: Any, tmp_path: Path, layout: str) -> None:
    path = cooked(tmp_path, layout)
    games = load(evaluator, tmp_path, path)
    check(evaluator, games)
    episode = read_episode(path)
    assert games["ep_lengths"] == [400]
    assert games["ep_rewards"] == [[sum(line["rewards"]) for line in episode.ticks]]
    assert games["ep_returns"] == [episode.end["score"]] if episode.end else False
    assert games["ep_dones"] == [[False] * 399 + [True]]
    assert games["metadatas"]["seats"] == [episode.header["seats"]]


def test_overcooked_ai_replays_own_layouts_and_changed_settings(
    evaluator: Any, tmp_path: Path
) -> None:
    """Also the order of ingredients is the one in which they were potted."""
    layout = tmp_path / "own.layout"
    layout.write_text(OWN_KITCHEN)
    path = cooked(tmp_path, str(layout))
    layout.unlink()
    games = load(evaluator, tmp_path, path)
    check(evaluator, games)
    assert games["ep_returns"][0] > 0
    soups = [
        [ingredient.name for ingredient in thing._ingredients]
        for state in games["ep_states"][0]
        for thing in state.objects.values()
        if thing.name == "soup"
    ]
    assert ["onion", "tomato"] in soups
    assert ["tomato", "onion"] in soups


def test_overcooked_ai_replays_old_dynamics_where_it_has_them(
    evaluator: Any, tmp_path: Path
) -> None:
    """The registry's package lacks the old dynamics and ignores the option; see the oracle."""
    games = load(evaluator, tmp_path, cooked(tmp_path, "cramped_room"))
    assert games["mdp_params"] == [{"layout_name": "cramped_room", "old_dynamics": True}]
    (mdp,), (env,) = evaluator.get_mdps_and_envs_from_trajectories(games)
    mdp.__class__ = old_dynamics_class()
    states, actions = games["ep_states"][0], games["ep_actions"][0]
    for t in range(399):
        after, infos = mdp.get_state_transition(states[t], actions[t])
        assert after == states[t + 1]
        assert sum(infos["sparse_reward_by_agent"]) == games["ep_rewards"][0][t]
        assert infos["shaped_reward_by_agent"] == games["ep_infos"][0][t]["shaped_r_by_agent"]
    assert games["ep_returns"][0] > 0
    assert env.horizon == 400


def test_several_games_in_one_file(evaluator: Any, tmp_path: Path) -> None:
    paths = [cooked(tmp_path, "corridor", 40), cooked(tmp_path, "corridor", 50)]
    games = load(evaluator, tmp_path, *paths)
    check(evaluator, games)
    assert games["ep_lengths"] == [40, 50]


# Minari


def test_minari_loads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minari = importlib.import_module("minari")
    paths = [cooked(tmp_path / "in", "cramped_room", 60, seed) for seed in (1, 2)]
    export_episodes(paths, "minari", tmp_path / "kitchen-v0")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    data = minari.load_dataset("kitchen-v0")
    assert (data.total_episodes, data.total_steps) == (2, 120)
    for path, found in zip(paths, data.iterate_episodes(), strict=True):
        episode = read_episode(path)
        observed = [world.observe("lossless")[0].copy() for world in replay_states(episode)]
        np.testing.assert_array_equal(found.observations, observed)
        np.testing.assert_array_equal(found.actions, episode.joint_actions)
        shares = [line["rewards"] for line in episode.ticks]
        np.testing.assert_array_equal(found.rewards, np.sum(shares, axis=1))
        np.testing.assert_array_equal(found.infos["seat_rewards"][1:], shares)
        assert found.terminations.tolist() == [False] * 59 + [True]
        assert not found.truncations.any()
    assert data.observation_space.shape == (2, 5, 4, 26)
    kept = [
        meta["understudy"]["header"]["id"] for meta in data.storage.get_episode_metadata([0, 1])
    ]
    assert kept == [read_episode(path).id for path in paths]


@pytest.mark.parametrize("form", ["parquet", "overcooked", "minari"])
def test_a_relative_place_is_as_good_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    export_episodes([watched(tmp_path / "in", 5)], form, Path("deep") / "out")
    assert (tmp_path / "deep" / "out").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_minari_says_when_a_game_was_cut_off(tmp_path: Path) -> None:
    minari = importlib.import_module("minari")
    path = watched(tmp_path / "in", 12, played=7)
    export_episodes([path], "minari", tmp_path / "cut", partial=True)
    (found,) = minari.MinariDataset(tmp_path / "cut" / "data").iterate_episodes()
    assert not found.terminations.any()
    assert found.truncations.tolist() == [False] * 6 + [True]


def test_minari_refuses_a_mixture_of_worlds(tmp_path: Path) -> None:
    paths = [cooked(tmp_path, name, 5) for name in ("corridor", "cramped_room")]
    with pytest.raises(UserError, match=r"one world, but .*corridor .*export them apart"):
        export_episodes(paths, "minari", tmp_path / "mixed")
    assert not (tmp_path / "mixed").exists()


# What goes wrong


@pytest.mark.parametrize("form", ["parquet", "overcooked", "minari"])
def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, form: str) -> None:
    good, cut = watched(tmp_path / "in"), watched(tmp_path / "in", 12, played=7)
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"first 7 of 12 steps are intact: add --partial"):
        export_episodes([good, cut], form, out)
    assert os.listdir(tmp_path) == ["in"]
    assert export_episodes([good, cut], form, out, partial=True) == 2
    with pytest.raises(UserError, match="already exists: choose another --out"):
        export_episodes([good], form, out)


def test_a_record_that_does_not_replay_is_not_exported(tmp_path: Path) -> None:
    path = watched(tmp_path)
    path.write_text(path.read_text().replace('"rewards":[0.0,0.0]', '"rewards":[0.0,9.0]', 1))
    with pytest.raises(UserError, match="does not replay: at step 1 the rewards"):
        export_episodes([path], "parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(("form", "missing"), [("parquet", "pyarrow"), ("minari", "minari")])
def test_a_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        UserError, match=rf"needs {missing}.*pip install --editable '\.\[analysis\]'"
    ):
        export_episodes([watched(tmp_path)], form, tmp_path / "out")


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    path = watched(tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        export_episodes([path], "parquet", path / "below" / "a-file.parquet")
