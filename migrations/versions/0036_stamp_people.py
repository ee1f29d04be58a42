"""Stamp who works here anew whenever a name, a role or a code changes: lists offer them as filters."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_THAT_MATTER = {"users": ("name", "role", "is_enabled"), "affiliate_profiles": ("user_id", "code")}
_STAMPS = ("catalog", "gateways", "flags", "people")


def upgrade() -> None:
    # Empty where the row is made by the stamp of something else: then nothing is kept.
    op.add_column("editions", sa.Column("people", sa.Uuid(), nullable=True))
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if on_postgres:
        op.execute(
            "CREATE FUNCTION stamp_people() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {_stamp('gen_random_uuid()')}; RETURN NULL; END $$"
        )
    for table, columns in _THAT_MATTER.items():
        (_watch_on_postgres if on_postgres else _watch_on_sqlite)(table, columns)
    op.execute(_stamp("gen_random_uuid()" if on_postgres else "lower(hex(randomblob(16)))"))


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in _THAT_MATTER:
        for event in ("insert", "update", "delete", *(["truncate"] if on_postgres else [])):
            op.execute(f"DROP TRIGGER {table}_stamp_{event}" + (f" ON {table}" if on_postgres else ""))
    if on_postgres:
        op.execute("DROP FUNCTION stamp_people()")
    op.drop_column("editions", "people")


def _stamp(drawn: str) -> str:
    return (
        f"INSERT INTO editions (id, {', '.join(_STAMPS)}) VALUES (1, {', '.join([drawn] * len(_STAMPS))})"  # noqa: S608
        " ON CONFLICT (id) DO UPDATE SET people = excluded.people"
    )


def _watch_on_postgres(table: str, columns: tuple[str, ...]) -> None:
    """At the end of a transaction, as the other stamps; also for rows loaded with triggers switched off."""
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns)
    for event in ("insert", "update", "delete"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_stamp_{event} AFTER {event.upper()} ON {table}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {f'WHEN ({differs})' if event == 'update' else ''}"
            " EXECUTE FUNCTION stamp_people()"
        )
    op.execute(
        f"CREATE TRIGGER {table}_stamp_truncate AFTER TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION stamp_people()"
    )
    for event in ("insert", "update", "delete", "truncate"):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_stamp_{event}")


def _watch_on_sqlite(table: str, columns: tuple[str, ...]) -> None:
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
    for event in ("insert", "update", "delete"):
        op.execute(
            f"CREATE TRIGGER {table}_stamp_{event} AFTER {event.upper()} ON {table} FOR EACH ROW"
            f" {f'WHEN {differs}' if event == 'update' else ''} BEGIN {_stamp('lower(hex(randomblob(16)))')}; END"
        )
