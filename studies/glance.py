"""A running study in figures: who is where, which cells fill, where people leave, what it costs."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from studies.design import Study
from studies.flow import pay_of
from studies.oversight import Review
from studies.sessions import Session
from studies.store import Identity, Participant
from studies.tables import Kind, failed_tries

Presence = Literal["here", "quiet", "gone", "done", "out"]
"""At it; silent for a while; gone without an end; at the end of the study; out before it."""
HERE_S = 120.0
"""After so long without a sign of life somebody is silent."""


@dataclass(frozen=True)
class Live:
    """The round that somebody is playing.

    Attributes:
        t: Steps taken.
        lag_ms: How late the last of them came.
        at_utc: When it came.
    """

    round_id: str
    t: int
    lag_ms: float
    at_utc: str


@dataclass(frozen=True)
class Figures:
    """What the records of somebody who has finished say.

    Attributes:
        reasons: Exclusion rules that apply.
        late: Share of late steps of each round.
    """

    reasons: tuple[str, ...]
    late: tuple[float, ...]


@dataclass(frozen=True)
class Person:
    """Somebody who came.

    Attributes:
        stage: Where they are, or were when they stopped; one of `stages_of`.
        seen_utc: Their last sign of life.
        figures: None while their records have not been looked at.
        review: The decision on their pay, if there is one.
    """

    session: Session
    identity: Identity | None
    stage: str
    presence: Presence
    seen_utc: str
    live: Live | None
    figures: Figures | None
    review: Review | None

    @property
    def who(self) -> Participant:
        """Their row."""
        return self.session.who

    @property
    def name(self) -> str:
        """A short name."""
        return self.who.id[:6]

    @property
    def arm(self) -> str:
        """Their arm; empty before the allocation."""
        return self.session.place.arm if self.session.place else ""

    @property
    def order(self) -> str:
        """Their blocks in order."""
        return " → ".join(self.session.place.blocks) if self.session.place else ""

    @property
    def pay(self) -> tuple[float, float]:
        """Pay and bonus of their ending."""
        state = self.session.state
        if state.outcome is None:
            return 0.0, 0.0
        return pay_of(self.session.study, state.outcome, state.scores)

    @property
    def minutes(self) -> float:
        """From coming to the last sign of life."""
        return seconds_between(self.who.entered_utc, self.seen_utc) / 60

    @property
    def silent_s(self) -> float:
        """Since the last sign of life."""
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(self.seen_utc)).total_seconds())

    @property
    def usable(self) -> bool:
        """Done, and no exclusion rule is known to apply."""
        return self.presence == "done" and not (self.figures and self.figures.reasons)


@dataclass(frozen=True)
class Cell:
    """An arm against its target, and how its orders fill.

    Attributes:
        usable: Done, without those to whom an exclusion rule applies.
        orders: Order of the blocks -> participants who are done or at it.
    """

    arm: str
    target: int
    usable: int
    excluded: int
    at_it: int
    orders: Mapping[str, int]


@dataclass(frozen=True)
class Stage:
    """How many got to a stage, and how many stopped there."""

    name: str
    reached: int
    here: int
    left: int


@dataclass(frozen=True)
class Question:
    """How a question of the quiz fares at the first try."""

    item: str
    asked: int
    wrong: int


@dataclass(frozen=True)
class Money:
    """Pay and bonuses of those who have ended, and what the targets will come to with them."""

    currency: str
    pay: float
    bonus: float
    approved: float
    forecast: float


@dataclass(frozen=True)
class Snapshot:
    """The study at one moment.

    Attributes:
        people: Newest first.
        erased: Withdrawals of which nothing is left.
        files: In how many states of its file this version was run.
    """

    kind: Kind
    people: tuple[Person, ...]
    cells: tuple[Cell, ...]
    stages: tuple[Stage, ...]
    questions: tuple[Question, ...]
    money: Money
    recruiting: bool
    rehearsing: bool
    erased: int
    files: int
    at_utc: str
    outcomes: Mapping[str, int] = field(default_factory=dict)

    def count(self, *presences: Presence) -> int:
        """How many are in one of these states."""
        return sum(person.presence in presences for person in self.people)

    @property
    def target(self) -> int:
        """Usable participants wanted."""
        return sum(cell.target for cell in self.cells)

    @property
    def usable(self) -> int:
        """Usable participants there are."""
        return sum(cell.usable for cell in self.cells)

    @property
    def dropouts(self) -> int:
        """Who went away without an end, or withdrew."""
        return self.count("gone") + self.outcomes.get("withdrawn", 0) + self.erased

    @property
    def unread(self) -> int:
        """Finished participants whose records have not been looked at yet."""
        return sum(p.presence == "done" and p.figures is None for p in self.people)

    @property
    def minutes(self) -> float | None:
        """Median time of those who are done."""
        return _median(p.minutes for p in self.people if p.presence == "done")

    @property
    def ping_ms(self) -> float | None:
        """Median round trip at the screening."""
        return _median(filter(None, map(_ping, self.people)))

    @property
    def late(self) -> list[float]:
        """Share of late steps of every finished round, in order."""
        return sorted(share for p in self.people if p.figures for share in p.figures.late)

    @property
    def late_share(self) -> float | None:
        """Mean share of late steps over the finished rounds."""
        return statistics.fmean(self.late) if self.late else None

    @property
    def quiz_failed(self) -> int:
        """Who failed the quiz at least once."""
        return sum(failed_tries(person.session.events) > 0 for person in self.people)


def stages_of(study: Study) -> list[str]:
    """The stages that participants go through, in order; ``done`` is the last."""
    most = max(sum(len(b.rounds) for b in map(study.block, arm.blocks)) for arm in study.arms)
    names = ["consent", "screening", "instructions"]
    names += ["tutorial"] if study.tutorial else []
    names += ["quiz"] if study.quiz else []
    names += ["questions before"] if study.before else []
    names += [f"round {number}" for number in range(1, most + 1)]
    return [*names, "questions after", "done"]


def stage_of(session: Session) -> str:
    """The stage of a session; surveys belong to the round before them."""
    state = session.state
    if state.outcome == "done":
        return "done"
    ended_here = state.outcome is not None and bool(session.events[-1].step)
    at = min(state.done - ended_here, len(state.steps) - 1)
    step, played = state.steps[at], max(s.number for s in state.steps[: at + 1])
    if step.kind in ("consent", "screening", "tutorial", "quiz"):
        return step.kind
    if step.kind == "instructions":
        return "quiz" if step.attempt > 1 else step.kind
    if step.block:
        return f"round {played}"
    return "questions after" if played or step.kind == "debrief" else "questions before"


def presence_of(session: Session, seen: str) -> Presence:
    """Whether somebody is there, who showed a sign of life at `seen`."""
    if session.state.outcome is not None:
        return "done" if session.state.outcome == "done" else "out"
    silent = seconds_between(seen, datetime.now(UTC).isoformat())
    if silent > session.study.pace.fresh_minutes * 60:
        return "gone"
    return "here" if silent <= HERE_S else "quiet"


def cells_of(study: Study, people: Sequence[Person]) -> Iterator[Cell]:
    """Every arm against its target."""
    for arm in study.arms:
        mine = [person for person in people if person.arm == arm.id]
        done = [person for person in mine if person.presence == "done"]
        at_it = [person for person in mine if person.presence in ("here", "quiet")]
        usable = sum(person.usable for person in done)
        orders = Counter(person.order for person in (*done, *at_it))
        yield Cell(
            arm.id, arm.target, usable, len(done) - usable, len(at_it), dict(sorted(orders.items()))
        )


def filled_stages(study: Study, people: Sequence[Person]) -> Iterator[Stage]:
    """Every stage, with who got there and who stopped there."""
    names = stages_of(study)
    places = [names.index(person.stage) for person in people]
    for index, name in enumerate(names):
        at = [p for p, place in zip(people, places, strict=True) if place == index]
        yield Stage(
            name,
            reached=sum(place >= index for place in places),
            here=sum(person.presence in ("here", "quiet") for person in at),
            left=sum(person.presence in ("gone", "out") for person in at),
        )


def questions_of(study: Study, people: Sequence[Person]) -> Iterator[Question]:
    """Every question of the quiz at its first try."""
    if study.quiz is None:
        return
    first = [
        event.data["right"]
        for person in people
        for event in person.session.events
        if event.step == "quiz:1" and "right" in event.data
    ]
    for item in study.quiz.items:
        yield Question(item.id, len(first), sum(item.id not in right for right in first))


def money_of(study: Study, people: Sequence[Person]) -> Money:
    """What the participants cost, without the platform's fees."""
    paid = [(person, *person.pay) for person in people if person.session.state.outcome]
    pay, bonus = sum(p for _, p, _ in paid), sum(b for _, _, b in paid)
    approved = sum(
        p + b for one, p, b in paid if one.review is not None and one.review.verdict == "approved"
    )
    done = [b for one, _, b in paid if one.presence == "done"]
    each = study.payment.endings["done"].pay + (statistics.fmean(done) if done else 0.0)
    usable = Counter(person.arm for person in people if person.usable)
    missing = sum(max(0, arm.target - usable[arm.id]) for arm in study.arms)
    return Money(study.payment.currency, pay, bonus, approved, pay + bonus + missing * each)


def _ping(person: Person) -> float | None:
    for event in person.session.events:
        if event.step == "screening" and "device" in event.data:
            return float(event.data["device"]["ping_ms"])
    return None


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one stored time to another."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
