"""Exchanges with gateways, whoever starts them: commit the question, ask outside any transaction, commit the answer."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from uuid import UUID

from app.db import db, insist, one_statement, transaction
from app.errors import DomainError
from app.extensions import links
from app.kit import clock
from app.models import Payment, PaymentStatus, Refund, RefundStatus
from app.workflows import (
    bulk_writes,
    gateway_choice,
    gateway_health,
    locked_payments,
    payments,
    purchase,
    reconciliation,
    refunds,
)

logger = logging.getLogger(__name__)


def start_payment(
    open_payment: Callable[[], Payment], is_hosted: Callable[[Payment], bool], *, is_one_statement: bool = False
) -> Payment:
    """The pending payment that `open_payment` opens, in one statement or not; announced to its gateway.

    `is_hosted` says where it is to be paid. A payment that is decided, or whose way to pay we know, is not announced
    again. The same purchase opened again is the same payment, so a stumbling database is asked again before the
    customer is. Raises DomainError.
    """
    accounts = gateway_choice.accounts()
    payment = insist(partial(_open, open_payment, one_statement if is_one_statement else transaction))
    if payment.is_payable or payment.status is not PaymentStatus.PENDING:
        return payment
    payment_id, gateway = payment.id, payment.gateway
    _set_aside(payment)
    account = accounts.get(gateway) or gateway_choice.get_account(gateway)
    try:
        intent = purchase.create_intent(payment, links(), is_hosted=is_hosted(payment), account=account)
    except DomainError as error:
        logger.warning("a payment was not announced", extra={"gateway": gateway, "reason": error.code})
        with transaction():
            gateway_health.note_failure(gateway, error)
        raise

    def attach() -> bool:
        if not gateway_choice.is_known_to_answer(account):
            with transaction():
                gateway_health.note_answer(gateway)
        with one_statement():
            return purchase.attach_intent(payment_id, intent)

    if insist(attach):
        return purchase.show_attached(payment, intent)
    # News came first, or the answer to an earlier try to keep it was lost.
    return db.session.get_one(Payment, payment_id, populate_existing=True)


def check_payment(payment_id: UUID) -> bool:
    """Ask how a payment stands and settle it; False when its gateway gave no answer, and is to be asked later."""
    payment = db.session.get_one(Payment, payment_id)
    try:
        snapshot = payments.ask_gateway(payment)
    except DomainError as error:
        _note_silence(payment, error)
        return False
    gateway, account = payment.gateway, gateway_choice.accounts().get(payment.gateway)
    is_news = snapshot is not None and (account is None or not gateway_choice.is_known_to_answer(account))
    with transaction(), bulk_writes.gathered():
        if is_news:
            gateway_health.note_answer(gateway)
        locked = locked_payments.get_locked(payment_id)
        if snapshot is not None:
            payments.settle_locked(locked, snapshot)
        reconciliation.plan_next_check(locked)
    return True


def look_again(payment_id: UUID) -> bool:
    """Take in what was done with a paid payment elsewhere, and tell administrators of what differs even then.

    False when its gateway gave no answer.
    """
    payment = db.session.get_one(Payment, payment_id)
    try:
        snapshot = payments.look_up(payment)
    except DomainError as error:
        if gateway_health.is_at_fault(error):
            _note_silence(payment, error)
            return False
        # It does not know this payment, as after a change of accounts or modes: `reconcile` reports it.
        snapshot = None
    if snapshot is None:
        with transaction():
            locked_payments.get_locked(payment_id).checked_at = clock.utc_now()
        return True
    with transaction():
        gateway_health.note_answer(payment.gateway)
        payments.settle(payment_id, snapshot)
    # News may have come while we asked: only what differs a second time does.
    if any(reconciliation.differences(payment, snapshot)) and (found := reconciliation.compare(payment).differences):
        with transaction():
            reconciliation.tell_of(payment, found)
    return True


def check_refund(refund_id: UUID) -> None:
    """How an open refund stands at its gateway, which is asked before it is told a second time.

    The idempotency key alone would not do: a gateway forgets it after a while, Stripe after a day.
    """
    refund = db.session.get_one(Refund, refund_id)
    if check_payment(refund.payment_id) and refund.status is RefundStatus.REQUESTED:
        send_refund(refund_id)
    with transaction():
        reconciliation.plan_next_refund_check(refund_id)


def send_refund(refund_id: UUID) -> Refund:
    """Ask the gateway for a refund that is on record and that it does not know; twice at once is still one refund."""
    refund = db.session.get_one(Refund, refund_id)
    try:
        result = refunds.send(refund)
    except DomainError as error:
        logger.warning("a refund was not made", extra={"gateway": refund.gateway, "reason": error.code})
        with transaction():
            gateway_health.note_failure(refund.gateway, error)
            refunds.note_no_answer(locked_payments.get_locked(refund.payment_id), refund_id, error)
    else:
        with transaction():
            gateway_health.note_answer(refund.gateway)
            refunds.learn(locked_payments.get_locked(refund.payment_id), refunds.news_of(refund, result))
    return refund


def _open(open_payment: Callable[[], Payment], begin: Callable[..., AbstractContextManager[object]]) -> Payment:
    # Whatever its gateway answers is kept by a commit that waits for the disk, and only then is the customer told.
    with begin(is_synced=False):
        return open_payment()


def _set_aside(payment: Payment) -> None:
    """Take the payment out of the session, where the next transaction would expire it, and it would be read again.

    Until its gateway has answered nothing of it changes.
    """
    # Loaded now, as it cannot be any more once it is out.
    _ = payment.service_request
    db.session.expunge(payment)


def _note_silence(payment: Payment, error: DomainError) -> None:
    logger.warning("a gateway could not be asked", extra={"gateway": payment.gateway, "reason": error.code})
    with transaction():
        gateway_health.note_failure(payment.gateway, error)
        reconciliation.plan_next_check(locked_payments.get_locked(payment.id))
