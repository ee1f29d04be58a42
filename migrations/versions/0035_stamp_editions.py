"""Stamp what is read on every page anew whenever it changes, whoever changes it."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_SUBJECTS = ("catalog", "gateways", "flags")
_TABLES = {
    "services": "catalog",
    "service_tiers": "catalog",
    "payment_gateway_config": "gateways",
    "feature_flags": "flags",
}
# Of its health matters what decides whom to ask, and whether an answer is news; the rest is noted all day.
_THAT_MATTER = {
    "payment_gateway_config": (
        "gateway is_active is_default mode api_key_sealed api_secret_sealed webhook_secret_sealed "
        "previous_webhook_secret_sealed api_base options resting_until failures_in_row last_success_at"
    ).split()
}


def upgrade() -> None:
    stamps = (sa.Column(subject, sa.Uuid(), nullable=False) for subject in _SUBJECTS)
    op.create_table(
        "editions",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        *stamps,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if on_postgres:
        for subject in _SUBJECTS:
            op.execute(
                f"CREATE FUNCTION stamp_{subject}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $$ BEGIN {_stamp(subject, 'gen_random_uuid()')}; RETURN NULL; END $$"
            )
    for table, subject in _TABLES.items():
        (_watch_on_postgres if on_postgres else _watch_on_sqlite)(table, subject)
    # What is there already has its first edition too.
    op.execute(_stamp("catalog", "gen_random_uuid()" if on_postgres else "lower(hex(randomblob(16)))"))


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        for event in ("insert", "update", "delete", *(["truncate"] if on_postgres else [])):
            op.execute(f"DROP TRIGGER {table}_stamp_{event}" + (f" ON {table}" if on_postgres else ""))
    for subject in _SUBJECTS if on_postgres else ():
        op.execute(f"DROP FUNCTION stamp_{subject}()")
    op.drop_table("editions")


def _stamp(subject: str, drawn: str) -> str:
    stamps = ", ".join(_SUBJECTS)
    return (
        f"INSERT INTO editions (id, {stamps}) VALUES (1, {drawn}, {drawn}, {drawn})"  # noqa: S608 - names of ours
        f" ON CONFLICT (id) DO UPDATE SET {subject} = excluded.{subject}"
    )


def _differs(table: str, sign: str, cast: str = "") -> str:
    columns = _THAT_MATTER.get(table, ())
    # JSON cannot be compared but as text.
    return " OR ".join(
        f"OLD.{name}{cast if name == 'options' else ''} {sign} NEW.{name}{cast if name == 'options' else ''}"
        for name in columns
    )


def _watch_on_postgres(table: str, subject: str) -> None:
    """At the end of a transaction, when it needs no lock but this one: before, two of them could wait for each other.

    Also for those who load rows with triggers switched off.
    """
    names = []
    for event in ("insert", "update", "delete"):
        differs = _differs(table, "IS DISTINCT FROM", "::text") if event == "update" else ""
        names.append(f"{table}_stamp_{event}")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {names[-1]} AFTER {event.upper()} ON {table}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {f'WHEN ({differs})' if differs else ''}"
            f" EXECUTE FUNCTION stamp_{subject}()"
        )
    names.append(f"{table}_stamp_truncate")
    op.execute(
        f"CREATE TRIGGER {names[-1]} AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION stamp_{subject}()"
    )
    for name in names:
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _watch_on_sqlite(table: str, subject: str) -> None:
    for event in ("insert", "update", "delete"):
        differs = _differs(table, "IS NOT") if event == "update" else ""
        op.execute(
            f"CREATE TRIGGER {table}_stamp_{event} AFTER {event.upper()} ON {table} FOR EACH ROW"
            f" {f'WHEN {differs}' if differs else ''}"
            f" BEGIN {_stamp(subject, 'lower(hex(randomblob(16)))')}; END"
        )
