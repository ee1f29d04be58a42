"""Let the list of unpaid requests be read in its order."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_NAME = "ix_service_requests_unpaid"
_WHERE = "payment_completed_at IS NULL"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        _build()
        return
    # Beside the running service, which needs to be in no transaction. One that a killed build left is not valid.
    with op.get_context().autocommit_block():
        _drop()
        _build()


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        _drop()
        return
    with op.get_context().autocommit_block():
        _drop()


def _build() -> None:
    where = sa.text(_WHERE)
    op.create_index(
        _NAME,
        "service_requests",
        ["created_at", "id"],
        unique=False,
        postgresql_where=where,
        sqlite_where=where,
        postgresql_concurrently=True,
    )


def _drop() -> None:
    op.drop_index(_NAME, table_name="service_requests", if_exists=True, postgresql_concurrently=True)
