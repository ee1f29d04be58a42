"""Stamp working hours anew whenever they change, and who works here also when an address does: both are looked at with
every payment."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TABLES = ("working_hours", "days_off")
_EVENTS = ("insert", "update", "delete")
_STAMPS = ("catalog", "gateways", "flags", "hours")
_PEOPLE = ("name", "role", "is_enabled")
_PEOPLE_STAMPS = ("catalog", "gateways", "flags", "people")


def upgrade() -> None:
    # Empty where the row is made by the stamp of something else: then nothing is kept.
    op.add_column("editions", sa.Column("hours", sa.Uuid(), nullable=True))
    if _is_postgres():
        op.execute(
            "CREATE FUNCTION stamp_hours() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {_stamp('hours', _STAMPS)}; RETURN NULL; END $$"
        )
    for table in _TABLES:
        for event in _EVENTS:
            _watch(table, event, "hours", _STAMPS)
        if _is_postgres():
            op.execute(
                f"CREATE TRIGGER {table}_stamp_truncate AFTER TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION stamp_hours()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_stamp_truncate")
    _watch_people(*_PEOPLE, "email")
    op.execute(_stamp("hours", _STAMPS))


def downgrade() -> None:
    _watch_people(*_PEOPLE)
    for table in _TABLES:
        for event in (*_EVENTS, *(["truncate"] if _is_postgres() else [])):
            _drop(table, event)
    if _is_postgres():
        op.execute("DROP FUNCTION stamp_hours()")
    op.drop_column("editions", "hours")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _stamp(subject: str, stamps: tuple[str, ...]) -> str:
    drawn = "gen_random_uuid()" if _is_postgres() else "lower(hex(randomblob(16)))"
    return (
        f"INSERT INTO editions (id, {', '.join(stamps)}) VALUES (1, {', '.join([drawn] * len(stamps))})"  # noqa: S608
        f" ON CONFLICT (id) DO UPDATE SET {subject} = excluded.{subject}"
    )


def _watch_people(*columns: str) -> None:
    _drop("users", "update")
    sign = "IS DISTINCT FROM" if _is_postgres() else "IS NOT"
    _watch(
        "users", "update", "people", _PEOPLE_STAMPS, " OR ".join(f"OLD.{name} {sign} NEW.{name}" for name in columns)
    )


def _watch(table: str, event: str, subject: str, stamps: tuple[str, ...], condition: str = "") -> None:
    """On PostgreSQL at the end of a transaction, as other stamps; also for rows loaded with triggers switched off."""
    name, when = f"{table}_stamp_{event}", f"WHEN ({condition})" if condition else ""
    if _is_postgres():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} AFTER {event.upper()} ON {table}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION stamp_{subject}()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    else:
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} FOR EACH ROW {when}"
            f" BEGIN {_stamp(subject, stamps)}; END"
        )


def _drop(table: str, event: str) -> None:
    op.execute(f"DROP TRIGGER {table}_stamp_{event}" + (f" ON {table}" if _is_postgres() else ""))
