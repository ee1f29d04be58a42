"""Rows by the hundred thousand into their tables: PostgreSQL's COPY, or SQLite's prepared insert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, inspect

from app.db import Model
from app.samples.fields import CopyFields, DriverFields, Field, Fields
from app.samples.scene import column_of


def fields_for(dialect: Dialect) -> Fields:
    return CopyFields(dialect) if dialect.name == "postgresql" else DriverFields(dialect)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rows of one table as its database takes them; another process may have made them."""

    table: str
    columns: Sequence[str]
    rows: Any

    def write(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        (_copy if connection.dialect.name == "postgresql" else _insert)(driver, self)


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
        self._fields = fields

    def take(self) -> Bundle:
        """What was collected; then it begins anew."""
        bundle = Bundle(self.table, self.columns, self._fields.packed(self.rows, len(self.columns)))
        self.rows.clear()
        return bundle


def _shared(model: type[Model], name: str, shared: Mapping[str, Any]) -> Any:
    if name in shared:
        return shared[name]
    default: Any = column_of(model, name).default
    return default.arg if default is not None and default.is_scalar else None


def _copy(driver: Any, bundle: Bundle) -> None:
    columns = ", ".join(f'"{name}"' for name in bundle.columns)
    statement = f'COPY "{bundle.table}" ({columns}) FROM STDIN (FORMAT binary)'
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(bundle.rows)


def _insert(driver: Any, bundle: Bundle) -> None:
    columns = ", ".join(f'"{name}"' for name in bundle.columns)
    marks = ", ".join("?" * len(bundle.columns))
    # Names come from our own models.
    statement = f'INSERT INTO "{bundle.table}" ({columns}) VALUES ({marks})'  # noqa: S608
    driver.executemany(statement, bundle.rows)


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
