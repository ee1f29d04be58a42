"""One sale at a gateway: what its ledger says, and what our rows say of it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app import exchanges
from app.db import db, transaction
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    CommissionEntry,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Role,
    ServiceRequest,
    WebhookEvent,
)
from tests.browser.paying import PRICE, set_up
from tests.factories import make_payment, make_service, make_user
from tests.simulator import Simulator
from tests.simulator.ledger import Attempt, Order

CODE = "FRIEND"
RATE = 333
CREATE = {
    "stripe": "/stripe/v1/checkout/sessions",
    "razorpay": "/razorpay/v1/orders",
    "paypal": "/paypal/v2/checkout/orders",
}
REFUND = {
    "stripe": "/stripe/v1/refunds",
    "razorpay": "/razorpay/v1/payments/",
    "paypal": "/paypal/v2/payments/captures",
}
# The first word, where it is not the same, is what a dispute is called while it is open.
_DISPUTES: dict[str, dict[str, str | None]] = {
    "stripe": {"open": "needs_response"},
    "paypal": {"open": None, "won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"},
}
# One administrator is told of each sale; nobody here could do the work.
_TOLD_OF_A_SALE = {"payment_confirmed": 1, "new_request": 1, "no_provider": 1}


def until(is_so: Callable[[], object], *, pause: Callable[[float], None] = time.sleep) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        pause(0.01)


@dataclass
class Sale:
    """Sold through a friend's link, for whom a commission is entered."""

    gateway: str
    simulator: Simulator
    shop: str
    _lost: int = 0

    def __post_init__(self) -> None:
        set_up(self.simulator, self.gateway)
        make_user(Role.ADMIN)
        friend = make_user(Role.AFFILIATE)
        with transaction():
            profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == friend.id)).one()
            profile.code, profile.rate_basis_points = CODE, RATE

    # At the gateway.

    @property
    def company(self) -> Any:
        return getattr(self.simulator, self.gateway)

    @property
    def order(self) -> Order:
        (order,) = self.simulator.ledger.of(self.gateway)
        return order

    @property
    def attempt(self) -> Attempt:
        (attempt,) = self.order.attempts
        return attempt

    def post_webhooks(self) -> None:
        """From now on they arrive, each by itself and at once; those so far are lost."""
        self._lost = len(self.simulator.postman.outbox)
        self.simulator.postman.addresses[self.gateway] = f"{self.shop}/api/services/payment/webhook/{self.gateway}"

    def wait_for_post(self) -> None:
        """Until all webhooks so far are delivered and taken."""
        postman = self.simulator.postman
        if self.gateway in postman.addresses:
            until(lambda: len(postman.answers) == (len(postman.outbox) - self._lost) * postman.conduct.copies)
        assert set(postman.answers) <= {200}

    def dispute(self, status: str) -> None:
        word = _DISPUTES.get(self.gateway, {}).get(status, status)
        self.company.dispute(self.order.id if self.gateway == "stripe" else self.attempt.id, word)

    # With us.

    def buy(self) -> None:
        """Without a browser, for what comes after."""
        payment = make_payment(make_service(price_minor=PRICE, currency="USD"), affiliate_code=CODE)
        self.company.pay(self.order.id)
        assert exchanges.check_payment(payment.id)

    @property
    def payment(self) -> Payment:
        db.session.rollback()
        db.session.expire_all()
        return db.session.scalars(select(Payment)).one()

    @property
    def address(self) -> str:
        """The request's page in the console."""
        return f"/admin/requests/{self.payment.service_request_id}"

    def check(self, *, refunds: tuple[int, ...] = (), alerts: int = 0) -> None:
        """Our books say what the gateway's ledger says, and everything once."""
        self.wait_for_post()
        payment, gone = self.payment, sum(refunds) + self.attempt.lost
        assert [refund.amount for refund in self.attempt.refunds] == list(refunds)
        assert db.session.scalars(select(ServiceRequest)).one().payment_status is payment.status
        assert payment.status is (PaymentStatus.REFUNDED if gone == PRICE else PaymentStatus.COMPLETED)
        assert (payment.refunded_minor, payment.settles_request, payment.flag) == (gone, True, None)
        self._check_refunds()
        self._check_commission(gone)
        told = Counter(_TOLD_OF_A_SALE) + Counter(refund_issued=len(refunds), alert=alerts)
        assert Counter(db.session.scalars(select(Notification.kind))) == told
        waiting = select(WebhookEvent.kind).where(WebhookEvent.handled_at.is_(None))
        assert db.session.scalars(waiting).all() == []

    def _check_refunds(self) -> None:
        rows = db.session.scalars(select(Refund).order_by(Refund.created_at, Refund.id)).all()
        assert [(row.gateway_refund_id, row.amount_minor, row.status) for row in rows] == [
            (refund.id, refund.amount, RefundStatus.COMPLETED) for refund in self.attempt.refunds
        ]

    def _check_commission(self, gone: int) -> None:
        """Earned once on the whole, then brought down with each amount that went back."""
        entries = db.session.scalars(
            select(CommissionEntry.amount_minor).order_by(CommissionEntry.created_at, CommissionEntry.id)
        ).all()
        assert entries[0] == Money(PRICE, "USD").share(RATE).minor
        assert sum(entries) == Money(PRICE - gone, "USD").share(RATE).minor
