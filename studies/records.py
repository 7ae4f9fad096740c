"""Records of rounds in the database: the same lines as in an episode file, one row per tick."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from play.episode import SCHEMA, encode_line, new_id, software
from play.session import Line
from studies import schema
from studies.store import Participant, Store


class RoundRecord:
    """Appends lines to a round's record; `append` returns when the database has them.

    A write that fails can be tried again with the same lines: if the database had them after all,
    it is not written twice.

    Attributes:
        id: Name of the record.
        step: The step of the participant's session.
    """

    def __init__(self, store: Store, who: Participant, round_id: str, step: str, seq: int) -> None:
        self._store, self._who = store, who
        self.id = round_id
        self.step = step
        self._seq = seq

    @property
    def next_seq(self) -> int:
        """How many chunks the record has."""
        return self._seq

    def append(self, lines: list[Line]) -> None:
        """Writes lines and waits until the database has them.

        Raises:
            OSError: They could not be written; the record is as it was before.
        """
        if not lines:
            return
        text = "".join(encode_line(line).decode() for line in lines)
        row = {
            "round_id": self.id,
            "seq": self._seq,
            "participant_id": self._who.id,
            "lines": text,
        }
        try:
            with self._store.writing() as connection:
                connection.execute(schema.chunks.insert(), row)
        except IntegrityError as error:
            if not self._exists():
                return  # the participant has withdrawn, and the round is erased
            if self._stored(self._seq) != text:
                raise OSError(f"round {self.id} cannot be written: {error.orig}") from error
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error
        self._seq += 1

    def close(self) -> None:
        """Nothing is held open."""

    def _stored(self, seq: int) -> str | None:
        c = schema.chunks.c
        found: str | None = self._one(sa.select(c.lines).where(c.round_id == self.id, c.seq == seq))
        return found

    def _exists(self) -> bool:
        r = schema.rounds.c
        return self._one(sa.select(r.id).where(r.id == self.id)) is not None

    def _one(self, query: sa.Select[Any]) -> Any:
        try:
            with self._store.engine.connect() as connection:
                return connection.execute(query).scalar()
        except SQLAlchemyError as error:
            raise OSError(f"the database does not answer: {error}") from error


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
    try:
        with store.writing() as connection:
            connection.execute(schema.rounds.insert(), row)
    except SQLAlchemyError as error:
        raise OSError(f"the database does not answer: {error}") from error
    record = RoundRecord(store, who, round_id, step, 0)
    record.append([{**first, **header, "software": software()}])
    return record


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
