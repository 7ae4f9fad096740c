"""Appending to the records of many rounds at once: one statement, one transaction, one wait.

This is the path that every step of every game takes, so it goes past SQLAlchemy: a connection of
its own is kept, in which each statement is a transaction. All rows are one parameter. With a
statement for each row Python's lock would be given away at each, and waited for again while other
games are busy.
"""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from play.compact import compact

STATEMENTS = {
    "sqlite": (
        "INSERT INTO chunks (round_id, seq, participant_id, lines) "
        "SELECT json_extract(value, '$.round_id'), json_extract(value, '$.seq'), "
        "json_extract(value, '$.participant_id'), json_extract(value, '$.lines') "
        "FROM json_each(?)"
    ),
    "postgresql": (
        "INSERT INTO chunks (round_id, seq, participant_id, lines) "
        "SELECT round_id, seq, participant_id, lines FROM json_to_recordset(%s::json) "
        "AS given (round_id text, seq int, participant_id text, lines text)"
    ),
}


class Taken(Exception):
    """A row has a position that is taken, or belongs to a round that is erased."""


class Appender:
    """Writes rows of `schema.chunks`; methods may be called from any thread.

    Args:
        engine: Of the database.
        writer: Held while something is written.
    """

    def __init__(self, engine: sa.Engine, writer: AbstractContextManager[Any]) -> None:
        self._engine, self._writer = engine, writer
        self._lock = threading.Lock()
        self._sqlite = engine.dialect.name == "sqlite"
        self._statement = STATEMENTS[engine.dialect.name]
        self._connection: Any = None

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Returns when all rows are on the disk; writes all of them or none.

        Raises:
            Taken: One of them cannot be written; see there.
            OSError: The database does not answer; it may have written them all the same.
        """
        errors: Any = self._engine.dialect.loaded_dbapi
        given = compact(rows).decode()
        with self._lock, self._writer:
            while True:
                fresh = self._connection is None
                try:
                    self._execute(given)
                    return
                except errors.IntegrityError as error:
                    raise Taken from error
                except (errors.Error, SQLAlchemyError) as error:
                    # A connection that was lost meanwhile is opened again; SQLite's cannot be
                    # lost, and closing it would tidy the very files that take nothing.
                    if not self._sqlite:
                        self._drop()
                    if fresh or self._sqlite:
                        reason = str(error).partition("\n")[0]  # the rest shows what was written
                        raise OSError(f"the database does not answer: {reason}") from error

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        with self._lock:
            self._drop()

    def _execute(self, given: str) -> None:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._connection.detach()
            if not self._sqlite:  # whose connections are prepared that way
                self._connection.dbapi_connection.autocommit = True
        cursor = self._connection.cursor()
        cursor.execute(self._statement, (given,))
        cursor.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it is of no use any more
                connection.close()
