"""Money given back, asked for by us or in the gateway's own dashboard: entered once, whatever brings the news.

Every function here takes a payment that the caller has locked (`locked_payments.get_locked`), but for `send`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Boolean, bindparam, func, select

from app.db import db, run_after_commit
from app.errors import DomainError, StaleChange, wrong
from app.gateways.base import RefundNews, RefundParams, RefundResult
from app.kit import clock
from app.kit.money import Money
from app.models import PAID_STATUSES, Dispute, DisputeStatus, EventOutcome, Payment, PaymentStatus, Refund, RefundStatus
from app.observability import meters
from app.workflows import affiliates, audit, bulk_writes, figure_marks, gateway_choice, notifications
from app.workflows.audit import SYSTEM, Actor

MAXIMUM_REASON_LENGTH = 500
_ASK_AGAIN_AFTER = timedelta(minutes=5)
_GATEWAY_WORDS = {
    "success": RefundStatus.COMPLETED,
    "pending": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
}
_STEPS = tuple(RefundStatus)
"""As they follow each other at a gateway, which revives none that failed: news of an earlier one is late news."""
UNDER_WAY = (RefundStatus.REQUESTED, RefundStatus.PENDING)

_RETURNED = select(func.sum(Refund.amount_minor)).where(
    Refund.payment_id == bindparam("payment_id"), Refund.status == RefundStatus.COMPLETED
)
_LOST = select(func.sum(Dispute.amount_minor)).where(
    Dispute.payment_id == bindparam("payment_id"),
    Dispute.status == DisputeStatus.LOST,
    bindparam("counts_lost", type_=Boolean),
)
_GONE = func.coalesce(_RETURNED.scalar_subquery(), 0) + func.coalesce(_LOST.scalar_subquery(), 0)
"""What went back, and what disputes took where that does not go as a refund of its own."""


class NotRefundable(DomainError):
    code = "not_refundable"
    message = "This payment cannot be refunded."


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for. `seen` is what was refundable when the form was shown to them."""

    amount: Money
    seen: Money
    reason: str


def refundable(payment: Payment) -> Money:
    """Paid, minus what went back already, minus what is under way."""
    db.session.flush()
    query = select(Refund).where(Refund.payment_id == payment.id).execution_options(populate_existing=True)
    return left_of(payment, db.session.scalars(query).all())


def left_of(payment: Payment, known: Iterable[Refund]) -> Money:
    """The same, for a payment whose refunds are at hand."""
    if payment.status not in PAID_STATUSES:
        return Money(0, payment.currency)
    under_way = sum(refund.amount_minor for refund in known if refund.status in UNDER_WAY)
    return Money(max(0, payment.amount_minor - payment.refunded_minor - under_way), payment.currency)


def open_refund(payment: Payment, wish: Wish, *, actor: Actor) -> Refund:
    """Put the refund on record before the gateway is asked; its id is the idempotency key.

    Raises StaleChange when something was refunded since the form was shown, NotRefundable, InvalidInput.
    """
    left = refundable(payment)
    if wish.seen != left:
        rest = f"{left.format()} can still be refunded" if left else "nothing is left to refund"
        raise StaleChange(f"Another refund was made meanwhile: {rest}.")
    _ensure_possible(payment, wish, left)
    refund = Refund(
        payment_id=payment.id,
        gateway=payment.gateway,
        amount_minor=wish.amount.minor,
        currency=wish.amount.currency,
        reason=wish.reason.strip(),
        requested_by_user_id=actor.user_id,
        next_check_at=clock.utc_now(),
    )
    db.session.add(refund)
    db.session.flush()
    audit.record("refund.requested", refund, actor=actor, after={"amount": wish.amount.minor, "payment": payment.id})
    return refund


def send(refund: Refund) -> RefundResult:
    """Ask the gateway; outside any transaction. Raises GatewayError: the refund then stays on record as requested."""
    payment = refund.payment
    adapter = gateway_choice.adapter_of(refund.gateway)
    params = RefundParams(
        gateway_payment_id=payment.gateway_payment_id or "",
        gateway_intent_id=payment.gateway_intent_id or "",
        amount=refund.amount,
        idempotency_key=str(refund.id),
        reason=refund.reason or "",
    )
    with meters.gateway_call(refund.gateway, "refund"):
        return adapter.refund(params)


def learn(payment: Payment, news: RefundNews) -> EventOutcome:
    """Enter what a gateway says of one refund; ours is recognised, another's is taken in."""
    if news.amount.currency != payment.currency:
        return EventOutcome.REVIEW
    refund = _find(payment, news) or _take_in(payment, news)
    status = _GATEWAY_WORDS[news.status]
    is_late = refund.gateway_refund_id is not None and _STEPS.index(status) < _STEPS.index(refund.status)
    refund.gateway_refund_id = refund.gateway_refund_id or news.gateway_refund_id
    if refund.status is status or is_late:
        return EventOutcome.UNCHANGED
    _set_status(refund, status)
    db.session.flush()
    take_stock(payment, refund)
    if status is RefundStatus.COMPLETED:
        notifications.refund_issued(payment.service_request, refund)
    elif status is RefundStatus.FAILED:
        _tell_of_failure(payment, refund, "failed at the gateway. The money is still with us")
    return EventOutcome.APPLIED


def news_of(refund: Refund, result: RefundResult) -> RefundNews:
    """A gateway's answer to our own request, as news like any other."""
    return RefundNews(result.gateway_refund_id, result.amount, result.status, str(refund.id))


