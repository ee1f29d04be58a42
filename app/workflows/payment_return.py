"""Where a customer stands who comes back from a gateway's page."""

from sqlalchemy import bindparam, select

from app.db import db
from app.models import Payment, PaymentStatus, ServiceRequest


def current_payment(service_request: ServiceRequest) -> Payment | None:
    """The payment that paid the request, else the latest attempt."""
    return db.session.scalar(_CURRENT, {"request": service_request.id})


_CURRENT = (
    select(Payment)
    .where(Payment.service_request_id == bindparam("request"))
    .order_by(Payment.settles_request.desc(), Payment.created_at.desc(), Payment.id.desc())
    .limit(1)
)


def is_worth_asking(payment: Payment) -> bool:
    """True when the gateway may know more than we do."""
    return payment.status is PaymentStatus.PENDING and payment.gateway_intent_id is not None
