"""Let questions of large tables that read them through, or most of an index, find what they ask for."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_REQUESTS = "service_requests"
_BY_SERVICE = ["service_id", "created_at", "id", "status", "payment_status", "assigned_provider_id"]
_LINKED = "service_request_id IS NOT NULL"
_TO_ACCOUNT = "recipient_user_id IS NOT NULL"
_OVER = "assigned_provider_id IS NULL AND closed_at IS NOT NULL"
# Which goes with which: finished work, say, is hardly ever unpaid.
_TOGETHER = "service_requests_states"

# Name, table, columns, and which rows are in it.
_Index = tuple[str, str, list[str], str | None]
_NEW: tuple[_Index, ...] = (
    ("ix_service_requests_by_payment", _REQUESTS, ["payment_status", "created_at", "id", "status"], None),
    ("ix_service_requests_of_service", _REQUESTS, [*_BY_SERVICE, "service_category"], None),
    (
        "ix_service_requests_over_without_provider",
        _REQUESTS,
        ["status", "created_at", "id", "payment_status"],
        _OVER,
    ),
    (
        "ix_service_requests_of_operator",
        _REQUESTS,
        ["operator_id", "created_at", "id", "status", "payment_status"],
        "operator_id IS NOT NULL",
    ),
    ("ix_analytics_events_of_request", "analytics_events", ["service_request_id"], _LINKED),
    ("ix_analytics_events_linked", "analytics_events", ["created_at", "id"], _LINKED),
    ("ix_bulk_change_rows_request_id", "bulk_change_rows", ["request_id"], None),
    ("ix_commission_entries_paid", "commission_entries", ["created_at", "id"], "paid_out_at IS NOT NULL"),
    ("ix_notifications_of_account", "notifications", ["recipient_user_id", "created_at", "id"], _TO_ACCOUNT),
)
_OLD: tuple[_Index, ...] = (
    (
        "ix_service_requests_payment_status_created_at_id",
        _REQUESTS,
        ["payment_status", "created_at", "id"],
        None,
    ),
    ("ix_service_requests_by_service", _REQUESTS, _BY_SERVICE, None),
    ("ix_notifications_to_account", "notifications", ["recipient_user_id"], _TO_ACCOUNT),
)


def upgrade() -> None:
    _replace(_OLD, by=_NEW)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE STATISTICS IF NOT EXISTS {_TOGETHER} (mcv) ON status, payment_status FROM {_REQUESTS}")
    if op.get_bind().dialect.name == "postgresql" or sa.inspect(op.get_bind()).has_table("sqlite_stat1"):
        # Of a new index SQLite supposes that it leads to few rows, unless it has counted them.
        with _beside_the_service():
            op.execute(f"ANALYZE {_REQUESTS}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP STATISTICS IF EXISTS {_TOGETHER}")
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
