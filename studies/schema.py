"""The tables of the study database; `studies.migrations` makes them.

Rows are written once. The database itself refuses to change them, and to delete them unless the
participant has withdrawn with erasure. Identifiers that a recruitment platform gave are in a table
of their own and nowhere else. Times are UTC, ISO 8601 with milliseconds.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("study", sa.String(40), nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("design", sa.JSON, nullable=False),
    sa.Column("manifest", sa.JSON, nullable=False),
    sa.Column("registered_utc", sa.String(30), nullable=False),
)
"""Each state that a study file was run in, with the hashes of models and code."""

participants = sa.Table(
    "participants",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("study_sha256", sa.ForeignKey("studies.sha256"), nullable=False, index=True),
    sa.Column("test", sa.Boolean, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("entered_utc", sa.String(30), nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False, server_default=sa.false()),
)
"""Everybody who came; `test` marks rehearsals, which never count, and `simulated` those of them
that a program plays."""

identifiers = sa.Table(
    "identifiers",
    metadata,
    sa.Column("participant_id", sa.ForeignKey("participants.id"), primary_key=True),
    sa.Column("study_sha256", sa.String(64), nullable=False),
    sa.Column("external_id", sa.String(200), nullable=False),
    sa.Column("external_study", sa.String(200), nullable=False),
    sa.Column("external_session", sa.String(200), nullable=False),
    sa.Column("test", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint(
        "study_sha256", "test", "external_id", name="one_participant_per_identifier"
    ),
)
"""What the recruitment platform calls a participant; the same person can rehearse and take part."""

allocations = sa.Table(
    "allocations",
    metadata,
    sa.Column("participant_id", sa.ForeignKey("participants.id"), primary_key=True),
    sa.Column("study_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("arm", sa.String(40), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("place", sa.JSON, nullable=False),
    sa.Column("given", sa.JSON, nullable=False),
    sa.Column("test", sa.Boolean, nullable=False),
    sa.Column("at_utc", sa.String(30), nullable=False),
)
"""The place of each participant in the design, and what it was computed from."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("participant_id", sa.ForeignKey("participants.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("study_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("step", sa.String(200), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("at_utc", sa.String(30), nullable=False),
)
"""What happened to each participant, in order; the whole state of a session is read from here."""

rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("participant_id", sa.ForeignKey("participants.id"), nullable=False, index=True),
    sa.Column("study_sha256", sa.String(64), nullable=False),
    sa.Column("step", sa.String(200), nullable=False),
    sa.Column("started_utc", sa.String(30), nullable=False),
)
"""Episodes, tutorials among them."""

chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("participant_id", sa.String(32), nullable=False, index=True),
    sa.Column("lines", sa.Text, nullable=False),
)
"""The record of an episode, one row per tick; put together, an episode file."""

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("participant_id", sa.String(32), primary_key=True),
    sa.Column("study_sha256", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("erase", sa.Boolean, nullable=False),
    sa.Column("at_utc", sa.String(30), nullable=False),
)
"""Who withdrew; after an erasure all that is left."""

switches = sa.Table(
    "switches",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("study", sa.String(40), nullable=False, index=True),
    sa.Column("name", sa.String(20), nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("at_utc", sa.String(30), nullable=False),
)
"""What the researcher switched on and off while the study ran; the last row of a name holds."""

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("participant_id", sa.ForeignKey("participants.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(300), nullable=False),
    sa.Column("at_utc", sa.String(30), nullable=False),
)
"""What the researcher decided on a participant's pay; the last row holds."""

ERASABLE = (reviews, chunks, rounds, events, allocations, identifiers, participants)
"""Tables with rows of participants, in the order in which they are deleted."""
