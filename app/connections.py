"""How the connections of every engine are set up, begin a transaction, and are found to be lost."""

import select
import time
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Engine, event, exc
from sqlalchemy.pool import Pool

_SQLITE_PRAGMAS = ("journal_mode=WAL", "busy_timeout=10000", "synchronous=FULL", "foreign_keys=ON")
_RESTED = "rests_since"
_LONG_REST = 60.0
"""Seconds, after which a connection may have been forgotten on its way without either end having been told."""


def attend() -> None:
    """Listen to all engines from now on."""
    event.listen(Engine, "connect", _configure_sqlite)
    event.listen(Engine, "do_connect", _connect_to_postgres)
    event.listen(Engine, "begin", _begin)
    event.listen(Pool, "reset", _give_up_left)
    event.listen(Pool, "checkin", _note_rest)
    event.listen(Pool, "checkout", _refuse_lost)


def gather(engine: Engine) -> None:
    """Have SQLAlchemy look for these listeners now. Else it does so when the first connection is wanted, and a thread
    that wants one in the same moment finds none: what it gets and leaves in the pool is not set up as above."""
    for listeners in (engine.dialect.dispatch.do_connect, engine.dispatch.begin):
        list(listeners)


def soon(connection: Connection, *commands: str) -> None:
    """Commands whose answer nobody waits for: on PostgreSQL they go with the next statement, and are left out if the
    transaction ends before that."""
    if connection.dialect.name == "postgresql":
        cast(Any, connection.connection.dbapi_connection).ride(*commands)
        return
    for command in commands:
        connection.exec_driver_sql(command)


def _configure_sqlite(connection: Any, _record: object) -> None:
    if not _is_sqlite(connection):
        return
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _connect_to_postgres(dialect: Dialect, _record: object, words: Any, settings: Any) -> Any:
    if dialect.driver != "psycopg":
        return None
    # Loaded only where it is the driver.
    from app import postgres  # noqa: PLC0415

    return postgres.connect(*words, **settings)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    is_synced = options.get("is_synced", True)
    if connection.dialect.name == "sqlite":
        _begin_sqlite(connection, options.get("sqlite_begin", "DEFERRED"), is_synced=is_synced)
        return
    driver = cast(Any, connection.connection.dbapi_connection)
    # What pages read differs with every filter, and one plan for all values would suit none.
    driver.prepares(options.get("is_repeated", False))
    driver.take_riders()
    if not is_synced:
        driver.ride("SET LOCAL synchronous_commit TO off")


def _begin_sqlite(connection: Connection, kind: str | None, *, is_synced: bool) -> None:
    """Of no kind: whoever reads wants no transaction."""
    if kind is not None:
        _set_sqlite_sync(connection, is_synced=is_synced)
        # Python's driver opens no transaction for a SELECT; without this a read is outside of it.
        connection.exec_driver_sql(f"BEGIN {kind}")


def _set_sqlite_sync(connection: Connection, *, is_synced: bool) -> None:
    """It stays as it was set, and can only be set between transactions."""
    if connection.info.get("is_synced", True) != is_synced:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if is_synced else 'NORMAL'}")
        connection.info["is_synced"] = is_synced


def _give_up_left(connection: Any, record: Any, _state: object) -> None:
    """Its settings could not be put back for the next, and the pool would never see it again."""
    if not _is_sqlite(connection) and (connection.closed or connection.is_left):
        record.invalidate()


def _note_rest(connection: Any, record: Any) -> None:
    record.info[_RESTED] = time.monotonic()
    if connection is not None and not _is_sqlite(connection):
        connection.take_riders()


def _refuse_lost(connection: Any, record: Any, _proxy: object) -> None:
    """A server that went away leaves a mark in the socket: seen without asking it, which took as long as a query.

    Raises DisconnectionError, upon which the pool connects anew.
    """
    if _is_sqlite(connection) or _RESTED not in record.info:
        return
    if time.monotonic() - record.info[_RESTED] < _LONG_REST and _is_silent(connection):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except connection.Error as error:
        raise exc.DisconnectionError from error


def _is_silent(connection: Any) -> bool:
    """Nothing waits to be read: a resting connection hears of its server only when that ends it."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


def _is_sqlite(connection: Any) -> bool:
    return type(connection).__module__.partition(".")[0] == "sqlite3"
