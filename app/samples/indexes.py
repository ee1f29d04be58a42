"""PostgreSQL's indexes taken down while their tables are filled, and built again: half the work of keeping them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

_CONSTRAINTS = text(
    "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS down,"
    " format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS up"
    " FROM pg_constraint WHERE contype = 'u' AND conrelid = ANY(CAST(:tables AS regclass[])) ORDER BY conname"
)
_INDEXES = text(
    "SELECT format('DROP INDEX %s', indexrelid::regclass) AS down, pg_get_indexdef(indexrelid) AS up FROM pg_index"
    " WHERE indrelid = ANY(CAST(:tables AS regclass[])) AND NOT indisprimary"
    " AND indexrelid NOT IN (SELECT conindid FROM pg_constraint WHERE contype = 'u') ORDER BY indexrelid"
)
_MEMORY = "SET LOCAL maintenance_work_mem = '256MB'"


@contextmanager
def taken_down(
    connection: Connection, tables: Sequence[str], *, progress: Callable[[str, int, int], None]
) -> Iterator[None]:
    """In the caller's transaction, which alone sees the tables without them; killed, nothing has happened."""
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(sorted(tables))} IN ACCESS EXCLUSIVE MODE")
    names = {"tables": list(tables)}
    found = [*connection.execute(_INDEXES, names), *connection.execute(_CONSTRAINTS, names)]
    for index in found:
        connection.exec_driver_sql(index.down)
    yield
    connection.exec_driver_sql(_MEMORY)
    for index in found:
        connection.exec_driver_sql(index.up)
        progress("Indexes", len(found), 1)
    connection.exec_driver_sql(f"ANALYZE {', '.join(tables)}")
