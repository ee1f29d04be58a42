"""Where a customer stands who comes back from a gateway's page."""

from datetime import timedelta

from sqlalchemy import select

from app.db import db
from app.kit import clock
from app.models import Payment, PaymentStatus, ServiceRequest

_ASKED_JUST_NOW = timedelta(seconds=2)


def current_payment(service_request: ServiceRequest) -> Payment | None:
    """The payment that paid the request, else the latest attempt."""
    return db.session.scalar(
        select(Payment)
        .where(Payment.service_request_id == service_request.id)
        .order_by(Payment.settles_request.desc(), Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    )


def is_worth_asking(payment: Payment) -> bool:
    """True when the gateway may know more than we do; a page that refreshes itself does not ask each time."""
    if payment.status is not PaymentStatus.PENDING or payment.gateway_intent_id is None:
        return False
    return payment.checked_at is None or clock.utc_now() - payment.checked_at > _ASKED_JUST_NOW
