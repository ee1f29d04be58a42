"""What a database needs now and then to stay fast and small."""

from sqlalchemy import Connection, inspect, text

from app.db import db, transaction
from app.workflows import idempotency, sign_in_limits, user_sessions

_KNOWN = text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'service_requests' LIMIT 1")
_NEWEST = text("SELECT max(rowid) FROM service_requests")
_GROWTH = 2
_BATCH = 1000


def learn_sizes() -> None:
    """Let SQLite count what its indexes lead to, whenever there are twice as many requests as when it last did.

    Without that it takes a long way round in a long table. Counting takes seconds at a million requests. PostgreSQL
    sees to it by itself.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect() as connection:
        has_grown = (connection.scalar(_NEWEST) or 0) > _GROWTH * _known(connection)
    if has_grown:
        with transaction() as session:
            session.execute(text("ANALYZE"))


def prune_keys() -> None:
    """Forget old idempotency keys, a batch at a time so that nobody waits for long."""
    pruned = _BATCH
    while pruned == _BATCH:
        with transaction():
            pruned = idempotency.prune(_BATCH)


def forget_sign_ins() -> None:
    """Tries that no limit counts any more, and sessions that ended long ago."""
    with transaction():
        sign_in_limits.forget_old()
        user_sessions.forget_old()


def _known(connection: Connection) -> int:
    if not inspect(connection).has_table("sqlite_stat1"):
        return 0
    return int((connection.scalar(_KNOWN) or "0").split()[0])
