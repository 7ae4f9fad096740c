"""A running study at a glance: who is where, which cells fill, where people leave, what it costs.

Everything is read from the database, so that it is the same whichever server process a
participant is at. Events only ever grow, so a session is read again only when there is a new one;
what takes long (the records of those who have finished) is worked off a little at a time.
"""

import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from studies import schema
from studies.design import Study
from studies.exclusions import reasons_of
from studies.flow import pay_of
from studies.oversight import Oversight, Review
from studies.sessions import Session, Sessions
from studies.store import Identity, Participant, Store
from studies.tables import LATE_MS, Dossier, Kind, of_kind, records_of

Presence = Literal["here", "quiet", "gone", "done", "out"]
"""At it; silent for a while; gone without an end; at the end of the study; out before it."""
HERE_S = 120.0
"""After so long without a sign of life somebody is silent."""
FRESH_S = 1.0
"""How old a snapshot may be."""
BUDGET_S = 0.25
"""How long a snapshot may spend on the records of those who have finished."""
MANY = 500
"""Participants in one query."""


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
        return _seconds(self.who.entered_utc, self.seen_utc) / 60

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
        return sum(_failed_quiz(person.session) for person in self.people)


class Monitor:
    """Watches a study in a database; may be asked from any thread."""

    def __init__(self, store: Store, study: Study) -> None:
        self._store, self._study = store, study
        self._sessions = Sessions(store)
        self._oversight = Oversight(store, study.id)
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}
        self._figures: dict[str, Figures] = {}
        self._made: dict[Kind, tuple[float, Snapshot]] = {}

    def snapshot(self, kind: Kind = "participants") -> Snapshot:
        """The study now, or as it was a second ago."""
        with self._lock:
            made = self._made.get(kind)
            if made is None or time.monotonic() - made[0] > FRESH_S:
                made = time.monotonic(), self._snapshot(kind)
                self._made[kind] = made
        return made[1]

    def refresh(self) -> None:
        """Something was decided: the next snapshot is made anew."""
        with self._lock:
            self._made.clear()

    def _snapshot(self, kind: Kind) -> Snapshot:
        shas = self._versions()
        people = tuple(self._people(kind, shas))
        return Snapshot(
            kind=kind,
            people=people,
            cells=tuple(_cells(self._study, people)),
            stages=tuple(_stages(self._study, people)),
            questions=tuple(_questions(self._study, people)),
            money=_money(self._study, people),
            recruiting=self._oversight.is_on("recruiting"),
            rehearsing=self._oversight.is_on("rehearsing"),
            erased=self._erased(shas) if kind == "participants" else 0,
            files=len(shas),
            at_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            outcomes=Counter(p.session.state.outcome or "" for p in people),
        )

    def _versions(self) -> list[str]:
        """All states of the file in which this version was run."""
        s = schema.studies.c
        query = sa.select(s.sha256).where(
            s.study == self._study.id, s.version == self._study.version
        )
        with self._store.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _erased(self, shas: list[str]) -> int:
        w, people = schema.withdrawals.c, schema.participants
        query = (
            sa.select(sa.func.count())
            .select_from(schema.withdrawals.outerjoin(people, people.c.id == w.participant_id))
            .where(w.study_sha256.in_(shas), w.reason == "withdrawn", people.c.id.is_(None))
        )
        with self._store.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _people(self, kind: Kind, shas: list[str]) -> Iterator[Person]:
        people, ids, e = schema.participants, schema.identifiers, schema.events.c
        query = (
            sa.select(people, ids.c.external_id, ids.c.external_study, ids.c.external_session)
            .outerjoin(ids, ids.c.participant_id == people.c.id)
            .where(people.c.study_sha256.in_(shas), of_kind(kind))
            .order_by(people.c.entered_utc.desc(), people.c.id)
        )
        newest = (
            sa.select(e.participant_id, sa.func.max(e.seq), sa.func.max(e.at_utc))
            .where(e.study_sha256.in_(shas))
            .group_by(e.participant_id)
        )
        with self._store.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            last = {name: (seq, at) for name, seq, at in connection.execute(newest)}
        sessions: list[tuple[Session, Identity | None, str]] = []
        for row in rows:
            external = {name: row.pop(name) for name in tuple(row) if name.startswith("external")}
            identity = Identity(**external) if external["external_id"] else None
            who = Participant(**row)
            seq, at = last.get(who.id, (-1, who.entered_utc))
            sessions.append((self._session(who, seq), identity, at))
        live = self._live([session for session, _, _ in sessions])
        reviews = self._oversight.reviews()
        ids_seen = Counter(identity.external_id for _, identity, _ in sessions if identity)
        deadline = time.monotonic() + BUDGET_S
        for session, identity, at in sessions:
            name = session.who.id
            seen = max(at, live[name].at_utc) if name in live else at
            repeated = bool(identity and ids_seen[identity.external_id] > 1)
            yield Person(
                session=session,
                identity=identity,
                stage=stage_of(session),
                presence=_presence(session, seen),
                seen_utc=seen,
                live=live.get(name),
                figures=self._look_at(session, identity, repeated, deadline),
                review=reviews.get(name),
            )

    def _session(self, who: Participant, newest: int) -> Session:
        known = self._known.get(who.id)
        waits = known is not None and known.place is None and known.state.outcome is None
        if known is None or waits or known.state.seq != newest + 1:
            known = self._known[who.id] = self._sessions.look(who)
        return known

    def _look_at(
        self, session: Session, identity: Identity | None, repeated: bool, deadline: float
    ) -> Figures | None:
        """What the records of somebody who is done say; None until there was time for it."""
        name = session.who.id
        if session.state.outcome != "done":
            return None
        if name not in self._figures and time.monotonic() < deadline:
            records = list(records_of(self._store, name))
            one = Dossier(session.who, session, identity, repeated, records)
            late = tuple(
                sum(delay > LATE_MS for delay in figures.delays) / max(1, figures.steps)
                for figures in (played.figures for played in one.counted)
            )
            self._figures[name] = Figures(tuple(reasons_of(session.study, one)), late)
        return self._figures.get(name)

    def _live(self, sessions: Iterable[Session]) -> dict[str, Live]:
        """The rounds that are being played, by participant."""
        steps = {
            session.who.id: session.state.step.key
            for session in sessions
            if session.state.step is not None and session.state.step.kind in ("round", "tutorial")
        }
        names = list(steps)
        found: dict[str, Live] = {}
        for start in range(0, len(names), MANY):
            found |= self._last_ticks({name: steps[name] for name in names[start : start + MANY]})
        return found

    def _last_ticks(self, steps: Mapping[str, str]) -> dict[str, Live]:
        r, c = schema.rounds.c, schema.chunks.c
        newest = (
            sa.select(r.participant_id, r.step, r.id, r.started_utc, sa.func.max(c.seq).label("seq"))
            .join(schema.chunks, c.round_id == r.id)
            .where(r.participant_id.in_(list(steps)))
            .group_by(r.participant_id, r.step, r.id, r.started_utc)
        ).subquery()
        query = sa.select(newest, c.lines).join(
            schema.chunks, sa.and_(c.round_id == newest.c.id, c.seq == newest.c.seq)
        )
        with self._store.engine.connect() as connection:
            rows = connection.execute(query.order_by(newest.c.started_utc)).all()
        return {
            name: _last_tick(round_id, started, lines)
            for name, step, round_id, started, _, lines in rows
            if steps[name] == step
        }


