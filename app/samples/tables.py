"""Rows by the hundred thousand into their tables: PostgreSQL's COPY, or SQLite's prepared insert."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, inspect

from app.db import Model
from app.samples.fields import CopyFields, DriverFields, Field, Fields, row_bytes
from app.samples.scene import column_of

_HEADER = b"PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
_TRAILER = b"\xff\xff"


def fields_for(dialect: Dialect) -> Fields:
    return CopyFields(dialect) if dialect.name == "postgresql" else DriverFields(dialect)


class Sheet:
    """Rows for one table. `given` are the attributes that rows bring; `rest`, with which each row ends, is the same in
    all of them: what `shared` says, the column's default, or nothing."""

    def __init__(self, model: type[Model], given: Sequence[str], fields: Fields, **shared: Any) -> None:
        others = [name for name in inspect(model).columns.keys() if name not in given]  # noqa: SIM118 - no mapping
        self.table = model.__tablename__
        self.columns = [column_of(model, name).name for name in (*given, *others)]
        rest = tuple(fields.constant(column_of(model, name), _shared(model, name, shared)) for name in others)
        self.rest = fields.merged(rest)
        self.rows: list[tuple[Field, ...]] = []

    def write(self, connection: Connection) -> None:
        """Insert what was collected, and begin anew."""
        if self.rows:
            driver: Any = connection.connection.driver_connection
            (_copy if connection.dialect.name == "postgresql" else _insert)(driver, self)
            self.rows.clear()


def _shared(model: type[Model], name: str, shared: Mapping[str, Any]) -> Any:
    if name in shared:
        return shared[name]
    default: Any = column_of(model, name).default
    return default.arg if default is not None and default.is_scalar else None


def _copy(driver: Any, sheet: Sheet) -> None:
    columns = ", ".join(f'"{name}"' for name in sheet.columns)
    statement = f'COPY "{sheet.table}" ({columns}) FROM STDIN (FORMAT binary)'
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEADER + row_bytes(sheet.rows, len(sheet.columns)) + _TRAILER)


def _insert(driver: Any, sheet: Sheet) -> None:
    columns = ", ".join(f'"{name}"' for name in sheet.columns)
    marks = ", ".join("?" * len(sheet.columns))
    # Names come from our own models.
    statement = f'INSERT INTO "{sheet.table}" ({columns}) VALUES ({marks})'  # noqa: S608
    driver.executemany(statement, sheet.rows)


def make_fast(connection: Connection) -> None:
    """For this transaction; SQLite keeps its larger memory as long as the connection is open.

    What the rows refer to is held by the caller, so it need not be looked up for each of them.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -262144")
        return
    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    if connection.exec_driver_sql("SELECT current_setting('is_superuser')").scalar() == "on":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
