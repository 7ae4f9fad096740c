"""`understudy reproduce any-kitchen`: figures by hand, unseen kitchens, a whole run in small."""

import json
import sys

import numpy as np
import pytest

from agents.library import list_partners, load_policy, write_card
from play.main import main
from play.worlds.kitchen import many
from play.worlds.kitchen.generator import canonical
from play.worlds.registry import make_world
from training.evaluation.crossplay import Seating, returns_of
from training.reproduce import any_kitchen, any_kitchen_page
from training.reproduce.any_kitchen import FIRST, Place, findings, layout_of, share, unseen

SMALL = {
    "num_envs": 8, "rollout_length": 20, "hidden": 8, "minibatches": 2, "steps": 320,
    "options": "count=4,horizon=40",
}  # fmt: skip
ARGUMENTS = ("any-kitchen", "--kitchens", "2", "--episodes", "2", "--out")


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["understudy", "reproduce", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.fixture
def small(monkeypatch):
    """Short training and games, and one classic layout."""
    monkeypatch.setattr(many, "TRAINING", SMALL)
    monkeypatch.setattr(any_kitchen, "HORIZON", 40)
    for module in (any_kitchen, any_kitchen_page):
        monkeypatch.setattr(module, "CLASSICS", ("cramped_room",))


def test_a_run_in_small_goes_on_where_it_was_stopped(small, monkeypatch, tmp_path, capsys):
    out = tmp_path / "any"
    assert run(monkeypatch, *ARGUMENTS, out, "--no-train") == 2
    assert "has no checkpoint yet: leave --no-train out" in capsys.readouterr().err
    played = []
    soups = any_kitchen.soups

    def stop(place, seats, episodes, folder):
        if len(played) == 5:  # in the middle of the second kitchen
            raise KeyboardInterrupt
        played.append((place.name, seats))
        return soups(place, seats, episodes, folder)

    monkeypatch.setattr(any_kitchen, "soups", stop)
    assert run(monkeypatch, *ARGUMENTS, out) not in (0, 2)
    assert not json.loads((out / "results.json").read_text())["finished"]
    trained = {path: path.read_bytes() for path in out.rglob("policy.onnx")}
    pieces = {path: path.stat().st_mtime_ns for path in (out / "pieces").rglob("*.json")}
    assert len(trained) == 1 + 2  # and two shipped ones
    assert len(pieces) == 3
    monkeypatch.setattr(any_kitchen, "soups", soups)
    assert run(monkeypatch, *ARGUMENTS, out) == 0
    assert trained == {path: path.read_bytes() for path in out.rglob("policy.onnx")}
    assert (
        pieces.items()
        <= {path: path.stat().st_mtime_ns for path in (out / "pieces").rglob("*.json")}.items()
    )

    record = json.loads((out / "results.json").read_text())
    assert record["finished"]
    assert record["settings"]["steps"] == 320
    assert [kitchen["classic"] for kitchen in record["kitchens"]] == [False, False, True]
    assert set(record["kitchens"][2]["soups"]) == {
        "beside greedy", "own pair", "greedy pair", "specialist beside greedy",
        "specialist beside proxy", "beside proxy",
    }  # fmt: skip
    page = (out / "README.md").read_text()
    assert "320 of 320 joint steps" in page
    assert "| cramped_room | " in page
    assert run(monkeypatch, *ARGUMENTS, out) == 2  # finished results need leave

    kept, ship = tmp_path / "kept", ("--overwrite", "--ship", tmp_path / "kept")
    assert run(monkeypatch, *ARGUMENTS, out, *ship) == 0
    assert "aim is not reached: not shipped" in capsys.readouterr().out
    assert not kept.exists()
    monkeypatch.setattr(any_kitchen, "AIM", 0)
    assert run(monkeypatch, *ARGUMENTS, out, *ship) == 0
    (partner,) = (p for p in list_partners("kitchen/bottleneck", kept) if p.card)
    assert (partner.name, partner.recommended) == ("kitchens/generated/srpo", True)
    assert "never seen" in partner.description
    assert partner.sha256 == record["settings"]["sha256"]
    assert partner.card.results["any_kitchen"]["aim"]["reached"]


def test_a_policy_that_is_there_plays_without_training(small, monkeypatch, tmp_path, capsys):
    out, asked = tmp_path / "any", []
    known = frozenset({canonical(layout_of(FIRST).rows)})
    monkeypatch.setattr(
        any_kitchen, "training_kitchens", lambda config: asked.append(config) or known
    )
    words = (*ARGUMENTS, out, "--policy")
    for name in ("greedy", "kitchen/cramped_room/srpo"):
        assert run(monkeypatch, *words, name) == 2
        assert f"--policy is {name}, but it must have been trained in" in capsys.readouterr().err
    assert run(monkeypatch, *words, "kitchens/generated/srpo", "--steps", "9") == 2
    assert "so --steps 9 has no meaning: leave one of them out" in capsys.readouterr().err
    assert not out.exists()
    assert run(monkeypatch, *words, "kitchens/generated/srpo") == 0
    card = load_policy("kitchens/generated/srpo").card
    record = json.loads((out / "results.json").read_text())
    settings = record["settings"]
    assert [config.world_options for config in asked] == [{"count": 16384}]
    assert record["kitchens"][0]["name"].endswith(str(FIRST + 1))
    assert settings["sha256"] == card.sha256
    assert (settings["steps"], settings["commit"]) == (card.steps, card.git_commit)
    assert settings["config"]["options"] == "count=16384"
    assert "on 16,384 generated kitchens" in (out / "README.md").read_text()
    assert not (out / "runs").exists()


def test_soups_are_those_of_the_games():
    place = Place("cramped_room", {"horizon": 120}, True, False)
    ours = any_kitchen.soups(place, ("greedy", "greedy"), 2, None)
    greedy = load_policy("greedy", make_world(place.world).facts)
    root = any_kitchen.Rules(place.world, place.options, 2, 0)
    match = any_kitchen.Match("play", "greedy", "greedy", ("greedy", "greedy"))
    played = any_kitchen.play_match(match, root)
    assert ours == (played.rewards.sum(1) / 20).tolist()
    assert max(ours) >= 1
    again = returns_of(Seating((greedy, greedy)), place.world, place.options, 2, 0)
    assert again.max() >= 20


def test_unseen_kitchens_are_not_those_of_the_training():
    first = canonical(layout_of(FIRST).rows)
    numbers = [int(place.name.rpartition("-")[2]) for place in unseen(3, frozenset({first}))]
    assert numbers == [FIRST + 1, FIRST + 2, FIRST + 3]


def test_figures_by_hand():
    places = [Place(str(k), {}, False, k > 1) for k in range(4)]
    soups = [[3.0, 1.0], [1.0, 2.0], [4.0, 6.0], [2.0, 3.0]]
    played = {
        place.name: {
            "beside greedy": own, "own pair": [0.0], "greedy pair": [s - 1 for s in own],
        }
        for place, own in zip(places, soups, strict=True)
    }  # fmt: skip
    found = findings(places, played)
    own = found["unseen"]["beside greedy"]
    assert own["soups"]["mean"] == pytest.approx(np.mean([2, 1.5, 5, 2.5]))
    assert own["enough"]["mean"] == 3 / 4
    assert own["least"] == 1.5
    assert found["unseen, one room"]["beside greedy"]["enough"]["mean"] == 1 / 2
    assert found["unseen, a room each"]["greedy pair"]["least"] == 1.5
    assert found["unseen, enough by rules"]["beside greedy"]["enough"]["count"] == 1
    assert found["unseen, enough by rules"]["beside greedy"]["soups"]["mean"] == 5
    assert not found["aim"]["reached"]


def test_interval_of_a_share_is_wilsons():
    """Against the table of Newcombe 1998 (Statistics in Medicine 17), method 3."""
    for number, count, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        figure = share(number, count)
        assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-5)


