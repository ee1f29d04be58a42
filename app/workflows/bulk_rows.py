"""The rows of a bulk change and the requests they speak of: read, locked, compared, and marked with their outcome."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, Table, and_, func, select, update
from sqlalchemy.orm import defer

from app.db import db
from app.models import REQUESTS, BulkChange, BulkChangeRow, BulkRowState, ServiceRequest, User

Locked = Mapping[UUID, ServiceRequest]

# Nobody reads these here, so they stay sealed; the address is where a customer's mail goes to.
_SEALED = (
    defer(ServiceRequest.customer_name),
    defer(ServiceRequest.customer_phone),
    defer(ServiceRequest.customer_requirements),
)

_SCATTERED = ("reference_number", "customer_email_hash", "customer_phone_hash")


def next_rows(change: BulkChange, state: BulkRowState, limit: int) -> Sequence[BulkChangeRow]:
    """Those not gone through yet, in their order."""
    query = select(BulkChangeRow).where(
        BulkChangeRow.change_id == change.id, BulkChangeRow.state == state, BulkChangeRow.position > change.reached
    )
    return db.session.scalars(query.order_by(BulkChangeRow.position).limit(limit)).all()


def lock_requests(rows: Sequence[BulkChangeRow]) -> Locked:
    """All of them at once, in the order of their keys: two changes of the same requests wait, but never crosswise."""
    keys = [row.request_id for row in rows]
    query = (
        select(ServiceRequest)
        .where(ServiceRequest.id.in_(keys))
        .order_by(ServiceRequest.id)
        .options(*_SEALED)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {service_request.id: service_request for service_request in db.session.scalars(query)}


def pages_of(change_id: UUID, start: int, end: int) -> Iterator[Select[int]]:
    """Find the requests of these positions in the ways that lead each to a page of its own, and tell nothing.

    A changed request is entered in every index anew. In most of them those of a list are neighbours; in these three
    each has a page that nobody may have looked at for long.
    """
    wanted = (
        select(REQUESTS.created_at, *(REQUESTS[name] for name in _SCATTERED))
        .join(BulkChangeRow, BulkChangeRow.request_id == REQUESTS.id)
        .where(BulkChangeRow.change_id == change_id, BulkChangeRow.position.between(start, end))
        .subquery("wanted")
    )
    found = cast(Table, ServiceRequest.__table__).alias("found")
    for name in _SCATTERED:
        same = and_(found.c[name] == wanted.c[name], found.c.created_at == wanted.c.created_at)
        yield select(func.count()).select_from(wanted).join(found, same)


def find_changed(
    rows: Sequence[BulkChangeRow], locked: Locked, versions: Mapping[int, int | None]
) -> dict[int, ServiceRequest | None]:
    """Requests that are not any more what they were, by position; None for one that is gone."""
    found = ((row.position, locked.get(row.request_id)) for row in rows)
    return {at: now for at, now in found if now is None or now.version != versions[at]}


def describe(rows: Sequence[BulkChangeRow], changed: Mapping[int, ServiceRequest | None]) -> dict[int, str]:
    """How each of these requests stands now, for the person who wanted to change it."""
    names = _names({now.assigned_provider_id for now in changed.values() if now is not None})
    return {row.position: _how_it_stands(changed[row.position], names) for row in rows if row.position in changed}


def mark(change: BulkChange, positions: Sequence[int], values: Mapping[str, Any]) -> None:
    if positions:
        rows = update(BulkChangeRow).where(BulkChangeRow.change_id == change.id, BulkChangeRow.position.in_(positions))
        db.session.execute(rows.values(**values), execution_options={"synchronize_session": False})


def mark_each(change: BulkChange, messages: Mapping[int, str | None], values: Mapping[str, Any]) -> None:
    """With one statement for all that have the same message."""
    by_message: dict[str | None, list[int]] = {}
    for position, message in messages.items():
        by_message.setdefault(message, []).append(position)
    for message, positions in by_message.items():
        mark(change, positions, {**values, "message": message})


def _how_it_stands(now: ServiceRequest | None, names: Mapping[UUID | None, str]) -> str:
    if now is None:
        return "It does not exist any more."
    return f"It is “{now.status.label}” now, and {names[now.assigned_provider_id]} has it."


def _names(provider_ids: set[UUID | None]) -> Mapping[UUID | None, str]:
    names: dict[UUID | None, str] = {None: "nobody"}
    if provider_ids:
        names |= dict(db.session.execute(select(User.id, User.name).where(User.id.in_(provider_ids))).all())
    return names
