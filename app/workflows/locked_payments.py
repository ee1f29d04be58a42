"""Getting hold of a payment to change it: read afresh with its request, and both locked until the transaction ends."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.orm.attributes import set_committed_value

from app.db import LOCK, db
from app.gateways.base import PaymentSnapshot
from app.models import PAID_STATUSES, Payment, Service, ServiceRequest
from app.workflows.found_rows import ask, columns_of, take_in, take_in_part

_PAYMENTS, _REQUESTS, _SERVICES = (cast(Table, model.__table__) for model in (Payment, ServiceRequest, Service))


def find_payment(gateway: str, snapshot: PaymentSnapshot, *, locked: bool = False) -> Payment | None:
    """By the gateway's ids, else by our own id that it carries along: an event may overtake `attach_intent`.

    `locked` as by `get_locked`.
    """
    for name, value in marks_of(snapshot):
        known = {"gateway": gateway, "value": value}
        found = _find_locked(name, known) if locked else db.session.scalar(_by(name), known)
        if found is not None:
            return found
    return None


def get_locked(payment_id: UUID) -> Payment:
    """The payment and its request, read afresh and locked: the request first, as everywhere."""
    payment = _find_locked("id", {"value": payment_id})
    if payment is None:
        raise LookupError("no such payment")
    return payment


def marks_of(snapshot: PaymentSnapshot) -> Iterator[tuple[str, str]]:
    """Columns that a payment is known by at its gateway, the surest first."""
    if snapshot.gateway_intent_id is not None:
        yield "gateway_intent_id", snapshot.gateway_intent_id
    if snapshot.gateway_payment_id is not None:
        yield "gateway_payment_id", snapshot.gateway_payment_id
    if "payment_id" in snapshot.metadata:
        yield "idempotency_key", snapshot.metadata["payment_id"]


def is_another_try(payment: Payment, snapshot: PaymentSnapshot) -> bool:
    """Whether it tells of a try beside the one that paid. An order may have seen several, and Razorpay gives back by
    itself what arrives after it was paid."""
    is_paid = payment.status in PAID_STATUSES
    tries = {payment.gateway_payment_id, snapshot.gateway_payment_id} - {None}
    return is_paid and len(tries) > 1


def locking(mark: str, *first: Table) -> Select[*tuple[Any, ...]]:
    """For `take_in_locked`: a payment by its id or one of `marks_of`. A row of the tables that come `first`, which the
    query is to be joined with, is locked before it."""
    service_hours = _SERVICES.c.first_contact_hours.label("service_hours")
    query = select(*columns_of(Payment), *columns_of(ServiceRequest), service_hours).select_from(
        _PAYMENTS.join(_REQUESTS, _REQUESTS.c.id == _PAYMENTS.c.service_request_id).join(
            _SERVICES, _SERVICES.c.id == _REQUESTS.c.service_id
        )
    )
    # Rows are locked in the order in which they are named here.
    return query.where(*_which(mark)).with_for_update(of=(*first, _REQUESTS, _PAYMENTS), **LOCK)


def take_in_locked(found: Any) -> Payment:
    """The payment of a row that a query `locking` it has found."""
    payment = take_in(Payment, found)
    service_request = take_in(ServiceRequest, found[len(columns_of(Payment)) :])
    service = take_in_part(Service, id=service_request.service_id, first_contact_hours=found.service_hours)
    set_committed_value(payment, "service_request", service_request)
    set_committed_value(service_request, "service", service)
    return payment


def _find_locked(mark: str, known: dict[str, Any]) -> Payment | None:
    found = next(iter(ask(_locking(mark), known)), None)
    return take_in_locked(found) if found is not None else None


@cache
def _locking(mark: str) -> Select[*tuple[Any, ...]]:
    return locking(mark)


@cache
def _by(mark: str) -> Select[Payment]:
    return select(Payment).where(*_which(mark))


def _which(mark: str) -> Iterator[Any]:
    """A gateway's id is one for that gateway."""
    yield _PAYMENTS.c[mark] == bindparam("value")
    if mark != "id":
        yield _PAYMENTS.c.gateway == bindparam("gateway")
