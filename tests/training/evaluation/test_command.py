"""Cross-play tables against closed forms, on policies whose returns are known."""

import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from agents.builtin import RandomPolicy
from agents.library import write_card
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training.evaluation.commands import evaluate, known_failures
from training.evaluation.crossplay import interval
from training.evaluation.teams import CrossPlay, Figure, as_markdown, cross_play, find_teams

# In tiny/goal a player who names one of three goals earns 0.5, four times an episode.
KNOWS, GUESSES = 2.0, 2 / 3


def write_policy(folder, name, method, seed, knows, seats=(0, 1)):
    """A policy that names the goal (or always the first action), as file and card."""
    weight = np.zeros((5, 3), np.float32)
    if knows:
        weight[:3] = 100 * np.eye(3)
    else:
        weight[3:, 0] = 100
    nodes = [
        helper.make_node("Cast", ["observation"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["numbers", "weight"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes, "policy",
        [helper.make_tensor_value_info("observation", TensorProto.UINT8, ["batch", 5])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(weight, "weight")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    target = folder / name
    target.mkdir(parents=True)
    onnx.save(model, target / "policy.onnx")
    write_card(target, {
        "schema": 1, "name": name, "title": name, "description": "", "world": "tiny/goal",
        "options": {}, "layouts": ["goal"], "num_players": 2, "seats": list(seats),
        "encoding": {"name": "goal", "version": 1, "shape": [5], "dtype": "uint8"},
        "actions": ["a", "b", "c"], "algorithm": method, "sha256": "", "opset": 17, "seed": seed,
    })  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_policy(tmp_path, "srpo-0", "srpo", 0, knows=True)
    write_policy(tmp_path, "srpo-1", "srpo", 1, knows=True)
    write_policy(tmp_path, "srpo-2", "srpo", 2, knows=False)
    write_policy(tmp_path, "ippo-seat0", "ippo", 0, knows=True, seats=(0,))
    write_policy(tmp_path, "ippo-seat1", "ippo", 0, knows=False, seats=(1,))
    return tmp_path


def test_table_has_the_returns_that_follow_from_the_rules(folder):
    teams = find_teams(make_world("tiny/goal").facts, folder)
    assert [(team.method, team.seed) for team in teams] == [
        ("ippo", 0), ("srpo", 0), ("srpo", 1), ("srpo", 2),
    ]  # fmt: skip
    random = {"random": RandomPolicy("random")}
    table = cross_play(teams, random, CrossPlay("tiny/goal", {}, 4000, 0))
    both, one, none = 2 * KNOWS, KNOWS + GUESSES, 2 * GUESSES
    expected = {
        ("srpo", "own pair"): (both + both + none) / 3,
        ("srpo", "other seeds"): ((both + one) / 2 + (both + one) / 2 + one) / 3,
        # seat 0 of IPPO knows, seat 1 guesses
        ("srpo", "with ippo"): (2 * (both + one) + (one + none)) / 6,
        ("ippo", "own pair"): one,
        ("ippo", "with srpo"): (2 * (both + one) + (one + none)) / 6,
        ("srpo", "beside random"): (2 * one + none) / 3,
    }
    for (method, column), value in expected.items():
        figure = table[method][column]
        assert figure.mean == pytest.approx(value, abs=0.03), (method, column)
        assert figure.low <= figure.mean <= figure.high
    assert table["srpo"]["own pair"].units == "seeds"
    assert table["srpo"]["own pair"].count == 3
    assert table["srpo"]["own pair"].low == pytest.approx(none, abs=0.03)
    assert table["ippo"]["own pair"].units == "episodes"
    assert "other seeds" not in table["ippo"]
    assert "| ippo | 3 [3, 3] |" in as_markdown(table)


def test_command_prints_writes_and_never_overwrites(folder, tmp_path):
    out = tmp_path / "figures.json"
    arguments = ["tiny/goal", "--folder", str(folder), "--episodes", "20", "--json", str(out)]
    said = CliRunner().invoke(evaluate, arguments)
    assert said.exit_code == 0, said.output
    assert said.output.startswith("| | own pair | other seeds |")
    assert json.loads(out.read_text())["ippo"]["own pair"]["count"] == 40
    again = CliRunner().invoke(evaluate, arguments)
    assert isinstance(again.exception, UserError)


def test_cards_get_the_figures_of_single_runs_only(folder):
    arguments = ["tiny/goal", "--folder", str(folder), "--episodes", "20", "--write-cards"]
    refused = CliRunner().invoke(evaluate, arguments)
    assert "several of srpo" in str(refused.exception)
    for name in ("srpo-1", "srpo-2"):
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()
    assert CliRunner().invoke(evaluate, arguments).exit_code == 0
    for name in ("srpo-0", "ippo-seat0", "ippo-seat1"):
        card = json.loads((folder / name / "card.json").read_text())
        method = name.partition("-")[0]
        other = {"srpo": "with ippo", "ippo": "with srpo"}[method]
        assert card["results"]["cross_play"][other]["count"] == 40


def test_partners_that_it_fails_with_are_named():
    def figure(mean):
        return Figure(mean, mean, mean, "seeds", 3)

    row = {"own pair": figure(240), "with ippo": figure(48), "beside stay": figure(47.9)}
    assert known_failures(row) == ["Scores 48 beside stay; its own pair scores 240."]


def test_a_missing_seat_or_no_policy_at_all_is_one_sentence(folder):
    for path in (folder / "ippo-seat1").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="ippo-seat0 has no policy for seat 1 beside it"):
        find_teams(make_world("tiny/goal").facts, folder)
    with pytest.raises(UserError, match="no trained policy for kitchen/cramped_room"):
        find_teams(make_world("kitchen/cramped_room").facts, folder)


def test_interval_of_a_normal_sample_is_near_the_textbook_one():
    values = np.random.default_rng(3).normal(10, 2, 400)
    low, high = interval(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)
