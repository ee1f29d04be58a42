"""The money of one request: giving it back, disputes, and finding out why a payment is stuck."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import bindparam, exists, select

from app.admin.pages import done
from app.admin.permissions import Permission
from app.admin.request_changes import RequestChanges
from app.db import db, transaction
from app.errors import DomainError, NotFound, wrong
from app.exchanges import check_payment, send_refund
from app.extensions import settings
from app.kit import ids
from app.kit.money import Money, parse_typed
from app.models import Dispute, Payment, Refund, RefundStatus, WebhookEvent
from app.reauthentication import ensure_confirmed
from app.workflows import locked_payments, reconciliation, refunds

_MOST_PAYMENTS = 50
_MOST_EVENTS = 20

_OF_REQUEST = Payment.service_request_id == bindparam("key")
_PAYMENTS = (
    select(
        Payment,
        exists().where(Refund.payment_id == Payment.id).label("has_refunds"),
        exists().where(Dispute.payment_id == Payment.id).label("has_disputes"),
    )
    .where(_OF_REQUEST)
    .order_by(Payment.created_at.desc())
    .limit(_MOST_PAYMENTS)
)
_REFUNDS = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(_OF_REQUEST).order_by(Refund.created_at)
_DISPUTES = select(Dispute).join(Payment, Payment.id == Dispute.payment_id).where(_OF_REQUEST)


@dataclass(frozen=True, slots=True)
class Account:
    """One payment with what came back of it. `refundable` is what a form may ask for now."""

    payment: Payment
    refundable: Money
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]


class RequestMoney(RequestChanges):
    @property
    def may_refund(self) -> bool:
        return self.may(Permission.REFUND)

    @expose("/<uuid:key>/refunds", methods=("POST",))
    def give_back(self, key: UUID) -> ResponseReturnValue:
        self.ensure(Permission.REFUND)
        try:
            payment = _get_payment(key, request.form.get("payment", ""))
            refund = self._open_refund(payment)
        except DomainError as error:
            return self.show(key, refusal=error), error.http_status
        refund = send_refund(refund.id)
        return done(_OUTCOMES[refund.status].format(amount=refund.amount.format()), self.page_address(key))

    @expose("/<uuid:key>/payments/<uuid:payment_key>/stuck")
    def stuck(self, key: UUID, payment_key: UUID) -> ResponseReturnValue:
        """Our state beside the gateway's answer of this moment."""
        payment = _get_payment(key, str(payment_key))
        comparison = reconciliation.compare(payment)
        return self.render("admin/requests/stuck.html", payment=payment, events=_events(payment), comparison=comparison)

    @expose("/<uuid:key>/payments/<uuid:payment_key>/settle", methods=("POST",))
    def settle(self, key: UUID, payment_key: UUID) -> ResponseReturnValue:
        self.ensure(Permission.WORK)
        payment = _get_payment(key, str(payment_key))
        answered = check_payment(payment.id)
        message = "Settled with the gateway's answer." if answered else "The gateway gave no answer. Nothing changed."
        return done(message, self.page_address(key))

    def _open_refund(self, payment: Payment) -> Refund:
        wish = refunds.Wish(
            amount=_amount(payment.currency),
            seen=Money(_minor("refundable"), payment.currency),
            reason=request.form.get("reason", "").replace("\0", ""),
        )
        # More than the form offered is refused in any case: nobody is asked for a password first.
        is_offered = wish.amount.minor <= wish.seen.minor
        if is_offered and wish.amount.decimal > settings().confirm_refunds_above:
            ensure_confirmed()
        with transaction():
            return refunds.open_refund(locked_payments.get_locked(payment.id), wish, actor=self.actor)


_OUTCOMES = {
    RefundStatus.COMPLETED: "Refunded {amount}. The customer is told by email.",
    RefundStatus.PENDING: "The gateway is working on the refund of {amount}. The customer is told when it is done.",
    RefundStatus.REQUESTED: "The gateway did not answer. The refund of {amount} is on record and is asked for again.",
    RefundStatus.FAILED: "The gateway refused the refund of {amount}. Nothing was refunded.",
}


def accounts(key: UUID) -> list[Account]:
    """The payments of a request, newest first, with their refunds and disputes: three queries at most, one for nearly
    all requests."""
    found = db.session.execute(_PAYMENTS, {"key": key}).all()
    returned = list(db.session.scalars(_REFUNDS, {"key": key})) if any(row.has_refunds for row in found) else []
    disputed = list(db.session.scalars(_DISPUTES, {"key": key})) if any(row.has_disputes for row in found) else []
    return [
        Account(
            payment,
            refunds.left_of(payment, mine := [refund for refund in returned if refund.payment_id == payment.id]),
            mine,
            [dispute for dispute in disputed if dispute.payment_id == payment.id],
        )
        for payment, *_ in found
    ]


def _get_payment(key: UUID, text: str) -> Payment:
    payment_id = ids.parse_id(text)
    payment = db.session.get(Payment, payment_id) if payment_id else None
    if payment is None or payment.service_request_id != key:
        raise NotFound("This payment does not exist.")
    return payment


def _amount(currency: str) -> Money:
    try:
        return parse_typed(request.form.get("amount", ""), currency)
    except ValueError as error:
        raise wrong("amount", "Enter an amount like 2,499.00.") from error


def _minor(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def _events(payment: Payment) -> list[WebhookEvent]:
    query = select(WebhookEvent).where(WebhookEvent.payment_id == payment.id).order_by(WebhookEvent.created_at.desc())
    return list(db.session.scalars(query.limit(_MOST_EVENTS)))
