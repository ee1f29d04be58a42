"""Let a wrongly recorded payout be taken back: its lines may then be paid once more."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_STANDING = sa.text("taken_back_at IS NULL")
_UNIQUE = "uq_payout_lines_commission_entry_id"
_NEW = (("ix_payout_lines_commission_entry_id", False, None), ("uq_payout_lines_paid", True, _STANDING))


def upgrade() -> None:
    op.create_table(
        "payout_reversals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("reversed_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_reversals_payout_id_payouts")),
        sa.ForeignKeyConstraint(
            ["reversed_by_user_id"], ["users.id"], name=op.f("fk_payout_reversals_reversed_by_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_reversals")),
        sa.UniqueConstraint("payout_id", name=op.f("uq_payout_reversals_payout_id")),
    )
    op.add_column("payout_lines", sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True))
    with _beside_the_service():
        for index in _NEW:
            _build(*index)
    with op.batch_alter_table("payout_lines") as table:
        table.drop_constraint(_UNIQUE, type_="unique")


def downgrade() -> None:
    # What was paid, taken back and paid once more was paid last by the payout that stands.
    op.execute("DELETE FROM payout_lines WHERE taken_back_at IS NOT NULL")
    with _beside_the_service():
        for name, *_ in _NEW:
            _drop(name)
    with op.batch_alter_table("payout_lines") as table:
        table.drop_column("taken_back_at")
        table.create_unique_constraint(_UNIQUE, ["commission_entry_id"])
    op.drop_table("payout_reversals")


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, is_unique: bool, where: sa.TextClause | None) -> None:
    # One that a killed build left behind is not valid.
    _drop(name)
    op.create_index(
        name,
        "payout_lines",
        ["commission_entry_id"],
        unique=is_unique,
        postgresql_where=where,
        sqlite_where=where,
        postgresql_concurrently=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, table_name="payout_lines", if_exists=True, postgresql_concurrently=True)
