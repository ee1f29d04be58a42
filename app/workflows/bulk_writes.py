"""Writing what happens to many requests in one transaction: table by table instead of row by row.

The session's own unit of work sends a statement for each request that has a version, and keeps books on every entry:
that is most of the cost of a bulk change. The workflows stay the same; only what they leave behind is written here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, insert, inspect, update
from sqlalchemy.orm.exc import StaleDataError

from app.db import Model, db
from app.models import ServiceRequest

_GATHERED = "gathered_rows"


@contextmanager
def gathered() -> Iterator[None]:
    """Rows added inside are written when it ends."""
    rows: dict[type[Model], list[dict[str, Any]]] = {}
    db.session().info[_GATHERED] = rows
    try:
        yield
    finally:
        del db.session().info[_GATHERED]
    for model, entries in rows.items():
        # With the same columns for each row they go out together, also where some are empty.
        db.session.execute(insert(model), entries, execution_options={"render_nulls": True})


def add(row: Model) -> None:
    """A new row that is only written, never read again in this transaction."""
    rows: dict[type[Model], list[dict[str, Any]]] | None = db.session().info.get(_GATHERED)
    if rows is None:
        db.session.add(row)
    else:
        rows.setdefault(type(row), []).append({key: value for key, value in vars(row).items() if key[0] != "_"})


def write(service_requests: Iterable[ServiceRequest]) -> None:
    """Write what was changed of these locked requests, and let go of them. Raises StaleDataError."""
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for service_request in service_requests:
        changes = _changes(service_request)
        if changes:
            alike.setdefault(frozenset(changes), []).append(changes)
        db.session.expunge(service_request)
    for names, rows in alike.items():
        _update(names - {"id", "version"}, rows)


def _changes(service_request: ServiceRequest) -> dict[str, Any]:
    state = inspect(service_request)
    changed = {key: state.dict[key] for key in state.committed_state if key in state.mapper.column_attrs}
    return changed | {"id": service_request.id, "version": service_request.version} if changed else {}


def _update(names: Iterable[str], rows: list[dict[str, Any]]) -> None:
    columns = {name: inspect(ServiceRequest).column_attrs[name].columns[0] for name in names}
    table = cast(Any, ServiceRequest.__table__)
    statement = (
        update(table)
        .where(table.c.id == bindparam("new_id"), table.c.version == bindparam("new_version"))
        .values({column: bindparam(f"new_{name}", type_=column.type) for name, column in columns.items()})
        .values(version=table.c.version + 1)
    )
    values = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    result = cast(CursorResult[Any], db.session.connection().execute(statement, values))
    if result.rowcount != len(rows):
        raise StaleDataError("requests that are locked were changed")
