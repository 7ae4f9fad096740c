"""What a participant does next: a pure state machine over the events of their session.

A session is a list of steps; the state is folded from the events, never stored, so a reload, a
crash or another server comes to the same page. Each page that is handed in becomes exactly one
event: ``passed`` (on to the next step), ``failed`` (the quiz, to be tried again) or ``ended``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from studies.assignment import Place
from studies.design import Outcome, Study
from studies.formula import evaluate
from studies.questionnaires import Answer, passes, problems_of

Kind = Literal[
    "consent", "screening", "instructions", "tutorial", "quiz", "survey", "round", "debrief"
]


class Happened(Protocol):
    """An event, as the store returns it."""

    @property
    def seq(self) -> int:
        """Position."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def step(self) -> str:
        """Key of the step in which it happened."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """The rest."""
        ...


@dataclass(frozen=True)
class Step:
    """One page or round of a session.

    Attributes:
        key: Unique in a session; names blocks and so never leaves the server.
        survey: Name of the survey.
        block: Block of a round, or that a survey belongs to.
        round: Round of the block.
        attempt: 1, or more for a quiz (and the instructions before it) that is tried again.
        number: Of a round: its position among all rounds, from 1.
    """

    key: str
    kind: Kind
    survey: str = ""
    block: str = ""
    round: str = ""
    attempt: int = 1
    number: int = 0


def steps_of(study: Study, place: Place | None, failures: int = 0) -> tuple[Step, ...]:
    """The steps of a session, as far as they are fixed.

    Args:
        study: The study.
        place: The participant's place; without one, the steps up to the allocation.
        failures: Failed tries of the quiz.
    """
    steps = [Step("consent", "consent"), Step("screening", "screening")]
    if place is None:
        return tuple(steps)
    steps.append(Step("instructions:1", "instructions"))
    if study.tutorial is not None:
        steps.append(Step("tutorial", "tutorial"))
    if study.quiz is not None:
        tries = min(failures + 1, study.quiz.tries)
        for attempt in range(1, tries + 1):
            if attempt > 1:
                steps.append(Step(f"instructions:{attempt}", "instructions", attempt=attempt))
            steps.append(Step(f"quiz:{attempt}", "quiz", attempt=attempt))
    steps += [Step(f"survey:before:{name}", "survey", name) for name in study.before]
    steps += _blocks(study, place)
    arm = study.arm(place.arm)
    steps += [Step(f"survey:arm:{name}", "survey", name) for name in arm.surveys]
    steps += [Step(f"survey:after:{name}", "survey", name) for name in study.after]
    return (*steps, Step("debrief", "debrief"))


def _blocks(study: Study, place: Place) -> list[Step]:
    steps: list[Step] = []
    number = 0
    for name in place.blocks:
        block = study.block(name)
        rounds = {played.id: played for played in block.rounds}
        for plan in (plan for plan in place.rounds if plan.block == name):
            number += 1
            key = f"{name}:{plan.round}"
            steps.append(Step(f"round:{key}", "round", block=name, round=plan.round, number=number))
            steps += [
                Step(f"survey:{key}:{survey}", "survey", survey, name, plan.round)
                for survey in rounds[plan.round].surveys
            ]
        steps += [
            Step(f"survey:{name}:{survey}", "survey", survey, name) for survey in block.surveys
        ]
    return steps


@dataclass(frozen=True)
class State:
    """Where a participant is.

    Attributes:
        steps: All steps, as far as they are fixed.
        done: How many of them lie behind.
        failures: Failed tries of the quiz.
        outcome: How the session ended; None while it goes on.
        language: The language chosen last; None for that of the entry.
        seq: Position of the next event.
        scores: Scores of the rounds played.
    """

    steps: tuple[Step, ...]
    done: int = 0
    failures: int = 0
    outcome: Outcome | None = None
    language: str | None = None
    seq: int = 0
    scores: tuple[float, ...] = ()

    @property
    def step(self) -> Step | None:
        """The step to show; None when the session has ended, or waits for an allocation."""
        if self.outcome is not None or self.done >= len(self.steps):
            return None
        return self.steps[self.done]

    @property
    def wants_place(self) -> bool:
        """Whether the participant must be allocated before they can go on."""
        return self.outcome is None and self.done >= len(self.steps)

    @property
    def rounds(self) -> int:
        """How many rounds the session has."""
        return max((step.number for step in self.steps), default=0)


def state_of(study: Study, place: Place | None, events: Sequence[Happened]) -> State:
    """Folds the events of a session.

    Raises:
        ValueError: An event does not fit the steps: the database is of another study.
    """
    done, failures, scores = 0, 0, []
    outcome: Outcome | None = None
    language: str | None = None
    steps = steps_of(study, place)
    for event in events:
        if event.kind == "language":
            language = event.data["language"]
        if event.kind not in ("passed", "failed", "ended"):
            continue
        if event.kind == "ended" and not event.step:
            outcome = event.data["outcome"]
            continue
        if done >= len(steps) or steps[done].key != event.step:
            raise ValueError(f"event {event.seq} is of {event.step!r}, which is not due")
        if steps[done].kind == "round" and event.kind == "passed":
            scores.append(float(event.data["score"]))
        done += 1
        if event.kind == "failed":
            failures += 1
            steps = steps_of(study, place, failures)
        if event.kind == "ended":
            outcome = event.data["outcome"]
    seq = events[-1].seq + 1 if events else 0
    return State(steps, done, failures, outcome, language, seq, tuple(scores))


@dataclass(frozen=True)
class Verdict:
    """What handing a page in leads to: an event, or problems that keep the page open.

    Attributes:
        problems: Item id -> key of the message that says what is wrong.
    """

    kind: str = "passed"
    data: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Device:
    """What the browser says of itself; only ever used to keep somebody out."""

    input: str
    width: int
    ping_ms: float
    full_screen: bool


def judge_consent(study: Study, agrees: bool, ticked: Sequence[int]) -> Verdict:
    """Consent given, with every statement ticked, or refused."""
    version = study.consent.version
    if not agrees:
        return Verdict("ended", {"outcome": "declined", "consent": version})
    missing = [i for i in range(len(study.consent.statements)) if i not in ticked]
    if missing:
        return Verdict(problems={f"statement-{i}": "tick-all" for i in missing})
    return Verdict(data={"consent": version})


def judge_screening(study: Study, device: Device, answers: Mapping[str, Answer]) -> Verdict:
    """Lets in who fits; others end, and the event says why."""
    screen = study.screening
    problems = problems_of(screen.questions, answers)
    if problems:
        return Verdict(problems=problems)
    why = [
        name
        for name, fits in (
            ("input", device.input in screen.inputs),
            ("width", device.width >= screen.min_width),
            ("ping", screen.max_ping_ms is None or device.ping_ms <= screen.max_ping_ms),
            ("full_screen", device.full_screen or not screen.full_screen),
        )
        if not fits
    ]
    why += [item.id for item in screen.questions if not passes(item, answers.get(item.id))]
    data = {"device": vars(device), "answers": dict(answers)}
    if why:
        return Verdict("ended", {**data, "outcome": "screened_out", "why": why})
    return Verdict(data=data)


def judge_quiz(study: Study, attempt: int, answers: Mapping[str, Answer]) -> Verdict:
    """Passed; or failed and tried again; or failed for good, and then as the study says."""
    assert study.quiz is not None
    problems = problems_of(study.quiz.items, answers)
    if problems:
        return Verdict(problems=problems)
    right = [item.id for item in study.quiz.items if passes(item, answers[item.id])]
    passed = len(right) >= (study.quiz.needed or len(study.quiz.items))
    data = {"answers": dict(answers), "right": right, "passed": passed}
    if passed:
        return Verdict(data=data)
    if attempt < study.quiz.tries:
        return Verdict("failed", data)
    if study.quiz.then == "end":
        return Verdict("ended", {**data, "outcome": "failed_quiz"})
    return Verdict(data=data)


def judge_survey(study: Study, name: str, answers: Mapping[str, Answer]) -> Verdict:
    """Answers as given, and which attention checks they failed."""
    items = study.survey(name).items
    problems = problems_of(items, answers)
    if problems:
        return Verdict(problems=problems)
    failed = [i.id for i in items if i.id in answers and not passes(i, answers[i.id])]
    return Verdict(data={"survey": name, "answers": dict(answers), "failed_checks": failed})


def factors_of(study: Study, events: Sequence[Happened]) -> dict[str, str]:
    """The answers that minimisation balances over."""
    screening = next((e for e in events if e.step == "screening" and e.kind == "passed"), None)
    answers = screening.data["answers"] if screening else {}
    return {name: str(answers[name]) for name in study.allocation.factors}


def pay_of(study: Study, outcome: Outcome, scores: Sequence[float]) -> tuple[float, float]:
    """Pay and bonus, in the study's currency, rounded to hundredths; no bonus is negative."""
    ending = study.payment.endings[outcome]
    if study.lobby is not None and study.lobby.ways.get(outcome) == "end":
        return 0.0, 0.0
    bonus = 0.0
    if study.payment.bonus is not None and outcome == "done":
        values = {
            "score": sum(scores),
            "rounds": float(len(scores)),
            "mean_score": sum(scores) / len(scores) if scores else 0.0,
            "best_score": max(scores, default=0.0),
        }
        bonus = max(0.0, round(evaluate(study.payment.bonus, values), 2))
    return ending.pay, bonus
