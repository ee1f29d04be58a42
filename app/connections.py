"""How the connections of every engine are set up, begin a transaction, and are found to be lost."""

import select
import time
from typing import Any

from sqlalchemy import Connection, Engine, event, exc
from sqlalchemy.pool import Pool

_SQLITE_PRAGMAS = ("journal_mode=WAL", "busy_timeout=10000", "synchronous=FULL", "foreign_keys=ON")
_RESTED = "rests_since"
_LONG_REST = 60.0
"""Seconds, after which a connection may have been forgotten on its way without either end having been told."""


def attend() -> None:
    """Listen to all engines from now on."""
    event.listen(Engine, "connect", _configure_sqlite)
    event.listen(Engine, "connect", _configure_postgres)
    event.listen(Engine, "begin", _begin)
    event.listen(Pool, "checkin", _note_rest)
    event.listen(Pool, "checkout", _refuse_lost)


def _configure_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgres(connection: Any, _record: object) -> None:
    if not _is_postgres(connection):
        return
    # Loaded only where it is the driver.
    from psycopg.types.string import StrDumper  # noqa: PLC0415

    class WithoutNul(StrDumper):
        """PostgreSQL's texts cannot hold U+0000, and strangers send it: it is looked for, and kept, as U+FFFD."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, WithoutNul)
    # A session in another time zone would show and compare times in it. A pooler may not take it when connecting.
    if connection.info.parameter_status("TimeZone") != "UTC":
        connection.autocommit = True
        connection.execute("SET TIME ZONE 'UTC'")
        connection.autocommit = False


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    is_synced = options.get("is_synced", True)
    if connection.dialect.name == "sqlite":
        _begin_sqlite(connection, options.get("sqlite_begin", "DEFERRED"), is_synced=is_synced)
    elif not is_synced:
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


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


def _note_rest(_connection: object, record: Any) -> None:
    record.info[_RESTED] = time.monotonic()


def _refuse_lost(connection: Any, record: Any, _proxy: object) -> None:
    """A server that went away leaves a mark in the socket: seen without asking it, which took as long as a query.

    Raises DisconnectionError, upon which the pool connects anew.
    """
    if not _is_postgres(connection) or _RESTED not in record.info:
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


def _is_postgres(connection: Any) -> bool:
    return type(connection).__module__.partition(".")[0] == "psycopg"
