"""Whatever the order of news, returns, refunds and repeats: in the end our books say what the gateway's ledger says."""

import random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

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
    RequestStatus,
    Role,
    StatusChange,
)
from app.workflows import payments, refunds
from app.workflows.audit import actor_of
from app.workflows.refunds import Wish
from tests.factories import make_gateway, make_payment, make_service, make_user
from tests.simulator import Fault, Simulator
from tests.simulator.ledger import Attempt, Order

# Locks are tried elsewhere; here it is the order of things.
pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("waits"), pytest.mark.timeout(300)]

CURRENCIES = {"stripe": "INR", "razorpay": "INR", "paypal": "USD"}
DECLINES = {"stripe": "4000000000000002", "razorpay": "payment_declined"}
REFUND = {"stripe": "/stripe/v1/refunds", "razorpay": "/razorpay/v1/payments", "paypal": "/paypal/v2/payments/captures"}
PRICE = 10_001
RATE = 333


class Story(RuleBasedStateMachine):
    """One request, from its opening until all that can be heard of it was heard."""

    gateway: str
    simulator: Simulator
    client: FlaskClient
    empty: Any

    @initialize()
    def a_request_is_opened(self) -> None:
        self.empty()
        self.simulator.clear()
        _set_up(self.simulator, self.gateway)
        self.finance = make_user(Role.FINANCE)
        service = make_service(price_minor=PRICE, currency=CURRENCIES[self.gateway])
        self.payment_id = make_payment(service, affiliate_code="FRIEND").id

    @property
    def payment(self) -> Payment:
        db.session.expire_all()
        return db.session.get_one(Payment, self.payment_id)

    @property
    def order(self) -> Order:
        (order,) = self.simulator.ledger.of(self.gateway)
        return order

    @property
    def attempt(self) -> Attempt | None:
        return self.order.paid

    @property
    def company(self) -> Any:
        return getattr(self.simulator, self.gateway)

    # What others do.

    @precondition(lambda self: self.attempt is None and self.gateway in DECLINES)
    @rule()
    def the_bank_says_no(self) -> None:
        self.company.pay(self.order.id, DECLINES[self.gateway])

    @precondition(lambda self: self.attempt is None and not self.order.is_approved)
    @rule()
    def the_customer_pays(self) -> None:
        (self.company.approve if self.gateway == "paypal" else self.company.pay)(self.order.id)

    @precondition(lambda self: self.attempt is not None and self.attempt.refunded < PRICE)
    @rule(wanted=st.integers(1, PRICE))
    def somebody_refunds_in_the_gateways_dashboard(self, wanted: int) -> None:
        amount = min(wanted, PRICE - self.attempt.refunded)
        self.company.refund(self.order.id if self.gateway == "stripe" else self.attempt.id, amount)

    # What reaches us.

    @rule()
    def the_customer_returns_or_we_ask(self) -> None:
        exchanges.check_payment(self.payment_id)

    @precondition(lambda self: self.simulator.postman.outbox)
    @rule(data=st.data())
    def a_webhook_arrives(self, data: st.DataObject) -> None:
        self.deliver(data.draw(st.sampled_from(self.simulator.postman.outbox)))

    @precondition(lambda self: self.simulator.postman.outbox)
    @rule(data=st.data())
    def a_forged_webhook_arrives(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(self.simulator.postman.outbox))
        assert self.post(letter.body + b" ", letter.headers).status_code == 400

    # What we do.

    @rule(wanted=st.integers(1, PRICE), is_answer_lost=st.booleans())
    def finance_refunds(self, wanted: int, is_answer_lost: bool) -> None:
        with transaction():
            locked = payments.get_locked(self.payment_id)
            left = refunds.refundable(locked)
            if not left:
                return
            wish = Wish(Money(min(wanted, left.minor), left.currency), left, "A reason")
            refund_id = refunds.open_refund(locked, wish, actor=actor_of(self.finance)).id
        if is_answer_lost:
            self.simulator.faults.plan("POST", REFUND[self.gateway], *[Fault.CUT] * 3)
        exchanges.send_refund(refund_id)

    @rule()
    def refunds_without_an_answer_are_sent_again(self) -> None:
        open_ones = select(Refund.id).where(Refund.status == RefundStatus.REQUESTED)
        for refund_id in list(db.session.scalars(open_ones)):
            exchanges.send_refund(refund_id)

    def deliver(self, letter: Any) -> None:
        answer = self.post(letter.body, letter.headers)
        assert answer.status_code == 200, answer.text

    def post(self, body: bytes, headers: dict[str, str]) -> Any:
        return self.client.post(f"/api/services/payment/webhook/{self.gateway}", data=body, headers=headers)

    # In the end.

    def teardown(self) -> None:
        if not hasattr(self, "payment_id"):
            return
        self.simulator.faults.clear()
        for _ in range(2):
            letters = list(self.simulator.postman.outbox)
            random.Random(1).shuffle(letters)  # noqa: S311 - any order, the same each time
            for letter in letters:
                self.deliver(letter)
            self.refunds_without_an_answer_are_sent_again()
            exchanges.check_payment(self.payment_id)
        (self._check_paid if self.attempt else self._check_unpaid)()

    def _check_unpaid(self) -> None:
        payment = self.payment
        assert payment.status is (PaymentStatus.FAILED if self.order.attempts else PaymentStatus.PENDING)
        assert self.told("payment_confirmed") == self.commission() == 0
        assert self.told("payment_failed") == int(bool(self.order.attempts))

    def _check_paid(self) -> None:
        payment, gone = self.payment, self.attempt.refunded
        assert payment.status is (PaymentStatus.REFUNDED if gone == PRICE else PaymentStatus.COMPLETED)
        assert payment.service_request.payment_status is payment.status
        assert (payment.refunded_minor, payment.flag) == (gone, None)
        rows = db.session.scalars(select(Refund).where(Refund.status != RefundStatus.FAILED)).all()
        assert {row.gateway_refund_id: row.amount_minor for row in rows} == {
            refund.id: refund.amount for refund in self.attempt.refunds
        }
        assert len(rows) == len(self.attempt.refunds)
        assert self.commission() == Money(PRICE - gone, payment.currency).share(RATE).minor
        assert self.told("payment_confirmed") == 1
        assert self.told("refund_issued") == len(rows)
        reached = list(db.session.scalars(select(StatusChange.new_status)))
        assert reached.count(RequestStatus.PAYMENT_CONFIRMED) == 1

    def told(self, kind: str) -> int:
        return db.session.scalar(select(func.count()).where(Notification.kind == kind)) or 0

    def commission(self) -> int:
        return int(db.session.scalar(select(func.coalesce(func.sum(CommissionEntry.amount_minor), 0))))


def _set_up(simulator: Simulator, gateway: str) -> None:
    config = simulator.config(gateway)
    make_gateway(
        gateway,
        is_default=True,
        api_key=config.api_key,
        api_secret=config.api_secret,
        webhook_secret=config.webhook_secrets[0],
        api_base=config.api_base,
        options=dict(config.options),
    )
    affiliate = make_user(Role.AFFILIATE)
    with transaction():
        profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == affiliate.id)).one()
        profile.code, profile.rate_basis_points = "FRIEND", RATE


@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_our_books_end_as_the_gateways_ledger(gateway, simulator, client, session, empty_database):
    parts = {"gateway": gateway, "simulator": simulator, "client": client, "empty": staticmethod(empty_database)}
    story = type(f"{gateway.title()}Story", (Story,), parts)
    run_state_machine_as_test(story, settings=hypothesis_settings(max_examples=30, stateful_step_count=12))
