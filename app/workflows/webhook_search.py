"""Finding what gateways told us by the numbers that people quote."""

from uuid import UUID

from sqlalchemy import CompoundSelect, Select, and_, or_, select, union

from app import gateways
from app.kit.ids import parse_reference_number
from app.models import Payment, ServiceRequest, WebhookEvent


def ids_of(text: str) -> CompoundSelect[UUID]:
    """The messages with this event id, about this payment of a gateway, or of the request with this reference.

    One look into an index for each reading: a single condition of them all would read the whole table.
    """
    names = [gateway.name for gateway in gateways.registered()]
    readings = (
        and_(WebhookEvent.gateway.in_(names), WebhookEvent.event_id == text),
        WebhookEvent.gateway_payment_id == text,
        WebhookEvent.gateway_intent_id == text,
        WebhookEvent.payment_id.in_(_at_gateway(text)),
        WebhookEvent.payment_id.in_(_of_request(text)),
    )
    return union(*(select(WebhookEvent.id).where(reading) for reading in readings))


def _at_gateway(text: str) -> Select[UUID]:
    return select(Payment.id).where(
        or_(
            Payment.gateway_payment_id == text,
            Payment.gateway_intent_id == text,
            Payment.bank_reference == text.upper(),
        )
    )


def _of_request(text: str) -> Select[UUID]:
    reference = parse_reference_number(text)
    request = select(ServiceRequest.id).where(ServiceRequest.reference_number == reference).scalar_subquery()
    return select(Payment.id).where(Payment.service_request_id == request)
