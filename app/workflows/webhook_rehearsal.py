"""What handling a gateway's message again would do: told by doing it where nothing stays (`db.rehearsal`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from app.db import db
from app.gateways.base import GatewayEvent
from app.kit.money import Money
from app.models import (
    CommissionEntry,
    Dispute,
    EventOutcome,
    Notification,
    Payment,
    Refund,
    ServiceRequest,
    StatusChange,
    User,
    WebhookEvent,
)
from app.workflows import locked_payments, webhooks
from app.workflows.audit import Actor

Picture = Mapping[object, tuple[str, object]]
"""Label and value of everything that a message can change, each under a key of its own."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that would be otherwise; `before` is None for what is not there yet."""

    what: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Message:
    """A notification that would be owed; `receiver` is None for the customer."""

    kind: str
    receiver: str | None


@dataclass(frozen=True, slots=True)
class Forecast:
    outcome: EventOutcome
    detail: str | None
    differences: tuple[Difference, ...]
    messages: tuple[Message, ...]

    @property
    def is_nothing(self) -> bool:
        return not self.differences and not self.messages


def foresee(row: WebhookEvent, *, actor: Actor) -> Forecast:
    """Replay a locked event and tell what is otherwise then. Only within a `rehearsal()`.

    Raises whatever handling it raises.
    """
    payment_id = _payment_of(row, webhooks.read_again(row))
    before, known = _picture(payment_id), _messages(payment_id)
    outcome = webhooks.replay(row, actor=actor)
    db.session.flush()
    after, owed = _picture(payment_id), _messages(payment_id)
    messages = tuple(message for key, message in owed.items() if key not in known)
    return Forecast(outcome, row.detail, tuple(_differences(before, after)), messages)


def _payment_of(row: WebhookEvent, event: GatewayEvent) -> UUID | None:
    payment = locked_payments.find_payment(row.gateway, event.snapshot) if event.snapshot is not None else None
    return payment.id if payment is not None else None


def _differences(before: Picture, after: Picture) -> Iterator[Difference]:
    for key, (what, value) in after.items():
        _, old = before.get(key, (what, None))
        if old != value:
            yield Difference(what, old, value)


def _picture(payment_id: UUID | None) -> Picture:
    if payment_id is None:
        return {}
    # Read afresh: the workflows also change rows by statements that pass the session by.
    payment = db.session.get_one(Payment, payment_id, populate_existing=True)
    request = db.session.get_one(ServiceRequest, payment.service_request_id, populate_existing=True)
    return {
        **_of_payment(payment),
        **_of_request(request),
        **_of_refunds(payment_id),
        **_of_disputes(payment_id),
        **_of_history(request.id),
        **_of_commission(request),
    }


def _of_payment(payment: Payment) -> Picture:
    return {
        "payment": ("Payment", payment.status),
        "payment id": ("Gateway's payment id", payment.gateway_payment_id),
        "bank reference": ("Bank reference", payment.bank_reference),
        "refunded": ("Refunded", payment.refunded),
        "error": ("Error code", payment.error_code),
        "flag": ("Needs review", payment.flag if payment.flag_resolved_at is None else None),
    }


def _of_request(request: ServiceRequest) -> Picture:
    provider = request.assigned_provider_id
    return {
        "request payment": ("Payment of the request", request.payment_status),
        "request status": ("Status of the request", request.status),
        "provider": ("Provider", db.session.scalar(select(User.name).where(User.id == provider))),
        "due": ("First contact due", request.due_at),
    }


def _of_refunds(payment_id: UUID) -> Picture:
    query = select(Refund.id, Refund.amount_minor, Refund.currency, Refund.status).where(
        Refund.payment_id == payment_id
    )
    return {
        key: (f"Refund of {Money(minor, currency).format()}", status)
        for key, minor, currency, status in db.session.execute(query)
    }


def _of_disputes(payment_id: UUID) -> Picture:
    query = select(Dispute.id, Dispute.amount_minor, Dispute.currency, Dispute.status).where(
        Dispute.payment_id == payment_id
    )
    return {
        key: (f"Dispute over {Money(minor, currency).format()}", status)
        for key, minor, currency, status in db.session.execute(query)
    }


def _of_history(request_id: UUID) -> Picture:
    query = (
        select(StatusChange.id, StatusChange.new_status)
        .where(StatusChange.service_request_id == request_id)
        .order_by(StatusChange.created_at, StatusChange.id)
    )
    return {key: ("Entry in the history", status) for key, status in db.session.execute(query)}


def _of_commission(request: ServiceRequest) -> Picture:
    query = select(func.sum(CommissionEntry.amount_minor)).where(CommissionEntry.service_request_id == request.id)
    earned = db.session.scalar(query)
    return {"commission": ("Commission", None if earned is None else Money(int(earned), request.currency))}


def _messages(payment_id: UUID | None) -> dict[UUID, Message]:
    if payment_id is None:
        return {}
    of_request = select(Payment.service_request_id).where(Payment.id == payment_id).scalar_subquery()
    query = (
        select(Notification.id, Notification.kind, User.name)
        .outerjoin(User, User.id == Notification.recipient_user_id)
        .where(Notification.service_request_id == of_request)
        .order_by(Notification.created_at, Notification.id)
    )
    return {key: Message(kind, receiver) for key, kind, receiver in db.session.execute(query)}
