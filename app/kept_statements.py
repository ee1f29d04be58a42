"""Statements of hot paths: compiled once, and on PostgreSQL given to its driver as they are.

Around each statement the library makes a context and a result, and finds out anew what stands in which column. For a
small statement that takes longer than the database does.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

_NATIVE: Any = postgresql.psycopg.PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

_Step = Callable[[Any], Any]
"""From a value to what the database has for it, or back."""


_Answer = tuple[Sequence[tuple[Any, ...]], int]
"""The rows as the driver has them, and their number or that of those that were changed."""


@dataclass(frozen=True, slots=True)
class Found:
    """`rows` have their columns by name and in their order; `count` is how many were found, or else were changed."""

    rows: Sequence[Any]
    count: int

    @property
    def first(self) -> Any | None:
        return self.rows[0] if self.rows else None


@dataclass(frozen=True, slots=True)
class _Kept:
    """The library compiles a statement with several rows anew each time, and the driver looks for the parameters of a
    long one each time: both together take longer than to carry it out. `drawn` is what every change sets anew."""

    text: str
    constants: Mapping[str, Any]
    drawn: Mapping[str, _Step]
    parameters: Sequence[tuple[str, _Step | None]]
    row: Callable[[Sequence[Any]], Any]
    readers: Sequence[tuple[int, _Step]]

    def carry_out(self, connection: Connection, values: Mapping[str, Any]) -> Found:
        """Raises DBAPIError."""
        given = {**self.constants, **{name: draw(None) for name, draw in self.drawn.items()}, **values}
        sent = tuple(write(given[name]) if write else given[name] for name, write in self.parameters)
        rows, count = _send(connection, self.text, sent)
        return Found([self._read(row) for row in rows], count)

    def _read(self, found: tuple[Any, ...]) -> Any:
        if not self.readers:
            return self.row(found)
        values = list(found)
        for place, read in self.readers:
            values[place] = read(values[place])
        return self.row(values)


def carry_out(connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Found:
    """For a statement that whoever asks keeps. Raises DBAPIError."""
    if connection.dialect.name == "postgresql":
        return _compiled(statement).carry_out(connection, values)
    result = connection.execute(statement, values)
    if not result.returns_rows:
        return Found((), result.rowcount)
    rows = result.all()
    return Found(rows, len(rows))


@lru_cache(maxsize=512)
def _compiled(statement: Any) -> _Kept:
    done: Any = statement.compile(dialect=_NATIVE)
    writers = [(name, done.binds[name].type.dialect_impl(_NATIVE)) for name in done.positiontup]
    columns = [] if statement.exported_columns is None else list(statement.exported_columns.items())
    readers = [column.type.dialect_impl(_NATIVE).result_processor(_NATIVE, None) for _, column in columns]
    names = [str(name) for name, _ in columns]
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    return _Kept(
        text=done.string,
        constants={name: value for name, value in done.params.items() if value is not None},
        drawn={column.key: column.onupdate.arg for column in done.update_prefetch},
        parameters=[(name, kind.bind_processor(_NATIVE)) for name, kind in writers],
        row=row._make,
        readers=[(place, read) for place, read in enumerate(readers) if read is not None],
    )


def _send(connection: Connection, text: str, parameters: Sequence[Any]) -> _Answer:
    driver: Any = connection.connection.dbapi_connection
    try:
        return cast(_Answer, driver.carry_out(text, parameters))
    except driver.Error as error:
        is_lost = connection.dialect.is_disconnect(error, driver, None)
        known = DBAPIError.instance(
            text,
            None,
            error,
            driver.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=connection.dialect,
        )
        if is_lost:
            connection.invalidate(error)
        raise known from error
