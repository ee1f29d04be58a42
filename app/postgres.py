"""How our connections to PostgreSQL differ from the driver's own. Loaded only where it is the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Cursor, RawCursor
from psycopg.errors import FeatureNotSupported
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.string import StrDumper

_UNSAID = (None,) * 5
"""Sizes, and whether it may be empty: what else a description of a column has a place for."""


class _Description(Sequence[Any]):
    """As the driver's: the name of each column and the number of its type. All else about that type is looked up there
    too, for nobody, and all of it each time: whoever knows the statement does not look."""

    def __init__(self, found: PGresult) -> None:
        self._found = found

    def __len__(self) -> int:
        return self._found.nfields

    def __getitem__(self, place: Any) -> Any:
        return self._columns()[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns())

    def _columns(self) -> list[tuple[Any, ...]]:
        found = self._found
        return [((found.fname(i) or b"").decode(), found.ftype(i), *_UNSAID) for i in range(found.nfields)]


class _Riding:
    """A cursor whose statement takes along what was to be sent with it."""

    connection: "PostgresConnection"
    pgresult: PGresult | None

    @property
    def description(self) -> "_Description | None":
        found = self.pgresult
        if found is None or not (found.nfields or found.status == ExecStatus.TUPLES_OK):
            return None
        return _Description(found)

    def execute(self, *words: Any, **settings: Any) -> Any:
        # What a cursor of the driver does with a statement.
        execute = super().execute  # type: ignore[misc]
        try:
            return self._send(execute, *words, **settings)
        except FeatureNotSupported:
            # A migration gave a column another type: what was prepared before answers something else. Whatever is no
            # transaction by itself fails with this, and is forgotten with that.
            if not self.connection.autocommit:
                raise
        self.connection.forget_prepared()
        return execute(*words, **settings)

    def executemany(self, *words: Any, **settings: Any) -> None:
        self._send(super().executemany, *words, **settings)  # type: ignore[misc]

    def _send(self, send: Callable[..., Any], *words: Any, **settings: Any) -> Any:
        riders = self.connection.take_riders()
        if not riders:
            return send(*words, **settings)
        with self.connection.pipeline():
            for command in riders:
                Cursor(self.connection).execute(command)
            send(*words, **settings)
        return self


class _RidingCursor(_Riding, Cursor[Any]):  # type: ignore[misc]
    pass


class _NativeCursor(_Riding, RawCursor[Any]):  # type: ignore[misc]
    pass


class PostgresConnection(Connection[Any]):
    """Keeps the statements that it has prepared, and begins in one round trip what need not wait for the disk."""

    _threshold: int | None = None
    _riders: tuple[str, ...] = ()

    def ride(self, *commands: str) -> None:
        """Send them with the next statement, in one round trip. Who begins anew takes them away (`take_riders`)."""
        self._riders += commands

    def take_riders(self) -> tuple[str, ...]:
        riders, self._riders = self._riders, ()
        return riders

    def prepares(self, is_wanted: bool) -> None:
        """Whether statements are prepared that come again and again. Nothing is, behind a pooler."""
        self._threshold = self._threshold or self.prepare_threshold
        self.prepare_threshold = self._threshold if is_wanted else None

    def rollback(self) -> None:
        """Every page ends its reading with this, and the driver would forget all that it has prepared: it thinks of
        tables that were made within. After an error it may forget."""
        self._riders = ()
        if self.pgconn.transaction_status == TransactionStatus.INTRANS:
            self.pgconn.exec_(b"ROLLBACK")
        else:
            super().rollback()

    def forget_prepared(self) -> None:
        """As the driver does at the end of a transaction."""
        self.pgconn.exec_(b"BEGIN")
        super().rollback()

    @contextmanager
    def repeating(self) -> Iterator[None]:
        """Statements inside are prepared where any are."""
        before = self.prepare_threshold
        self.prepares(True)
        try:
            yield
        finally:
            self.prepare_threshold = before

    def carry_out(self, text: str, parameters: Sequence[Any]) -> tuple[Sequence[tuple[Any, ...]], int]:
        """A statement that comes again and again, with numbered parameters, as the server itself has them: the driver
        looks for none in it. Its rows, and their number or that of those that it changed."""
        with self.repeating():
            cursor = _NativeCursor(self).execute(text, parameters)
        return (cursor.fetchall() if cursor.pgresult.nfields else ()), cursor.rowcount

    def begin_unsynced(self) -> None:
        """What is wrong with the connection, if anything, the first statement says."""
        self.pgconn.exec_(b"BEGIN; SET LOCAL synchronous_commit TO off")


class _WithoutNul(StrDumper):
    """PostgreSQL's texts cannot hold U+0000, and strangers send it: it is looked for, and kept, as U+FFFD."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def connect(*words: Any, **settings: Any) -> PostgresConnection:
    connection = PostgresConnection.connect(*words, **settings)
    connection.cursor_factory = _RidingCursor
    connection.adapters.register_dumper(str, _WithoutNul)
    # A session in another time zone would show and compare times in it. A pooler may not take it when connecting.
    if connection.info.parameter_status("TimeZone") != "UTC":
        connection.pgconn.exec_(b"SET TIME ZONE 'UTC'")
    return connection
