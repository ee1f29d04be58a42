"""Writing what follows from a change together when it is over: table by table instead of row by row.

The session's own unit of work keeps books on every entry, and each query in between makes it write what it has so far:
that is most of the cost of a payment, and of a bulk change. The workflows stay the same; only what they leave behind is
written here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Insert, Select, bindparam, func, insert, inspect, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.exc import StaleDataError

from app.db import Model, db
from app.models import ServiceRequest
from app.workflows import changed_rows
from app.workflows.changed_rows import Change

_GATHERED = "gathered_rows"

_FEW = 6

_Kind = tuple[type[Model], str | None]
"""Of rows: their table, and the column that makes them once if one does."""
_Rows = dict[tuple[_Kind, frozenset[str]], list[dict[str, Any]]]
"""Those that go out together have the same columns."""


@contextmanager
def gathered() -> Iterator[None]:
    """Rows added inside are written when it ends, and what the session has changed just before them.

    Queries inside do not see what was changed there. Within another one, they wait for the end of that.
    """
    session = db.session()
    if _GATHERED in session.info:
        yield
        return
    kinds: _Rows = {}
    session.info[_GATHERED] = kinds
    try:
        with session.no_autoflush:
            yield
    finally:
        del session.info[_GATHERED]
    _write_all(kinds)


def add(row: Model) -> None:
    """A new row that is only written, never read again in this transaction."""
    kinds = _gathered()
    if kinds is None:
        db.session.add(row)
    else:
        _gather(kinds, (type(row), None), vars(row))


def add_once(model: type[Model], values: Mapping[str, Any], *, by: str) -> None:
    """The same, but for a row that is left out where there is one with the same `by`. Only within `gathered()`."""
    kinds = _gathered()
    if kinds is None:
        raise RuntimeError("add_once() needs gathered()")
    _gather(kinds, (model, by), values)


def write_now(model: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows that cannot wait, in one statement."""
    _insert((model, None), [_columns(row, model) for row in rows])


def _write_all(kinds: _Rows) -> None:
    """A few rows of several tables go there in one statement where there is a way to: each one more would wait."""
    session = db.session()
    changes = changed_rows.changes_in(session)
    if changes is None:
        # What they speak of has to be there first.
        session.flush()
        changes = ()
    count = len(changes) + sum(map(len, kinds.values()))
    if 1 < count <= _FEW and session.get_bind().dialect.name == "postgresql":
        _write_together(changes, kinds)
        return
    session.flush()
    for (kind, _), rows_of_kind in kinds.items():
        _insert(kind, rows_of_kind)


def _write_together(changes: Sequence[Change], kinds: _Rows) -> None:
    rows = [(kind, _said(_defaults(kind[0]) | row)) for (kind, _), rows in kinds.items() for row in rows]
    values = {f"{number}_{name}": row[name] for number, (_, row) in enumerate(rows) for name in row}
    for number, change in enumerate(changes):
        values |= changed_rows.values_of(change, f"changed_{number}")
    statement = _together(tuple(change.kind for change in changes), tuple((kind, tuple(row)) for kind, row in rows))
    if db.session.connection().scalar(statement, values) != len(changes):
        raise StaleDataError("rows were changed by somebody else in the meantime")
    changed_rows.take_note(changes)


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without what it has not: the database leaves that empty untold."""
    return {name: value for name, value in row.items() if value is not None}


def _insert(kind: _Kind, rows: list[dict[str, Any]]) -> None:
    dialect = db.session.get_bind().dialect.name
    db.session.connection().execute(_insertion(*kind, dialect), rows)


def _gather(kinds: _Rows, kind: _Kind, values: Mapping[str, Any]) -> None:
    row = _columns(values, kind[0])
    kinds.setdefault((kind, frozenset(row)), []).append(row)


def _gathered() -> _Rows | None:
    return cast("_Rows | None", db.session().info.get(_GATHERED))


def _columns(values: Mapping[str, Any], model: type[Model]) -> dict[str, Any]:
    names = _names(model)
    return {names[key]: value for key, value in values.items() if key[0] != "_"}


@cache
def _names(model: type[Model]) -> Mapping[str, str]:
    """Of the columns, by attribute: those of sealed ones differ."""
    return {attribute.key: attribute.columns[0].key for attribute in inspect(model).column_attrs}


@cache
def _insertion(model: type[Model], once: str | None, dialect: str) -> Insert:
    table = cast(Any, model.__table__)
    if once is None:
        return insert(table)
    insert_or_leave = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert_or_leave(table).on_conflict_do_nothing(index_elements=[once])


@lru_cache(maxsize=256)
def _together(changes: tuple[changed_rows.Kind, ...], rows: tuple[tuple[_Kind, tuple[str, ...]], ...]) -> Select[int]:
    """One statement that changes rows of these kinds and adds rows to these tables, and counts those it has changed."""
    counted: ColumnElement[int] = literal(0)
    parts = []
    for number, kind in enumerate(changes):
        changed = changed_rows.updating(kind, f"changed_{number}").returning(literal(1).label("one"))
        part = changed.cte(f"changed_{number}")
        parts.append(part)
        counted = counted + select(func.count()).select_from(part).scalar_subquery()
    for number, (row, names) in enumerate(rows):
        columns = cast(Any, row[0].__table__).c
        values = {name: bindparam(f"{number}_{name}", type_=columns[name].type) for name in names}
        parts.append(_insertion(*row, "postgresql").values(values).cte(f"row_{number}"))
    return select(counted).add_cte(*parts)


def _defaults(model: type[Model]) -> dict[str, Any]:
    """What a new row has without being told, which the library fills in for one table at a time."""
    return {name: default.arg(None) if default.is_callable else default.arg for name, default in _default_of(model)}


@cache
def _default_of(model: type[Model]) -> tuple[tuple[str, Any], ...]:
    columns = cast(Any, model.__table__).c
    return tuple((column.key, column.default) for column in columns if column.default is not None)


def write(service_requests: Iterable[ServiceRequest]) -> None:
    """Write what was changed of these locked requests, and let go of them. Raises StaleDataError."""
    alike: dict[changed_rows.Kind, list[dict[str, Any]]] = {}
    for service_request in service_requests:
        change = changed_rows.changes_of(service_request)
        if change.values:
            alike.setdefault(change.kind, []).append(changed_rows.values_of(change, "new"))
        db.session.expunge(service_request)
    for kind, rows in alike.items():
        result = cast(CursorResult[Any], db.session.connection().execute(changed_rows.updating(kind), rows))
        if result.rowcount != len(rows):
            raise StaleDataError("requests that are locked were changed")
