"""Finding by the numbers that customers, banks and gateways quote."""

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from app import gateways
from app.models import Payment


def of_gateway(
    gateway: InstrumentedAttribute[str], number: InstrumentedAttribute[str | None], text: str
) -> ColumnElement[bool]:
    """Whichever gateway gave the number: the index that makes it unique has the gateway's name before it."""
    return and_(gateway.in_([each.name for each in gateways.registered()]), number == text)


def of_payments(text: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions that an index answers, each by itself."""
    return (
        of_gateway(Payment.gateway, Payment.gateway_payment_id, text),
        of_gateway(Payment.gateway, Payment.gateway_intent_id, text),
        Payment.bank_reference == text.upper(),
    )
