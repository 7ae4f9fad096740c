"""The database of a study: who took part, what happened, and the record of every round.

SQLite by default, PostgreSQL by its URL; both behave alike. Whatever `Store` returns from is on
the disk. A session's state is never stored: it is read from its events (see `studies.flow`), and
an event is appended only at the position that its writer has seen, so that of two tabs one wins.
"""

import contextlib
import logging
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from play.worlds.errors import UserError
from studies import schema
from studies.appender import Appender
from studies.assignment import Given, Held, Place, allocate
from studies.design import Study
from studies.freeze import manifest_of

log = logging.getLogger("understudy.studies")

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_MS = 15_000
"""How long SQLite waits for another writer."""
FEWEST_CHARACTERS = 6
"""Of a participant's id, that may stand for all of it; the dashboard shows as many."""


class Conflict(Exception):
    """Something else was appended first: read again."""


@dataclass(frozen=True)
class Identity:
    """What a recruitment platform calls a participant, its study and the session."""

    external_id: str
    external_study: str = ""
    external_session: str = ""


@dataclass(frozen=True)
class Participant:
    """Somebody who came.

    Attributes:
        study_sha256: Hash of the study as it was when they came; they stay in that one.
        test: Whether this is a rehearsal, which never counts.
        simulated: Whether a program plays this rehearsal.
    """

    id: str
    study_sha256: str
    test: bool
    language: str
    entered_utc: str
    simulated: bool = False


@dataclass(frozen=True)
class Event:
    """Something that happened to a participant; `seq` counts from 0."""

    seq: int
    kind: str
    step: str
    data: Mapping[str, Any]
    at_utc: str


Entry = tuple[Participant, int, str, str, Mapping[str, Any]]
"""An event to append: whose, position, kind, step and data."""


