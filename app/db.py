"""The database session, and the one place in the tree that commits."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, Engine, MetaData, Select, event, exc, func, true
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session

from app import connections
from app.kept_statements import carry_out
from app.kit.backoff import Backoff

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CALLBACKS = "run_after_commit"
_FOUND = "once_while_reading"
_FOUND_BEFORE = "found_before"
_GLANCES = "take_glances"

_BACKOFF = Backoff(first=timedelta(milliseconds=150), factor=4, retries=2)
_SLOW = timedelta(seconds=2)
"""A try that took longer is not repeated: the customer has waited enough, and is offered to try again."""

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """The base of every table.

    A plain declarative base rather than Flask-SQLAlchemy's own: type checkers understand it, and models stay
    usable without an application.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


connections.attend()
db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})


LOCK = {"key_share": True}
"""How rows are locked (`FOR NO KEY UPDATE` on PostgreSQL). A plain `FOR UPDATE` also waits for every transaction that
has only written a row referring to this one, and two of them can wait for each other."""


@contextmanager
def transaction(*, is_synced: bool = True) -> Iterator[Session]:
    """Commit on leaving, roll back on any error; afterwards run what `run_after_commit` was given.

    Rows loaded before are read afresh inside, so nothing is decided on an old picture. Raises RuntimeError
    when nested, or when something was changed outside a transaction.

    With `is_synced` false the commit does not wait for the disk: it outlives any process of ours, but a power cut only
    once a later one has waited. For a first step whose second one waits before anybody is told of it.
    """
    with _writing(is_synced=is_synced) as (session, callbacks):
        yield session
        session.commit()
    for callback in callbacks:
        _run(callback)


@contextmanager
def one_statement(*, is_synced: bool = True) -> Iterator[Session]:
    """A `transaction()` for a single statement, which PostgreSQL begins and ends by itself: two round trips less.

    There the statement itself says that its commit need not wait for the disk (`unsynced`).
    """
    with _writing(is_synced=is_synced, is_single=True) as (session, callbacks):
        yield session
        session.commit()
    for callback in callbacks:
        _run(callback)


@cache
def unsynced(dialect: str) -> ColumnElement[bool]:
    """Always true; a statement with this condition is committed as by `transaction(is_synced=False)`."""
    if dialect != "postgresql":
        return true()
    return func.set_config("synchronous_commit", "off", True) == "off"


def insist(step: Callable[[], T]) -> T:
    """What `step` answers, tried up to three times while the database cannot be reached or is in its own way.

    `step` opens its own transaction. Doing it twice must be doing it once: the answer to a commit may have been lost.
    """
    failures = 0
    while True:
        began = time.monotonic()
        try:
            return step()
        except exc.SQLAlchemyError as error:
            failures += 1
            is_worth_it = is_passing(error) and time.monotonic() - began < _SLOW.total_seconds()
            delay = _BACKOFF.jittered(failures) if is_worth_it else None
            if delay is None:
                raise
            logger.info("the database is asked again", extra={"failures": failures, "reason": type(error).__name__})
        _take_back(db.session())
        time.sleep(delay.total_seconds())


