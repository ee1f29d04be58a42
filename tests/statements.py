"""What the database is asked while something goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import event

from app.db import db

T = TypeVar("T")

CLOCKWORK = ("BEGIN", "SAVEPOINT", "RELEASE", "SET LOCAL", "SELECT set_config")
"""How statements begin that only begin, end or limit something."""


@contextmanager
def asked(*, without: Sequence[str] = ()) -> Iterator[list[str]]:
    """The statements, but for those that begin so; needs an application context.

    How SQLite's connection is set is left out: that hangs on who had it before.
    """
    with _noted(lambda statement, _parameters: statement) as statements:
        chosen: list[str] = []
        yield chosen
        chosen += [statement for statement in statements if not statement.startswith(("PRAGMA", *without))]


@contextmanager
def asked_with_values() -> Iterator[list[tuple[str, Any]]]:
    """Each statement with what it was asked with."""
    with _noted(lambda statement, parameters: (statement, parameters)) as statements:
        yield statements


@contextmanager
def _noted(keep: Callable[[str, Any], T]) -> Iterator[list[T]]:
    noted: list[T] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        noted.append(keep(statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
