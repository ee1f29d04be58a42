"""What one test run shares: started once by the process that hands out the tests, told to those that run them."""

import contextlib
import os
import uuid
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, urlsplit

import psycopg
from sqlalchemy.engine import make_url

from tests.servers import postgres, queue


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the shared servers are. `name` sets this run's databases apart from another run's."""

    postgres: str
    redis: str
    name: str

    def as_words(self) -> dict[str, str]:
        return asdict(self)


class Servers:
    """Those the environment names (TEST_DATABASE_URL, TEST_REDIS_URL), else our own, started when first asked for."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._addresses: Addresses | None = None

    def addresses(self) -> Addresses:
        if self._addresses is None:
            name = f"counterfoil_test_{uuid.uuid4().hex[:8]}"
            self._addresses = Addresses(self._postgres(), self._redis(), name)
            if "TEST_DATABASE_URL" in os.environ:
                self._stack.callback(drop_databases, self._addresses)
        return self._addresses

    def stop(self) -> None:
        self._stack.close()

    def _postgres(self) -> str:
        if named := os.environ.get("TEST_DATABASE_URL"):
            return make_url(named).set(drivername="postgresql").render_as_string(hide_password=False)
        server = postgres.start()
        self._stack.callback(server.stop)
        return server.url

    def _redis(self) -> str:
        if named := os.environ.get("TEST_REDIS_URL"):
            return named
        server = queue.start()
        self._stack.callback(server.stop)
        return server.url


def drop_databases(addresses: Addresses) -> None:
    with psycopg.connect(addresses.postgres, autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{addresses.name}%",))
        for (name,) in names.fetchall():
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def redis_database(url: str, number: int) -> str:
    """The same server's database that is `number` further on."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        first = int(parse_qs(parts.query).get("db", ["0"])[0])
        return f"unix://{parts.path}?db={first + number}"
    first = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{first + number}").geturl()
