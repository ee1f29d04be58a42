"""Taking a customer's personal data out of everything that holds it, while amounts, dates and numbers stay.

The audit log keeps its chain: an erased entry says which entry erased it, and that one holds fingerprints of what was
left, so nobody can pass a forgery off as an erasure.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.columns import keyring
from app.db import db
from app.errors import DomainError
from app.kit import clock, ids
from app.kit.contact import fold
from app.models import (
    AnalyticsEvent,
    AuditEntry,
    BulkChange,
    BulkChangeRow,
    Dispute,
    DisputeStatus,
    IdempotencyKey,
    NameWord,
    Notification,
    NotificationStatus,
    Payment,
    PaymentStatus,
    Refund,
    RequestNote,
    ServiceRequest,
    StatusChange,
    WebhookEvent,
)
from app.models.bulk_change import UNFINISHED
from app.workflows import attention, audit, audit_chain, customers
from app.workflows.audit import Actor
from app.workflows.audit_fields import ERASED, without_persons
from app.workflows.audit_verification import fingerprint
from app.workflows.refunds import UNDER_WAY

NAME = "Erased customer"
_READ_AT_ONCE = 200


class StillNeeded(DomainError):
    code = "customer_still_needed"
    message = "This customer's data is still needed."
    suggested_action = "Finish or cancel the work first."


def reasons_against(requests: Sequence[ServiceRequest]) -> list[str]:
    """Why this data is still needed, a sentence for each request."""
    return [sentence for each in requests if (sentence := _reason(each)) is not None]


def erase(request_id: UUID, *, actor: Actor, action: str = "customer.erased") -> bool:
    """Erase the customer of one request; False when that was done before."""
    service_request = db.session.get_one(ServiceRequest, request_id, with_for_update={"key_share": True})
    if service_request.erased_at is not None:
        return False
    payments = customers.payments_of(request_id)
    events = [*customers.events_of(payments), *_strays(service_request.customer_email)]
    _erase_request(service_request)
    _erase_around(request_id)
    _erase_payments(payments, events)
    _erase_bulk_changes(request_id)
    db.session.flush()
    keys = [*(each.id for each in payments), *(each.id for each in events)]
    _erase_audit(service_request, keys, actor=actor, action=action)
    return True


def _reason(service_request: ServiceRequest) -> str | None:
    reference = service_request.reference_number
    keys = select(Payment.id).where(Payment.service_request_id == service_request.id)
    if _any(Dispute.id, Dispute.payment_id.in_(keys), Dispute.status == DisputeStatus.OPEN):
        return f"{reference} has an open dispute, for which the bank may ask who bought it."
    if _any(Refund.id, Refund.payment_id.in_(keys), Refund.status.in_(UNDER_WAY)):
        return f"{reference} has a refund under way."
    if _any(Payment.id, Payment.service_request_id == service_request.id, attention.payment_is_flagged()):
        return f"{reference} has a payment that a person has to look at."
    if service_request.is_open and service_request.payment_status is PaymentStatus.COMPLETED:
        return f"{reference} is paid, and the work is not finished."
    if not service_request.is_over:
        return f"{reference} waits for its payment: cancel it first, or let it expire."
    return None


def _any(column: InstrumentedAttribute[UUID], *conditions: ColumnElement[bool]) -> bool:
    return db.session.scalar(select(column).where(*conditions).limit(1)) is not None


def _erase_request(service_request: ServiceRequest) -> None:
    service_request.customer_name = NAME
    service_request.customer_email = service_request.customer_phone = ERASED
    service_request.customer_requirements = ""
    service_request.customer_email_hash = keyring.hash(fold(ERASED), "email")
    service_request.customer_phone_hash = keyring.hash(ERASED, "phone")
    service_request.submission_hash = None
    service_request.erased_at = clock.utc_now()


def _erase_around(request_id: UUID) -> None:
    """The rows that belong to the request alone."""
    for model in (NameWord, IdempotencyKey):
        db.session.execute(delete(model).where(model.service_request_id == request_id))
    mine = Notification.service_request_id == request_id
    nothing: dict[str, Any] = {"context": {}, "sent_copy": None}
    # Whoever sends it at this moment would note what it said.
    taken_back = {"status": NotificationStatus.PENDING, "claimed_by": None, "claimed_until": None}
    waiting = (NotificationStatus.PENDING, NotificationStatus.DEAD)
    to_customer = Notification.recipient_user_id.is_(None)
    for change in (
        update(StatusChange).where(StatusChange.service_request_id == request_id).values(notes=None),
        update(RequestNote).where(RequestNote.service_request_id == request_id).values(body=ERASED),
        update(AnalyticsEvent).where(AnalyticsEvent.service_request_id == request_id).values(service_request_id=None),
        update(Notification).where(mine).values(nothing),
        update(Notification).where(mine, Notification.status == NotificationStatus.SENDING).values(taken_back),
        update(Notification).where(mine, to_customer).values(recipient=ERASED),
        update(Notification)
        .where(mine, to_customer, Notification.status.in_(waiting))
        .values(status=NotificationStatus.DROPPED),
    ):
        db.session.execute(change)


def _erase_payments(payments: Sequence[Payment], events: Sequence[WebhookEvent]) -> None:
    for payment in payments:
        payment.client_secret = payment.redirect_url = None
        payment.client_parameters = {}
    keys = [payment.id for payment in payments]
    db.session.execute(update(Refund).where(Refund.payment_id.in_(keys)).values(reason=None))
    for event in events:
        event.body = event.headers = b"{}"
        event.review_note = None


def _strays(address: str) -> Iterator[WebhookEvent]:
    """Messages that gateways sent us of no payment of ours, and that name this customer: there are few to read."""
    named = address.lower().encode()
    query = select(WebhookEvent).where(WebhookEvent.payment_id.is_(None)).order_by(WebhookEvent.created_at)
    for event in db.session.scalars(query.execution_options(yield_per=_READ_AT_ONCE)):
        if named in event.body.lower():
            yield event


def _erase_bulk_changes(request_id: UUID) -> None:
    """The note of a finished change, and the search it began with, which may name the customer."""
    theirs = select(BulkChangeRow.change_id).where(BulkChangeRow.request_id == request_id)
    finished = BulkChange.state.not_in(UNFINISHED)
    for change in db.session.scalars(select(BulkChange).where(BulkChange.id.in_(theirs), finished)):
        emptied = dict.fromkeys(change.parameters.keys() & {"note", "list", "words"}, "")
        change.parameters = change.parameters | emptied


def _erase_audit(service_request: ServiceRequest, keys: Sequence[UUID], *, actor: Actor, action: str) -> None:
    erasing, left = ids.new_id(), {}
    with audit_chain.resealing():
        for entry in _entries(service_request.id, keys):
            sides = {name: without_persons(side or {}) for name, side in json.loads(entry.changes).items()}
            text = json.dumps(sides, ensure_ascii=False)
            if json.loads(text) == json.loads(entry.changes):
                continue
            entry.changes, entry.erased_by = text, erasing
            left[str(entry.id)] = fingerprint(entry.salted)
    audit.record(action, service_request, actor=actor, after={"left": left}, key=erasing)


def _entries(request_id: UUID, keys: Sequence[UUID]) -> Iterator[AuditEntry]:
    """About the request, and about what belongs to it."""
    refunds = select(Refund.id).join(Payment).where(Payment.service_request_id == request_id)
    letters = select(Notification.id).where(Notification.service_request_id == request_id)
    about = {
        "service_requests": AuditEntry.subject_id == request_id,
        "payments": AuditEntry.subject_id.in_(keys),
        "webhook_events": AuditEntry.subject_id.in_(keys),
        "refunds": AuditEntry.subject_id.in_(refunds),
        "notifications": AuditEntry.subject_id.in_(letters),
    }
    for table, theirs in about.items():
        query = select(AuditEntry).where(AuditEntry.subject_type == table, theirs, AuditEntry.erased_by.is_(None))
        yield from db.session.scalars(query)
