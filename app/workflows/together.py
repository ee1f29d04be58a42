"""Several writes in one statement, where the database takes that: each one more would have to be waited for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Insert,
    Integer,
    Select,
    Update,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.exc import StaleDataError

from app.db import Model, db
from app.kept_statements import carry_out
from app.workflows import changed_rows
from app.workflows.changed_rows import Change

_NONE: ColumnElement[int] = literal_column("0", Integer)
_ONE: ColumnElement[int] = literal_column("1", Integer).label("one")

Kind = tuple[type[Model], str | None]
"""Of new rows: their table, and the column that makes them once if one does."""


@dataclass(frozen=True, slots=True)
class NewRows:
    """Of one kind, with the same columns."""

    kind: Kind
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change of one row that was written out before."""

    statement: Update
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A single value, of rows that the writing does not touch; its parameters are its own."""

    wanted: ColumnElement[Any]
    values: Mapping[str, Any]


def write(
    changes: Sequence[Change], new: Iterable[NewRows], updates: Sequence[Prepared], *, questions: Sequence[Question]
) -> Sequence[Any]:
    """All in one statement, with the answers; PostgreSQL only. Raises StaleDataError where a row is not as it was."""
    shapes, values = [], {}
    for number, each in enumerate(new):
        shape, named = _flattened(each, number)
        shapes.append(shape)
        values.update(named)
    for number, change in enumerate(changes):
        values |= changed_rows.values_of(change, f"changed_{number}")
    for update in updates:
        values |= update.values
    for question in questions:
        values |= question.values
    kinds, written_out = tuple(change.kind for change in changes), tuple(update.statement for update in updates)
    statement = _asking(kinds, tuple(shapes), written_out, tuple(question.wanted for question in questions))
    answers: Sequence[Any]
    changed, *answers = carry_out(db.session.connection(), statement, values).rows[0]
    if changed != len(changes) + len(updates):
        raise StaleDataError("rows were changed by somebody else in the meantime")
    changed_rows.take_note(changes)
    return answers


def answers_to(questions: Iterable[Question]) -> Sequence[Any]:
    """Those that are asked by themselves."""
    connection = db.session.connection()
    return [connection.execute(select(question.wanted), question.values).scalar() for question in questions]


def insert_by_table(each: NewRows) -> None:
    """For many rows, and on a database that takes one table in a statement."""
    connection = db.session.connection()
    connection.execute(_insertion(*each.kind, connection.dialect.name), list(each.rows))


_Shape = tuple[Kind, tuple[str, ...], tuple[str, ...], int]
"""Of new rows: the columns that each has a value for, those with the same one for all, and how many they are."""


def _flattened(new: NewRows, number: int) -> tuple[_Shape, dict[str, Any]]:
    """Columns that are empty in all of them are left out."""
    model, first = new.kind[0], new.rows[0]
    told = {name for row in new.rows for name, value in row.items() if value is not None}
    names = tuple(name for name in first if name in told or _fills_in(model, name))
    values = {f"{number}_{name}_{place}": row[name] for place, row in enumerate(new.rows) for name in names}
    keys, shared = [], []
    for name, default in _default_of(model):
        if name in first:
            continue
        if name in _keys(model):
            keys.append(name)
            values |= {f"{number}_{name}_{place}": default.arg(None) for place in range(len(new.rows))}
        else:
            shared.append(name)
            values[f"{number}_{name}"] = default.arg(None) if default.is_callable else default.arg
    return (new.kind, (*names, *keys), tuple(shared), len(new.rows)), values


@lru_cache(maxsize=256)
def _asking(
    changes: tuple[changed_rows.Kind, ...],
    new: tuple[_Shape, ...],
    updates: tuple[Update, ...],
    wanted: tuple[ColumnElement[Any], ...],
) -> Select[*tuple[Any, ...]]:
    return _statement(changes, new, updates).add_columns(*wanted)


def _statement(
    changes: tuple[changed_rows.Kind, ...], new: tuple[_Shape, ...], updates: tuple[Update, ...]
) -> Select[int]:
    """One statement that changes rows and adds rows of these shapes, and counts those it has changed."""
    named = (changed_rows.updating(kind, f"changed_{number}") for number, kind in enumerate(changes))
    changing = [each.returning(_ONE).cte(f"change_{number}") for number, each in enumerate((*named, *updates))]
    counted = _NONE
    for part in changing:
        counted = counted + select(func.count()).select_from(part).scalar_subquery()
    adding = [_adding(shape, number).cte(f"new_{number}") for number, shape in enumerate(new)]
    return select(counted).add_cte(*changing, *adding)


def _adding(shape: _Shape, number: int) -> Insert:
    kind, names, shared, count = shape
    columns = cast(Any, kind[0].__table__).c
    same = {name: bindparam(f"{number}_{name}", type_=columns[name].type) for name in shared}
    own = [
        {name: bindparam(f"{number}_{name}_{place}", type_=columns[name].type) for name in names}
        for place in range(count)
    ]
    return _insertion(*kind, "postgresql").values([each | same for each in own])


@cache
def _insertion(model: type[Model], once: str | None, dialect: str) -> Insert:
    table = cast(Any, model.__table__)
    if once is None:
        return insert(table)
    insert_or_leave = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert_or_leave(table).on_conflict_do_nothing(index_elements=[once])


@cache
def _default_of(model: type[Model]) -> tuple[tuple[str, Any], ...]:
    """What a new row has without being told, which the library fills in for one table at a time."""
    columns = cast(Any, model.__table__).c
    return tuple((column.key, column.default) for column in columns if column.default is not None)


@cache
def _keys(model: type[Model]) -> frozenset[str]:
    return frozenset(column.key for column in cast(Any, model.__table__).primary_key)


@cache
def _fills_in(model: type[Model], name: str) -> bool:
    """Whether the database would not leave the column empty."""
    return cast(Any, model.__table__).c[name].server_default is not None
