"""Rows that hot paths look up: asked of the tables, and put into the session as if it had found them itself.

For a single row the session takes longer to work out what stands where than the database takes to find it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Column, Select, Table, inspect
from sqlalchemy.orm.attributes import instance_state, manager_of_class, set_committed_value
from sqlalchemy.orm.util import identity_key

from app.db import Model, db
from app.kept_statements import carry_out

M = TypeVar("M", bound=Model)


def columns_of(model: type[Model]) -> Sequence[Column[Any]]:
    """What a statement begins with whose rows are for `take_in`."""
    return tuple(cast(Table, model.__table__).c)


def ask(statement: Select[Any], values: Mapping[str, object]) -> Sequence[Any]:
    """The rows that a statement over tables finds, after what the session has changed was written."""
    session = db.session()
    if session.autoflush:
        session.flush()
    return carry_out(session.connection(), statement, values).rows


def take_in(model: type[M], found: Sequence[Any]) -> M:
    """The row whose columns `found` begins with. What the session knew of it before is forgotten."""
    values = dict(zip(_attributes(model), found, strict=False))
    row = _known(model, values["id"])
    if row is None:
        return attach(blank(model, values))
    state = instance_state(row)
    for name in _relationships(model):
        state.dict.pop(name, None)
    state.dict.update(values)
    state._commit_all(state.dict, db.session().identity_map)
    return row


def take_in_part(model: type[M], **values: Any) -> M:
    """One of which we know these, its key among them; the rest is read when somebody asks for it."""
    row = _known(model, values["id"])
    if row is None:
        row = attach(blank(model, values))
        instance_state(row).expired_attributes.update(_attributes(model))
    for name, value in values.items():
        set_committed_value(row, name, value)
    return row


def blank(model: type[M], values: Mapping[str, Any]) -> M:
    """A row that no session knows, with these attributes as if they had been read: nothing is left to be written."""
    row: M = manager_of_class(model).new_instance()
    instance_state(row).dict.update(values)
    return row


def attach(row: M) -> M:
    """Let the session know a row as one that it has found. Its own `add` would also walk through all related rows."""
    session, state = db.session(), instance_state(row)
    state.key, state.session_id = identity_key(type(row), state.dict["id"]), session.hash_key
    session.identity_map.add(state)
    return row


def _known(model: type[M], key: UUID) -> M | None:
    return cast(M | None, db.session().identity_map.get(identity_key(model, key)))


@cache
def _attributes(model: type[Model]) -> Sequence[str]:
    mapper = inspect(model)
    return tuple(mapper.get_property_by_column(column).key for column in columns_of(model))


@cache
def _relationships(model: type[Model]) -> Sequence[str]:
    return tuple(inspect(model).relationships.keys())
