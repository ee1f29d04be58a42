"""Bringing the database's tables to what this release needs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# Any fixed number: the name of the lock among this database's advisory locks.
_LOCK = 7_203_114_559
_PAUSE = 0.1
# However long an index takes, whoever holds the lock is not ended for being idle.
_UNDISTURBED = text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")


def _config() -> "Config":
    # Ten megabytes and a tenth of a second, which no web worker needs.
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # A per cent sign in the folder's name would ask for another option's value.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def upgrade(engine: Engine) -> None:
    """Apply what is missing. Several may start at once: one migrates, the others wait."""
    from alembic import command  # noqa: PLC0415 - see `_config`

    config = _config()
    with _alone(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """SQLite migrates in one transaction. PostgreSQL has one for each migration, so that an index can be built beside
    the running service; a lock keeps others out meanwhile."""
    if engine.dialect.name == "sqlite":
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            yield connection
        return
    with engine.connect() as guard, engine.connect() as connection:
        # Asked for again and again rather than waited for: who builds an index beside the service waits for every
        # statement under way, and a statement that waits for this lock would be one.
        while not guard.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
            guard.rollback()
            time.sleep(_PAUSE)
        guard.execute(_UNDISTURBED)
        # Held by the open transaction, which reads nothing and so keeps nobody waiting. Behind a pooler that gives
        # out connections for one transaction each, a lock of the session would be left to somebody else.
        yield connection
        guard.rollback()


def is_current(connection: Connection) -> bool:
    """True when every migration of this release has been applied."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    applied: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return applied == newest()


@cache
def newest() -> str:
    """Told by the numbers that the files' names begin with: asked for by every load balancer, every few seconds."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
