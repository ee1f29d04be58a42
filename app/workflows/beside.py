"""Steps beside a sale, such as counting it: no customer may be held up by one, whatever is wrong with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import Logger
from typing import TypeVar

from sqlalchemy import text

from app.db import db

T = TypeVar("T")

_PATIENCE = "1s"
"""How long such a step waits for a lock that somebody else holds, on PostgreSQL."""
_WAIT = text("SELECT set_config('lock_timeout', :patience, true)")


@contextmanager
def beside(logger: Logger, failure: str, **facts: object) -> Iterator[None]:
    """What goes wrong inside is logged as `failure` and undone alone; the transaction around it goes on."""
    try:
        with db.session.begin_nested(), _patience():
            yield
    except Exception as error:
        logger.exception(failure, extra={"error": type(error).__name__, **facts})


@dataclass(frozen=True, slots=True)
class Step:
    """One of several that only write rows, with what is logged when it fails."""

    logger: Logger
    failure: str
    carry_out: Callable[[], object]
    facts: Mapping[str, object] = field(default_factory=dict)


def all_beside(*steps: Step) -> None:
    """Carry out steps that have nothing to do with each other: together, and if that fails each by itself."""
    db.session.flush()
    if len(steps) > 1 and _succeed_together(steps):
        return
    for step in steps:
        with beside(step.logger, step.failure, **step.facts):
            step.carry_out()


def _succeed_together(steps: Sequence[Step]) -> bool:
    try:
        # The connection's own savepoint: the session has nothing to remember of steps that only write rows.
        with db.session.connection().begin_nested(), _patience():
            for step in steps:
                step.carry_out()
    except Exception:
        # Each says for itself what is wrong with it.
        return False
    return True


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
    _wait_at_most(_PATIENCE)
    yield
    db.session.flush()
    # Undoing the step would undo this with it; carrying it out keeps it to the end of the transaction.
    _wait_at_most("0")


def _wait_at_most(patience: str) -> None:
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT, {"patience": patience})
