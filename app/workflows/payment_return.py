"""Where a customer stands who comes back from a gateway's page."""

from sqlalchemy import bindparam, select

from app.db import db
from app.models import Payment, PaymentStatus, ServiceRequest
from app.workflows.tracking import UnknownReference


def current_payment(service_request: ServiceRequest) -> Payment | None:
    """The payment that paid the request, else the latest attempt."""
    return db.session.scalar(_CURRENT, {"request": service_request.id})


def find_purchase(reference: str) -> tuple[ServiceRequest, Payment | None]:
    """A request by its number, and its current payment. Raises UnknownReference."""
    found = db.session.execute(_PURCHASE, {"reference": reference}).one_or_none()
    if found is None:
        raise UnknownReference
    service_request, payment = found
    return service_request, payment


_BEST_FIRST = (Payment.settles_request.desc(), Payment.created_at.desc(), Payment.id.desc())
_CURRENT = select(Payment).where(Payment.service_request_id == bindparam("request")).order_by(*_BEST_FIRST).limit(1)
_PURCHASE = (
    select(ServiceRequest, Payment)
    .outerjoin(Payment, Payment.service_request_id == ServiceRequest.id)
    .where(ServiceRequest.reference_number == bindparam("reference"))
    .order_by(*_BEST_FIRST)
    .limit(1)
)


def is_worth_asking(payment: Payment) -> bool:
    """True when the gateway may know more than we do."""
    return payment.status is PaymentStatus.PENDING and payment.gateway_intent_id is not None