def note_no_answer(payment: Payment, refund_id: UUID, error: DomainError) -> None:
    """The gateway refused, so the amount is free again; or it was not reached, and is asked once more later."""
    refund = db.session.get_one(Refund, refund_id, populate_existing=True)
    if refund.payment_id != payment.id or refund.status is not RefundStatus.REQUESTED:
        return
    refund.error_code = error.code
    if error.retryable:
        refund.next_check_at = clock.utc_now() + _ASK_AGAIN_AFTER
        return
    _set_status(refund, RefundStatus.FAILED)
    _tell_of_failure(payment, refund, f"was refused: {error.message.removesuffix('.')}")


def returned_minor(payment: Payment) -> int:
    """What refunds, ours and others', have brought back to the customer."""
    return int(db.session.scalar(_RETURNED, {"payment_id": payment.id}) or 0)


def take_stock(payment: Payment, refund: Refund | None = None) -> None:
    """Bring payment, request and commission to what the refunds and disputes in the tables say; `refund` is the one
    with news."""
    if payment.status not in PAID_STATUSES:
        # Heard of before its payment: it counts as soon as that is complete.
        return
    _count_gone(payment, refund, db.session.connection().execute(select(_GONE), _asked(payment)).scalar_one())


def take_stock_at_last(payment: Payment) -> None:
    """The same for a payment that is complete now, when all that follows from that is written (`bulk_writes.ask`)."""
    bulk_writes.ask(_GONE, _asked(payment), then=partial(_count_gone, payment, None))


def _asked(payment: Payment) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "counts_lost": not gateway_choice.refunds_lost_disputes(payment.gateway),
    }


def _count_gone(payment: Payment, refund: Refund | None, sum_minor: int) -> None:
    gone_minor = min(payment.amount_minor, int(sum_minor))
    if gone_minor == payment.refunded_minor:
        return
    payment.refunded_minor = gone_minor
    is_all_gone = gone_minor == payment.amount_minor
    payment.status = PaymentStatus.REFUNDED if is_all_gone else PaymentStatus.COMPLETED
    payment.updated_at = clock.utc_now()
    if is_all_gone and payment.flag is not None and payment.flag_resolved_at is None:
        payment.flag_resolved_at = payment.updated_at
    if payment.settles_request:
        payment.service_request.refunded_minor = gone_minor
        payment.service_request.payment_status = payment.status
        # What was earned has to be there.
        bulk_writes.write_so_far()
        affiliates.adjust(payment, refund)


def _ensure_possible(payment: Payment, wish: Wish, left: Money) -> None:
    if not left:
        raise NotRefundable("There is nothing left to refund on this payment.")
    if wish.amount.currency != payment.currency or not 0 < wish.amount.minor <= left.minor:
        raise wrong("amount", f"Enter an amount up to {left.format()}.")
    if len(wish.reason) > MAXIMUM_REASON_LENGTH:
        raise wrong("reason", f"Keep the reason within {MAXIMUM_REASON_LENGTH} characters.")


def _find(payment: Payment, news: RefundNews) -> Refund | None:
    """By the gateway's id, by our own, and last by the amount of one whose answer we never got."""
    db.session.flush()
    query = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.created_at)
    known = db.session.scalars(query.execution_options(populate_existing=True)).all()
    return next(
        (refund for is_it in (_has_gateway_id, _has_our_id, _awaits_answer) for refund in known if is_it(refund, news)),
        None,
    )


def _has_gateway_id(refund: Refund, news: RefundNews) -> bool:
    return refund.gateway_refund_id == news.gateway_refund_id


def _has_our_id(refund: Refund, news: RefundNews) -> bool:
    """Unless it is known by another name there: then the gateway has refunded twice for one of ours."""
    return refund.gateway_refund_id is None and str(refund.id) == news.idempotency_key


def _awaits_answer(refund: Refund, news: RefundNews) -> bool:
    is_open = refund.gateway_refund_id is None and refund.status is RefundStatus.REQUESTED
    return is_open and news.idempotency_key is None and refund.amount == news.amount


def _tell_of_failure(payment: Payment, refund: Refund, what: str) -> None:
    text = f"A refund of {refund.amount.format()} {what}."
    notifications.alert("refund_failed", text, service_request=payment.service_request, fold=str(refund.id))


def _take_in(payment: Payment, news: RefundNews) -> Refund:
    refund = Refund(
        payment_id=payment.id,
        gateway=payment.gateway,
        gateway_refund_id=news.gateway_refund_id,
        amount_minor=news.amount.minor,
        currency=news.amount.currency,
        is_external=True,
    )
    db.session.add(refund)
    db.session.flush()
    audit.record("refund.taken_in", refund, actor=SYSTEM, after={"amount": news.amount.minor, "payment": payment.id})
    return refund


def _set_status(refund: Refund, status: RefundStatus) -> None:
    before = refund.status
    if refund.completed_at is not None:
        # It counted as given back on that day.
        figure_marks.mark(refund.completed_at)
    refund.status = status
    run_after_commit(partial(meters.refunds.labels(refund.gateway, status.value).inc))
    refund.completed_at = clock.utc_now() if status is RefundStatus.COMPLETED else None
    if status in {RefundStatus.COMPLETED, RefundStatus.FAILED}:
        refund.next_check_at = None
    audit.record("refund.changed", refund, actor=SYSTEM, before={"status": before}, after={"status": status})
