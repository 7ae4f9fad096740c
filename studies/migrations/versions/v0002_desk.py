"""What the researcher decides, who is simulated, and identifiers of rehearsals kept apart."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

UNIQUE = "one_participant_per_identifier"


def upgrade() -> None:
    """Adds the columns and tables."""
    _columns()
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _columns() -> None:
    flag = sa.Boolean
    op.add_column(
        "participants", sa.Column("simulated", flag, nullable=False, server_default=sa.false())
    )
    with op.batch_alter_table("identifiers") as table:  # SQLite has to copy it
        table.add_column(sa.Column("test", flag, nullable=False, server_default=sa.false()))
        table.drop_constraint(UNIQUE, type_="unique")
        table.create_unique_constraint(UNIQUE, ["study_sha256", "test", "external_id"])


def _tables() -> None:
    text = sa.String
    op.create_table(
        "switches",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("study", text(40), nullable=False, index=True),
        sa.Column("name", text(20), nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("at_utc", text(30), nullable=False),
    )
    op.create_table(
        "reviews",
        sa.Column("participant_id", text(32), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("verdict", text(20), nullable=False),
        sa.Column("reason", text(300), nullable=False),
        sa.Column("at_utc", text(30), nullable=False),
    )


def _sqlite_triggers() -> None:
    refusal = "BEGIN SELECT RAISE(ABORT, '{0} are written once'); END"
    erased = (
        "WHEN NOT EXISTS (SELECT 1 FROM withdrawals AS w "
        "WHERE w.participant_id = OLD.participant_id AND w.erase) "
    )
    for table, unless in (("switches", ""), ("reviews", erased)):
        words = refusal.format(table)
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} {words}")
        op.execute(f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} {unless}{words}")


def _postgresql_triggers() -> None:
    op.execute(
        """
        CREATE FUNCTION written_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% are written once', TG_TABLE_NAME;
        END $$
        """
    )
    for table, function in (
        ("switches", "written_once"), ("reviews", "written_once_by_participant_id"),
    ):  # fmt: skip
        op.execute(
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
