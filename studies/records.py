"""Records of rounds in the database: the same lines as in an episode file, one row per tick."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from play.episode import SCHEMA, encode_line, new_id, software
from play.recorder import Lost
from play.session import Line
from studies import schema
from studies.appender import Taken
from studies.store import Participant, Store


class ChunkedRecord(Protocol):
    """A record in the database: of one participant, or of two."""

    id: str
    seq: int

    def rows(self, seq: int, lines: list[Line]) -> list[dict[str, Any]]:
        """The chunks that hold some lines."""
        ...


@dataclass(frozen=True)
class RoundJournal:
    """The records of a database, written in one transaction for all rounds that wait."""

    store: Store

    def append_all(self, batch: Sequence[tuple["ChunkedRecord", list[Line]]]) -> None:
        """Writes lines of several rounds; see `play.recorder.Journal`."""
        rows, seqs = [], {record.id: record.seq for record, _ in batch}
        for record, lines in batch:
            if lines:
                rows += record.rows(seqs[record.id], lines)
                seqs[record.id] += 1
        if rows:
            try:
                self.store.appender.append(rows)
            except Taken as error:
                raise Lost from error
        for record, _ in batch:
            record.seq = seqs[record.id]


class RoundRecord:
    """Appends lines to a round's record; `append` returns when the database has them.

    A write that fails can be tried again with the same lines: if the database had them after all,
    it is not written twice. Of two processes that go on with the same round, the database lets one
    write at each position; for the other the record is lost.

    Attributes:
        id: Name of the record.
        step: The step of the participant's session.
        seq: Position of the next chunk.
        journal: What it is written to together with other rounds.
    """

    def __init__(self, store: Store, who: Participant, round_id: str, step: str, seq: int) -> None:
        self._store, self._who = store, who
        self.id = round_id
        self.step = step
        self.seq = seq
        self.journal = RoundJournal(store)

    def rows(self, seq: int, lines: list[Line]) -> list[dict[str, Any]]:
        """The chunk that holds some lines."""
        return [chunk(self.id, seq, self._who, lines)]

    def append(self, lines: list[Line]) -> None:
        """Writes lines and waits until the database has them.

        Raises:
            OSError: They could not be written; the record is as it was before.
            Lost: Another process goes on with the round, or it is erased.
        """
        if not lines:
            return
        rows = self.rows(self.seq, lines)
        try:
            with self._store.writing() as connection:
                connection.execute(schema.chunks.insert(), rows)
        except IntegrityError as error:
            if self._stored(self.seq) != rows[0]["lines"]:
                raise Lost(self.id) from error
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error
        self.seq += 1

    def close(self) -> None:
        """Nothing is held open."""

    def _stored(self, seq: int) -> str | None:
        c = schema.chunks.c
        query = sa.select(c.lines).where(c.round_id == self.id, c.seq == seq)
        try:
            with self._store.engine.connect() as connection:
                return connection.execute(query).scalar()
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error


def chunk(round_id: str, seq: int, who: Participant, lines: Sequence[Line]) -> dict[str, Any]:
    """The row that holds some lines of a record."""
    text = b"".join(map(encode_line, lines)).decode()
    return {"round_id": round_id, "seq": seq, "participant_id": who.id, "lines": text}


def begin_round(store: Store, who: Participant, step: str, header: Line) -> RoundRecord:
    """Begins the record of a round with its header.

    Raises:
        OSError: The database does not take it.
    """
    round_id = new_id(str(header["world"]))
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    row = {
        "id": round_id,
        "participant_id": who.id,
        "study_sha256": who.study_sha256,
        "step": step,
        "started_utc": started,
    }
    first = {"kind": "header", "schema": SCHEMA, "id": round_id, "started_utc": started}
    lines = [{**first, **header, "software": software()}]
    try:
        with store.writing() as connection:
            connection.execute(schema.rounds.insert(), row)
            connection.execute(schema.chunks.insert(), chunk(round_id, 0, who, lines))
    except SQLAlchemyError as error:
        raise OSError(f"the database does not answer: {error}") from error
    return RoundRecord(store, who, round_id, step, 1)


def find_round(store: Store, who: Participant, step: str) -> tuple[RoundRecord, list[Line]] | None:
    """The newest record of a step of a participant and its lines, or None."""
    r, c = schema.rounds.c, schema.chunks.c
    with store.engine.connect() as connection:
        found = connection.execute(
            sa.select(r.id)
            .where(r.participant_id == who.id, r.step == step)
            .order_by(r.started_utc.desc(), r.id.desc())
        ).scalar()
        if found is None:
            return None
        parts: Sequence[str] = (
            connection.execute(sa.select(c.lines).where(c.round_id == found).order_by(c.seq))
            .scalars()
            .all()
        )
    lines: list[dict[str, Any]] = [json.loads(row) for part in parts for row in part.splitlines()]
    return RoundRecord(store, who, found, step, len(parts)), lines


def record_text(store: Store, round_id: str) -> str:
    """A record as the contents of an episode file."""
    c = schema.chunks.c
    query = sa.select(c.lines).where(c.round_id == round_id).order_by(c.seq)
    with store.engine.connect() as connection:
        return "".join(connection.execute(query).scalars())
