"""Mark commissions that are paid, so that those which are not are a short list; sort all disputes by deadline."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_UNPAID = sa.text("paid_out_at IS NULL")
_OF_AFFILIATES = sa.text("affiliate_id IS NOT NULL")
_NEW = (
    ("ix_commission_entries_unpaid", "commission_entries", ["created_at", "id"], _UNPAID),
    (
        "ix_commission_entries_unpaid_sums",
        "commission_entries",
        ["affiliate_id", "currency", "kind", "created_at", "amount_minor"],
        _UNPAID,
    ),
    ("ix_disputes_urgent_from_id", "disputes", ["urgent_from", "id"], None),
)
# Another index has both columns by now.
_OLD = ("ix_service_requests_affiliate_bought", "service_requests", ["affiliate_id", "payment_status"], _OF_AFFILIATES)


def upgrade() -> None:
    op.add_column("commission_entries", sa.Column("paid_out_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE commission_entries SET paid_out_at ="
        " (SELECT created_at FROM payout_lines WHERE commission_entry_id = commission_entries.id)"
        " WHERE id IN (SELECT commission_entry_id FROM payout_lines)"
    )
    with _beside_the_service():
        for index in _NEW:
            _build(*index)
        _drop(*_OLD[:2])


def downgrade() -> None:
    with _beside_the_service():
        _build(*_OLD)
        for name, table, *_ in _NEW:
            _drop(name, table)
    op.execute("ALTER TABLE commission_entries DROP COLUMN paid_out_at")


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, table: str, columns: list[str], where: sa.TextClause | None) -> None:
    # One that a killed build left behind is not valid.
    _drop(name, table)
    op.create_index(
        name, table, columns, unique=False, postgresql_where=where, sqlite_where=where, postgresql_concurrently=True
    )


def _drop(name: str, table: str) -> None:
    op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
