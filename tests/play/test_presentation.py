"""What people read and see around a game fits the worlds that it is about."""

from pathlib import Path

import pytest

from agents.library import list_partners
from play.draw.renderers import RENDERERS
from play.draw.sprites import ART
from play.presentation.families import (
    PARTNERS,
    PRESENTATIONS,
    face_of,
    family_of,
    ordered_names,
    points,
    presentation_of,
    speeds_of,
    text_of,
    title_of,
)
from play.presentation.outcome import outcome_of
from play.worlds.registry import make_world, world_names

RENDERERS_JS = Path(__file__).resolve().parents[2] / "play" / "web" / "static" / "renderers"


@pytest.mark.parametrize("name", world_names())
def test_words_and_pictures_fit_the_world(name: str) -> None:
    world = make_world(name, compiled=False)
    facts, words = world.facts, presentation_of(name)
    assert family_of(name) in PRESENTATIONS
    assert facts.renderer in RENDERERS
    assert (RENDERERS_JS / f"{facts.renderer}.js").exists()
    assert set(words.labels) >= set(facts.actions)
    assert words.success is None or words.success in facts.contributions
    assert set(words.work) <= set(facts.contributions)
    steps = words.howto(world.static_scene())
    drawn = {picture for step in steps for picture in step.pictures}
    drawn |= {face_of(facts, seat) for seat in range(facts.num_players)}
    drawn |= {words.prize} if words.prize else set()
    assert [picture for picture in drawn if not (ART / words.art / f"{picture}.svg").exists()] == []
    assert {value for value, _ in words.rules} <= {"old", "new"}
    assert bool(words.rules) == ("dynamics" in facts.options)


def test_every_world_is_offered_once_its_family_together_and_the_featured_first() -> None:
    names = ordered_names()
    assert sorted(names) == sorted(world_names())
    assert len({title_of(name) for name in names}) == len(names)
    families = [family_of(name) for name in names]
    assert list(dict.fromkeys(families)) == list(PRESENTATIONS)
    for family in PRESENTATIONS:
        own = [name for name in names if family_of(name) == family]
        assert families[families.index(family) :][: len(own)] == [family] * len(own)
        featured = presentation_of(family).featured
        assert tuple(own[: len(featured)]) == featured


def test_a_kitchen_of_ones_own_is_titled_by_its_file() -> None:
    assert title_of("kitchen/my/wide_room.layout") == "Wide Room"
    assert title_of("kitchen/C:\\plans\\island2.layout") == "Island 2"


def test_a_family_that_nobody_described_gets_plain_words() -> None:
    words = presentation_of("new-game/one")
    assert (words.title, words.player) == ("New game", "player")
    assert words.howto({}) == ()
    stay = next(partner for partner in list_partners() if partner.name == "stay")
    assert text_of(stay, "new-game/one") == PARTNERS["stay"]
    assert text_of(stay, "private-kitchen/scarce")[0] == "Free-rider"


def test_models_of_people_have_names_of_their_own_and_come_last() -> None:
    titles = [
        text_of(partner, "kitchen/cramped_room")[0]
        for partner in list_partners("kitchen/cramped_room")
        if partner.card
    ]
    assert titles[0] == "Understudy (SRPO)"
    assert titles[-2:] == ["Human proxy", "Human proxy, held out"]


def test_speeds_are_parts_of_the_worlds_own() -> None:
    kitchen = make_world("kitchen/cramped_room", compiled=False).facts
    private = make_world("private-kitchen/scarce", compiled=False).facts
    assert speeds_of(kitchen) == {"Calm": 300, "Normal": 150, "Fast": 100}
    assert speeds_of(private, 50) == {"Calm": 800, "Normal": 400, "Fast": 267, "Custom": 50}
    assert "Custom" not in speeds_of(private, 400)


@pytest.mark.parametrize(
    ("score", "words"),
    [(20, "20"), (0.1 + 0.2, "0.3"), (-1.25, "-1.25"), (-0.001, "0"), (1260, "1260"),
     (1234.25, "1234.25"), (123456.7, "123457"), (184.19999, "184.2")],
)  # fmt: skip
def test_scores_have_the_decimals_that_they_need(score: float, words: str) -> None:
    assert points(score) == words


def test_an_end_is_told_to_each_seat_and_to_those_who_watch() -> None:
    facts = make_world("private-kitchen/released", compiled=False).facts
    none, some = (dict.fromkeys(facts.contributions, count) for count in (0, 1))
    seats = [
        {"counts": some, "score": 9.0, "cost": 2.0},
        {"counts": none, "score": 11.0, "cost": 0.0},
    ]
    outcome = outcome_of(facts, seats)
    assert outcome.heading == "20 points together"
    assert outcome.verdict(0) == "1 onion in the pot. You carried most of the work."
    assert outcome.verdict(1) == "1 onion in the pot. Your partner carried most of the work."
    assert outcome.verdict(None) == "1 onion in the pot."
    assert list(outcome.rows)[:2] == ["own points", "private cost"]
    assert (outcome.prize, outcome.prizes) == ("onion", 1)
    nothing = outcome_of(facts, [{"counts": none, "score": -2.0, "cost": 2.0}] * 2)
    assert nothing.verdicts == ("No onion made it into the pot this time.",) * 3
