"""The first schema: the tables, and the triggers that let rows be written once only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WRITTEN_ONCE = ("participants", "allocations", "events", "rounds", "chunks")
KEY = {"participants": "id"}


def upgrade() -> None:
    """Makes the tables and triggers."""
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _tables() -> None:
    text = sa.String
    op.create_table(
        "studies",
        sa.Column("sha256", text(64), primary_key=True),
        sa.Column("study", text(40), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("design", sa.JSON, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.Column("registered_utc", text(30), nullable=False),
    )
    op.create_table(
        "participants",
        sa.Column("id", text(32), primary_key=True),
        sa.Column(
            "study_sha256", text(64), sa.ForeignKey("studies.sha256"), nullable=False, index=True
        ),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("language", text(8), nullable=False),
        sa.Column("entered_utc", text(30), nullable=False),
    )
    op.create_table(
        "identifiers",
        sa.Column("participant_id", text(32), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("study_sha256", text(64), nullable=False),
        sa.Column("external_id", text(200), nullable=False),
        sa.Column("external_study", text(200), nullable=False),
        sa.Column("external_session", text(200), nullable=False),
        sa.UniqueConstraint("study_sha256", "external_id", name="one_participant_per_identifier"),
    )
    op.create_table(
        "allocations",
        sa.Column("participant_id", text(32), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("study_sha256", text(64), nullable=False, index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("arm", text(40), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("place", sa.JSON, nullable=False),
        sa.Column("given", sa.JSON, nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("at_utc", text(30), nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("participant_id", text(32), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("study_sha256", text(64), nullable=False, index=True),
        sa.Column("kind", text(40), nullable=False),
        sa.Column("step", text(200), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("at_utc", text(30), nullable=False),
    )
    op.create_table(
        "rounds",
        sa.Column("id", text(120), primary_key=True),
        sa.Column(
            "participant_id", text(32), sa.ForeignKey("participants.id"), nullable=False, index=True
        ),
        sa.Column("study_sha256", text(64), nullable=False),
        sa.Column("step", text(200), nullable=False),
        sa.Column("started_utc", text(30), nullable=False),
    )
    op.create_table(
        "chunks",
        sa.Column("round_id", text(120), sa.ForeignKey("rounds.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("participant_id", text(32), nullable=False, index=True),
        sa.Column("lines", sa.Text, nullable=False),
    )
    op.create_table(
        "withdrawals",
        sa.Column("participant_id", text(32), primary_key=True),
        sa.Column("study_sha256", text(64), nullable=False),
        sa.Column("reason", text(40), nullable=False),
        sa.Column("erase", sa.Boolean, nullable=False),
        sa.Column("at_utc", text(30), nullable=False),
    )


def _sqlite_triggers() -> None:
    for table in (*WRITTEN_ONCE, "withdrawals"):
        op.execute(
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are written once'); END"
        )
        key = KEY.get(table, "participant_id")
        unless = (
            f"WHEN NOT EXISTS (SELECT 1 FROM withdrawals AS w WHERE w.participant_id = OLD.{key} "
            "AND w.erase) "
        )
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} "
            f"{unless if table != 'withdrawals' else ''}"
            f"BEGIN SELECT RAISE(ABORT, '{table} are written once'); END"
        )


def _postgresql_triggers() -> None:
    for key in ("participant_id", "id"):
        op.execute(
            f"""
            CREATE FUNCTION written_once_by_{key}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'withdrawals' THEN
                    IF EXISTS (SELECT 1 FROM withdrawals AS w
                               WHERE w.participant_id = OLD.{key} AND w.erase) THEN
                        RETURN OLD;
                    END IF;
                END IF;
                RAISE EXCEPTION '% are written once', TG_TABLE_NAME;
            END $$
            """
        )
    for table in (*WRITTEN_ONCE, "withdrawals"):
        key = KEY.get(table, "participant_id")
        op.execute(
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION written_once_by_{key}()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION written_once_by_{key}()"
        )
