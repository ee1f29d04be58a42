"""Requests for programs, page by page: by number as far as is counted, by cursor to the end.

What stands far down costs the same by cursor as the first page. A page by number passes over keys in an index, never
over rows, and only so many.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import joinedload

from app.db import db
from app.errors import wrong
from app.models import ServiceRequest
from app.workflows.request_search import RequestFilters, count_up_to, select_requests

COUNTED = 10_000
_NEWEST_FIRST = (ServiceRequest.created_at.desc(), ServiceRequest.id.desc())


@dataclass(frozen=True, slots=True)
class RequestPage:
    """`total` is at most `COUNTED`; where more match, it is not exact."""

    rows: list[ServiceRequest]
    total: int
    is_total_exact: bool
    next_cursor: str | None


def fetch(filters: RequestFilters, place: int | str, *, limit: int, zone: ZoneInfo) -> RequestPage:
    """The page at `place`: its number from 1, or the cursor of the answer before. Raises InvalidInput."""
    query = select_requests(filters, zone=zone)
    count = count_up_to(query, COUNTED)
    is_exact = count <= COUNTED
    if isinstance(place, str):
        found = _after(query, place)
    else:
        _ensure_counted(place, limit, is_exact=is_exact)
        found = _numbered(query, place, limit)
    rows = _rows(found, limit + 1)
    return RequestPage(
        rows[:limit],
        total=min(count, COUNTED),
        is_total_exact=is_exact,
        next_cursor=_cursor(rows[limit - 1]) if len(rows) > limit else None,
    )


def _rows(query: Select[ServiceRequest], limit: int) -> list[ServiceRequest]:
    ordered = query.order_by(*_NEWEST_FIRST).limit(limit).options(joinedload(ServiceRequest.provider))
    return list(db.session.scalars(ordered))


def _ensure_counted(page: int, limit: int, *, is_exact: bool) -> None:
    """A page behind the end is empty; one behind what was counted is not known to be."""
    if not is_exact and (page - 1) * limit >= COUNTED:
        raise wrong("page", f"Pages are counted up to {COUNTED:,} requests. Go on with the cursor of the last one.")


def _numbered(query: Select[ServiceRequest], page: int, limit: int) -> Select[ServiceRequest]:
    skipped = (page - 1) * limit
    if skipped == 0:
        return query
    # The keys alone, so that what is passed over is never read.
    keys = query.with_only_columns(ServiceRequest.created_at, ServiceRequest.id).order_by(*_NEWEST_FIRST)
    last = db.session.execute(keys.offset(skipped - 1).limit(1)).one_or_none()
    return query.where(_beyond(*last)) if last else query.where(ServiceRequest.id.is_(None))


def _after(query: Select[ServiceRequest], cursor: str) -> Select[ServiceRequest]:
    try:
        at, row_id = _parse(cursor)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise wrong("cursor", "This cursor is not one of ours. Begin with the first page.") from error
    return query.where(_beyond(at, row_id))


def _parse(cursor: str) -> tuple[datetime, UUID]:
    moment, key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    return datetime.fromisoformat(moment).astimezone(UTC), UUID(key)


def _beyond(at: datetime, row_id: UUID) -> ColumnElement[bool]:
    columns = (ServiceRequest.created_at, ServiceRequest.id)
    here = (literal(value, column.type) for value, column in zip((at, row_id), columns, strict=True))
    return tuple_(*columns) < tuple_(*here)


def _cursor(row: ServiceRequest) -> str:
    packed = json.dumps([row.created_at.isoformat(), row.id.hex]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")
