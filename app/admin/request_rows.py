"""The rows of the requests list: the few columns that it shows, in one query."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from app.db import db
from app.kit import clock
from app.models import RequestStatus, ServiceRequest, User
from app.workflows.status import ALLOWED

_PROVIDER, _OPERATOR = aliased(User), aliased(User)
_ALWAYS = (
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
    ServiceRequest.due_at,
    ServiceRequest.first_contact_at,
    ServiceRequest.waiting_since,
    ServiceRequest.closed_at,
    ServiceRequest.version,
    _PROVIDER.name.label("provider_name"),
)
# Read only for those who chose to see them: opening a sealed value has its price.
_IF_CHOSEN = {
    "email": ServiceRequest.customer_email,
    "phone": ServiceRequest.customer_phone,
    "category": ServiceRequest.service_category,
    "gateway": ServiceRequest.payment_gateway,
    "affiliate": ServiceRequest.affiliate_code,
    "refunded": ServiceRequest.refunded_minor,
    "operator": _OPERATOR.name.label("operator_name"),
}


def only_shown(query: Select[Any], columns: Sequence[str]) -> Select[Any]:
    """The query cut down to what a row with these columns shows: sealed texts that nobody reads stay sealed."""
    shown = _shown(tuple(columns))
    return shown if query.whereclause is None else shown.where(query.whereclause)


@lru_cache(maxsize=64)
def _shown(columns: Sequence[str]) -> Select[Any]:
    """Everybody's rows; kept, as putting a query of so many columns together takes as long as running it."""
    query = cast(Select[Any], select(*_ALWAYS, *(_IF_CHOSEN[name] for name in columns if name in _IF_CHOSEN)))
    query = query.outerjoin(_PROVIDER, _PROVIDER.id == ServiceRequest.assigned_provider_id)
    return query.outerjoin(_OPERATOR, _OPERATOR.id == ServiceRequest.operator_id) if "operator" in columns else query


def find_row(key: UUID, columns: Sequence[str]) -> Row[Any] | None:
    query = select(ServiceRequest).where(ServiceRequest.id == key)
    return db.session.execute(only_shown(query, columns)).one_or_none()


class _Loaded:
    """A request that is here already, as a row of the list."""

    def __init__(self, service_request: ServiceRequest) -> None:
        self._request = service_request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    @property
    def provider_name(self) -> str | None:
        return self._request.provider.name if self._request.provider else None

    @property
    def operator_name(self) -> str | None:
        return self._request.operator.name if self._request.operator else None


def row_of(service_request: ServiceRequest) -> Any:
    """What `find_row` would read of a request that was just changed."""
    return _Loaded(service_request)


def awaits_contact(row: Any) -> bool:
    """Its clock is running: the first contact is still owed."""
    return row.due_at is not None and row.first_contact_at is None and row.closed_at is None


def waits_for_customer(row: Any) -> bool:
    """Its clock stands still until the customer answers."""
    return row.waiting_since is not None and row.closed_at is None


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
