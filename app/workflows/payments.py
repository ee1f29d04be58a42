"""The payment state machine: whatever brings the news, and in whatever order, the end is the same.

Webhook, the customer's return and reconciliation all hand a gateway's snapshot to `settle`.
"""

from functools import partial
from uuid import UUID

from sqlalchemy import select

from app.db import db, run_after_commit
from app.gateways import Gateway
from app.gateways.base import PaymentFailure, PaymentSnapshot, SnapshotStatus
from app.jobs import queue
from app.kit import clock
from app.models import (
    PAID_STATUSES,
    UNPAID_STATUSES,
    EventOutcome,
    Payment,
    PaymentFlag,
    PaymentStatus,
    RequestStatus,
    ServiceRequest,
)
from app.observability import meters
from app.workflows import (
    affiliates,
    analytics,
    assignment,
    audit,
    bulk_writes,
    deadlines,
    figure_marks,
    gateway_choice,
    locked_payments,
    notifications,
    refunds,
    status,
    working_time,
)
from app.workflows.audit import SYSTEM

ALLOWED: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.FAILED, PaymentStatus.COMPLETED}),
    # A bank may settle days after it was thought lost.
    PaymentStatus.FAILED: frozenset({PaymentStatus.COMPLETED}),
    PaymentStatus.COMPLETED: frozenset({PaymentStatus.REFUNDED}),
    # A refund may come back: the bank could not deliver it.
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.COMPLETED}),
}

_WEIGHT = (EventOutcome.REVIEW, EventOutcome.APPLIED)
"""What matters most about several things done at once."""


def look_up(payment: Payment) -> PaymentSnapshot | None:
    """How the payment stands at its gateway now; outside any transaction. None: it was never announced there.

    Raises GatewayError.
    """
    if payment.gateway_intent_id is None:
        return None
    with meters.gateway_call(payment.gateway, "fetch"):
        return _adapter_of(payment).fetch_payment(payment.gateway_intent_id)


def ask_gateway(payment: Payment) -> PaymentSnapshot | None:
    """The same, and money that is only reserved is taken. Raises GatewayError."""
    snapshot = look_up(payment)
    if snapshot is not None and snapshot.status is SnapshotStatus.AUTHORIZED:
        with meters.gateway_call(payment.gateway, "capture"):
            return _adapter_of(payment).capture(str(payment.gateway_intent_id))
    return snapshot


def look_ahead() -> None:
    """Look at what settling goes by and may be a moment old, while nothing is locked yet."""
    working_time.business()
    notifications.administrators()


def settle(payment_id: UUID, snapshot: PaymentSnapshot) -> EventOutcome:
    """Bring a payment, its request and all that follows to what the gateway says; once, however often called."""
    return settle_locked(locked_payments.get_locked(payment_id), snapshot)


def settle_locked(payment: Payment, snapshot: PaymentSnapshot) -> EventOutcome:
    """The same for a payment that is locked already."""
    with bulk_writes.gathered():
        _learn_ids(payment, snapshot)
        outcomes = [_settle_status(payment, snapshot)]
        if snapshot.refunds:
            # What was heard of before its payment comes first.
            bulk_writes.write_so_far()
        outcomes += [refunds.learn(payment, news) for news in snapshot.refunds]
    return next((outcome for outcome in _WEIGHT if outcome in outcomes), EventOutcome.UNCHANGED)


def _settle_status(payment: Payment, snapshot: PaymentSnapshot) -> EventOutcome:
    if snapshot.status is SnapshotStatus.PAID:
        return _settle_paid(payment, snapshot)
    if snapshot.status is SnapshotStatus.FAILED:
        return _settle_failed(payment, snapshot.failure)
    if snapshot.status is SnapshotStatus.AUTHORIZED and payment.status in UNPAID_STATUSES:
        # Taking the money needs a network call, which has no place in here.
        ask_soon(payment)
    return EventOutcome.UNCHANGED


def ask_soon(payment: Payment) -> None:
    """Have the gateway asked about a locked payment, off this path. The due time holds if the bell is lost."""
    payment.next_check_at = clock.utc_now()
    queue.enqueue("app.jobs.payments.check", str(payment.id), on=queue.GATEWAYS)


def _adapter_of(payment: Payment) -> Gateway:
    return gateway_choice.adapter_of(payment.gateway)


def _learn_ids(payment: Payment, snapshot: PaymentSnapshot) -> None:
    payment.checked_at = clock.utc_now()
    payment.gateway_intent_id = payment.gateway_intent_id or snapshot.gateway_intent_id
    # One intent may see several tries with an id each: the one that paid is the payment's.
    is_better = snapshot.status is SnapshotStatus.PAID and payment.status not in PAID_STATUSES
    for name in ("gateway_payment_id", "bank_reference"):
        value = getattr(snapshot, name)
        if value is not None and (is_better or getattr(payment, name) is None):
            setattr(payment, name, value)


