"""Writing new rows of hot paths: one statement for each, which also says whether somebody else was faster.

The session's unit of work needs a savepoint around a row that may be there already, and reads back what it has
written before; for a purchase that was half of the statements.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from sqlalchemy import Table, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached

from app.db import Model, db

M = TypeVar("M", bound=Model)


def insert_row(model: type[M], **values: Any) -> M | None:
    """A new row, written at once and known to the session; None where a unique key of it is taken.

    What is not in `values` gets its column's default, as it would from the session.
    """
    session = db.session()
    # What was changed before must not come after: the row may refer to it.
    session.flush()
    known, drawn = _defaults(model)
    complete = {**known, **{name: draw() for name, draw in drawn.items() if name not in values}, **values}
    statement, names = _insert(model, session.get_bind().dialect.name)
    written = session.connection().execute(statement, {names[name]: value for name, value in complete.items()})
    if written.rowcount != 1:
        return None
    row = model()
    # As if it had been read: nothing of it is left to be written.
    inspect(row).dict.update(complete)
    make_transient_to_detached(row)
    session.add(row)
    return row


@lru_cache(maxsize=32)
def _defaults(model: type[Model]) -> tuple[Mapping[str, Any], Mapping[str, Callable[[], Any]]]:
    """By attribute: what is the same for every row, and what is drawn for each."""
    defaults: dict[str, Any] = {name: column.default for name, column in inspect(model).columns.items()}
    known = {name: default and default.arg for name, default in defaults.items() if not _is_drawn(default)}
    return known, {name: partial(default.arg, None) for name, default in defaults.items() if _is_drawn(default)}


def _is_drawn(default: Any) -> bool:
    return default is not None and bool(default.is_callable)


@lru_cache(maxsize=32)
def _insert(model: type[Model], dialect: str) -> tuple[Any, Mapping[str, str]]:
    """The statement, and the names of the database's columns by those of the attributes."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    names = {name: column.name for name, column in inspect(model).columns.items()}
    statement = insert(cast(Table, model.__table__)).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True), names
