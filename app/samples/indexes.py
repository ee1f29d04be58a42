"""PostgreSQL's indexes taken down while their tables are filled, and built again: half the work of keeping them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

_CONSTRAINTS = text(
    "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS down,"
    " format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS up"
    " FROM pg_constraint AS ours WHERE contype IN ('p', 'u') AND conrelid = ANY(CAST(:tables AS regclass[]))"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conindid = ours.conindid) ORDER BY conname"
)
"""Keys too, but for those that other tables refer to."""
_INDEXES = text(
    "SELECT format('DROP INDEX %s', indexrelid::regclass) AS down, pg_get_indexdef(indexrelid) AS up FROM pg_index"
    " WHERE indrelid = ANY(CAST(:tables AS regclass[])) AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)"
    " ORDER BY indexrelid"
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


def learn_sizes(engine: Engine) -> None:
    """PostgreSQL would look at its tables by itself, but only in a minute or so."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