def _settle_paid(payment: Payment, snapshot: PaymentSnapshot) -> EventOutcome:
    if payment.status not in UNPAID_STATUSES:
        return EventOutcome.UNCHANGED
    if snapshot.amount != payment.amount:
        _flag(payment, PaymentFlag.AMOUNT_MISMATCH)
        return EventOutcome.REVIEW
    _complete(payment)
    service_request = payment.service_request
    if service_request.status is RequestStatus.CANCELLED:
        _flag(payment, PaymentFlag.LATE)
    elif service_request.payment_completed_at is not None:
        _flag(payment, PaymentFlag.DUPLICATE)
    else:
        _confirm_request(service_request, payment)
    # A refund may have been heard of before its payment.
    refunds.take_stock_at_last(payment)
    return EventOutcome.APPLIED


def _complete(payment: Payment) -> None:
    before = payment.status
    payment.status = PaymentStatus.COMPLETED
    payment.completed_at = clock.utc_now()
    payment.next_check_at = payment.error_code = payment.customer_message = None
    _count(payment, "completed")
    figure_marks.mark(payment.created_at)
    if payment.flag is PaymentFlag.AMOUNT_MISMATCH:
        payment.flag_resolved_at = payment.completed_at
    audit.record(
        "payment.completed", payment, actor=SYSTEM, before={"status": before}, after={"status": payment.status}
    )


def _confirm_request(service_request: ServiceRequest, payment: Payment) -> None:
    """Everything that follows from being paid, in the transaction that says so."""
    payment.settles_request = True
    _sum_up(service_request, payment)
    if service_request.status is RequestStatus.PENDING_CONTACT:
        status.enter_history(service_request, RequestStatus.PAYMENT_CONFIRMED, actor=SYSTEM)
        status.enter_history(service_request, RequestStatus.PENDING_CONTACT, actor=SYSTEM)
    notifications.payment_confirmed(service_request, payment)
    notifications.new_request(service_request)
    if service_request.is_open:
        _find_provider(service_request)
    bulk_writes.add_beside(*affiliates.earning(service_request, payment), analytics.recording("paid", service_request))


def _find_provider(service_request: ServiceRequest) -> None:
    if service_request.provider is None and assignment.route(service_request) is None:
        notifications.no_provider(service_request)


def _sum_up(service_request: ServiceRequest, payment: Payment) -> None:
    now = clock.utc_now()
    service_request.payment_status = PaymentStatus.COMPLETED
    service_request.payment_gateway = payment.gateway
    service_request.payment_transaction_id = payment.gateway_payment_id
    service_request.payment_completed_at = now
    deadlines.promise(service_request, since=now)
    service_request.updated_at = now


def _settle_failed(payment: Payment, failure: PaymentFailure | None) -> EventOutcome:
    if PaymentStatus.FAILED not in ALLOWED[payment.status]:
        return EventOutcome.UNCHANGED
    payment.status = PaymentStatus.FAILED
    payment.failed_at = clock.utc_now()
    figure_marks.mark(payment.created_at)
    payment.error_code = failure.code if failure else "unknown"
    _count(payment, "failed")
    payment.customer_message = f"{failure.message} {failure.next_step}" if failure else None
    service_request = payment.service_request
    audit.record("payment.failed", payment, actor=SYSTEM, after={"error": payment.error_code})
    if service_request.payment_completed_at is None and not _has_other_pending(payment):
        service_request.payment_status = PaymentStatus.FAILED
        service_request.updated_at = clock.utc_now()
    if service_request.payment_completed_at is None and service_request.is_open:
        notifications.payment_failed(service_request, payment)
    bulk_writes.add_beside(analytics.recording("failed", service_request))
    return EventOutcome.APPLIED


def _count(payment: Payment, outcome: str) -> None:
    """Only what stays: a rehearsal and what is rolled back count for nothing."""
    run_after_commit(partial(meters.payments.labels(payment.gateway, outcome).inc))


def _has_other_pending(payment: Payment) -> bool:
    query = select(Payment.id).where(
        Payment.service_request_id == payment.service_request_id,
        Payment.status == PaymentStatus.PENDING,
        Payment.id != payment.id,
    )
    return db.session.scalar(query.limit(1)) is not None


def _flag(payment: Payment, flag: PaymentFlag) -> None:
    """Put it before a person, once."""
    if payment.flag is flag and payment.flag_resolved_at is None:
        return
    payment.flag, payment.flag_resolved_at = flag, None
    _count(payment, "flagged")
    audit.record("payment.flagged", payment, actor=SYSTEM, after={"flag": flag})
    reference = payment.service_request.reference_number
    notifications.alert(
        f"payment_{flag}",
        f"Payment for {reference} needs a look: {flag.label}.",
        service_request=payment.service_request,
        fold=str(payment.id),
    )
