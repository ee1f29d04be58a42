"""Databases with so many requests, loaded once and kept in var/bench."""

import contextlib
import os
import subprocess
import sys
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
    """`load_rate` is in requests a second, None where it was loaded by an earlier run."""

    engine: str
    size: int
    url: str
    load_rate: float | None

    @property
    def name(self) -> str:
        return f"{self.engine}, {self.size:,} requests"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """PostgreSQL: the one that BENCH_DATABASE_URL names, or our own with its tables in var/bench."""
    if named := os.environ.get("BENCH_DATABASE_URL"):
        yield make_url(named).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    started = postgres.start(PLACE / "postgres", _SETTINGS)
    try:
        yield started.url
    finally:
        started.stop()


def on_postgres(address: str, size: int, environment: Mapping[str, str]) -> Dataset:
    name = f"counterfoil_bench_{size}"
    url = make_url(address).set(database=name).render_as_string(hide_password=False)
    rate = None
    with psycopg.connect(address, autocommit=True) as connection:
        known = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        found = connection.execute(known, (name,)).fetchone()
        if found is None or found[0] != "complete":
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            rate = load(url, size, environment)
            with psycopg.connect(url, autocommit=True) as inside:
                inside.execute("VACUUM (ANALYZE)")
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'complete'").format(sql.Identifier(name)))
        else:
            migrate(url, environment)
    return Dataset("PostgreSQL", size, url, rate)


def on_sqlite(size: int, environment: Mapping[str, str]) -> Dataset:
    database = PLACE / f"requests_{size}.db"
    complete = database.with_suffix(".complete")
    url = f"sqlite:///{database}"
    rate = None
    if not complete.exists():
        for leftover in PLACE.glob(f"{database.name}*"):
            leftover.unlink()
        rate = load(url, size, environment)
        complete.touch()
    else:
        migrate(url, environment)
    return Dataset("SQLite", size, url, rate)


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


def size_of(url: str) -> int:
    """Bytes on disk."""
    if url.startswith("sqlite"):
        return Path(make_url(url).database or "").stat().st_size
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0]) if found else 0