def test_other_seeds_tell_what_is_chance(small, monkeypatch, tmp_path, capsys):
    out = tmp_path / "any"
    words = (*ARGUMENTS, out, "--seeds", "4,6", "--controls", "self-play")
    for names in ("fcp", "e3t,e3t"):
        assert run(monkeypatch, *ARGUMENTS, out, "--controls", names) == 2
        assert f"--controls is '{names}', but it must be" in capsys.readouterr().err
    assert run(monkeypatch, *ARGUMENTS, out, "--seeds", "4,4") == 2
    assert "it must be different seeds" in capsys.readouterr().err
    known = ("--policy", "kitchens/generated/srpo")
    assert run(monkeypatch, *words, *known) == 2
    assert "was trained with other settings (options" in (said := capsys.readouterr().err)
    assert "leave them out" in said
    assert not out.exists()
    assert run(monkeypatch, *words) == 0
    record = json.loads((out / "results.json").read_text())
    both = (record, *record["others"])
    assert [own["settings"]["seed"] for own in both] == [4, 6, 4]
    assert [own["settings"]["method"] for own in both] == ["srpo", "srpo", "self-play"]
    assert len({own["settings"]["sha256"] for own in both}) == 3
    rows = record["findings"]["seeds"]["rows"]
    places = ["unseen"] * 4 + ["cramped_room"] * 3
    assert [row["place"] for row in rows] == places
    for row in rows:
        means = [own["findings"][row["place"]][row["label"]] for own in both]
        values = [(mean[row["kind"]] if row["kind"] else mean)["mean"] for mean in means]
        assert row["values"] == values
        assert row["mean"] == pytest.approx(np.mean(values[:2]))
        assert (row["low"], row["high"]) == (min(values[:2]), max(values[:2]))
    page = (out / "README.md").read_text()
    assert "## Other trainings" in page
    assert "| | SRPO, seed 4 | SRPO, seed 6 | Self-play, seed 4 | mean |" in page
    assert page.count("cramped_room, beside a model of people |") == 1
    folder = out / "policies" / "kitchen" / "cramped_room" / "srpo"
    card = json.loads((folder / "card.json").read_text())
    for start, said in (("", False), ("kitchens/generated/srpo", True)):
        write_card(folder, card | {
            "hyperparameters": card["hyperparameters"] | {"start_from": start}
        })  # fmt: skip
        words_ = any_kitchen.specialists(out / "policies")
        assert words_.startswith("which learnt there")
        assert words_.endswith("(all of them after beginning with the shipped partner for any "
                               "kitchen)") == said  # fmt: skip
    write_card(folder, card)

    trained = {path: path.read_bytes() for path in out.rglob("policy.onnx")}
    for path in sorted((out / "runs").rglob("*"), reverse=True):  # policies outlast their runs
        path.rmdir() if path.is_dir() else path.unlink()
    monkeypatch.setattr(any_kitchen, "train_piece", None)
    assert run(monkeypatch, *words, "--overwrite") == 0
    assert run(monkeypatch, *words, "--overwrite", "--no-train") == 0
    assert trained == {path: path.read_bytes() for path in out.rglob("policy.onnx")}
