"""Watches a running study from its database, the same whichever server process people are at.

Events only ever grow, so a session is read again only when there is a new one; what takes long
(the records of those who have finished) is worked off a little at a time.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from studies import schema
from studies.design import Study
from studies.exclusions import reasons_of
from studies.glance import (
    Figures,
    Live,
    Person,
    Snapshot,
    cells_of,
    filled_stages,
    money_of,
    presence_of,
    questions_of,
    stage_of,
)
from studies.oversight import Oversight
from studies.sessions import Session, Sessions
from studies.store import Identity, Participant, Store
from studies.tables import LATE_MS, Dossier, Kind, of_kind, records_of

FRESH_S = 1.0
"""How old a snapshot may be."""
BUDGET_S = 0.25
"""How long a snapshot may spend on the records of those who have finished."""
MANY = 500
"""Participants in one query."""


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
            cells=tuple(cells_of(self._study, people)),
            stages=tuple(filled_stages(self._study, people)),
            questions=tuple(questions_of(self._study, people)),
            money=money_of(self._study, people),
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
                presence=presence_of(session, seen),
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
        later = schema.chunks.alias()
        # For each round one look into an index, however long the study has been running.
        newest = (
            sa.select(sa.func.max(later.c.seq))
            .where(later.c.round_id == r.id)
            .correlate(schema.rounds)
            .scalar_subquery()
        )
        both = sa.and_(c.round_id == r.id, c.seq == newest)
        query = (
            sa.select(r.participant_id, r.step, r.id, r.started_utc, c.lines)
            .select_from(schema.rounds.join(schema.chunks, both))
            .where(r.participant_id.in_(list(steps)), r.step.in_(set(steps.values())))
            .order_by(r.started_utc)
        )
        with self._store.engine.connect() as connection:
            rows = connection.execute(query).all()
        return {
            name: _last_tick(round_id, started, lines)
            for name, step, round_id, started, lines in rows
            if steps[name] == step
        }


def _last_tick(round_id: str, started: str, text: str) -> Live:
    lines = [json.loads(line) for line in text.splitlines()]
    at = max((line["at_ms"] for line in lines if "at_ms" in line), default=0.0)
    when = datetime.fromisoformat(started) + timedelta(milliseconds=at)
    tick: dict[str, Any] = next((ln for ln in reversed(lines) if ln["kind"] == "tick"), {})
    lag = tick["at_ms"] - tick["due_ms"] if tick else 0.0
    return Live(round_id, int(tick.get("t", 0)), lag, when.isoformat(timespec="milliseconds"))
