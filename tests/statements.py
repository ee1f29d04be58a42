"""What the database is asked while something goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from app import kept_statements
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
def before_each(step: Callable[[str, Any], object]) -> Iterator[None]:
    """What happens before the database is given a statement with its parameters, those that are kept included."""
    give = kept_statements._send

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        step(statement, parameters)

    def note_kept(connection: Connection, text: str, parameters: Sequence[Any]) -> Any:
        step(text, parameters)
        return give(connection, text, parameters)

    event.listen(db.engine, "before_cursor_execute", note)
    kept_statements._send = note_kept
    try:
        yield
    finally:
        kept_statements._send = give
        event.remove(db.engine, "before_cursor_execute", note)


@contextmanager
def _noted(keep: Callable[[str, Any], T]) -> Iterator[list[T]]:
    noted: list[T] = []
    with before_each(lambda statement, parameters: noted.append(keep(statement, parameters))):
        yield noted
