"""Let lists narrowed in two ways be read and counted from one index; drop an index that nothing asks."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLE = "service_requests"
_OF_AFFILIATES = "affiliate_id IS NOT NULL"
_WIDER = {
    "ix_service_requests_by_status": ["status", "created_at", "id", "payment_status", "service_category"],
    "ix_service_requests_by_service": [
        "service_id",
        "created_at",
        "id",
        "status",
        "payment_status",
        "assigned_provider_id",
    ],
    "ix_service_requests_by_category": ["service_category", "created_at", "id", "status", "payment_status"],
    "ix_service_requests_by_provider": [
        "assigned_provider_id",
        "created_at",
        "id",
        "status",
        "payment_status",
        "service_id",
        "service_category",
    ],
}
_BY_AFFILIATE = ["affiliate_id", "created_at", "id", "status", "payment_status"]
_NARROW = {
    "ix_service_requests_status_created_at_id": ["status", "created_at", "id"],
    "ix_service_requests_service_id_created_at_id": ["service_id", "created_at", "id"],
    "ix_service_requests_service_category_created_at_id": ["service_category", "created_at", "id"],
    "ix_service_requests_provider_created_at_id": ["assigned_provider_id", "created_at", "id"],
    "ix_service_requests_affiliate_created_at_id": ["affiliate_id", "created_at", "id"],
    "ix_service_requests_payment_transaction_id": ["payment_transaction_id"],
}


def upgrade() -> None:
    with _beside_the_service():
        for name, columns in _WIDER.items():
            _build(name, columns)
        where = sa.text(_OF_AFFILIATES)
        _build("ix_service_requests_by_affiliate", _BY_AFFILIATE, postgresql_where=where, sqlite_where=where)
        for name in _NARROW:
            _drop(name)


def downgrade() -> None:
    with _beside_the_service():
        for name, columns in _NARROW.items():
            _build(name, columns)
        for name in (*_WIDER, "ix_service_requests_by_affiliate"):
            _drop(name)


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, columns: list[str], **where: sa.TextClause) -> None:
    # One that a killed build left behind is not valid.
    _drop(name)
    op.create_index(name, _TABLE, columns, unique=False, postgresql_concurrently=True, **where)


def _drop(name: str) -> None:
    op.drop_index(name, table_name=_TABLE, if_exists=True, postgresql_concurrently=True)
