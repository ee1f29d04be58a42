"""Pages of long lists by keyset: the ten thousandth costs what the first does."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.columns import UtcDateTime
from app.db import db
from app.kit import ids

COUNT_CAP = 10_000
PAGE_SIZE = 50
_LARGEST = 2**63 - 1

T = TypeVar("T")

Field: TypeAlias = InstrumentedAttribute[T] | Column[T]
"""Of a mapped class or, for rows that are read without it, of its table."""


@dataclass(frozen=True, slots=True)
class Order:
    """Rows by `column`, ties broken by the key in the same direction, as the indexes are laid.

    `key_name` is what a row calls its key.
    """

    column: Field[Any]
    key: Field[UUID]
    descending: bool = True
    key_name: str = "id"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list: after one row, before one, or (both empty) at its beginning."""

    after: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """`before` and `after` are the marks of the neighbouring pages, None where the list ends."""

    rows: list[Any]
    before: str | None
    after: str | None


def fetch(
    query: Select[Any],
    order: Order,
    *,
    place: Place,
    size: int = PAGE_SIZE,
    read: Callable[[Select[Any]], list[Any]] | None = None,
) -> Page:
    """One page of what `query` selects: entities, or what `read` makes of it, which has the order's column and key."""
    backwards = bool(place.before)
    mark = _parse_mark(place.before or place.after, order)
    if mark is None:
        backwards = False
    else:
        query = query.where(_beyond(order, mark, backwards=backwards))
    rows = (read or _entities)(_sorted(query, order, backwards=backwards).limit(size + 1))
    has_more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows=rows,
        before=_mark(rows[0], order) if rows and (has_more if backwards else mark is not None) else None,
        after=_mark(rows[-1], order) if rows and (backwards or has_more) else None,
    )


def neighbours(query: Select[Any], order: Order, row: Any) -> tuple[UUID | None, UUID | None]:
    """The keys of the rows before and after `row` in the list of `query`, also when `row` is not in it any more."""
    if getattr(row, order.column.key) is None:
        return None, None
    mark = (getattr(row, order.column.key), getattr(row, order.key_name))
    keys = query.with_only_columns(order.key)
    found = [
        db.session.scalar(_sorted(keys, order, backwards=back).where(_beyond(order, mark, backwards=back)).limit(1))
        for back in (True, False)
    ]
    return found[0], found[1]


def count_up_to_cap(query: Select[Any], key: InstrumentedAttribute[UUID]) -> int:
    """How many rows, counted no further than one beyond the cap: an exact count reads the whole table."""
    capped = query.with_only_columns(key).order_by(None).limit(COUNT_CAP + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0


def count_words(count: int) -> str:
    return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"


def _entities(query: Select[Any]) -> list[Any]:
    return list(db.session.scalars(query))


def _sorted(query: Select[Any], order: Order, *, backwards: bool) -> Select[Any]:
    columns = (order.column, order.key)
    down = order.descending != backwards
    return query.order_by(None).order_by(*(column.desc() if down else column.asc() for column in columns))


def _beyond(order: Order, mark: tuple[Any, UUID], *, backwards: bool) -> ColumnElement[bool]:
    here = tuple_(order.column, order.key)
    there = tuple_(literal(mark[0], order.column.type), literal(mark[1], order.key.type))
    return here < there if order.descending != backwards else here > there


def _mark(row: Any, order: Order) -> str:
    value = getattr(row, order.column.key)
    text = value.isoformat() if isinstance(value, datetime) else value
    packed = json.dumps([text, getattr(row, order.key_name).hex]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _parse_mark(mark: str, order: Order) -> tuple[Any, UUID] | None:
    """What `_mark` wrote; None for anything else that an address may carry."""
    try:
        value, key = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        row_id = ids.parse_id(key)
        return None if row_id is None else (_typed(value, _kind(order.column)), row_id)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        return None


def _kind(column: Field[Any]) -> type[Any]:
    # A type decorator does not tell what it makes of its column.
    return datetime if isinstance(column.type, UtcDateTime) else column.type.python_type


def _typed(value: Any, kind: type[Any]) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a mark's time has its zone")
        return moment
    is_usable = (kind is str and "\0" not in value) or (kind is int and abs(value) <= _LARGEST)
    if type(value) is not kind or not is_usable:
        raise ValueError("a mark of another list")
    return value