def _last_tick(round_id: str, started: str, text: str) -> Live:
    lines = [json.loads(line) for line in text.splitlines()]
    at = max((line["at_ms"] for line in lines if "at_ms" in line), default=0.0)
    when = datetime.fromisoformat(started) + timedelta(milliseconds=at)
    tick: dict[str, Any] = next((ln for ln in reversed(lines) if ln["kind"] == "tick"), {})
    lag = tick["at_ms"] - tick["due_ms"] if tick else 0.0
    return Live(round_id, int(tick.get("t", 0)), lag, when.isoformat(timespec="milliseconds"))


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
    at = min(state.done - (state.outcome is not None), len(state.steps) - 1)
    step = state.steps[max(0, at)]
    if step.kind == "debrief" or step.key.startswith(("survey:arm:", "survey:after:")):
        return "questions after"
    if step.key.startswith("survey:before:"):
        return "questions before"
    if step.kind in ("round", "survey"):
        number = max((s.number for s in state.steps[: at + 1]), default=1)
        return f"round {number}"
    if step.kind == "instructions" and step.attempt > 1:
        return "quiz"
    return step.kind


def _presence(session: Session, seen: str) -> Presence:
    if session.state.outcome is not None:
        return "done" if session.state.outcome == "done" else "out"
    silent = _seconds(seen, datetime.now(UTC).isoformat())
    if silent > session.study.pace.fresh_minutes * 60:
        return "gone"
    return "here" if silent <= HERE_S else "quiet"


def _cells(study: Study, people: Sequence[Person]) -> Iterator[Cell]:
    for arm in study.arms:
        mine = [person for person in people if person.arm == arm.id]
        done = [person for person in mine if person.presence == "done"]
        at_it = [person for person in mine if person.presence in ("here", "quiet")]
        usable = sum(person.usable for person in done)
        orders = Counter(person.order for person in (*done, *at_it))
        yield Cell(
            arm.id, arm.target, usable, len(done) - usable, len(at_it), dict(sorted(orders.items()))
        )


def _stages(study: Study, people: Sequence[Person]) -> Iterator[Stage]:
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


def _questions(study: Study, people: Sequence[Person]) -> Iterator[Question]:
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


def _money(study: Study, people: Sequence[Person]) -> Money:
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


def _failed_quiz(session: Session) -> bool:
    return any(e.step.startswith("quiz:") and e.data.get("passed") is False for e in session.events)


def _ping(person: Person) -> float | None:
    for event in person.session.events:
        if event.step == "screening" and "device" in event.data:
            return float(event.data["device"]["ping_ms"])
    return None


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
