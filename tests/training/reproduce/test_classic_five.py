"""`understudy reproduce classic-five`: a whole run in small, pieces that are killed, figures."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.library import list_partners, load_policy
from play.main import main
from play.worlds.errors import UserError
from play.worlds.kitchen.layouts import CLASSICS
from training import checkpoints, export, guests, trainer
from training.config import METHODS
from training.evaluation.matches import PLAY, Match, Rules, play_match
from training.reproduce import (
    classic_findings,
    classic_five,
    classic_page,
    classic_partners,
    classic_pieces,
)
from training.reproduce.classic_exploiters import exploit, exploited, exploiters_of
from training.reproduce.classic_findings import Scores
from training.reproduce.classic_methods import BEGUN, COMMON, ROWS, Row, chosen_rows
from training.reproduce.classic_pieces import (
    Game,
    Plan,
    games_of,
    next_seed,
    population_of,
    teams_of,
    train,
)
from training.reproduce.classic_shipped import offered
from training.reproduce.pieces import Piece

ROOM = "cramped_room"
TINY = {"num_envs": 4, "rollout_length": 20, "hidden": 8, "options": "horizon=20"}
SMALL = ("--layouts", ROOM, "--seeds", "0-1", "--steps", "400", "--processes", "1")


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    words = ["understudy", "reproduce", "classic-five", *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def tiny(monkeypatch):
    """Trains every row with small networks and plays few games."""
    settings = Row.settings
    monkeypatch.setattr(Row, "settings", lambda *arguments: settings(*arguments) | TINY)
    piece = Piece.config

    def config(self):
        small = Piece(self.name, self.method, self.seeds, dict(self.settings) | TINY)
        return piece(small)

    monkeypatch.setattr(Piece, "config", config)
    for module in (classic_pieces, classic_partners):
        monkeypatch.setattr(module, "options_of", lambda layout: {"horizon": 20})
    monkeypatch.setattr(classic_five, "EXPLOITED", ("srpo",))
    monkeypatch.setattr(classic_partners, "CANDIDATES", (2000, 2001))
    monkeypatch.setattr(classic_partners, "CHOSEN", 1)
    monkeypatch.setattr(classic_partners, "LEAST", 0.0)
    monkeypatch.setattr(classic_partners, "EPISODES", 1)
    episodes = dict.fromkeys(classic_pieces.EPISODES, 2) | {classic_pieces.STRANGER: 1}
    monkeypatch.setattr(classic_pieces, "EPISODES", episodes)
    monkeypatch.setattr(classic_pieces, "SCRIPTED", ("greedy", "stay"))
    monkeypatch.setattr(export, "EPISODES", 2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two rows; a third one comes later, when the first two are done."""
    base = tmp_path_factory.mktemp("five")
    places = ("--out", base / "out", "--runs", base / "runs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        tiny(monkeypatch)
        assert run(monkeypatch, *places, *SMALL, "--methods", "srpo,ippo") == 0
        first = {path: path.read_bytes() for path in (base / "out" / "policies").rglob("*.onnx")}
        assert run(monkeypatch, *places, *SMALL, "--methods", "ppo-bc") == 2  # finished results
        third = (*places, *SMALL, "--methods", "ppo-bc", "--overwrite")
        assert run(monkeypatch, *third) == 0
        for path, content in first.items():
            assert path.read_bytes() == content
    return base


def record(folders):
    return json.loads((folders / "out" / "results.json").read_text())


def test_figures_are_those_of_the_games(folders):
    found = record(folders)["findings"]["layouts"][ROOM]
    assert set(found) == {"srpo", "ippo", "ppo-bc"}
    policies = folders / "out" / "policies"
    rules = Rules(f"kitchen/{ROOM}", {"horizon": 20}, 2, 0, None, policies)

    def mean(first, second):
        match = Match(PLAY, first, second, (first, second))
        return play_match(match, rules).rewards.sum(1).mean()

    names = [f"kitchen/{ROOM}/srpo/seed{seed}" for seed in (0, 1)]
    for i in (0, 1):
        for j in (0, 1):
            assert found["srpo"]["table"][i][j] == mean(names[i], names[j])
    greedy = [mean(name, "greedy") + mean("greedy", name) for name in names]
    assert found["srpo"]["beside"]["beside greedy"]["mean"] == pytest.approx(np.mean(greedy) / 2)
    proxy = f"kitchen/{ROOM}/human-proxy-held-out"
    human = [mean(name, proxy) for name in names]
    assert found["srpo"]["proxy in seat 1"]["mean"] == pytest.approx(np.mean(human))
    assert {"beside ippo", "beside ppo-bc at 25%", "beside srpo"} <= set(found["srpo"]["beside"])


def test_the_page_says_what_was_done_and_the_folder_stands_alone(folders, monkeypatch):
    page = (folders / "out" / "README.md").read_text()
    assert "PPO-BC" in page
    assert "- mean over layouts:" in page
    found = record(folders)["findings"]
    other = found["differences"]["srpo"]["over layouts"]["other"]
    for row in ("srpo", other):
        near, far = (
            found["over layouts"][row][name]["mean"] for name in ("development proxy", "proxy")
        )
        told = "from the proxy that methods learn from to the held-out one, mean over layouts"
        assert f"   - {classic_page.title_of(row)} {told}: {near:.1f} to {far:.1f}" in page
    short = page.partition("## In short")[2].partition("##")[0].splitlines()
    own = record(folders)["findings"]["layouts"][ROOM]["srpo"]["own"]["mean"]
    told = [line.strip("| ").split(" | ") for line in short if line.startswith("| ")][2:]
    assert [cells[-6] for cells in told] == ["**SRPO**", "IPPO, a policy per seat", "PPO-BC"]
    assert told[0][-5].startswith(f"{own:.0f} [")
    assert "![Returns by layout](returns.png)" in page
    assert (folders / "out" / "returns.png").read_bytes()[:4] == b"\x89PNG"
    assert record(folders)["finished"]
    card = load_policy(f"kitchen/{ROOM}/srpo/seed1", folder=folders / "out" / "policies").card
    assert card.hyperparameters["hidden"] == 8
    tiny(monkeypatch)
    places = ("--out", folders / "out", "--runs", folders / "none", "--overwrite")
    before = record(folders)["findings"]
    assert run(monkeypatch, *places, *SMALL, "--methods", "srpo,ippo,ppo-bc") == 0
    assert record(folders)["findings"] == before
    assert not (folders / "none").exists()


def test_partners_go_to_players_under_their_names(folders, monkeypatch, tmp_path):
    tiny(monkeypatch)
    target = tmp_path / "policies"
    (target / "kitchen" / ROOM / "srpo").mkdir(parents=True)
    (target / "kitchen" / ROOM / "srpo" / "old.txt").write_text("another one")
    places = ("--out", folders / "out", "--runs", folders / "runs", "--overwrite")
    rows = ("--methods", "srpo,ippo,ppo-bc", "--ship", target)
    assert run(monkeypatch, *places, *SMALL, *rows) == 0
    partners = {partner.name: partner for partner in list_partners(folder=target) if partner.card}
    names = ("srpo", "ippo-seat0", "ippo-seat1", "ppo-bc")
    assert set(partners) == {f"kitchen/{ROOM}/{name}" for name in names}
    assert not (target / "kitchen" / ROOM / "srpo" / "old.txt").exists()
    own = folders / "out" / "policies" / "kitchen" / ROOM
    for name, source in (("srpo", "srpo/seed0"), ("ippo-seat1", "ippo/seed0-seat1")):
        copied = target / "kitchen" / ROOM / name / "policy.onnx"
        assert copied.read_bytes() == (own / source / "policy.onnx").read_bytes()
    found = record(folders)["findings"]["layouts"][ROOM]["srpo"]
    told = partners[f"kitchen/{ROOM}/srpo"].card.results["classic_five"]
    assert told["figures"]["proxy"] == found["proxy"]
    assert told["beside"]["beside greedy"] == found["beside"]["beside greedy"]
    assert partners[f"kitchen/{ROOM}/srpo"].recommended


def test_the_best_beside_the_development_proxy_is_offered_of_ours_and_of_ppo_bc(tmp_path):
    plan = plan_of(tmp_path, seeds=(3, 5))
    rows = {
        "srpo": 3.0, "srpo-bc": 5.0, "srpo-visited": 4.4, "fcp": 9.0, "entropy-0.1": 10.0,
        "ppo-bc": 2.0, "ppo-bc-more": 3.0,
    }  # fmt: skip
    for name in rows:
        path = plan.record(ROOM, f"trained-{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    figures = {
        name: {"development proxy": {"mean": mean, "low": mean - 0.5}, "cross": {"mean": -mean}}
        for name, mean in rows.items()
    }
    found = {name: row.name for row, name in offered(plan, ROOM, figures)}
    assert found == {"srpo": "srpo-bc", "fcp": "fcp", "ppo-bc": "ppo-bc-more"}
    figures["srpo-bc"]["development proxy"]["low"] = 4.3  # so that another row is level with it
    found = {name: row.name for row, name in offered(plan, ROOM, figures)}
    assert found == {"srpo": "srpo-visited", "fcp": "fcp", "ppo-bc": "ppo-bc-more"}


def test_games_of_a_policy_that_was_replaced_are_played_again_and_no_others(tmp_path):
    path = tmp_path / "played.json"
    games = [
        Game("own", Match(PLAY, one, other, (one, other)), 0, 0, other)
        for one, other in (("a", "a"), ("a", "b"), ("b", "a"), ("a", "c"))
    ]
    came = {game.match.key: {"return": n} for n, game in enumerate(games[:3])}
    hashes = {"a": "1", "b": "2"}
    path.write_text(json.dumps({"policies": hashes, "matches": came}))
    now = hashes | {"c": "3"}
    assert classic_pieces.read_games(path, now, games) == came
    assert classic_pieces.read_games(path, now | {"b": "4"}, games) == {
        games[0].match.key: {"return": 0}
    }
    assert classic_pieces.read_games(path, now | {"a": "4"}, games) == {}
    assert classic_pieces.read_games(path, now, games[1:]) == {
        game.match.key: came[game.match.key] for game in games[1:3]
    }
    assert classic_pieces.read_games(tmp_path / "none.json", {}, games) == {}


def test_partners_with_preferences_are_held_out_and_answered(folders):
    found = json.loads((folders / "out" / "pieces" / ROOM / "partners.json").read_text())
    assert len(found["candidates"]) == 2
    (chosen,) = found["chosen"]
    names = [f"kitchen/{ROOM}/preferring{way}/seed{chosen}" for way in ("-at-50", "")]
    assert found["policies"] == names
    for name, answer in zip(names, ("best-response-half", "best-response"), strict=True):
        card = load_policy(name, folder=folders / "out" / "policies").card
        assert card.held_out
        best = load_policy(f"kitchen/{ROOM}/{answer}/seed{chosen}", folder=folders / "out/policies")
        assert best.card.hyperparameters["guests"] == {name: card.sha256}


def test_the_worst_case_is_between_the_own_pair_and_the_exploiters(folders, monkeypatch, tmp_path):
    tiny(monkeypatch)
    out = folders / "out"
    plan = Plan((ROOM,), (ROWS[0],), (0, 1), 400, folders / "runs", out)
    points = exploited(plan, ROOM, ROWS[0])
    against = exploiters_of(plan, ROOM, ROWS[0], 1.0).settings["against"]
    assert Path(against).is_relative_to(out)  # what is played, not the runs
    assert set(points) == {(seed, seat) for seed in (0, 1) for seat in (0, 1)}
    assert all(len(own) == 2 and kl >= 0 for own in points.values() for kl, _ in own)
    shutil.copytree(folders, tmp_path / "copy")
    plan = Plan((ROOM,), (ROWS[0],), (0, 1), 400, tmp_path / "copy/runs", tmp_path / "copy/out")
    assert exploited(plan, ROOM, ROWS[0]) == points
    hero = plan.policies / "kitchen" / ROOM / ROWS[0].name / "seed1"
    shutil.copy(hero.parent / "seed0" / "policy.onnx", hero)
    cards = [json.loads((hero.parent / f"seed{n}" / "card.json").read_text()) for n in (0, 1)]
    (hero / "card.json").write_text(json.dumps(cards[1] | {"sha256": cards[0]["sha256"]}))
    assert exploited(plan, ROOM, ROWS[0]) == {}  # they never met this policy
    assert exploit(plan, ROOM, ROWS[0])
    again = exploited(plan, ROOM, ROWS[0])
    assert set(again) == set(points)
    assert again != points
    least = classic_findings._least
    assert least(100.0, [(0.2, 40.0), (0.5, 10.0)]) == pytest.approx(70)
    assert least(100.0, [(0.05, 40.0), (0.5, 60.0)]) == 40
    assert least(0.0, [(0.05, 40.0)]) == 0


def train_small(out, dies_after=None):
    """Trains a piece that saves itself after every round.

    With `dies_after` the process kills itself after so many checkpoints; an odd number leaves one
    of the two seeds a round behind.
    """
    changes = TINY | {"checkpoint_every": 80, "num_envs": 4, "partner_share": 0.5}
    row = Row("mine", "mine", "srpo", "", changes)
    plan = Plan((ROOM,), (row,), (0, 1), 800, Path(out) / "runs", Path(out))
    saved, save = [], checkpoints.save

    def save_and_die(*arguments):
        save(*arguments)
        saved.append(arguments)
        if len(saved) == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(checkpoints, "save", save_and_die)
        monkeypatch.setattr(export, "EPISODES", 2)
        assert train(plan, ROOM, row)


CODE = """
import sys
from tests.training.reproduce.test_classic_five import train_small
train_small(sys.argv[1], dies_after=5)
"""


def policies_of(out):
    """Seed -> bytes of its policy."""
    home = Path(out) / "policies" / "kitchen" / ROOM / "mine"
    return {seed: (home / f"seed{seed}" / "policy.onnx").read_bytes() for seed in (0, 1)}


def test_a_piece_that_is_killed_comes_to_the_same_end(tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    words = [sys.executable, "-c", CODE, str(torn)]
    killed = subprocess.run(words, cwd=Path(__file__).parents[3], check=False)
    assert killed.returncode == -signal.SIGKILL
    runs = [torn / "runs" / ROOM / "mine" / f"seed{seed}" for seed in (0, 1)]
    assert [checkpoints.steps_of(run) for run in runs] == [240, 160]
    assert not (torn / "pieces").exists()
    for out in (torn, whole):
        train_small(out)
    assert policies_of(torn) == policies_of(whole)


def plan_of(tmp_path, rows=ROWS, seeds=(0, 1, 2)):
    return Plan((ROOM,), tuple(rows), seeds, 6000, tmp_path / "runs", tmp_path / "out")


def test_strangers_have_another_seed_and_both_seats(tmp_path):
    plan = plan_of(tmp_path)
    for row in ROWS:
        path = plan.record(ROOM, f"trained-{row.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    games = games_of(plan, ROOM, ROWS[0])
    assert len({game.match.key for game in games}) == len(games) - 2 * 3  # own row twice
    strangers = [game for game in games if game.kind == classic_pieces.STRANGER]
    assert {game.partner for game in strangers} >= {row.name for row in ROWS}
    for game in strangers:
        names = [name for name in game.match.seats if "srpo/" not in name]
        mine = [int(name.partition("seed")[2][0]) for name in game.match.seats]
        assert len(set(mine)) == 2, game
        assert len(names) <= 1 or game.partner != "srpo"
    per_kind = {(game.partner, game.hero, game.seat) for game in strangers}
    assert len(per_kind) == len(strangers)
    ippo = [game for game in strangers if game.partner == "ippo" and game.hero == 0]
    assert [game.match.seats[1 - game.seat][-5:] for game in ippo] == ["seat1", "seat0"]


def test_every_row_can_be_trained_and_has_its_budget():
    for row in ROWS:
        config = METHODS[row.method].from_json(row.settings(ROOM, 900_000))
        total = config.steps + getattr(config, "population", 0) * getattr(
            config, "population_steps", 0
        )
        if row.raised:
            piece = population_of(Plan((ROOM,), ROWS, (0, 1), 900_000, Path(), Path()), ROOM, row)
            total += len(piece.seeds) // 2 * piece.settings["steps"]
        assert total == row.total(900_000)
    assert [row.name for row in chosen_rows("fcp, srpo")] == ["srpo", "fcp"]


def test_each_seed_of_srpo_on_a_population_has_partners_of_its_own(tmp_path, monkeypatch):
    tiny(monkeypatch)
    monkeypatch.setitem(TINY, "num_envs", 48)
    monkeypatch.setattr(classic_pieces, "STRENGTHS", (0.5, 1.0))
    (row,) = chosen_rows("srpo-population")
    row = replace(row, population=2)
    met = {}
    seat = guests.seat_partners

    def seated(name, folder, world, parts, **options):
        found = seat(name, folder, world, parts, **options)
        if len(parts) == 2:  # in training, not in the export of one seed
            for guest in found:
                met[guest.policy.name] = [guest.meets(member) for member in (0, 1)]
        return found

    monkeypatch.setattr(trainer, "seat_partners", seated)
    plan = Plan((ROOM,), (row,), (0, 1), 9600, tmp_path / "runs", tmp_path / "out")
    assert train(plan, ROOM, row)
    home, early = f"kitchen/{ROOM}/srpo-population-partners", "-at-50"
    assert met == {
        f"{home}{way}/seed{number}00{seed}": [seed == 0, seed == 1]
        for way in ("", early) for number in (1, 2) for seed in (0, 1)
    }  # fmt: skip
    assert [path.name for path in sorted(plan.policies.rglob("seed*"))] == ["seed0", "seed1"]
    for number in (1, 2):
        early, late = (
            load_policy(f"{home}{way}/seed{number}000", folder=plan.runs / ROOM / "populations")
            for way in ("-at-50", "")
        )
        assert early.card.sha256 != late.card.sha256


def test_what_everything_learns_for_follows_the_steps_of_a_row():
    plan = Plan(CLASSICS, ROWS, (0, 1), 1000, Path("runs"), Path("out"))
    for layout, times in {ROOM: 1, "forced_coordination": 3, "counter_circuit_o_1order": 2}.items():
        (fcp,) = chosen_rows("fcp")
        row = plan.piece(layout, fcp).config()
        exploiter = exploiters_of(plan, layout, ROWS[0], 1.0).config()
        candidate = classic_partners.candidates_of(plan, layout).config()
        steps = [row.steps, row.population_steps, exploiter.steps, candidate.steps]
        assert steps == [1000, 250, 150, 250 * times]
        shaped = [each.shaping_steps for each in (row, exploiter, candidate)]
        assert shaped == [800, 800, 400 * times]


def test_all_rows_have_the_same_entropy_but_those_that_are_about_it():
    for row in ROWS:
        found = row.settings(ROOM, 900_000)
        entropy = found["entropy"], found["final_entropy"]
        if row.name.startswith("entropy-"):
            assert entropy == (float(row.name.removeprefix("entropy-")), -1.0)
        elif row.begun:
            assert entropy == (BEGUN["entropy"], COMMON["final_entropy"])
        else:
            assert entropy == (COMMON["entropy"], COMMON["final_entropy"])


def test_exploiters_can_be_left_out(tmp_path):
    plan = plan_of(tmp_path, seeds=(3, 5))
    with_them = [task.name for task in classic_five.tasks_of(plan)]
    without = [task.name for task in classic_five.tasks_of(plan, exploiters=False)]
    assert f"{ROOM}: exploit SRPO" in with_them
    assert without == [name for name in with_them if ": exploit " not in name]


def test_next_seed_is_never_the_own(tmp_path):
    plan = plan_of(tmp_path, seeds=(3, 5, 8))
    teams = teams_of(plan, ROOM, ROWS[0])
    assert [next_seed(teams, team).seed for team in teams] == [5, 8, 3]
    early = teams_of(plan, ROOM, ROWS[0], 0.5)
    assert [next_seed(early, team).seed for team in teams] == [5, 3, 3]


def scores(own, cross=0.0, **values):
    n = len(own)
    table = np.full((n, n), float(cross))
    np.fill_diagonal(table, own)
    arrays = {name: np.array(value, float) for name, value in values.items()}
    return Scores(table, arrays, np.zeros((n, 0)))


def test_figures_by_hand():
    one = scores([100, 200], cross=75, proxy=[10, 30])
    assert classic_findings.level(one, "own").mean == 150
    assert classic_findings.level(one, "cross").mean == 75
    assert classic_findings.level(one, "kept").mean == 0.5
    figure = classic_findings.level(one, "proxy")
    assert (figure.mean, figure.low, figure.high) == (20, 10, 30)
    near = Scores(one.table, {}, np.array([[0.2, 1.0], [0.4, 0.6]]))
    assert classic_findings.level(near, "BR-Prox").mean == pytest.approx(0.5)
    assert np.isnan(classic_findings.level(one, "BR-Prox").mean)


def test_differences_are_of_means_over_layouts():
    study = classic_findings.Study(
        None, {"a": [], "b": []},
        {("a", "x"): scores([1, 1], proxy=[10, 10]), ("b", "x"): scores([1, 1], proxy=[40, 40]),
         ("a", "y"): scores([1, 1], proxy=[5, 5]), ("b", "z"): scores([1, 1], proxy=[50, 50])},
    )  # fmt: skip
    mine, theirs = {"a": "x", "b": "x"}, {"a": "y", "b": "z"}
    gained = classic_findings.difference(study, mine, theirs, "proxy", ["a", "b"])
    assert (gained.mean, gained.low, gained.high) == (-2.5, -2.5, -2.5)
    gained = classic_findings.difference(study, theirs, mine, "proxy", ["b"])
    assert (gained.mean, gained.low, gained.high) == (10, 10, 10)
    assert classic_page.verdict({"low": 0.1, "high": 1}) == "better"
    assert classic_page.verdict({"low": -1, "high": 1}).startswith("level")
    assert classic_page.verdict({"low": -1, "high": -0.1}).startswith("worse")


def test_what_is_offered_is_compared_on_each_layout_with_the_best_other():
    """On a it is SRPO, on b SRPO on PPO-BC; the proxy that is held out decides nothing."""
    rows = {row.name: row for row in ROWS}
    came = {  # development proxy, held-out proxy
        ("a", "srpo"): (9, 10), ("a", "srpo-bc"): (5, 30), ("a", "ppo-bc"): (50, 12),
        ("b", "srpo"): (5, 99), ("b", "srpo-bc"): (9, 40), ("b", "ppo-bc"): (50, 35),
        ("a", "e3t"): (50, 11), ("b", "e3t"): (50, 38),
    }  # fmt: skip
    names = ("srpo", "srpo-bc", "ppo-bc", "e3t")
    study = classic_findings.Study(
        None,
        {layout: [rows[name] for name in names] for layout in "ab"},
        {
            key: scores([1, 1], **{"development proxy": [near] * 2, "proxy": [far] * 2})
            for key, (near, far) in came.items()
        },
    )
    layouts = {
        layout: {
            name: {
                "development proxy": {"mean": came[layout, name][0], "low": came[layout, name][0]},
                "cross": {"mean": 1},
            }
            for name in names
        }
        for layout in "ab"
    }
    found = classic_findings._recommended(study, layouts)
    assert found["rows"] == {"a": "srpo", "b": "srpo-bc"}
    assert found["proxy"]["a"]["other"] == "ppo-bc"
    assert found["proxy"]["b"]["other"] == "e3t"
    gained = [found["proxy"][layout]["difference"]["mean"] for layout in "ab"]
    assert gained == [10 - 12, 40 - 38]
    assert found["over layouts"]["other"] == "e3t"
    assert found["over layouts"]["difference"]["mean"] == 25 - 24.5


@pytest.mark.parametrize("offered_begun", [False, True])
def test_what_began_with_another_policy_is_compared_for_itself(offered_begun):
    came = {"srpo": 20, "ppo-bc": 10, "srpo-bc-any": 40, "ppo-bc-any": 50}  # held-out proxy
    rows = [row for row in ROWS if row.name in came]
    assert {row.name for row in rows if row.begun} == {"srpo-bc-any", "ppo-bc-any"}
    near = {"srpo": 9, "srpo-bc-any": 10 if offered_begun else 8}
    study = classic_findings.Study(None, {"a": rows}, {
        ("a", name): scores([value] * 2, proxy=[value] * 2, **{"development proxy": [
            near.get(name, 99)] * 2})
        for name, value in came.items()
    })  # fmt: skip
    assert classic_findings.chosen(study) == "srpo"
    assert classic_findings.chosen(study, begun=True) == "srpo-bc-any"
    found = classic_findings.differences(study)
    for name, other, gained in (("srpo", "ppo-bc", 10), ("srpo-bc-any", "ppo-bc-any", -10)):
        for part in (found[name]["proxy"]["a"], found[name]["own"]["a"],
                     found[name]["over layouts"]):  # fmt: skip
            assert (part["other"], part["difference"]["mean"]) == (other, gained)
    past = found["srpo-bc-any"]["from nothing"]
    for part in (past["proxy"]["a"], past["own"]["a"], past["over layouts"]):
        assert (part["other"], part["difference"]["mean"]) == ("ppo-bc", 30)
    assert "from nothing" not in found["srpo"]
    came_to = {name: {"proxy": {"mean": value}, "development proxy": {"mean": value}}
               for name, value in came.items()}  # fmt: skip
    lines = classic_page._with_proxies(
        {"differences": found, "over layouts": came_to}, "srpo-bc-any"
    )  # fmt: skip
    assert lines[1].endswith("nothing: +30.0 [+30.0, +30.0] against PPO-BC - better")
    assert lines[2].startswith("   - mean over layouts, against the best that begins with nothing")
    assert lines[3].startswith("   - a: -10.0 [-10.0, -10.0] against PPO-BC, from any kitchen")
    layouts = {"a": {
        name: {"development proxy": {"mean": value, "low": value}, "cross": {"mean": 1}}
        for name, value in near.items()
    }}  # fmt: skip
    beside = classic_findings._recommended(study, layouts)
    mine, other = ("srpo-bc-any", "ppo-bc-any") if offered_begun else ("srpo", "ppo-bc")
    assert beside["rows"] == {"a": mine}
    assert beside["proxy"]["a"]["other"] == beside["over layouts"]["other"] == other


def test_the_own_pair_is_compared_with_its_like():
    own = {"self-play": 100, "srpo": 95, "srpo-bc-any": 190, "self-play-visited": 90}
    rows = {name: {"own": {"mean": value}, "kept": {"mean": 1, "low": 1, "high": 1}}
            for name, value in own.items()}  # fmt: skip
    for ours, said in (("srpo", "0.95 of self-play - met"), ("srpo-bc-any", "1.90 of self-play")):
        (_, line) = classic_page._with_itself({"layouts": {"a": rows}}, ours)
        assert said in line


def test_exploiters_see_what_their_heroes_see():
    plan = Plan((ROOM,), ROWS, (0, 1), 1000, Path("runs"), Path("out"))
    for row in ROWS:
        hero, exploiter = (
            piece.config() for piece in (plan.piece(ROOM, row), exploiters_of(plan, ROOM, row, 1.0))
        )
        assert (exploiter.encoding, exploiter.hidden) == (hero.encoding, hero.hidden)


def test_a_table_is_split_by_convention_where_there_are_conventions():
    figures = {key: {"mean": 1, "low": 1, "high": 1} for key, _, _ in classic_page.COLUMNS}
    split = {"table": [[9, 0, 8], [0, 9, 1], [7, 2, 9]], "beside": {}} | figures
    whole = {"table": [[9, 5], [5, 9]], "beside": {}} | figures
    rows = {"ippo": split, "srpo": whole}
    lines = classic_page.layout_part(ROOM, rows, (3, 5, 8)).splitlines()
    assert "- IPPO, a policy per seat: 9 0 8; 0 9 1; 7 2 9 (conventions: 5 | 3 8)" in lines
    assert "- SRPO: 9 5; 5 9" in lines


def test_the_most_different_are_chosen():
    rows = np.array([[0, 0], [0.01, 0], [5, 0], [5.01, 0], [0, 5], [1.0, 1.0]])
    chosen = classic_partners.most_diverse(rows, 3)
    assert len({0, 1} & set(chosen)) == len({2, 3} & set(chosen)) == 1
    assert 4 in chosen
    assert classic_partners.most_diverse(np.zeros((0, 2)), 3) == []
    assert sorted(classic_partners.most_diverse(rows, 9)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--layouts", "cramped"), "--layouts is 'cramped', but it must be names with commas"),
        (("--methods", "ppo"), "--methods is 'ppo', but it must be names with commas"),
        (("--methods", ","), "--methods is ','"),
        (("--seeds", "3"), "--seeds is '3', but cross-play needs policies of at least 2"),
    ],
)
def test_mistakes_are_one_sentence(monkeypatch, capsys, tmp_path, arguments, sentence):
    places = ("--out", tmp_path / "out", "--runs", tmp_path / "runs")
    assert run(monkeypatch, *places, *arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_pieces_of_other_seeds_or_steps_are_not_mixed(monkeypatch, capsys, folders):
    places = ("--out", folders / "out", "--runs", folders / "runs", "--overwrite")
    assert run(monkeypatch, *places, *SMALL, "--seeds", "0-2") == 2
    assert "holds pieces with seeds [0, 1], but seeds [0, 1, 2] were asked" in (
        capsys.readouterr().err
    )


def test_pieces_of_other_training_settings_are_not_mixed(monkeypatch, capsys, folders):
    monkeypatch.setitem(classic_five.COMMON, "entropy", 0.5)
    places = ("--out", folders / "out", "--runs", folders / "runs", "--overwrite")
    assert run(monkeypatch, *places, *SMALL) == 2
    said = capsys.readouterr().err
    assert "holds pieces with training {" in said
    assert "'entropy': 0.5" in said


def test_a_damaged_piece_is_named(tmp_path):
    (tmp_path / "piece.json").write_text('{"half')
    with pytest.raises(UserError, match="is damaged"):
        classic_pieces.read_json(tmp_path / "piece.json")
