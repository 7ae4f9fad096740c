"""Ready-made instruments against the published words, and against what they say of themselves."""

import re

import pytest

from studies.questionnaires import Instrument, instruments, scale_scores

PUBLISHED = {
    # Meertens & Lion (2008); reversed items are those that they reverse.
    "risk_propensity": (
        "Safety first.",
        "I do not take risks with my health.",
        "I prefer to avoid risks.",
        "I take risks regularly.",
        "I really dislike not knowing what is going to happen.",
        "I usually view risks as a challenge.",
        "I view myself as a …",
    ),
    # Hart & Staveland (1988), the sheet's questions.
    "nasa_tlx": (
        "How mentally demanding was the task?",
        "How physically demanding was the task?",
        "How hurried or rushed was the pace of the task?",
        "How successful were you in accomplishing what you were asked to do?",
        "How hard did you have to work to accomplish your level of performance?",
        "How insecure, discouraged, irritated, stressed, and annoyed were you?",
    ),
    # Hoffman (2019), of whose scales these are three.
    "fluency": (
        "The human-robot team worked fluently together.",
        "The human-robot team's fluency improved over time.",
        "The robot contributed to the fluency of the interaction.",
        "I had to carry the weight to make the human-robot team better.",
        "The robot contributed equally to the team performance.",
        "I was the most important team member on the team.",
        "The robot was the most important team member on the team.",
        "I trusted the robot to do the right thing at the right time.",
        "The robot was trustworthy.",
    ),
}
ADAPTED = {"fluency": (("human-robot team", "team"), ("robot", "partner"))}
REVERSED = {
    "risk_propensity": {0, 1, 2, 4},
    "nasa_tlx": set(),
    "fluency": {3, 5},
}


def words(made: Instrument, language: str) -> list[str]:
    return [item.text.into(language) for item in made.items]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_words_are_those_published_but_for_what_the_notes_say(name: str) -> None:
    made = instruments()[name]
    wanted = list(PUBLISHED[name])
    for old, new in ADAPTED.get(name, ()):
        wanted = [text.replace(old, new) for text in wanted]
        assert f"{old} became {new}" in made.notes.lower().replace('"', "")
    asked = [re.sub(r"^[A-Z][a-z]+( demand)?: (?=How)", "", text) for text in words(made, "en")]
    assert asked == wanted
    assert {at for at, item in enumerate(made.items) if getattr(item, "reverse", False)} == (
        REVERSED[name]
    )
    assert len({item for scale in made.scales.values() for item in scale}) == len(wanted)


def test_every_instrument_says_whose_words_it_has() -> None:
    for name, made in instruments().items():
        if made.wording == "own":
            assert made.source.startswith("Written for this project"), name
            assert name not in PUBLISHED
        else:
            assert re.search(r"\(\d{4}\)", made.source), name
            assert name in PUBLISHED
            assert made.checked
            assert "German translation is our own" in made.notes, name
        for language in ("en", "de"):
            assert len(set(words(made, language))) == len(made.items), name


def test_all_ends_of_a_scale_score_where_its_notes_say() -> None:
    risk = instruments()["risk_propensity"]
    daring = {item.id: 1 if item.reverse else 9 for item in risk.items}  # type: ignore[union-attr]
    assert scale_scores(risk, daring) == {"risk_propensity": 9.0}  # type: ignore[arg-type]
    load = instruments()["nasa_tlx"]
    assert scale_scores(load, {item.id: 100 for item in load.items}) == {"workload": 100.0}  # type: ignore[arg-type]
