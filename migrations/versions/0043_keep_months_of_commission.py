"""Keep what affiliates earned in months that are over, and let one index serve their ledger and its sums."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_ENTRIES = "commission_entries"
_OF_AFFILIATE = (
    "ix_commission_entries_of_affiliate",
    ["affiliate_id", "created_at", "id", "kind", "currency", "amount_minor"],
)
_BEFORE = (
    ("ix_commission_entries_affiliate_id_created_at", ["affiliate_id", "created_at"]),
    ("ix_commission_entries_affiliate_sums", ["affiliate_id", "kind", "currency", "created_at", "amount_minor"]),
)


def upgrade() -> None:
    """The job that keeps figures fills the table; until then all lines are added up, as before."""
    with _beside_the_service():
        _build(*_OF_AFFILIATE)
        for name, _ in _BEFORE:
            _drop(name)
    op.create_table(
        "commission_months",
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["affiliate_id"], ["users.id"], name=op.f("fk_commission_months_affiliate_id_users")),
        sa.PrimaryKeyConstraint("affiliate_id", "start", "currency", name=op.f("pk_commission_months")),
    )
    op.create_index("ix_commission_months_ended_at", "commission_months", ["ended_at"], unique=False)


def downgrade() -> None:
    with _beside_the_service():
        for index in _BEFORE:
            _build(*index)
        _drop(_OF_AFFILIATE[0])
    op.drop_table("commission_months")


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, columns: list[str]) -> None:
    # One that a killed build left behind is not valid.
    _drop(name)
    op.create_index(name, _ENTRIES, columns, unique=False, postgresql_concurrently=True)


def _drop(name: str) -> None:
    op.drop_index(name, table_name=_ENTRIES, if_exists=True, postgresql_concurrently=True)
