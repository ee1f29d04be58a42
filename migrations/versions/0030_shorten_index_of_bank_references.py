"""Leave payments without a bank's reference out of its index: SQLite took it for one that tells nothing apart."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TABLE, _COLUMN = "payments", "bank_reference"
_WHOLE, _SHORT = "ix_payments_bank_reference", "ix_payments_by_bank_reference"


def upgrade() -> None:
    with _beside_the_service():
        _build(_SHORT, sa.text(f"{_COLUMN} IS NOT NULL"))
        _drop(_WHOLE)


def downgrade() -> None:
    with _beside_the_service():
        _build(_WHOLE, None)
        _drop(_SHORT)


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _build(name: str, where: sa.TextClause | None) -> None:
    # One that a killed build left behind is not valid.
    _drop(name)
    op.create_index(
        name,
        _TABLE,
        [_COLUMN],
        unique=False,
        postgresql_where=where,
        sqlite_where=where,
        postgresql_concurrently=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, table_name=_TABLE, if_exists=True, postgresql_concurrently=True)
