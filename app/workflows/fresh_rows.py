"""Writing new rows of hot paths: one statement for all of them, which also says whether somebody else was faster.

The session's unit of work needs a statement for each table, a savepoint around a row that may be there already, and
reads back what it has written before; for a purchase that was most of the statements.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Executable, Table, bindparam, insert, inspect, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import instance_state

from app.db import Model, db
from app.kept_statements import carry_out
from app.workflows.found_rows import attach, blank

M = TypeVar("M", bound=Model)

_Kind = tuple[type[Model], tuple[str, ...]]
"""Of rows: the table, and the columns that have values."""


def draft(model: type[M], **values: Any) -> M:
    """A row to be written by `insert_rows`; what is not in `values` gets its column's default."""
    known, drawn = _defaults(model)
    return blank(model, known | {name: draw() for name, draw in drawn.items() if name not in values} | values)


@dataclass(frozen=True, slots=True)
class Condition:
    """Of writing rows: what has to be true then, with `values` for its parameters."""

    clause: ColumnElement[bool]
    values: Mapping[str, Any] = field(default_factory=dict)


ALWAYS = Condition(true())


def insert_rows(*rows: Model, beside: Iterable[Model] = (), only_if: Condition = ALWAYS) -> bool:
    """Write drafts at once; False, and none of them, where a unique key of the first is taken.

    The session knows `rows` from then on. Those `beside` them are looked at by nobody in this transaction.
    """
    session = db.session()
    # What was changed before must not come after: the rows may refer to it.
    session.flush()
    if not _write([*rows, *beside], only_if):
        return False
    for row in rows:
        attach(row)
    return True


def _write(rows: Sequence[Model], only_if: Condition) -> bool:
    connection = db.session.connection()
    dialect = connection.dialect.name
    number = len(rows) if dialect == "postgresql" else 1
    first, others = [(type(row), _values(row)) for row in rows[:number]], rows[number:]
    kinds = tuple((model, tuple(values)) for model, values in first)
    named = {f"{place}_{name}": value for place, (_, values) in enumerate(first) for name, value in values.items()}
    given = {**named, **only_if.values}
    if carry_out(connection, _together(kinds, only_if.clause, dialect), given).count != 1:
        return False
    for row in others:
        connection.execute(insert(_table(type(row))), _values(row))
    return True


def _values(row: Model) -> Mapping[str, Any]:
    """What there is of it, by the names of the database's columns: for sealed ones they are not the attributes'."""
    found = instance_state(row).dict
    return {column: found[name] for name, column in _names(type(row)).items() if found.get(name) is not None}


@lru_cache(maxsize=32)
def _names(model: type[Model]) -> Mapping[str, str]:
    return {name: column.name for name, column in inspect(model).columns.items()}


@lru_cache(maxsize=32)
def _defaults(model: type[Model]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """By attribute: what is the same for every row, and what is drawn for each."""
    defaults: dict[str, Any] = {name: column.default for name, column in inspect(model).columns.items()}
    known = {name: default and default.arg for name, default in defaults.items() if not _is_drawn(default)}
    return known, {name: partial(default.arg, None) for name, default in defaults.items() if _is_drawn(default)}


def _is_drawn(default: Any) -> bool:
    return default is not None and bool(default.is_callable)


@lru_cache(maxsize=64)
def _together(kinds: tuple[_Kind, ...], clause: ColumnElement[bool], dialect: str) -> Executable:
    """What writes a row of each kind, all of them where the first could be written. Its count of rows is one then."""
    (first, names), *others = kinds
    choose = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = select(*_parameters(first, names, 0)).where(clause)
    leaving = choose(_table(first)).from_select(names, row, include_defaults=False)
    leaving = leaving.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    if not others:
        return leaving
    written = leaving.returning(*_table(first).primary_key).cte("written")
    found = select(written)
    for place, (model, names) in enumerate(others, 1):
        row = select(*_parameters(model, names, place)).select_from(written)
        found = found.add_cte(insert(_table(model)).from_select(names, row, include_defaults=False).cte(f"row_{place}"))
    return found


def _parameters(model: type[Model], names: Iterable[str], place: int) -> list[Any]:
    return [bindparam(f"{place}_{name}", type_=_table(model).c[name].type) for name in names]


def _table(model: type[Model]) -> Table:
    return cast(Table, model.__table__)
