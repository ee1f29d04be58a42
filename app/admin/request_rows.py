"""The rows of the requests list: the few columns that it shows, in one query."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Select, select

from app.db import db
from app.kit import clock
from app.kit.money import Money
from app.models import RequestStatus, ServiceRequest, User
from app.workflows.status import ALLOWED

_COLUMNS = (
    ServiceRequest.id,
    ServiceRequest.reference_number,
    ServiceRequest.customer_name,
    ServiceRequest.service_name,
    ServiceRequest.tier_name,
    ServiceRequest.created_at,
    ServiceRequest.amount_minor,
    ServiceRequest.currency,
    ServiceRequest.payment_status,
    ServiceRequest.status,
    ServiceRequest.assigned_provider_id,
    ServiceRequest.due_at,
    ServiceRequest.first_contact_at,
    ServiceRequest.closed_at,
    ServiceRequest.version,
    User.name.label("provider_name"),
)


def only_shown(query: Select[Any]) -> Select[Any]:
    """The query cut down to what a row shows: sealed texts that nobody reads here stay sealed."""
    shown = cast(Select[Any], query.with_only_columns(*_COLUMNS))
    return shown.outerjoin(User, User.id == ServiceRequest.assigned_provider_id)


def find_row(key: UUID) -> Row[Any] | None:
    return db.session.execute(only_shown(select(ServiceRequest).where(ServiceRequest.id == key))).one_or_none()


def amount(row: Any) -> Money:
    return Money(row.amount_minor, row.currency)


def awaits_contact(row: Any) -> bool:
    """Its clock is running: the first contact is still owed."""
    return row.due_at is not None and row.first_contact_at is None and row.closed_at is None


def is_late(row: Any) -> bool:
    return awaits_contact(row) and row.due_at < clock.utc_now()


def next_statuses(status: RequestStatus) -> list[dict[str, object]]:
    """Where a request of this status may go, for the menu in the list."""
    return [
        {"value": wanted.value, "label": wanted.label, "ends": wanted is RequestStatus.CANCELLED}
        for wanted in RequestStatus
        if wanted in ALLOWED[status]
    ]


MOVES = {status.value: next_statuses(status) for status in RequestStatus}
