"""Two databases for each process that runs tests, built by the real migrations and emptied after every test."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

import app.models  # noqa: F401 - so that the metadata knows every table
from app import migrate
from app.db import Model
from tests.servers.run import Addresses

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_TEMPLATE_LOCK = 1_402_118_337


class Database(Protocol):
    url: str

    def empty(self) -> None:
        """Take out every row."""

    def renew(self) -> None:
        """Begin anew after `empty` failed; nobody may be connected."""

    def close(self) -> None: ...


class SqliteDatabase:
    """A file, in memory where the machine offers that."""

    def __init__(self) -> None:
        roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 200_000_000
        self._directory = Path(tempfile.mkdtemp(prefix="cf-sqlite-", dir=_MEMORY if roomy else None))
        template = self._directory / "template.db"
        self._file = self._directory / "counterfoil.db"
        self.url = f"sqlite:///{self._file}"
        migrate_to_head(f"sqlite:///{template}")
        self._template = sqlite3.connect(template)
        self._schema = 0
        self.empty()

    def empty(self) -> None:
        # SQLite's own copying respects connections that are open on the file.
        with closing(sqlite3.connect(self._file, timeout=10)) as current:
            [seen] = current.execute("PRAGMA schema_version").fetchone()
            self._template.backup(current)
            # They know the tables by this number: where a test changed any, it must be one they have not seen.
            self._schema = seen if seen == self._schema else seen + 1
            current.execute(f"PRAGMA schema_version = {self._schema}")

    def renew(self) -> None:
        for path in self._directory.glob(f"{self._file.name}*"):
            path.unlink()
        self.empty()

    def close(self) -> None:
        self._template.close()
        shutil.rmtree(self._directory, ignore_errors=True)


class PostgresDatabase:
    """A database of the run's server, copied from one that was migrated once."""

    def __init__(self, addresses: Addresses, owner: str) -> None:
        name = f"{addresses.name}_{owner}"
        with psycopg.connect(addresses.postgres, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_TEMPLATE_LOCK,))
            template = _template(connection, addresses)
            _create(connection, name, template=template)
        self.url = _database_url(addresses.postgres, name)
        self._connection = psycopg.connect(self.url, autocommit=True)
        self._connection.execute("SET lock_timeout = '5s'")
        tables = reversed(Model.metadata.sorted_tables)
        self._delete = ";".join([*self._unguarded(), *(f'DELETE FROM "{table.name}"' for table in tables)])

    def _unguarded(self) -> list[str]:
        """What lets audit entries be deleted: here alone, and for this connection alone where it may say so."""
        try:
            self._connection.execute("SET session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            return ["DROP TRIGGER IF EXISTS audit_entries_guard_rows ON audit_entries"]
        return []

    def empty(self) -> None:
        try:
            self._connection.execute(self._delete)
        except psycopg.errors.LockNotAvailable as error:
            raise AssertionError("the test left a transaction open that holds rows") from error

    def renew(self) -> None:
        self.empty()

    def close(self) -> None:
        self._connection.close()


def _template(connection: psycopg.Connection, addresses: Addresses) -> str:
    name = f"{addresses.name}_template"
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        _create(connection, name)
        migrate_to_head(_database_url(addresses.postgres, name))
    return name


def _create(connection: psycopg.Connection, name: str, *, template: str = "template1") -> None:
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def _database_url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def migrate_to_head(url: str) -> None:
    engine = create_engine(url)
    try:
        migrate.upgrade(engine)
    finally:
        engine.dispose()
