"""The planned analysis against textbook results."""

from typing import Any

import pytest

from play.worlds.errors import UserError
from studies.design import Study
from studies.planned import analyse, in_words
from tests.studies.files import small

# Student (1908), hours of sleep gained with two drugs by ten patients. The results are those of
# R's t.test(extra ~ group, data = sleep), with paired = TRUE and without.
ONE = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
OTHER = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def contrast(outcome: str, *compare: str) -> dict[str, Any]:
    return {"id": "c", "outcome": outcome, "compare": list(compare), "expected": -1, "sd": 2}


def planned(*contrasts: dict[str, Any], **changes: Any) -> Study:
    return small(analysis={"text": "t", "contrasts": list(contrasts)}, **changes)


def tables(arms: tuple[str, str] | None) -> dict[str, list[dict[str, Any]]]:
    """Both drugs' patients: the same in two blocks, or others in two arms; outliers excluded."""
    people, rounds, answers = [], [], []
    for side, gains in enumerate((ONE, OTHER)):
        for number, gain in enumerate((*gains, 999.0)):
            who = f"{side if arms else 0}-{number}"
            arm = arms[side] if arms else "lemur"
            people.append({"participant": who, "arm": arm, "excluded": gain == 999.0})
            block = ("quokka", "wombat")[side]
            row = {"participant": who, "block": block, "kind": "round", "reason": "complete"}
            rounds += [{**row, "score": gain - 1}, {**row, "score": gain + 1}]
            rounds += [
                {**row, "score": 77.0, "reason": "left"},
                {**row, "kind": "tutorial", "score": 5},
            ]
            answer = {"participant": who, "block": block, "survey": "mood", "item": "mood"}
            answers += [{**answer, "kind": "scale", "number": gain},
                        {**answer, "kind": "likert", "number": 3},
                        {**answer, "kind": "scale", "number": None}]  # fmt: skip
    return {"participants": people, "rounds": rounds, "answers": answers}


@pytest.mark.parametrize("outcome", ["score", "mood.mood"])
def test_within_participants(outcome: str) -> None:
    (found,) = analyse(planned(contrast(outcome, "quokka", "wombat")), tables(None))
    assert found.within
    assert found.sizes == (10, 10)
    assert found.statistic == pytest.approx(-4.0621, abs=1e-4)
    assert found.freedom == 9
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert found.interval == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    assert found.difference == pytest.approx(-1.58)
    assert found.effect == pytest.approx(-4.0621 / 10**0.5, abs=1e-4)


@pytest.mark.parametrize("outcome", ["score", "mood.mood"])
def test_between_participants(outcome: str) -> None:
    arms = [{"id": name, "blocks": ["quokka"], "target": 4} for name in ("a", "b")]
    study = planned(contrast(outcome, "a", "b"), arms=arms)
    (found,) = analyse(study, tables(("a", "b")))
    assert not found.within
    assert found.statistic == pytest.approx(-1.8608, abs=1e-4)
    assert found.freedom == pytest.approx(17.776, abs=1e-3)
    assert found.p == pytest.approx(0.07939, abs=1e-5)
    assert found.interval == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)
    assert "p = 0.0794" in in_words(found, 0.05)


def test_an_empty_condition_is_told() -> None:
    empty = {**tables(None), "rounds": []}
    with pytest.raises(UserError, match="0 usable participants of quokka"):
        analyse(planned(contrast("score", "quokka", "wombat")), empty)
