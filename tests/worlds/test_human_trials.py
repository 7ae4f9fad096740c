"""The 76 recorded games of 2019 between two people: our old dynamics against what happened.

The trials come with overcooked-ai: 91,102 transitions on the five classic layouts, in the state
format of their time. They are the oracle for the old dynamics, which the package no longer has.
"""

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from play.worlds.kitchen.convert import from_overcooked
from play.worlds.kitchen.layouts import ALIASES, CLASSICS, DIRECTIONS, Layout, make_layout
from play.worlds.kitchen.state import INTERACT, STAY
from play.worlds.kitchen.world import Kitchen

POINTS = 5  # for a soup, in the log
LONG = 10_000  # steps; no trial ends by itself
ACTIONS = {**{tuple(d): n for n, d in enumerate(DIRECTIONS)}, (0, 0): STAY, "INTERACT": INTERACT}
TRIALS = {
    "cramped_room": 16,
    "asymmetric_advantages": 17,
    "coordination_ring": 16,
    "forced_coordination": 12,
    "counter_circuit_o_1order": 15,
}


def literal(text: str) -> Any:
    """Reads what Python's repr wrote; as JSON, which is ten times as fast as literal_eval."""
    for python, json_form in (("'", '"'), ("None", "null"), ("False", "false"), ("True", "true")):
        text = text.replace(python, json_form)
    return json.loads(text)


@lru_cache(maxsize=1)
def log() -> pd.DataFrame:
    spec = importlib.util.find_spec("overcooked_ai_py")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "human_data"
    parts = [pd.read_pickle(folder / f"clean_{part}_trials.pickle") for part in ("train", "test")]
    rows = pd.concat(parts, keys=("train", "test"), names=("part",)).reset_index()
    rows["name"] = rows.layout_name.map(lambda name: ALIASES.get(name, name))
    return rows


def layout_of(rows: pd.DataFrame, dynamics: str = "old") -> Layout:
    """The layout as logged, which for one of them has other starts than the shipped file."""
    orders = [{"ingredients": ["onion"] * 3}]
    config = {
        "grid": literal(rows.layout.iloc[0]),
        "start_all_orders": orders,
        "delivery_reward": POINTS,
    }
    return make_layout(rows.name.iloc[0], config, dynamics)


def trials(name: str) -> list[pd.DataFrame]:
    rows = log()[log().name == name]
    return [
        trial.sort_values("cur_gameloop", kind="stable")
        for _, trial in rows.groupby(["part", "workerid_num", "run"], sort=True)
    ]


def joint_actions(rows: pd.DataFrame) -> np.ndarray:
    return np.array(
        [
            [ACTIONS[a if isinstance(a, str) else tuple(a)] for a in literal(text)]
            for text in rows.joint_action
        ]
    )


def state_rows(world: Kitchen, texts: pd.Series) -> np.ndarray:
    rows = [from_overcooked(world.layout, world.tables, literal(text)) for text in texts]
    return np.stack(rows)


@pytest.mark.parametrize("name", CLASSICS)
def test_every_trial_replays_exactly(name: str) -> None:
    games = trials(name)
    assert len(games) == TRIALS[name]
    layout = layout_of(games[0])
    world = Kitchen(layout, len(games), horizon=LONG, compiled=True)
    befores = [state_rows(world, game.state) for game in games]
    afters = [state_rows(world, game.next_state) for game in games]
    actions = [joint_actions(game) for game in games]
    rewards = [game.reward.to_numpy(float) for game in games]

    single = Kitchen(layout, sum(map(len, games)), horizon=LONG, compiled=True)
    single.set_states(np.concatenate(befores))
    single.step(np.concatenate(actions))
    np.testing.assert_array_equal(single.state[:, 1:], np.concatenate(afters)[:, 1:])
    np.testing.assert_array_equal(single.rewards.sum(axis=1), np.concatenate(rewards))

    world.set_states(np.stack([before[0] for before in befores]))
    for t in range(max(map(len, games))):
        playing = [n for n, game in enumerate(games) if t < len(game)]
        joint = np.full((len(games), 2), STAY)
        joint[playing] = [actions[n][t] for n in playing]
        world.step(joint)
        for n in playing:
            assert (world.state[n, 1:] == afters[n][t][1:]).all(), (n, t)
            assert world.rewards[n].sum() == rewards[n][t], (n, t)


def test_the_log_is_complete() -> None:
    assert len(log()) == 91_102
    assert sum(TRIALS.values()) == 76


def test_the_new_dynamics_do_not_explain_the_log() -> None:
    game = trials("cramped_room")[0]
    world = Kitchen(layout_of(game, "new"), len(game), horizon=LONG, compiled=True)
    world.set_states(state_rows(world, game.state))
    world.step(joint_actions(game))
    after = state_rows(world, game.next_state)
    assert (world.state[:, 1:] != after[:, 1:]).any()
