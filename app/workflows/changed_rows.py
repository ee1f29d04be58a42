"""What has changed of rows that the session holds, written without its unit of work.

For a row or two that keeps longer books than the database itself takes, and each table is a statement to wait for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Table, Update, bindparam, inspect, update
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import instance_state

from app.db import Model


@dataclass(frozen=True, slots=True)
class Change:
    """`values` by attribute, as the row has them already but for those that every change sets; `keys` by column: which
    row it is, and in which version."""

    row: Model
    values: Mapping[str, Any]
    keys: Mapping[str, Any]

    @property
    def kind(self) -> "Kind":
        return type(self.row), tuple(self.values)


Kind = tuple[type[Model], tuple[str, ...]]
"""Of changes: the table, and the attributes."""


def changes_in(session: Session) -> Sequence[Change] | None:
    """All that the session would write, in an order that is the same for everybody; None where that is more than
    columns of rows that are there already."""
    if session.new or session.deleted or not all(map(_is_plain, session.dirty)):
        return None
    changes = (change for change in map(changes_of, session.dirty) if change.values)
    return sorted(changes, key=lambda change: (type(change.row).__tablename__, *change.keys.values()))


def _is_plain(row: Model) -> bool:
    """Not given other rows: what that means for its columns the session finds out."""
    known = _mapper(type(row)).column_attrs
    return all(name in known for name in instance_state(row).committed_state)


def changes_of(row: Model) -> Change:
    """What its columns have become."""
    state, mapper = instance_state(row), _mapper(type(row))
    before, now, known = state.committed_state, state.dict, mapper.column_attrs
    values = {name: now[name] for name in before if name in known and now[name] != before[name]}
    keys = dict(zip(_keys(type(row)), state.identity or (), strict=True))
    if not values:
        return Change(row, {}, keys)
    for name, default in _set_by_all(type(row)):
        values[name] = now[name] if name in before else default.arg(None)
    version = _version(mapper)
    if version is not None:
        keys[version] = getattr(row, version)
        values[version] = keys[version] + 1
    return Change(row, values, keys)


def take_note(changes: Iterable[Change]) -> None:
    """They are written: the rows are as they stand in the database."""
    for change in changes:
        state = instance_state(change.row)
        state.dict.update(change.values)
        # As the session does after writing. By its public functions the row would be taken out and put in again, which
        # costs as much as writing it.
        state._commit_all(state.dict, cast(Session, state.session).identity_map)


def values_of(change: Change, place: str) -> dict[str, Any]:
    """What the parameters of `updating` are."""
    new = {f"{place}_{name}": value for name, value in change.values.items()}
    return new | {f"{place}_key_{name}": value for name, value in change.keys.items()}


@lru_cache(maxsize=128)
def updating(kind: Kind, place: str = "new") -> Update:
    """Changes the row with these keys, if it still is in that version."""
    model, names = kind
    mapper, columns = inspect(model), cast(Table, model.__table__).c
    version = _version(mapper)
    which = [columns[name] for name in (*_keys(model), *([version] if version in names else []))]
    changed = {name: mapper.column_attrs[name].columns[0] for name in names}
    return (
        update(cast(Table, model.__table__))
        .where(*(column == bindparam(f"{place}_key_{column.key}", type_=column.type) for column in which))
        .values({column: bindparam(f"{place}_{name}", type_=column.type) for name, column in changed.items()})
    )


@cache
def _mapper(model: type[Model]) -> Mapper[Any]:
    """Looked up for each row, it takes as long as all that follows."""
    return inspect(model)


@cache
def _keys(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(column.key) for column in inspect(model).primary_key)


@cache
def _set_by_all(model: type[Model]) -> tuple[tuple[str, Any], ...]:
    columns = {name: attribute.columns[0] for name, attribute in inspect(model).column_attrs.items()}
    return tuple((name, column.onupdate) for name, column in columns.items() if column.onupdate is not None)


def _version(mapper: Mapper[Any]) -> str | None:
    column = mapper.version_id_col
    return None if column is None else column.key