def is_passing(error: exc.SQLAlchemyError) -> bool:
    """Whether it may be over soon: the database is away, locked, full, or could not serve two at once."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.PendingRollbackError))


@contextmanager
def rehearsal() -> Iterator[Session]:
    """As `transaction()`, with the same locks, but nothing stays and no step that waits for the commit is ever run.

    What is to be told of it has to be read inside: afterwards every row is again as it was.
    """
    with _writing() as (session, _):
        yield session
        session.rollback()


@contextmanager
def _writing(*, is_synced: bool = True, is_single: bool = False) -> Iterator[tuple[Session, list[Callable[[], None]]]]:
    session = db.session()
    if _CALLBACKS in session.info:
        raise RuntimeError("transaction() does not nest: only an entry point opens one")
    _end_reading(session)
    callbacks: list[Callable[[], None]] = []
    session.info[_CALLBACKS] = callbacks
    try:
        _begin_writing(session, is_synced=is_synced, is_single=is_single)
        yield session, callbacks
    except BaseException:
        session.rollback()
        raise
    finally:
        del session.info[_CALLBACKS]


def run_after_commit(callback: Callable[[], None]) -> None:
    """Run `callback` once the open transaction is committed, and never if it is rolled back.

    The same callback registered twice runs once.
    SQLAlchemy's own `after_commit` event also fires when a savepoint is released, too early for an enqueue.
    """
    callbacks: list[Callable[[], None]] | None = db.session().info.get(_CALLBACKS)
    if callbacks is None:
        raise RuntimeError("run_after_commit() needs an open transaction()")
    if callback not in callbacks:
        callbacks.append(callback)


def glance(statement: Select[*tuple[Any, ...]], values: Mapping[str, object]) -> Sequence[Any]:
    """The rows of a kept statement, asked by itself where no transaction is open yet.

    That saves two of three round trips, and a single statement sees all that is committed anyway.
    """
    session = db.session()
    if session.in_transaction():
        session.flush()
        return carry_out(session.connection(), statement, values).rows
    with _glancing(db.engine).connect() as connection:
        return carry_out(connection, statement, values).rows


@lru_cache(maxsize=1)
def _glancing(engine: Engine) -> Engine:
    return engine.execution_options(**_alone(engine.dialect.name))


def take_glances() -> None:
    """From here on all that this session asks are glances, until it begins a `transaction()` or a `long_look`."""
    session = db.session()
    if not session.in_transaction():
        session.info[_GLANCES] = True
        session.connection(execution_options=_alone(session.get_bind().dialect.name))


def long_look() -> None:
    """What is asked from here on is one transaction: for rows that are read little by little."""
    session = db.session()
    if session.info.pop(_GLANCES, False):
        session.rollback()


def _alone(dialect: str) -> dict[str, Any]:
    """How a connection is used for statements that are a transaction each."""
    return {"sqlite_begin": None} if dialect == "sqlite" else {"isolation_level": "AUTOCOMMIT"}


def is_writing() -> bool:
    """Whether a `transaction()` is open."""
    return _CALLBACKS in db.session().info


def once_while_reading(read: Callable[[], T]) -> T:
    """What `read` found when it was first asked, until a `transaction()` begins or the session ends."""
    found = _found()
    if read not in found:
        found[read] = read()
    return cast(T, found[read])


def is_known_while_reading(read: Callable[[], object], answer: object) -> None:
    """What `read` would find came along with something else."""
    if not is_writing():
        _found()[read] = answer


def _found() -> dict[Callable[[], object], Any]:
    return cast(dict[Callable[[], object], Any], db.session().info.setdefault(_FOUND, {}))


def found_before(read: Callable[[], T]) -> T | None:
    """What `once_while_reading` found just before the last `transaction()` began, if it was asked."""
    return cast(T | None, db.session().info.get(_FOUND_BEFORE, {}).get(read))


def _run(callback: Callable[[], None]) -> None:
    # The commit stands: a customer who has paid must not see an error because the queue is down.
    try:
        callback()
    except Exception:
        logger.exception("a step after the commit failed; the sweep will make up for it")


def _end_reading(session: Session) -> None:
    _refuse_changes(session)
    # Also drops what a statement may have written outside: only a transaction() keeps things.
    session.rollback()
    session.expire_all()
    session.info.pop(_GLANCES, None)
    session.info[_FOUND_BEFORE] = session.info.pop(_FOUND, {})


def _take_back(session: Session) -> None:
    """Undo a failed try. What was found while reading before it is put back: the next try goes by the same, and has to
    make sure of it just as well."""
    session.rollback()
    session.info[_FOUND] = session.info.pop(_FOUND_BEFORE, {}) | _found()


def _begin_writing(session: Session, *, is_synced: bool, is_single: bool) -> None:
    """Take SQLite's write lock at once: a read that turns into a write loses updates or fails there."""
    options: dict[str, Any] = {"sqlite_begin": "IMMEDIATE", "is_synced": is_synced}
    if is_single and session.get_bind().dialect.name == "postgresql":
        options = {"isolation_level": "AUTOCOMMIT"}
    session.connection(execution_options={**options, "is_repeated": True})


def _refuse_changes(session: Session) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("rows were changed outside a transaction()")


@event.listens_for(Session, "before_flush")
def _refuse_stray_flush(session: Session, _context: object, _instances: object) -> None:
    # A query writes out pending changes before it reads: a forgotten transaction() shall be loud there too.
    if _CALLBACKS not in session.info:
        _refuse_changes(session)


@event.listens_for(Session, "do_orm_execute")
def _refuse_stray_statement(asked: ORMExecuteState) -> None:
    # No transaction would take it back.
    if _GLANCES in asked.session.info and (asked.is_insert or asked.is_update or asked.is_delete):
        raise RuntimeError("rows were changed outside a transaction()")
