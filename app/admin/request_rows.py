"""The rows of the requests list: the few columns that it shows, in one query.

They are asked of the tables and not of the classes mapped to them, and kept as tuples: the half of a page's time went
into what sessions and mapped columns do besides.
"""

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, select

from app.admin.paging import Order
from app.db import db
from app.kit import clock
from app.models import REQUESTS, RequestStatus, ServiceRequest, User
from app.workflows.request_words import OF_WORD, WORD
from app.workflows.status import ALLOWED

_PROVIDER, _OPERATOR = (User.__table__.alias(name) for name in ("provider", "operator"))
_ALWAYS = (
    REQUESTS.id,
    REQUESTS.reference_number,
    REQUESTS.customer_name_sealed.label("customer_name"),
    REQUESTS.service_name,
    REQUESTS.tier_name,
    REQUESTS.created_at,
    REQUESTS.amount_minor,
    REQUESTS.currency,
    REQUESTS.payment_status,
    REQUESTS.status,
    REQUESTS.due_at,
    REQUESTS.first_contact_at,
    REQUESTS.waiting_since,
    REQUESTS.closed_at,
    REQUESTS.version,
    _PROVIDER.c.name.label("provider_name"),
)
# Read only for those who chose to see them: opening a sealed value has its price.
_IF_CHOSEN = {
    "email": REQUESTS.customer_email_sealed.label("customer_email"),
    "phone": REQUESTS.customer_phone_sealed.label("customer_phone"),
    "category": REQUESTS.service_category,
    "gateway": REQUESTS.payment_gateway,
    "affiliate": REQUESTS.affiliate_code,
    "refunded": REQUESTS.refunded_minor,
    "operator": _OPERATOR.c.name.label("operator_name"),
}


def only_shown(query: Select[Any], columns: Sequence[str]) -> Select[Any]:
    """The query cut down to what a row with these columns shows: sealed texts that nobody reads stay sealed."""
    shown = _shown(tuple(columns))
    return shown if query.whereclause is None else shown.where(query.whereclause)


def as_found(query: Select[Any], order: Order, *, text: str) -> Order:
    """The order in which a search for `text` finds requests: by name that of the first word, which has the request's
    time too, as all who have the word would have to be read to sort them."""
    conditions = () if query.whereclause is None or not text else query.whereclause.get_children()
    if order.column is not REQUESTS.created_at or not any(each is OF_WORD for each in conditions):
        return order
    return replace(order, column=WORD.c.created_at, key=WORD.c.service_request_id)


def read(shown: Select[Any]) -> list[Any]:
    """The rows of a query of `only_shown`."""
    found = db.session.execute(shown)
    return list(map(_kind(tuple(found.keys()))._make, found.all()))


@lru_cache(maxsize=64)
def _shown(columns: Sequence[str]) -> Select[Any]:
    """Everybody's rows; kept, as putting a query of so many columns together takes as long as running it."""
    query = cast(Select[Any], select(*_ALWAYS, *(_IF_CHOSEN[name] for name in columns if name in _IF_CHOSEN)))
    query = query.outerjoin(_PROVIDER, _PROVIDER.c.id == REQUESTS.assigned_provider_id)
    return query.outerjoin(_OPERATOR, _OPERATOR.c.id == REQUESTS.operator_id) if "operator" in columns else query


@lru_cache(maxsize=64)
def _kind(names: Sequence[str]) -> Any:
    """Looking something up by its name in a row of the database takes ten times as long."""
    return namedtuple("ShownRequest", names)


def find_row(key: UUID, columns: Sequence[str]) -> Any | None:
    query = select(ServiceRequest).where(REQUESTS.id == key)
    return next(iter(read(only_shown(query, columns))), None)


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
