"""Rounds of two participants in the database: each of the two has a copy of the record.

The copies have the same steps, written in one transaction. Each is whole without the other: it
replays, and it can be erased with its participant. Of the key presses each holds its own
participant's only; what the other did is there as the actions of a seat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from play.episode import SCHEMA, new_id, software
from play.recorder import Lost
from play.session import Line
from studies import schema
from studies.records import RoundJournal, chunk, find_round
from studies.store import Participant, Store

OWN, OTHER = "participant", "partner"
"""Labels of the seats in a copy's header."""


@dataclass(frozen=True)
class Copy:
    """One participant's copy."""

    who: Participant
    seat: int
    round_id: str

    def chunk(self, seq: int, lines: Sequence[Line]) -> dict[str, Any]:
        """The row that holds what is the copy's of some lines."""
        own = [x for x in lines if x["kind"] != "input" or x["seat"] == self.seat]
        return chunk(self.round_id, seq, self.who, own)


class PairRecord:
    """Appends lines to both copies; see `records.RoundRecord`.

    Attributes:
        id: Name of the round; the copies' names begin with it.
        copies: The copies; one that is erased meanwhile is left out from then on.
        seq: Position of the next chunk in both.
        journal: What it is written to together with other rounds.
    """

    def __init__(self, store: Store, stem: str, copies: Sequence[Copy], seq: int) -> None:
        self._store, self.seq = store, seq
        self.id = stem
        self.copies = tuple(copies)
        self.journal = RoundJournal(store)

    def copy_of(self, who: Participant) -> str:
        """Name of a participant's copy."""
        return next(copy.round_id for copy in self.copies if copy.who.id == who.id)

    def rows(self, seq: int, lines: list[Line]) -> list[dict[str, Any]]:
        """The chunks that hold some lines."""
        return [copy.chunk(seq, lines) for copy in self.copies]

    def append(self, lines: list[Line]) -> None:
        """Writes lines and waits until the database has them.

        Raises:
            OSError: They could not be written; the record is as it was before.
            Lost: Another process goes on with the round.
        """
        if not lines or not self.copies:
            return
        rows = self.rows(self.seq, lines)
        try:
            with self._store.writing() as connection:
                connection.execute(schema.chunks.insert(), rows)
        except IntegrityError as error:
            kept = [copy for copy in self.copies if self._exists(copy)]
            if len(kept) < len(self.copies):  # somebody has withdrawn, and their copy is erased
                self.copies = tuple(kept)
                self.append(lines)
                return
            if [self._stored(copy) for copy in kept] != [row["lines"] for row in rows]:
                raise Lost(self.id) from error
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error
        self.seq += 1

    def close(self) -> None:
        """Nothing is held open."""

    def _stored(self, copy: Copy) -> str | None:
        c = schema.chunks.c
        where = (c.round_id == copy.round_id, c.seq == self.seq)
        found: str | None = self._one(sa.select(c.lines).where(*where))
        return found

    def _exists(self, copy: Copy) -> bool:
        r = schema.rounds.c
        return self._one(sa.select(r.id).where(r.id == copy.round_id)) is not None

    def _one(self, query: sa.Select[Any]) -> Any:
        try:
            with self._store.engine.connect() as connection:
                return connection.execute(query).scalar()
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error


def begin_pair_round(
    store: Store, people: Sequence[Participant], step: str, header: Line
) -> PairRecord:
    """Begins both copies with their headers.

    Args:
        store: The database.
        people: The two, in the order of their seats.
        step: The step that both are at.
        header: See `Session.header`.

    Raises:
        OSError: The database does not take it.
    """
    stem = new_id(str(header["world"]))
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    copies = [Copy(who, seat, f"{stem}-{seat}") for seat, who in enumerate(people)]
    rounds = [
        {"id": copy.round_id, "participant_id": copy.who.id, "step": step,
         "study_sha256": copy.who.study_sha256, "started_utc": started}
        for copy in copies
    ]  # fmt: skip
    first = {"kind": "header", "schema": SCHEMA, "started_utc": started}
    chunks = []
    for copy in copies:
        seats = [
            {**seat, "label": OWN if at == copy.seat else OTHER}
            for at, seat in enumerate(header["seats"])
        ]
        line = {**first, "id": copy.round_id, **header, "seats": seats, "software": software()}
        chunks.append(copy.chunk(0, [line]))
    try:
        with store.writing() as connection:
            connection.execute(schema.rounds.insert(), rounds)
            connection.execute(schema.chunks.insert(), chunks)
    except SQLAlchemyError as error:
        raise OSError(f"the database does not answer: {error}") from error
    return PairRecord(store, stem, copies, 1)


def find_pair_round(
    store: Store, people: Sequence[Participant], step: str
) -> tuple[PairRecord, list[Line]] | None:
    """The newest record that two participants share at a step and its lines, or None."""
    found = [find_round(store, who, step) for who in people]
    if found[0] is None or found[1] is None:
        return None
    (one, lines), (two, _) = found[0], found[1]
    stem = one.id.rpartition("-")[0]
    if two.id.rpartition("-")[0] != stem:
        return None
    copies = [Copy(who, at, f"{stem}-{at}") for at, who in enumerate(people)]
    return PairRecord(store, stem, copies, one.seq), lines
