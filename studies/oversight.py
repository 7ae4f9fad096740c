"""What the researcher decides while a study runs: whether it recruits, rehearses, and who is paid.

Decisions are rows that are written once; the last one holds. Every server process reads them from
the database, so that a switch holds in all of them, and after a restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from studies import schema
from studies.store import Participant, Store, now_utc

Switch = Literal["recruiting", "rehearsing"]
DEFAULTS: dict[Switch, bool] = {"recruiting": True, "rehearsing": False}
"""``recruiting``: newcomers are let in. ``rehearsing``: whoever comes now is a rehearsal."""
Verdict = Literal["approved", "rejected", "open"]
VERDICTS: tuple[Verdict, ...] = ("approved", "rejected", "open")
LONGEST_REASON = 300


@dataclass(frozen=True)
class Review:
    """A decision on a participant's pay; ``open`` takes an earlier one back."""

    verdict: Verdict
    reason: str
    at_utc: str


class Oversight:
    """The researcher's decisions on one study, whatever the state of its file."""

    def __init__(self, store: Store, study_id: str) -> None:
        self._store, self._study = store, study_id

    def is_on(self, name: Switch) -> bool:
        """How a switch stands."""
        s = schema.switches.c
        query = (
            sa.select(s.is_on)
            .where(s.study == self._study, s.name == name)
            .order_by(s.number.desc())
            .limit(1)
        )
        with self._store.engine.connect() as connection:
            found = connection.execute(query).scalar()
        return DEFAULTS[name] if found is None else bool(found)

    def turn(self, name: Switch, on: bool) -> None:
        """Turns a switch on or off."""
        row = {"study": self._study, "name": name, "is_on": on, "at_utc": now_utc()}
        with self._store.writing() as connection:
            connection.execute(schema.switches.insert(), row)

    def review(self, who: Participant, verdict: Verdict, reason: str = "") -> None:
        """Decides on a participant's pay, or again."""
        r = schema.reviews.c
        with self._store.writing() as connection:
            last = connection.execute(
                sa.select(sa.func.max(r.seq)).where(r.participant_id == who.id)
            ).scalar()
            row = {
                "participant_id": who.id,
                "seq": 0 if last is None else last + 1,
                "verdict": verdict,
                "reason": reason[:LONGEST_REASON],
                "at_utc": now_utc(),
            }
            connection.execute(schema.reviews.insert(), row)

    def reviews(self) -> Mapping[str, Review]:
        """Participant -> the decision that holds; those without one are left out."""
        r, people, s = schema.reviews.c, schema.participants, schema.studies.c
        query = (
            sa.select(r.participant_id, r.verdict, r.reason, r.at_utc)
            .join(people, people.c.id == r.participant_id)
            .join(schema.studies, s.sha256 == people.c.study_sha256)
            .where(s.study == self._study)
            .order_by(r.participant_id, r.seq)
        )
        with self._store.engine.connect() as connection:
            rows = connection.execute(query).all()
        found = {name: Review(verdict, reason, at) for name, verdict, reason, at in rows}
        return {name: review for name, review in found.items() if review.verdict != "open"}
