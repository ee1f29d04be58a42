"""Stamp saved views anew whenever they change: the requests list shows them with every page."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_EVENTS = ("insert", "update", "delete")
_STAMPS = ("catalog", "gateways", "flags", "views")


def upgrade() -> None:
    # Empty where the row is made by the stamp of something else: then nothing is kept.
    op.add_column("editions", sa.Column("views", sa.Uuid(), nullable=True))
    if _is_postgres():
        _watch_on_postgres()
    else:
        for event in _EVENTS:
            op.execute(
                f"CREATE TRIGGER saved_views_stamp_{event} AFTER {event.upper()} ON saved_views FOR EACH ROW"
                f" BEGIN {_stamp()}; END"
            )
    op.execute(_stamp())


def downgrade() -> None:
    for event in (*_EVENTS, *(["truncate"] if _is_postgres() else [])):
        op.execute(f"DROP TRIGGER saved_views_stamp_{event}" + (" ON saved_views" if _is_postgres() else ""))
    if _is_postgres():
        op.execute("DROP FUNCTION stamp_views()")
    op.drop_column("editions", "views")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _stamp() -> str:
    drawn = "gen_random_uuid()" if _is_postgres() else "lower(hex(randomblob(16)))"
    return (
        f"INSERT INTO editions (id, {', '.join(_STAMPS)}) VALUES (1, {', '.join([drawn] * len(_STAMPS))})"  # noqa: S608
        " ON CONFLICT (id) DO UPDATE SET views = excluded.views"
    )


def _watch_on_postgres() -> None:
    """At the end of a transaction, as the other stamps; also for rows loaded with triggers switched off."""
    op.execute(
        f"CREATE FUNCTION stamp_views() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_stamp()}; RETURN NULL; END $$"
    )
    for event in _EVENTS:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER saved_views_stamp_{event} AFTER {event.upper()} ON saved_views"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stamp_views()"
        )
    op.execute(
        "CREATE TRIGGER saved_views_stamp_truncate AFTER TRUNCATE ON saved_views"
        " FOR EACH STATEMENT EXECUTE FUNCTION stamp_views()"
    )
    for event in (*_EVENTS, "truncate"):
        op.execute(f"ALTER TABLE saved_views ENABLE ALWAYS TRIGGER saved_views_stamp_{event}")
