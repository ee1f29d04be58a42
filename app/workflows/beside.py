"""Steps beside a sale, such as counting it: no customer may be held up by one, whatever is wrong with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import Logger
from typing import Any, TypeVar

from app.connections import soon
from app.db import Model, db

T = TypeVar("T")

_PATIENCE = "1s"
"""How long such a step waits for a lock that somebody else holds, on PostgreSQL."""


@contextmanager
def beside(logger: Logger, failure: str, **facts: object) -> Iterator[None]:
    """What goes wrong inside is logged as `failure` and undone alone; the transaction around it goes on."""
    # What was changed before is none of this step, nor is what is wrong with that.
    db.session.flush()
    is_begun = False
    try:
        with db.session.begin_nested(), _patience():
            is_begun = True
            yield
    except Exception as error:
        if not is_begun:
            # The transaction itself was lost.
            raise
        logger.exception(failure, extra={"error": type(error).__name__, **facts})


@dataclass(frozen=True, slots=True)
class Step:
    """A step that only adds rows, by `bulk_writes.add_beside`.

    `rows` gives the table and the values of each; when it fails, `failure` is logged with `facts`.
    """

    logger: Logger
    failure: str
    rows: Callable[[], Iterable[tuple[type[Model], Mapping[str, Any]]]]
    facts: Mapping[str, object] = field(default_factory=dict)


@contextmanager
def attempt() -> Iterator[None]:
    """For statements that the session knows nothing of: what goes wrong inside is undone alone, and raised."""
    connection = db.session.connection()
    soon(connection, "SAVEPOINT attempt")
    try:
        with _patience():
            yield
    except Exception:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT attempt")
        soon(connection, "RELEASE SAVEPOINT attempt")
        raise
    soon(connection, "RELEASE SAVEPOINT attempt")


def store_beside(logger: Logger, failure: str, rows: Sequence[T], store: Callable[[Sequence[T]], object]) -> None:
    """Hand all rows to `store` at once, and if that fails one by one: a bad one takes no other along."""
    if not rows:
        return
    is_stored = False
    with beside(logger, failure, rows=len(rows)):
        store(rows)
        is_stored = True
    if is_stored or len(rows) == 1:
        return
    for row in rows:
        with beside(logger, failure, rows=1):
            store([row])


@contextmanager
def _patience() -> Iterator[None]:
    connection = db.session.connection()
    waits = connection.dialect.name == "postgresql"
    if waits:
        soon(connection, f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    yield
    db.session.flush()
    # Undoing the step would undo this with it; carrying it out keeps it to the end of the transaction.
    if waits:
        soon(connection, "SET LOCAL lock_timeout = 0")
