"""Databases with so many requests, loaded once and kept in var/bench."""

import contextlib
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from app.commands.programs import ROOT
from tests.servers import postgres

PLACE = ROOT / "var" / "bench"
# As a small server has it; a power cut loses nothing.
_SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "50",
    "listen_addresses": "",
    "timezone": "UTC",
}


_MIGRATE = """
from app import create_app, migrate
from app.db import db

with create_app().app_context():
    migrate.upgrade(db.engine)
"""


@dataclass(frozen=True, slots=True)
class Dataset:
    engine: str
    size: int
    url: str

    @property
    def name(self) -> str:
        return f"{self.engine}, {self.size:,} requests"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """PostgreSQL: the one that BENCH_DATABASE_URL names, or our own, which keeps its tables."""
    if named := os.environ.get("BENCH_DATABASE_URL"):
        yield make_url(named).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    started = postgres.start(_tables(), _SETTINGS)
    try:
        yield started.url
    finally:
        started.stop()


def _tables() -> Path:
    """In var/bench. Root's server runs as somebody else, who may not be let in there."""
    is_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in (PLACE, *PLACE.parents))
    return PLACE / "postgres" if is_open or os.geteuid() != 0 else Path("/var/tmp/counterfoil-bench")  # noqa: S108


def on_postgres(address: str, size: int, environment: Mapping[str, str]) -> Dataset:
    name = f"counterfoil_bench_{size}"
    url = make_url(address).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        known = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        found = connection.execute(known, (name,)).fetchone()
        if found is None or found[0] != "complete":
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            load(url, size, environment)
            with psycopg.connect(url, autocommit=True) as inside:
                inside.execute("VACUUM (ANALYZE)")
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'complete'").format(sql.Identifier(name)))
        else:
            migrate(url, environment)
    return Dataset("PostgreSQL", size, url)


def on_sqlite(size: int, environment: Mapping[str, str]) -> Dataset:
    database = PLACE / f"requests_{size}.db"
    complete = database.with_suffix(".complete")
    url = f"sqlite:///{database}"
    if not complete.exists():
        for leftover in PLACE.glob(f"{database.name}*"):
            leftover.unlink()
        load(url, size, environment)
        complete.touch()
    else:
        migrate(url, environment)
    return Dataset("SQLite", size, url)


@contextlib.contextmanager
def scratch(beside: Dataset) -> Iterator[str]:
    """An empty database of the same kind, gone afterwards."""
    if beside.url.startswith("sqlite"):
        with tempfile.TemporaryDirectory(dir=PLACE) as directory:
            yield f"sqlite:///{directory}/scratch.db"
        return
    name = sql.Identifier("counterfoil_bench_scratch")
    with psycopg.connect(beside.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield make_url(beside.url).set(database="counterfoil_bench_scratch").render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def load(url: str, size: int, environment: Mapping[str, str]) -> float:
    """Requests a second, the start of the program included."""
    migrate(url, environment)
    start = time.perf_counter()
    _flask(("load-sample", "--requests", str(size)), url, environment)
    return size / (time.perf_counter() - start)


def migrate(url: str, environment: Mapping[str, str]) -> None:
    settings = {**os.environ, **environment, "DATABASE_URL": url}
    subprocess.run((sys.executable, "-c", _MIGRATE), cwd=ROOT, env=settings, check=True)


def _flask(words: tuple[str, ...], url: str, environment: Mapping[str, str]) -> None:
    settings = {**os.environ, **environment, "DATABASE_URL": url}
    # What it says of its progress is for whoever waits for it.
    subprocess.run((sys.executable, "-m", "flask", "--app", "wsgi", *words), cwd=ROOT, env=settings, check=True)
