"""Leave empty values out of two indexes, as short ones of their own have them; let those be counted by themselves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_TABLE = "service_requests"
_WIDE = ["assigned_provider_id", "created_at", "id", "status", "payment_status", "service_id", "service_category"]
_UNASSIGNED = "assigned_provider_id IS NULL AND closed_at IS NULL"
_LATE = "first_contact_at IS NULL AND closed_at IS NULL"

# Name, columns, and which rows are in it.
_NEW: tuple[tuple[str, list[str], str | None], ...] = (
    ("ix_service_requests_of_provider", _WIDE, "assigned_provider_id IS NOT NULL"),
    ("ix_service_requests_paid_at", ["payment_completed_at"], "payment_completed_at IS NOT NULL"),
    ("ix_service_requests_without_provider", ["created_at", "id", "payment_status"], _UNASSIGNED),
    ("ix_service_requests_late", ["due_at", "id", "payment_status"], _LATE),
)
_OLD: tuple[tuple[str, list[str], str | None], ...] = (
    ("ix_service_requests_by_provider", _WIDE, None),
    ("ix_service_requests_payment_completed_at", ["payment_completed_at"], None),
    ("ix_service_requests_unassigned", ["created_at", "id"], _UNASSIGNED),
    ("ix_service_requests_due_at", ["due_at"], _LATE),
)


def upgrade() -> None:
    _replace(_OLD, by=_NEW)


def downgrade() -> None:
    _replace(_NEW, by=_OLD)


def _replace(
    old: Iterable[tuple[str, list[str], str | None]], *, by: Iterable[tuple[str, list[str], str | None]]
) -> None:
    with _beside_the_service():
        for name, columns, where in by:
            # One that a killed build left behind is not valid.
            _drop(name)
            _build(name, columns, sa.text(where) if where else None)
        for name, _, _ in old:
            _drop(name)


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, columns: list[str], where: sa.TextClause | None) -> None:
    op.create_index(
        name,
        _TABLE,
        columns,
        unique=False,
        postgresql_where=where,
        sqlite_where=where,
        postgresql_concurrently=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, table_name=_TABLE, if_exists=True, postgresql_concurrently=True)
