"""Asking gateways, off the customer's path: pending payments, refunds without an answer, unpaid requests."""

from uuid import UUID

from app.db import transaction
from app.exchanges import check_payment, send_refund
from app.workflows import gateway_health, reconciliation, requests


def check(payment_id: str) -> None:
    """One payment, because something said that its gateway knows more."""
    check_payment(UUID(payment_id))


def check_due() -> None:
    """Every payment and refund whose next check is due; one that cannot be asked now does not hold up the others."""
    for payment_id in reconciliation.due_payments():
        check_payment(payment_id)
    for refund_id in reconciliation.due_refunds():
        send_refund(refund_id)


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
