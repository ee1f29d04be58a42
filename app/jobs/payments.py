"""Asking gateways, off the customer's path: pending payments, refunds without an answer, unpaid requests."""

import logging
from uuid import UUID

from app.db import db, transaction
from app.errors import DomainError
from app.models import Payment, Refund
from app.workflows import gateway_health, payments, reconciliation, refunds, requests

logger = logging.getLogger(__name__)


def check(payment_id: str) -> None:
    """Ask how one payment stands, take the money if it is only reserved, and settle it."""
    check_payment(UUID(payment_id))


def check_due() -> None:
    """Every payment and refund whose next check is due; one that cannot be asked now does not hold up the others."""
    for payment_id in reconciliation.due_payments():
        check_payment(payment_id)
    for refund_id in reconciliation.due_refunds():
        send_refund(refund_id)


def check_payment(payment_id: UUID) -> bool:
    """False when its gateway gave no answer; it is asked again later."""
    payment = db.session.get_one(Payment, payment_id)
    try:
        snapshot = payments.ask_gateway(payment)
    except DomainError as error:
        _note_silence(payment, error)
        return False
    with transaction():
        if snapshot is not None:
            gateway_health.note_answer(payment.gateway)
            payments.settle(payment_id, snapshot)
        reconciliation.plan_next_check(payment_id)
    return True


def send_refund(refund_id: UUID) -> None:
    """Ask for a refund that is on record; asked again after a lost answer it is still one refund."""
    refund = db.session.get_one(Refund, refund_id)
    try:
        result = refunds.send(refund)
    except DomainError as error:
        with transaction():
            refunds.note_no_answer(payments.get_locked(refund.payment_id), refund_id, error)
        return
    with transaction():
        refunds.learn(payments.get_locked(refund.payment_id), refunds.news_of(refund, result))


def expire_unpaid() -> None:
    """Close what nobody paid in time, after asking the gateways; unanswered, it waits for the next round."""
    for request_id in reconciliation.stale_requests():
        attempts = reconciliation.open_attempts(request_id)
        if all(check_payment(payment.id) for payment in attempts):
            with transaction():
                reconciliation.expire(requests.get_locked(request_id))


def alert_on_silence() -> None:
    """Payments complete, but their gateway's webhooks do not arrive: say so before somebody misses them."""
    with transaction():
        gateway_health.alert_on_silence()


def _note_silence(payment: Payment, error: DomainError) -> None:
    logger.warning("a gateway could not be asked", extra={"gateway": payment.gateway, "reason": error.code})
    with transaction():
        gateway_health.note_failure(payment.gateway, error)
        reconciliation.plan_next_check(payment.id)
