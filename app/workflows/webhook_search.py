"""Finding what gateways told us by the numbers that people quote."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, or_, select, union

from app.kit.ids import parse_reference_number
from app.models import Payment, ServiceRequest, WebhookEvent
from app.workflows import payment_numbers


def ids_of(text: str) -> CompoundSelect[UUID]:
    """The messages with this event id, about this payment of a gateway, or of the request with this reference.

    One look into an index for each reading: a single condition of them all would read the whole table.
    """
    return union(*(select(WebhookEvent.id).where(reading) for reading in _readings(text)))


def _readings(text: str) -> Iterator[ColumnElement[bool]]:
    yield payment_numbers.of_gateway(WebhookEvent.gateway, WebhookEvent.event_id, text)
    yield WebhookEvent.gateway_payment_id == text
    yield WebhookEvent.gateway_intent_id == text
    yield WebhookEvent.payment_id.in_(select(Payment.id).where(or_(*payment_numbers.of_payments(text))))
    reference = parse_reference_number(text)
    if reference is not None:
        request = select(ServiceRequest.id).where(ServiceRequest.reference_number == reference)
        of_request = Payment.service_request_id == request.scalar_subquery()
        yield WebhookEvent.payment_id.in_(select(Payment.id).where(of_request))
