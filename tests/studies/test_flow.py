"""The participant's way as a state machine: every path, and every state again from its events."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.assignment import place_at
from studies.design import Study
from studies.flow import (
    Device,
    State,
    Verdict,
    factors_of,
    judge_consent,
    judge_quiz,
    judge_screening,
    judge_survey,
    pay_of,
    state_of,
    steps_of,
)
from studies.store import Event
from tests.studies.files import small

FINE = Device("keyboard", 1280, 20.0, True)
ANSWERS = {
    "mood": {"good": 4, "bad": 2},
    "last": {"slide": 10.0, "pick": "a", "rank": ["x", "y"], "many": 3},
}


class Walk:
    """A session without a server."""

    def __init__(self, study: Study, rank: int = 0) -> None:
        self.study, self.events = study, [Event(0, "entered", "", {}, "")]
        self._place = place_at(study, study.arms[0], rank)
        self.place: Any = None

    @property
    def state(self) -> State:
        return state_of(self.study, self.place, self.events)

    def take(self, verdict: Verdict) -> None:
        assert not verdict.problems
        step = self.state.step
        assert step is not None
        event = Event(len(self.events), verdict.kind, step.key, verdict.data, "")
        self.events.append(event)
        if self.state.wants_place:
            self.place = self._place

    def right(self) -> Verdict:
        """What leads on from here."""
        step = self.state.step
        assert step is not None
        if step.kind == "consent":
            return judge_consent(self.study, True, [0])
        if step.kind == "screening":
            return judge_screening(self.study, FINE, {})
        if step.kind == "quiz":
            return judge_quiz(self.study, step.attempt, {"onions": "three"})
        if step.kind == "survey":
            return judge_survey(self.study, step.survey, ANSWERS[step.survey])
        if step.kind == "round":
            return Verdict(data={"score": 20.0})
        if step.kind == "debrief":
            return Verdict("ended", {"outcome": "done"})
        return Verdict()


def test_the_happy_path_has_these_steps_in_the_allocated_order() -> None:
    walk = Walk(small(), rank=1)
    keys = []
    while walk.state.outcome is None:
        step = walk.state.step
        assert step is not None
        keys.append(step.key)
        walk.take(walk.right())
    first, second = walk.place.blocks
    assert keys == [
        "consent", "screening", "instructions:1", "tutorial", "quiz:1",
        f"round:{first}:one", f"survey:{first}:one:mood",
        f"round:{second}:one", f"survey:{second}:one:mood",
        "survey:arm:last", "debrief",
    ]  # fmt: skip
    assert walk.state.outcome == "done"
    assert walk.state.step is None
    assert walk.state.scores == (20.0, 20.0)
    assert {Walk(small(), rank)._place.blocks for rank in (0, 1)} == {
        ("quokka", "wombat"), ("wombat", "quokka"),
    }  # fmt: skip


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_session_cut_off_anywhere_goes_on_where_it_was(data: st.DataObject) -> None:
    walk = Walk(small())
    for _ in range(data.draw(st.integers(0, 14), label="steps")):
        if walk.state.outcome is not None:
            break
        wrong = walk.state.step is not None and walk.state.step.kind == "quiz"
        if wrong and data.draw(st.booleans(), label="fails"):
            assert walk.state.step is not None
            walk.take(judge_quiz(walk.study, walk.state.step.attempt, {"onions": "two"}))
        else:
            walk.take(walk.right())
    again = Walk(walk.study)
    again.place, again.events = walk.place, list(walk.events)
    assert again.state == walk.state


def test_a_failed_quiz_is_tried_again_after_the_instructions_and_then_ends() -> None:
    walk = Walk(small())
    while walk.state.step is None or walk.state.step.kind != "quiz":
        walk.take(walk.right())
    walk.take(judge_quiz(walk.study, 1, {"onions": "two"}))
    assert walk.state.step is not None
    assert walk.state.step.key == "instructions:2"
    walk.take(walk.right())
    assert walk.state.step.key == "quiz:2"
    walk.take(judge_quiz(walk.study, 2, {"onions": "two"}))
    assert walk.state.outcome == "failed_quiz"
    quiz = {**small().plain()["quiz"], "then": "continue"}
    assert judge_quiz(small(quiz=quiz), 2, {"onions": "two"}).kind == "passed"


def test_consent_needs_every_statement_or_ends() -> None:
    study = small()
    assert judge_consent(study, True, []).problems == {"statement-0": "tick-all"}
    assert judge_consent(study, True, [0]).data == {"consent": "c1"}
    assert judge_consent(study, False, [0]).data["outcome"] == "declined"


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (Device("touch", 1280, 20.0, True), ["input"]),
        (Device("keyboard", 300, 20.0, True), ["width"]),
        (Device("keyboard", 1280, 101.0, True), ["ping"]),
        (Device("keyboard", 1280, 100.0, False), ["full_screen"]),
        (Device("gamepad", 300, 101.0, False), ["input", "width", "ping", "full_screen"]),
    ],
)
def test_screening_says_what_did_not_fit(device: Device, why: list[str]) -> None:
    study = small(screening={"inputs": ["keyboard"], "max_ping_ms": 100, "full_screen": True})
    assert judge_screening(study, FINE, {}).kind == "passed"
    verdict = judge_screening(study, device, {})
    assert verdict.data["outcome"] == "screened_out"
    assert verdict.data["why"] == why


def test_screening_questions_admit_only_what_they_expect_and_give_the_factors() -> None:
    question = {
        "id": "plays", "kind": "choice", "text": "Do you play?", "expects": ["yes"],
        "options": [{"value": "yes", "text": "Yes"}, {"value": "no", "text": "No"}],
    }  # fmt: skip
    allocation = {"method": "minimisation", "factors": ["plays"]}
    study = small(screening={"questions": [question]}, allocation=allocation)
    assert judge_screening(study, FINE, {}).problems == {"plays": "choose-one"}
    assert judge_screening(study, FINE, {"plays": "no"}).data["why"] == ["plays"]
    passed = judge_screening(study, FINE, {"plays": "yes"})
    event = Event(1, passed.kind, "screening", passed.data, "")
    assert factors_of(study, [event]) == {"plays": "yes"}


def test_an_event_of_another_study_is_not_taken() -> None:
    event = Event(0, "passed", "round:gamma:one", {"score": 1}, "")
    with pytest.raises(ValueError, match="not due"):
        state_of(small(), None, [event])


def test_the_bonus_is_the_formulas_and_for_the_done_only() -> None:
    study = small()  # min(2, 0.01 * score)
    assert pay_of(study, "done", [40, 20]) == (2, 0.6)
    assert pay_of(study, "done", [400, 20]) == (2, 2)
    assert pay_of(study, "failed_quiz", [400]) == (0.5, 0)
    payment = {**study.plain()["payment"], "bonus": "0.1 * best_score - 10 + mean_score / rounds"}
    assert pay_of(small(payment=payment), "done", [40, 20]) == (2, 9.0)
    assert pay_of(small(payment=payment), "done", [0, 0]) == (2, 0)


def test_steps_are_told_apart_by_their_keys() -> None:
    study = small()
    steps = steps_of(study, place_at(study, study.arms[0], 0), 1)
    assert len({step.key for step in steps}) == len(steps)
