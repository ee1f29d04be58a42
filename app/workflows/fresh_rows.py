"""Writing new rows of hot paths: one statement for all of them, which also says whether somebody else was faster.

The session's unit of work needs a statement for each table, a savepoint around a row that may be there already, and
reads back what it has written before; for a purchase that was most of the statements.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from sqlalchemy import Insert, Select, Table, bindparam, func, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached

from app.db import Model, db

M = TypeVar("M", bound=Model)

_FEW = 8
"""Rows in one statement: there is one for each kind of company they come in."""


def draft(model: type[M], **values: Any) -> M:
    """A row to be written by `insert_rows`; what is not in `values` gets its column's default."""
    known, drawn = _defaults(model)
    row = model()
    # As if it had been read: nothing of it is left to be written.
    found = inspect(row).dict
    found.update(known)
    found.update({name: draw() for name, draw in drawn.items() if name not in values})
    found.update(values)
    return row


def insert_rows(*rows: Model, beside: Iterable[Model] = ()) -> bool:
    """Write drafts at once; False, and none of them, where a unique key of the first is taken.

    The session knows `rows` from then on. Those `beside` them are looked at by nobody in this transaction.
    """
    session = db.session()
    # What was changed before must not come after: the rows may refer to it.
    session.flush()
    if not _write([*rows, *beside]):
        return False
    for row in rows:
        make_transient_to_detached(row)
        session.add(row)
    return True


def insert_row(model: type[M], **values: Any) -> M | None:
    """One new row, written at once and known to the session; None where a unique key of it is taken."""
    row = draft(model, **values)
    return row if insert_rows(row) else None


def _write(rows: Sequence[Model]) -> bool:
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        few, others = rows[:_FEW], rows[_FEW:]
        values = {f"{number}_{name}": value for number, row in enumerate(few) for name, value in _values(row).items()}
        is_written = connection.scalar(_together(tuple(map(type, few))), values) == 1
    else:
        first, *others = rows
        is_written = connection.execute(_insert_or_leave(type(first), "sqlite"), _values(first)).rowcount == 1
    for row in others if is_written else ():
        connection.execute(_insert(type(row)), _values(row))
    return is_written


def _values(row: Model) -> Mapping[str, Any]:
    """By the names of the database's columns, which for sealed ones are not those of the attributes."""
    model, found = type(row), inspect(row).dict
    known, drawn = _defaults(model)
    return {
        column: found[name] if name in found else drawn[name]() if name in drawn else known[name]
        for name, column in _names(model).items()
    }


@lru_cache(maxsize=32)
def _names(model: type[Model]) -> Mapping[str, str]:
    return {name: column.name for name, column in inspect(model).columns.items()}


@lru_cache(maxsize=32)
def _defaults(model: type[Model]) -> tuple[Mapping[str, Any], Mapping[str, Callable[[], Any]]]:
    """By attribute: what is the same for every row, and what is drawn for each."""
    defaults: dict[str, Any] = {name: column.default for name, column in inspect(model).columns.items()}
    known = {name: default and default.arg for name, default in defaults.items() if not _is_drawn(default)}
    return known, {name: partial(default.arg, None) for name, default in defaults.items() if _is_drawn(default)}


def _is_drawn(default: Any) -> bool:
    return default is not None and bool(default.is_callable)


@lru_cache(maxsize=32)
def _together(models: tuple[type[Model], ...]) -> Select[int]:
    """One statement that writes a row of each, all of them where the first could be written, and counts that one."""
    first, *others = models
    values = dict(zip(_names(first).values(), _parameters(first, 0), strict=True))
    leaving = _insert_or_leave(first, "postgresql").values(values)
    written = leaving.returning(*cast(Table, first.__table__).primary_key).cte("written")
    counted = select(func.count()).select_from(written)
    for number, model in enumerate(others, 1):
        row = select(*_parameters(model, number)).select_from(written)
        counted = counted.add_cte(_insert(model).from_select([*_names(model).values()], row).cte(f"row_{number}"))
    return counted


def _parameters(model: type[Model], number: int) -> list[Any]:
    columns = cast(Table, model.__table__).c
    return [bindparam(f"{number}_{name}", type_=columns[name].type) for name in _names(model).values()]


@lru_cache(maxsize=32)
def _insert(model: type[Model]) -> Insert:
    return insert(cast(Table, model.__table__))


@lru_cache(maxsize=32)
def _insert_or_leave(model: type[Model], dialect: str) -> Any:
    choose = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = choose(cast(Table, model.__table__)).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)
