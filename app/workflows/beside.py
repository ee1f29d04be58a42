"""Steps beside a sale, such as counting it: no customer may be held up by one, whatever is wrong with it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import Logger
from typing import TypeVar

from sqlalchemy import text

from app.db import db

T = TypeVar("T")

_PATIENCE = "1s"
"""How long such a step waits for a lock that somebody else holds, on PostgreSQL."""


@contextmanager
def beside(logger: Logger, failure: str, **facts: object) -> Iterator[None]:
    """What goes wrong inside is logged as `failure` and undone alone; the transaction around it goes on."""
    try:
        with db.session.begin_nested():
            _wait_at_most(_PATIENCE)
            yield
            db.session.flush()
            # Undoing the step would undo this with it; carrying it out keeps it to the end of the transaction.
            _wait_at_most("0")
    except Exception as error:
        logger.exception(failure, extra={"error": type(error).__name__, **facts})


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


def _wait_at_most(patience: str) -> None:
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": patience})
