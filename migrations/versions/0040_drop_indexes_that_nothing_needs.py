"""Drop indexes that another one serves for or that nothing asks; leave empty values out of two."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# Name, table, columns, and which rows are in it.
_Index = tuple[str, str, list[str], str | None]
_NEW: tuple[_Index, ...] = (
    ("ix_notifications_to_account", "notifications", ["recipient_user_id"], "recipient_user_id IS NOT NULL"),
    ("ix_audit_entries_by_person", "audit_entries", ["actor_user_id", "created_at"], "actor_user_id IS NOT NULL"),
)
_OLD: tuple[_Index, ...] = (
    ("ix_notifications_recipient_user_id", "notifications", ["recipient_user_id"], None),
    ("ix_audit_entries_actor_user_id_created_at", "audit_entries", ["actor_user_id", "created_at"], None),
    # A unique index has the gateway before these numbers: its few names are tried one by one.
    ("ix_payments_gateway_payment_id", "payments", ["gateway_payment_id"], None),
    ("ix_payments_gateway_intent_id", "payments", ["gateway_intent_id"], None),
    ("ix_refunds_gateway_refund_id", "refunds", ["gateway_refund_id"], None),
    ("ix_disputes_gateway_dispute_id", "disputes", ["gateway_dispute_id"], None),
    # Only the deletion of a service that was never sold looked here.
    ("ix_analytics_events_service_id_created_at", "analytics_events", ["service_id", "created_at"], None),
)


def upgrade() -> None:
    _replace(_OLD, by=_NEW)


def downgrade() -> None:
    _replace(_NEW, by=_OLD)


def _replace(old: Iterable[_Index], *, by: Iterable[_Index]) -> None:
    with _beside_the_service():
        for name, table, columns, where in by:
            # One that a killed build left behind is not valid.
            _drop(name, table)
            _build(name, table, columns, where=sa.text(where) if where else None)
        for name, table, _, _ in old:
            _drop(name, table)


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, table: str, columns: list[str], *, where: sa.TextClause | None) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=False,
        postgresql_where=where,
        sqlite_where=where,
        postgresql_concurrently=True,
    )


def _drop(name: str, table: str) -> None:
    op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
