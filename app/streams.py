"""The rows of a long query, read while the server goes on finding more.

A cursor on the server is asked again for each few hundred rows, and nothing is found while they are dealt with.
PostgreSQL's driver can take a whole answer as it comes instead, but not through SQLAlchemy, which here only writes the
statement.
"""

from collections.abc import Generator, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select

from app.db import db

CHUNK = 200
"""Few enough that the next ones lie ready by the time these are dealt with, without the server waiting for room."""


def stream(query: Select[Any]) -> Generator[Sequence[Any]]:
    """The rows in the driver's own types: a query that needs no types of ours reads the same from both databases.

    Whoever does not read to the end closes it, which ends the transaction: until then nothing else can be asked.
    """
    connection = db.session.connection()
    try:
        if connection.dialect.name == "postgresql":
            yield from _as_they_come(query, connection)
        else:
            yield from connection.execute(query, execution_options={"yield_per": CHUNK})
    except GeneratorExit:
        # The driver has called the query off, and the server its transaction with it, if that came in time.
        db.session.rollback()
        raise


def _as_they_come(query: Select[Any], connection: Connection) -> Generator[Sequence[Any]]:
    # Loaded only where it is the driver.
    from psycopg import capabilities  # noqa: PLC0415

    driver: Any = connection.connection.driver_connection
    # An older libpq hands over row by row, which takes three times as long.
    size = CHUNK if capabilities.has_stream_chunked() else 1
    with driver.cursor() as cursor:
        yield from cursor.stream(*_as_sent(query, connection.dialect), binary=True, size=size)


def _as_sent(query: Select[Any], dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """Statement and values as SQLAlchemy would hand them to the driver."""
    compiled: Any = query.compile(dialect=dialect)
    sent = compiled.construct_expanded_state()
    # A list of values has become one parameter for each.
    origins = {name: origin for origin, names in sent.parameter_expansion.items() for name in names}
    values = {}
    for name, value in sent.parameters.items():
        processor = compiled.binds[origins.get(name, name)].type.dialect_impl(dialect).bind_processor(dialect)
        values[name] = processor(value) if processor else value
    return sent.statement, values