def now_utc() -> str:
    """The time as it is stored."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def database_url(database: str) -> sa.URL:
    """A SQLAlchemy URL of what ``--database`` was given: a URL, or the path of a SQLite file.

    Raises:
        UserError: It is a URL of another database.
    """
    if "://" not in database:
        return sa.URL.create("sqlite", database=database)
    try:
        url = sa.make_url(database)
    except SQLAlchemyError as error:
        raise UserError(
            "--database is no URL: give the path of a SQLite file, or "
            "postgresql://user:password@host/name"
        ) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        return url
    raise UserError(
        f"--database is of the kind {url.get_backend_name()!r}: give the path of a SQLite file, or "
        "postgresql://user:password@host/name"
    )


class Store:
    """A database, brought to the current schema.

    Args:
        database: Path of a SQLite file, or a PostgreSQL URL.

    Attributes:
        appender: Writes the records of rounds.

    Raises:
        UserError: It cannot be reached, or is of a newer version.
    """

    def __init__(self, database: str) -> None:
        url = database_url(database)
        self.sqlite = url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {} if self.sqlite else {"pool_size": 10, "max_overflow": 20}
        # What was to be stored, such as a platform's identifier, is in no error's message.
        self.engine = sa.create_engine(
            url, pool_pre_ping=not self.sqlite, hide_parameters=True, **options
        )
        # SQLite's own way of waiting for another writer is to sleep and look again.
        self._writer = threading.Lock() if self.sqlite else contextlib.nullcontext()
        self.appender = Appender(self.engine, self._writer)
        sa.event.listen(self.engine, "handle_error", _without_details)
        if self.sqlite:
            _prepare_sqlite(self.engine)
        try:
            self._migrate()
        except SQLAlchemyError as error:
            shown = url.render_as_string(hide_password=True)
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise UserError(
                f"The database {shown} cannot be used ({reason}): check --database and that its "
                "server runs"
            ) from error

    def close(self) -> None:
        """Closes every connection."""
        self.appender.close()
        self.engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.writing() as connection:
            if not self.sqlite:  # two servers that start together make the tables once
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7303014)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes; on the disk when it ends."""
        with (
            self._writer,
            self.engine.connect().execution_options(write=True) as connection,
            connection.begin(),
        ):
            yield connection

    # Studies and participants

    def register(self, study: Study) -> None:
        """Keeps the study as it is now, once."""
        row = {
            "sha256": study.sha256,
            "study": study.id,
            "version": study.version,
            "design": study.plain(),
            "manifest": manifest_of(study),
            "registered_utc": now_utc(),
        }
        with self.writing() as connection:
            known = sa.select(schema.studies.c.sha256).where(
                schema.studies.c.sha256 == study.sha256
            )
            if connection.execute(known).first() is None:
                connection.execute(schema.studies.insert(), row)

    def study(self, sha256: str) -> Study:
        """A study as it was registered."""
        query = sa.select(schema.studies.c.design).where(schema.studies.c.sha256 == sha256)
        with self.engine.connect() as connection:
            return Study.model_validate(connection.execute(query).scalar_one())

    def enter(
        self,
        study: Study,
        identity: Identity | None,
        language: str,
        test: bool,
        *,
        simulated: bool = False,
    ) -> Participant:
        """Lets somebody in; who was in this version before is found again by their identity.

        Rehearsals and participants with the same identity are two.
        """
        test = test or simulated
        with self.writing() as connection:
            if identity is not None:
                known = _by_identity(connection, study, identity, test)
                if known is not None:
                    return known
            who = Participant(
                secrets.token_hex(12), study.sha256, test, language, now_utc(), simulated
            )
            connection.execute(schema.participants.insert(), vars(who))
            if identity is not None:
                row = {"participant_id": who.id, "study_sha256": study.sha256, "test": test}
                connection.execute(schema.identifiers.insert(), {**row, **vars(identity)})
        return who

    def known(self, study: Study, identity: Identity, *, test: bool) -> Participant | None:
        """Who came with this identity to this version before, as a rehearsal or not."""
        with self.engine.connect() as connection:
            return _by_identity(connection, study, identity, test)

    def participant(self, participant_id: str) -> Participant | None:
        """A participant, or None when there is none (any more)."""
        query = sa.select(schema.participants).where(schema.participants.c.id == participant_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return Participant(**row) if row else None

    def find(self, wanted: str) -> str | None:
        """Id of the participant with this id, or with this identifier of the platform."""
        ids = schema.identifiers.c
        queries = (
            sa.select(schema.participants.c.id).where(schema.participants.c.id == wanted),
            sa.select(ids.participant_id).where(ids.external_id == wanted),
        )
        with self.engine.connect() as connection:
            found = (connection.execute(query).scalars().first() for query in queries)
            return next((name for name in found if name is not None), None)

    def find_by_beginning(self, wanted: str) -> str | None:
        """Id of the only participant whose id begins so, with six characters or more.

        Raises:
            UserError: There are several.
        """
        if len(wanted) < FEWEST_CHARACTERS:
            return None
        p = schema.participants.c
        query = sa.select(p.id).where(p.id.startswith(wanted, autoescape=True)).limit(2)
        with self.engine.connect() as connection:
            found = connection.execute(query).scalars().all()
        if len(found) > 1:
            raise UserError(
                f"Several participants' ids begin with {wanted!r}: give more of the id; the "
                "address of their page at the dashboard has all of it"
            )
        return found[0] if found else None

    # Events

    def events(self, participant_id: str) -> list[Event]:
        """Everything that happened to a participant, in order."""
        e = schema.events.c
        query = (
            sa.select(e.seq, e.kind, e.step, e.data, e.at_utc)
            .where(e.participant_id == participant_id)
            .order_by(e.seq)
        )
        with self.engine.connect() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def append(
        self, who: Participant, seq: int, kind: str, step: str, data: Mapping[str, Any]
    ) -> Event:
        """Appends an event at a position.

        Raises:
            Conflict: Something is at that position already, or the participant is gone.
        """
        return self.append_all([(who, seq, kind, step, data)])[0]

    def append_all(self, entries: Sequence[Entry]) -> list[Event]:
        """Appends events of several participants: all of them, or none.

        Raises:
            Conflict: Something is at one of the positions already, or a participant is gone.
        """
        at = now_utc()
        events = [Event(seq, kind, step, dict(data), at) for _, seq, kind, step, data in entries]
        try:
            with self.writing() as connection:
                for (who, *_), event in zip(entries, events, strict=True):
                    if event.seq and not _has_event(connection, who.id, event.seq - 1):
                        raise Conflict(f"event {event.seq} of {who.id} would leave a gap")
                    row = {"participant_id": who.id, "study_sha256": who.study_sha256}
                    connection.execute(schema.events.insert(), {**row, **vars(event)})
        except IntegrityError as error:
            raise Conflict(f"events of {', '.join(entry[0].id for entry in entries)}") from error
        return events

    # Allocation

    def place(self, participant_id: str) -> Place | None:
        """A participant's place in the design, once they have one."""
        a = schema.allocations.c
        query = sa.select(a.place).where(a.participant_id == participant_id)
        with self.engine.connect() as connection:
            found = connection.execute(query).scalar()
        return Place.from_plain(found) if found else None

    def allocate(self, study: Study, who: Participant, factors: Mapping[str, str]) -> Place:
        """Gives a participant their place; the same again when they have one.

        One at a time per study, and on the disk before it is returned. Rehearsals are balanced
        among themselves.
        """
        with self.writing() as connection:
            self._lock_study(connection, study.sha256)
            a = schema.allocations.c
            mine = sa.select(a.place).where(a.participant_id == who.id)
            found = connection.execute(mine).scalar()
            if found:
                return Place.from_plain(found)
            given = self._given(connection, study, who.test, factors)
            place = allocate(study, given)
            connection.execute(
                schema.allocations.insert(),
                {
                    "participant_id": who.id,
                    "study_sha256": study.sha256,
                    "number": given.number,
                    "arm": place.arm,
                    "rank": place.rank,
                    "place": place.plain(),
                    "given": given.plain(),
                    "test": who.test,
                    "at_utc": now_utc(),
                },
            )
        return place

    def held(self, study: Study, *, test: bool = False) -> tuple[Held, ...]:
        """The places that are held now: by those who are done, or at it."""
        with self.engine.connect() as connection:
            return self._given(connection, study, test, {}).held

    def _lock_study(self, connection: sa.Connection, sha256: str) -> None:
        if not self.sqlite:  # SQLite has one writer anyway
            row = sa.select(schema.studies.c.sha256).where(schema.studies.c.sha256 == sha256)
            connection.execute(row.with_for_update())

    def _given(
        self, connection: sa.Connection, study: Study, test: bool, factors: Mapping[str, str]
    ) -> Given:
        a, e = schema.allocations.c, schema.events.c
        # What each place was computed from names all places before it: only what is needed of it.
        balanced = a.given["factors"] if study.allocation.factors else sa.null()
        rows = connection.execute(
            sa.select(a.participant_id, a.arm, a.rank, balanced, a.at_utc)
            .where(a.study_sha256 == study.sha256, a.test == test)
            .order_by(a.number)
        ).all()
        last = dict(
            connection.execute(
                sa.select(e.participant_id, sa.func.max(e.at_utc))
                .where(e.study_sha256 == study.sha256)
                .group_by(e.participant_id)
            ).all()
        )
        ended = {
            name: data["outcome"]
            for name, data in connection.execute(
                sa.select(e.participant_id, e.data).where(
                    e.study_sha256 == study.sha256, e.kind == "ended"
                )
            )
        }
        oldest = datetime.now(UTC) - timedelta(minutes=study.pace.fresh_minutes)
        fresh = oldest.isoformat(timespec="milliseconds")
        held = tuple(
            Held(arm, rank, theirs or {})
            for name, arm, rank, theirs, at in rows
            if ended.get(name) == "done" or (name not in ended and last.get(name, at) >= fresh)
        )
        number = connection.execute(
            sa.select(sa.func.max(a.number)).where(a.study_sha256 == study.sha256, a.test == test)
        ).scalar()
        return Given(0 if number is None else number + 1, dict(factors), held)

    # Leaving

    def withdraw(self, who: Participant, reason: str, *, erase: bool) -> None:
        """Notes a withdrawal and, with `erase`, deletes all that is kept of the participant."""
        w = schema.withdrawals
        with self.writing() as connection:
            known = sa.select(w.c.erase).where(w.c.participant_id == who.id)
            if connection.execute(known).first() is None:
                connection.execute(
                    w.insert(),
                    {
                        "participant_id": who.id,
                        "study_sha256": who.study_sha256,
                        "reason": reason,
                        "erase": erase,
                        "at_utc": now_utc(),
                    },
                )
            if erase:
                self._lock_participant(connection, who.id)
                for table in schema.ERASABLE:
                    key = "id" if table is schema.participants else "participant_id"
                    connection.execute(table.delete().where(table.c[key] == who.id))

    def _lock_participant(self, connection: sa.Connection, participant_id: str) -> None:
        """Lets what is being written about a participant be finished, and nothing more begin."""
        if not self.sqlite:
            people, rounds = schema.participants.c, schema.rounds.c
            mine = sa.select(people.id).where(people.id == participant_id)
            theirs = sa.select(rounds.id).where(rounds.participant_id == participant_id)
            connection.execute(mine.with_for_update())
            connection.execute(theirs.with_for_update())

    def withdrawn(self, participant_id: str) -> bool:
        """Whether a participant withdrew, erased or not."""
        w = schema.withdrawals.c
        query = sa.select(w.participant_id).where(w.participant_id == participant_id)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    # For export

    def rows(self, table: sa.Table, sha256s: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of a table that belong to some studies."""
        column = table.c.sha256 if table is schema.studies else table.c.study_sha256
        query = sa.select(table).where(column.in_(sha256s)).order_by(*table.primary_key.columns)
        with self.engine.connect() as connection:
            for row in connection.execution_options(stream_results=True).execute(query).mappings():
                yield dict(row)

    def versions(self, study_id: str) -> list[str]:
        """Hashes of all states that a study was run in, oldest first."""
        s = schema.studies.c
        query = sa.select(s.sha256).where(s.study == study_id).order_by(s.registered_utc)
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())


def _by_identity(
    connection: sa.Connection, study: Study, identity: Identity, test: bool
) -> Participant | None:
    """Who came with this identity to this version, whatever else has changed in the file."""
    ids, people, s = schema.identifiers.c, schema.participants, schema.studies.c
    row = (
        connection.execute(
            sa.select(people)
            .join(schema.identifiers, ids.participant_id == people.c.id)
            .join(schema.studies, s.sha256 == people.c.study_sha256)
            .where(s.study == study.id, s.version == study.version)
            .where(ids.external_id == identity.external_id, people.c.test == test)
        )
        .mappings()
        .first()
    )
    return Participant(**row) if row else None


def _has_event(connection: sa.Connection, participant_id: str, seq: int) -> bool:
    e = schema.events.c
    query = sa.select(e.seq).where(e.participant_id == participant_id, e.seq == seq)
    return connection.execute(query).first() is not None


def _without_details(context: sa.ExceptionContext) -> None:
    """Leaves out what PostgreSQL adds to an error: the row that it did not take."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].partition("\nDETAIL:")[0], *error.args[1:])


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Write-ahead log with full syncs (a commit survives a power cut), and real transactions."""

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver would begin transactions by itself
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
