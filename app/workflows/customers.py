"""Everything we keep about one customer, who is known by their email address."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from app.columns import keyring
from app.db import db
from app.kit import clock
from app.kit.contact import fold, format_phone
from app.kit.money import Money
from app.models import (
    Dispute,
    Notification,
    Payment,
    Refund,
    RequestNote,
    ServiceRequest,
    StatusChange,
    WebhookEvent,
)
from app.workflows.deliveries import SentCopy


def requests_of(address: str, *, locked: bool = False) -> Sequence[ServiceRequest]:
    """Those bought with this address, the oldest first."""
    hashes = keyring.hashes(fold(address), "email")
    query = select(ServiceRequest).where(ServiceRequest.customer_email_hash.in_(hashes))
    query = query.order_by(ServiceRequest.created_at, ServiceRequest.id)
    return db.session.scalars(query.with_for_update(key_share=True) if locked else query).all()


def picture(address: str) -> dict[str, Any]:
    """What we keep, in a form that people can read and programs too."""
    requests = requests_of(address)
    return {
        "about": address,
        "made_at": clock.isoformat(clock.utc_now()),
        "requests": [_request(each) for each in requests],
    }


def events_of(payments: Sequence[Payment]) -> Sequence[WebhookEvent]:
    """What gateways told us of these payments, also before we knew whose it was."""
    keys = [payment.id for payment in payments]
    named = {payment.gateway_payment_id for payment in payments} - {None}
    intents = {payment.gateway_intent_id for payment in payments} - {None}
    theirs = or_(
        WebhookEvent.payment_id.in_(keys),
        WebhookEvent.gateway_payment_id.in_(named),
        WebhookEvent.gateway_intent_id.in_(intents),
    )
    return db.session.scalars(select(WebhookEvent).where(theirs).order_by(WebhookEvent.created_at)).all()


def payments_of(request_id: UUID) -> Sequence[Payment]:
    query = select(Payment).where(Payment.service_request_id == request_id)
    return db.session.scalars(query.order_by(Payment.created_at)).all()


def _request(service_request: ServiceRequest) -> dict[str, Any]:
    payments = payments_of(service_request.id)
    return {
        "reference": service_request.reference_number,
        "bought_at": clock.isoformat(service_request.created_at),
        "service": service_request.title,
        "customer": {
            "name": service_request.customer_name,
            "email": service_request.customer_email,
            "phone": format_phone(service_request.customer_phone),
            "requirements": service_request.customer_requirements,
        },
        **_money(service_request.amount),
        "payment_status": service_request.payment_status.label,
        "status": service_request.status.label,
        "specialist": service_request.provider.name if service_request.provider else None,
        "sent_by_affiliate": service_request.affiliate_code,
        "history": [_step(each) for each in _all(StatusChange, service_request.id)],
        "notes_of_staff": [
            {"at": clock.isoformat(note.created_at), "by": _name(note), "note": note.body}
            for note in _all(RequestNote, service_request.id)
        ],
        "payments": [_payment(each) for each in payments],
        "messages": [_letter(each) for each in _all(Notification, service_request.id)],
        "told_by_gateways": [_event(each) for each in events_of(payments)],
    }


def _all(model: Any, request_id: UUID) -> Iterator[Any]:
    query = select(model).where(model.service_request_id == request_id).order_by(model.created_at, model.id)
    yield from db.session.scalars(query)


def _step(change: StatusChange) -> dict[str, Any]:
    return {"at": clock.isoformat(change.created_at), "status": change.new_status.label, "note": change.notes}


def _name(note: RequestNote) -> str:
    return note.author.name if note.author else "the system"


def _payment(payment: Payment) -> dict[str, Any]:
    refunds = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.created_at)
    disputes = select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.created_at)
    return {
        "at": clock.isoformat(payment.created_at),
        "gateway": payment.gateway,
        **_money(payment.amount),
        "status": payment.status.label,
        "number_at_gateway": payment.gateway_payment_id,
        "bank_reference": payment.bank_reference,
        "refunds": [_taken_back(each, each.amount) | {"reason": each.reason} for each in db.session.scalars(refunds)],
        "disputes": [_taken_back(each, each.amount) for each in db.session.scalars(disputes)],
    }


def _taken_back(row: Refund | Dispute, amount: Money) -> dict[str, Any]:
    return {"at": clock.isoformat(row.created_at), **_money(amount), "status": row.status.label}


def _money(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}


def _letter(notification: Notification) -> dict[str, Any]:
    sent = notification.sent_at
    to = "the customer" if notification.recipient_user_id is None else "staff or the specialist"
    return {
        "to": to,
        "kind": notification.kind,
        "sent_at": clock.isoformat(sent) if sent else None,
        "text": _text_of(notification.sent_copy),
    }


def _text_of(copy: bytes | None) -> str | None:
    return SentCopy.unpack(copy).text if copy else None


def _event(event: WebhookEvent) -> dict[str, Any]:
    return {
        "at": clock.isoformat(event.created_at),
        "gateway": event.gateway,
        "kind": event.kind,
        "message": event.body.decode(errors="replace"),
    }
