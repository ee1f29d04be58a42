"""How our connections to PostgreSQL differ from the driver's own. Loaded only where it is the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from psycopg import Connection, Cursor
from psycopg._preparing import Prepare
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import Error, FeatureNotSupported, InvalidSqlStatementName
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.string import StrDumper

from app.round_trips import answer, answer_after

T = TypeVar("T")

Answer = tuple[Sequence[tuple[Any, ...]], int]
"""Rows, and their number or that of those that were changed."""

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


class _RidingCursor(Cursor[Any]):
    """Before each of its statements goes what was to be sent with it."""

    connection: "PostgresConnection"
    pgresult: PGresult | None

    @property
    def description(self) -> "_Description | None":  # type: ignore[override] # a list, there
        found = self.pgresult
        if found is None or not (found.nfields or found.status == ExecStatus.TUPLES_OK):
            return None
        return _Description(found)

    def execute(self, *words: Any, **settings: Any) -> Any:
        self.connection.send_ahead()
        return self.connection.in_spite_of_migrations(partial(super().execute, *words, **settings))

    def executemany(self, *words: Any, **settings: Any) -> None:
        self.connection.send_ahead()
        super().executemany(*words, **settings)


class _Statement(NamedTuple):
    """What the driver's account of prepared statements knows one by."""

    query: bytes
    types: tuple[int, ...]


class PostgresConnection(Connection[Any]):
    """Keeps the statements that it has prepared, and sends in one round trip whatever need not wait for an answer."""

    _threshold: int | None = None
    _riders: tuple[bytes, ...] = ()
    _adapter: Any = None

    def ride(self, *commands: str) -> None:
        """Send them with the next statement. Who begins anew takes them away (`take_riders`)."""
        self._riders += tuple(command.encode() for command in commands)

    def take_riders(self) -> tuple[bytes, ...]:
        riders, self._riders = self._riders, ()
        return riders

    def wait(self, *words: Any, **settings: Any) -> Any:
        """The driver, told to stop, would wait on for answers to several statements, and tell of that instead."""
        try:
            return super().wait(*words, **settings)
        except Error:
            raise
        except BaseException:
            if self.is_left:
                self.close()
            raise

    def prepares(self, is_wanted: bool) -> None:
        """Whether statements are prepared that come again and again. Nothing is, behind a pooler."""
        self._threshold = self._threshold or self.prepare_threshold
        self.prepare_threshold = self._threshold if is_wanted else None

    def commit(self) -> None:
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            answer(self, partial(self.pgconn.send_query, b"COMMIT"))

    def rollback(self) -> None:
        """Every page ends its reading with this, and the driver would forget all that it has prepared: it thinks of
        tables that were made within. After an error it may forget."""
        self._riders = ()
        if self.pgconn.transaction_status == TransactionStatus.INTRANS:
            self.pgconn.exec_(b"ROLLBACK")
        elif self.is_left:
            self.close()
        elif not self.closed:
            # Of one that was closed the server has taken everything back.
            super().rollback()

    @property
    def is_left(self) -> bool:
        """Still at something that nobody waits for any more, as when a job has taken too long."""
        return bool(self.pgconn.transaction_status == TransactionStatus.ACTIVE)

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

    def in_spite_of_migrations(self, ask: Callable[[], T]) -> T:
        """A migration gave a column another type: what was prepared before answers something else. Or the server was
        told to forget it. Whatever is no transaction by itself fails with this, and is forgotten with that."""
        try:
            return ask()
        except (FeatureNotSupported, InvalidSqlStatementName):
            if not self.autocommit:
                raise
        self.forget_prepared()
        return ask()

    def carry_out(self, text: str, parameters: Sequence[Any]) -> Answer:
        """A statement that comes again and again, with numbered parameters, as the server itself has them. It is sent
        together with whatever has to come before it."""
        return self.in_spite_of_migrations(partial(self._carry_out, text.encode(), parameters))

    def _carry_out(self, text: bytes, parameters: Sequence[Any]) -> Answer:
        adapter: Any = self._adapter or Transformer(self)
        self._adapter = adapter
        values = adapter.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        found = self._ask(_Statement(text, adapter.types), values, adapter.formats)
        adapter.set_pgresult(found)
        return adapter.load_rows(0, found.ntuples, tuple), found.command_tuples or 0

    def _ask(self, statement: _Statement, values: Sequence[Any], formats: Sequence[Any]) -> PGresult:
        """By the driver's own account of what is prepared: it forgets all of it after an error."""
        account: Any = self._prepared
        with self.repeating():
            state, name = account.get(statement)
            if state is Prepare.SHOULD:
                # First, so that whoever goes back to a savepoint finds it even if this fails.
                self.send_ahead()
                answer(self, partial(self.pgconn.send_prepare, name, *statement))
            key = account.maybe_add_to_cache(statement, state, name)
        if state is Prepare.NO:
            send = partial(self.pgconn.send_query_params, statement.query, values, statement.types, formats)
        else:
            send = partial(self.pgconn.send_query_prepared, name, values, formats)
        found = answer_after(self, self._ahead(), send)
        if key is not None:
            account.validate(key, state, name, [found])
            self.wait(account.maintain_gen(self))
        return found

    def send_ahead(self) -> None:
        """Whatever has to come before a statement that the driver sends."""
        if ahead := self._ahead():
            answer(self, partial(self.pgconn.send_query, b"; ".join(ahead)))

    def _ahead(self) -> list[bytes]:
        """That a transaction begins, if none is open, and what rides."""
        is_due = not self.autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE
        return [*([self._get_tx_start_command()] if is_due else []), *self.take_riders()]


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
