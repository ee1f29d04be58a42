"""Let the looks of one person be read in the order of their list."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_TABLE = "looks"
_OLD = ("ix_looks_user_id_hour", ["user_id", "hour"])
_NEW = ("ix_looks_user_id_created_at_id", ["user_id", "created_at", "id"])


def upgrade() -> None:
    _replace(_OLD, by=_NEW)


def downgrade() -> None:
    _replace(_NEW, by=_OLD)


def _replace(old: tuple[str, list[str]], *, by: tuple[str, list[str]]) -> None:
    name, columns = by
    with _beside_the_service():
        # One that a killed build left behind is not valid.
        _drop(name)
        op.create_index(name, _TABLE, columns, unique=False, postgresql_concurrently=True)
        _drop(old[0])


@contextmanager
def _beside_the_service() -> Iterator[None]:
    """On PostgreSQL in no transaction, as building and dropping without a lock needs it."""
    if op.get_bind().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def _drop(name: str) -> None:
    op.drop_index(name, table_name=_TABLE, if_exists=True, postgresql_concurrently=True)
