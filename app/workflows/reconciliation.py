"""Asking gateways how payments stand, for news that never came: plans, expiry, and the report of what differs.

The asking itself is `payments.look_up` and `ask_gateway`, outside any transaction; what is here runs within one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.errors import DomainError
from app.gateways.base import PaymentSnapshot, SnapshotStatus
from app.kit import clock
from app.kit.money import Money
from app.models import PAID_STATUSES, UNPAID_STATUSES, Payment, PaymentStatus, Refund, RequestStatus, ServiceRequest
from app.workflows import disputes, gateway_choice, locked_payments, notifications, payments, refunds, status
from app.workflows.audit import SYSTEM

_WAITS = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 60, 180, 360, 720))
"""From one check to the next; the last one repeats."""

ASKED_FOR = timedelta(days=3)
"""A payment thought lost may still arrive within three days (Razorpay polls the banks that long)."""

LOOKED_BACK, LOOKED_AGAIN_AFTER = timedelta(days=4), timedelta(days=1)
"""Paid ones are asked about once a day for a while: a refund made elsewhere is found though its message was lost."""

UNPAID_FOR = timedelta(hours=24)
"""After that an unpaid request is closed, once its gateways have been asked."""

_EXPIRED = "Not paid in time."


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the gateway says otherwise than we do."""

    payment_id: UUID
    what: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A gateway's answer of this moment beside our books; `trouble` is why there is none."""

    answer: PaymentSnapshot | None = None
    trouble: DomainError | None = None
    differences: tuple[Difference, ...] = ()


def compare(payment: Payment) -> Comparison:
    """Ask the gateway, outside any transaction, and change nothing."""
    try:
        answer = payments.look_up(payment)
    except DomainError as error:
        return Comparison(trouble=error)
    return Comparison(answer, differences=tuple(differences(payment, answer)) if answer else ())


def due_payments(limit: int = 100) -> list[UUID]:
    """Payments whose next check is due, longest due first."""
    query = (
        select(Payment.id)
        .where(Payment.next_check_at.is_not(None), Payment.next_check_at <= clock.utc_now())
        .order_by(Payment.next_check_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def plan_next_check(payment: Payment) -> None:
    """After a check of a locked payment: when the next one is, growing with its age; none once it is settled or given
    up."""
    age = clock.utc_now() - payment.created_at
    is_open = payment.status in UNPAID_STATUSES
    payment.next_check_at = clock.utc_now() + _wait(age) if is_open and age < ASKED_FOR else None


def plan_next_refund_check(refund_id: UUID) -> None:
    """The same for a refund, which is asked about until it ends: it is money that somebody waits for."""
    locked_payments.get_locked(db.session.get_one(Refund, refund_id).payment_id)
    refund = db.session.get_one(Refund, refund_id, populate_existing=True)
    is_open = refund.status in refunds.UNDER_WAY
    refund.next_check_at = clock.utc_now() + _wait(clock.utc_now() - refund.created_at) if is_open else None


def due_refunds(limit: int = 100) -> list[UUID]:
    """Refunds asked for or under way whose answer is due."""
    query = (
        select(Refund.id)
        .where(Refund.status.in_(refunds.UNDER_WAY), Refund.next_check_at <= clock.utc_now())
        .order_by(Refund.next_check_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def stale_requests(limit: int = 100) -> list[UUID]:
    """Open requests that nobody paid for in time."""
    query = (
        select(ServiceRequest.id)
        .where(
            ServiceRequest.payment_status.in_(UNPAID_STATUSES),
            ServiceRequest.status == RequestStatus.PENDING_CONTACT,
            ServiceRequest.created_at < clock.utc_now() - UNPAID_FOR,
        )
        .order_by(ServiceRequest.created_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def open_attempts(request_id: UUID) -> list[Payment]:
    """The payments of a request that may still be paid: to be asked for before it expires."""
    query = select(Payment).where(
        Payment.service_request_id == request_id,
        Payment.status.in_(UNPAID_STATUSES),
        Payment.gateway_intent_id.is_not(None),
    )
    return list(db.session.scalars(query))


def expire(service_request: ServiceRequest) -> bool:
    """Close a locked request if it is still unpaid and untouched; False when something happened meanwhile."""
    is_unpaid = service_request.payment_completed_at is None
    if not is_unpaid or service_request.status is not RequestStatus.PENDING_CONTACT:
        return False
    status.change_status(service_request, RequestStatus.CANCELLED, actor=SYSTEM, note=_EXPIRED)
    return True


def differences(payment: Payment, snapshot: PaymentSnapshot) -> Iterator[Difference]:
    """What the gateway says now, against what stands in our books."""
    if _is_otherwise(payment, snapshot):
        yield Difference(payment.id, "status", payment.status, snapshot.status)
    if snapshot.amount is not None and snapshot.amount != payment.amount:
        yield Difference(payment.id, "amount", payment.amount.format(), snapshot.amount.format())
    theirs_back = sum(news.amount.minor for news in snapshot.refunds if news.status == "success")
    # What lost disputes took is not among a gateway's refunds.
    ours_back = refunds.returned_minor(payment)
    if snapshot.status is SnapshotStatus.PAID and theirs_back != ours_back:
        ours, theirs = (Money(minor, payment.currency).format() for minor in (ours_back, theirs_back))
        yield Difference(payment.id, "refunded", ours, theirs)


def tell_of(payment: Payment, found: Sequence[Difference]) -> None:
    """Put what differs before administrators."""
    reference = payment.service_request.reference_number
    says = "; ".join(f"{each.what}: ours {each.ours}, theirs {each.theirs}" for each in found)
    text = f"{gateway_choice.label_of(payment.gateway)} and we disagree about a payment for {reference} ({says})."
    notifications.alert("reconciliation", text, service_request=payment.service_request, fold=str(payment.id))


def paid_lately(limit: int = 200) -> list[tuple[UUID, str]]:
    """Payments of the last days, and their gateways, that were paid and not heard of for a day."""
    now = clock.utc_now()
    query = (
        select(Payment.id, Payment.gateway)
        .where(
            Payment.status.in_(PAID_STATUSES),
            Payment.created_at > now - LOOKED_BACK,
            Payment.checked_at < now - LOOKED_AGAIN_AFTER,
        )
        .order_by(Payment.created_at)
        .limit(limit)
    )
    return [(payment_id, gateway) for payment_id, gateway in db.session.execute(query)]


def payments_between(start: datetime, end: datetime) -> list[UUID]:
    query = (
        select(Payment.id)
        .where(Payment.created_at >= start, Payment.created_at < end, Payment.gateway_intent_id.is_not(None))
        .order_by(Payment.created_at)
    )
    return list(db.session.scalars(query))


def _wait(age: timedelta) -> timedelta:
    passed = timedelta()
    for wait in _WAITS:
        passed += wait
        if age < passed:
            return wait
    return _WAITS[-1]


def _is_otherwise(payment: Payment, snapshot: PaymentSnapshot) -> bool:
    """A refunded payment was paid: the refund is compared by its amount."""
    is_paid = payment.status in PAID_STATUSES
    if snapshot.status in {SnapshotStatus.PENDING, SnapshotStatus.AUTHORIZED}:
        # PayPal sets money aside while it is disputed.
        return is_paid and not disputes.has_open(payment)
    if snapshot.status is SnapshotStatus.PAID:
        return not is_paid
    return payment.status is not PaymentStatus.FAILED
