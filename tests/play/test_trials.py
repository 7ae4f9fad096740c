"""Games of people in one form: against pandas' reading of the trials, records and study exports."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from agents.demonstrations import load_demonstrations, pairs_of, save_demonstrations, split_of
from play.commands.humans import humans
from play.episode import read_episode, replay_states
from play.trials import demonstrations_in, read_table, trials_of_2019
from play.worlds.errors import UserError
from play.worlds.kitchen.layouts import CLASSICS
from tests.play.test_episode import record
from tests.worlds.test_human_trials import (
    TRIALS,
    joint_actions,
    layout_of,
    log,
    state_rows,
    trials,
)


@pytest.fixture(scope="module")
def games():
    return list(trials_of_2019())


@pytest.mark.parametrize("layout", CLASSICS)
def test_trials_are_what_pandas_reads_and_lead_to_the_logged_states(games, layout):
    mine = {game.name: game for game in games if game.world == f"kitchen/{layout}"}
    theirs = trials(layout)
    assert len(mine) == len(theirs) == TRIALS[layout]
    for trial in theirs:
        first = trial.iloc[0]
        game = mine[f"2019-{first.layout_name}-{first.workerid_num}-{first.run}"]
        assert (game.split, game.people) == (first.part, (0, 1))
        np.testing.assert_array_equal(game.actions, joint_actions(trial))
    world = make_world_of(game)
    assert world.layout.starts == layout_of(trial).starts or layout == "counter_circuit_o_1order"
    logged = state_rows(world, trial.next_state)
    np.testing.assert_array_equal(game.states[1:, 1:], logged[:, 1:])  # the log has no time step


def make_world_of(game):
    from play.worlds.registry import make_world

    return make_world(game.world, len(game.actions), **game.options)


def test_no_pair_of_a_layout_is_on_both_sides_and_the_sides_are_the_fields(games):
    rows = log()
    for layout in CLASSICS:
        mine = [game for game in games if game.world == f"kitchen/{layout}"]
        sides = {side: {g.pair for g in mine if g.split == side} for side in ("train", "test")}
        assert not sides["train"] & sides["test"]
        for side, pairs in sides.items():
            workers = rows[(rows.name == layout) & (rows.part == side)].workerid_num.unique()
            assert pairs == {f"2019-{worker}" for worker in workers}


def test_a_table_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    path = tmp_path / "clean_train_trials.pickle"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError, match=r"is not the table of trials that overcooked-ai 1\.1\.0"):
        read_table(path)
    assert not (tmp_path / "made").exists()


def test_games_come_back_from_their_file(games, tmp_path):
    path = tmp_path / "games.npz"
    some = games[:2] + games[-1:]
    save_demonstrations(path, some)
    for before, after in zip(some, load_demonstrations(path), strict=True):
        assert before.name == after.name
        assert before.people == after.people
        assert before.options == after.options
        np.testing.assert_array_equal(before.states, after.states)
        np.testing.assert_array_equal(before.actions, after.actions)
    assert pairs_of(load_demonstrations(path, split="test")) == [games[-1].pair]
    with pytest.raises(UserError, match="already exists: choose another --out"):
        save_demonstrations(path, some)
    with pytest.raises(UserError, match=r"has no train games of kitchen/corridor; it has kitchen/"):
        load_demonstrations(path, "kitchen/corridor", "train")


@pytest.mark.parametrize("content", [b"", b"nothing", pickle.dumps({"schema": 1})])
def test_other_files_are_refused_in_words(tmp_path, content):
    path = tmp_path / "games.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="holds no games of people in the form of this version"):
        load_demonstrations(path)
    with pytest.raises(UserError, match=r"There is no file .*: make it with `understudy humans"):
        load_demonstrations(tmp_path / "none.npz")


def test_records_become_games_of_the_people_in_them(tmp_path):
    for pair in ("one", "two"):
        record(tmp_path / "records" / pair)
    out = tmp_path / "games.npz"
    done = CliRunner().invoke(
        humans, ["import", str(tmp_path / "records"), "--out", str(out)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    found = load_demonstrations(out)
    assert pairs_of(found) == ["one", "two"]
    assert [game.split for game in found] == [split_of(game.pair) for game in found]
    for game in found:
        (path,) = (tmp_path / "records" / game.pair).glob("*")
        episode = read_episode(path)
        assert list(game.people) == [
            n for n, seat in enumerate(episode.header["seats"]) if seat["kind"] == "human"
        ]
        assert game.actions.tolist() == [list(joint) for joint in episode.joint_actions]
        states = [world.get_states()[0].copy() for world in replay_states(episode)]
        np.testing.assert_array_equal(game.states, states)


def test_a_changed_record_is_refused(tmp_path):
    path = record(tmp_path)
    before, _, after = path.read_text().rpartition('"actions":[2,')  # the last step: east
    path.write_text(f'{before}"actions":[3,{after}')  # west; later steps might have hidden it
    with pytest.raises(UserError):
        list(demonstrations_in(path))


def test_names_of_pairs_fall_on_both_sides_evenly():
    sides = pd.Series([split_of(f"study-p{n:04d}") for n in range(1000)]).value_counts()
    assert set(sides.index) == {"train", "test"}
    assert abs(sides["train"] - 500) < 80  # five standard deviations
