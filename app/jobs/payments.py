"""Asking gateways, off the customer's path: pending payments, refunds without an answer, unpaid requests."""

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar
from uuid import UUID

from app.db import transaction
from app.exchanges import check_payment, check_refund, look_again
from app.jobs.turn import Turn
from app.workflows import gateway_health, reconciliation, requests

T = TypeVar("T")

LONGEST_RUN = 40
"""Seconds, after which no further gateway is asked in this run."""


def check(payment_id: str) -> None:
    """One payment, because something said that its gateway knows more."""
    check_payment(UUID(payment_id))


def check_due() -> None:
    """Payments and refunds whose next check is due; one that cannot be asked now does not hold up the others."""
    for payment_id in _in_time(reconciliation.due_payments()):
        check_payment(payment_id)
    for refund_id in _in_time(reconciliation.due_refunds()):
        check_refund(refund_id)


def expire_unpaid() -> None:
    """Close what nobody paid in time, after asking the gateways; unanswered, it waits for the next round."""
    for request_id in _in_time(reconciliation.stale_requests()):
        attempts = reconciliation.open_attempts(request_id)
        if all(check_payment(payment.id) for payment in attempts):
            with transaction():
                reconciliation.expire(requests.get_locked(request_id))


def look_again_at_paid() -> None:
    """What the gateways say of payments that are settled with us; one without an answer is let be for this run."""
    silent: set[str] = set()
    for payment_id, gateway in _in_time(reconciliation.paid_lately()):
        if gateway not in silent and not look_again(payment_id):
            silent.add(gateway)


def _in_time(due: Iterable[T]) -> Iterator[T]:
    """Those that fit into this run: a gateway that hangs must not keep others from being asked. The rest stay due."""
    turn = Turn(seconds=LONGEST_RUN)
    return itertools.takewhile(lambda _: not turn.is_over, due)


def alert_on_silence() -> None:
    """Payments complete, but their gateway's webhooks do not arrive: say so before somebody misses them."""
    with transaction():
        gateway_health.alert_on_silence()
