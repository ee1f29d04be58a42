"""Whatever the order of news, returns, refunds, disputes and repeats: our books end as the gateway's ledger.

With money, commission and notifications entered once. On PostgreSQL fewer stories are told: what differs there, locks
and savepoints, each of them passes.
"""

import random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

from app import exchanges, models
from app.db import db, transaction
from app.kit.money import Money
from app.models import (
    CommissionEntry,
    CommissionKind,
    DisputeStatus,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    RequestStatus,
    Role,
    StatusChange,
)
from app.workflows import locked_payments, payments, reconciliation, refunds
from app.workflows.audit import actor_of
from app.workflows.refunds import Wish
from tests.factories import make_payment, make_provider, make_service, make_user
from tests.gateways.shop import CURRENCIES, make_affiliate, set_up
from tests.simulator import Fault, Simulator
from tests.simulator.ledger import Attempt, Dispute, Order

pytestmark = [pytest.mark.usefixtures("no_pauses"), pytest.mark.timeout(300)]

STORIES = {"sqlite": 30, "postgres": 10}
STEPS = 14
DECLINES = {"stripe": "4000000000000002", "razorpay": "payment_declined"}
REFUND = {"stripe": "/stripe/v1/refunds", "razorpay": "/razorpay/v1/payments", "paypal": "/paypal/v2/payments/captures"}
PRICE = 10_001
RATE = 333
OPENS = {"stripe": "needs_response", "razorpay": "open", "paypal": None}
ENDS = {
    "stripe": {"won": "won", "lost": "lost"},
    "razorpay": {"won": "won", "lost": "lost"},
    "paypal": {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"},
}


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
        set_up(self.simulator, self.gateway)
        make_affiliate("FRIEND", RATE)
        make_user(Role.ADMIN)
        make_provider()
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
    def target(self) -> str:
        """What a company refunds and disputes."""
        return self.order.id if self.gateway == "stripe" else self.attempt.id

    @property
    def dispute(self) -> Dispute | None:
        return self.attempt.dispute if self.attempt else None

    @property
    def slow(self) -> list[Any]:
        return [refund for refund in self.attempt.refunds if refund.status == "pending"] if self.attempt else []

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

    @precondition(lambda self: self.gateway == "razorpay" and self.attempt is None and self.order.attempts)
    @rule()
    def money_thought_lost_arrives(self) -> None:
        self.company.arrive_late(self.order.last)

    @precondition(lambda self: self.attempt is not None and self.attempt.left)
    @rule(wanted=st.integers(1, PRICE))
    def somebody_refunds_in_the_gateways_dashboard(self, wanted: int) -> None:
        self.company.refund(self.target, min(wanted, self.attempt.left))

    @rule(status=st.sampled_from(["success", "pending"]))
    def refunds_become_quick_or_slow(self, status: str) -> None:
        self.simulator.ledger.refunds_begin_as = status

    @precondition(lambda self: self.slow)
    @rule(status=st.sampled_from(["success", "failed"]), data=st.data())
    def a_slow_refund_ends(self, status: str, data: st.DataObject) -> None:
        refund = data.draw(st.sampled_from(self.slow))
        if self.gateway == "paypal":
            # It has no message for this.
            refund.status = status
        else:
            self.company.settle_refund(refund, status)

    @precondition(lambda self: self.attempt is not None and self.attempt.left and self.dispute is None)
    @rule(wanted=st.integers(1, PRICE))
    def the_customers_bank_asks_money_back(self, wanted: int) -> None:
        self.company.dispute(self.target, OPENS[self.gateway], min(wanted, self.attempt.left))

    @precondition(lambda self: self.dispute is not None and self.dispute.status == "open")
    @rule(end=st.sampled_from(["won", "lost"]))
    def the_dispute_ends(self, end: str) -> None:
        self.company.dispute(self.target, ENDS[self.gateway][end])

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
            locked = locked_payments.get_locked(self.payment_id)
            left = refunds.refundable(locked)
            if not left:
                return
            wish = Wish(Money(min(wanted, left.minor), left.currency), left, "A reason")
            refund_id = refunds.open_refund(locked, wish, actor=actor_of(self.finance)).id
        if is_answer_lost:
            self.simulator.faults.plan("POST", REFUND[self.gateway], *[Fault.CUT] * 3)
        exchanges.send_refund(refund_id)

    @rule(are_keys_forgotten=st.booleans())
    def open_refunds_are_asked_about(self, are_keys_forgotten: bool) -> None:
        if are_keys_forgotten:
            self.simulator.ledger.forget_keys()
        for refund_id in list(db.session.scalars(select(Refund.id).where(Refund.status.in_(refunds.UNDER_WAY)))):
            exchanges.check_refund(refund_id)

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
        # Nobody would end one that is slow and begins only now.
        self.simulator.ledger.refunds_begin_as = "success"
        for refund in self.slow:
            refund.status = "success"
        for _ in range(2):
            letters = list(self.simulator.postman.outbox)
            random.Random(1).shuffle(letters)  # noqa: S311 - any order, the same each time
            for letter in letters:
                self.deliver(letter)
            self.open_refunds_are_asked_about(are_keys_forgotten=True)
            exchanges.check_payment(self.payment_id)
        (self._check_paid if self.attempt else self._check_unpaid)()

    def _check_unpaid(self) -> None:
        payment = self.payment
        assert payment.status is (PaymentStatus.FAILED if self.order.attempts else PaymentStatus.PENDING)
        assert self.told("payment_confirmed") == self.told("provider_assigned") == self.commission() == 0
        assert self.told("payment_failed") == int(bool(self.order.attempts))

    def _check_paid(self) -> None:
        payment, gone = self.payment, self.attempt.refunded + self.attempt.lost
        assert payment.status is (PaymentStatus.REFUNDED if gone == PRICE else PaymentStatus.COMPLETED)
        assert payment.service_request.payment_status is payment.status
        assert payment.service_request.refunded_minor == payment.refunded_minor == gone
        assert payment.flag is None
        self._check_refunds()
        self._check_dispute()
        self._check_commission(gone)
        self._check_what_was_told()
        assert list(reconciliation.differences(payment, payments.look_up(payment))) == []

    def _check_refunds(self) -> None:
        ours = db.session.scalars(select(Refund).where(Refund.status != RefundStatus.FAILED)).all()
        theirs = [refund for refund in self.attempt.refunds if refund.status == "success"]
        assert len(ours) == len(theirs)
        assert {row.gateway_refund_id: row.amount_minor for row in ours} == {each.id: each.amount for each in theirs}

    def _check_dispute(self) -> None:
        ours = [(row.status, row.amount_minor) for row in db.session.scalars(select(models.Dispute))]
        theirs = [(DisputeStatus(each.status), each.amount) for each in [self.dispute] if each]
        assert ours == theirs

    def _check_commission(self, gone: int) -> None:
        kinds = list(db.session.scalars(select(CommissionEntry.kind)))
        assert kinds.count(CommissionKind.EARNED) == 1
        assert self.commission() == Money(PRICE - gone, CURRENCIES[self.gateway]).share(RATE).minor

    def _check_what_was_told(self) -> None:
        assert self.told("payment_confirmed") == self.told("new_request") == self.told("provider_assigned") == 1
        # A refund that was done and then failed was told of as well; none was told of twice.
        done = [refund for refund in self.attempt.refunds if refund.status == "success"]
        assert len(done) <= self.told("refund_issued") <= len(self.attempt.refunds)
        reached = list(db.session.scalars(select(StatusChange.new_status)))
        assert reached.count(RequestStatus.PAYMENT_CONFIRMED) == 1

    def told(self, kind: str) -> int:
        return db.session.scalar(select(func.count()).where(Notification.kind == kind)) or 0

    def commission(self) -> int:
        return int(db.session.scalar(select(func.coalesce(func.sum(CommissionEntry.amount_minor), 0))))


@pytest.mark.long
@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_our_books_end_as_the_gateways_ledger(request, gateway, simulator, client, session, empty_database):
    parts = {"gateway": gateway, "simulator": simulator, "client": client, "empty": staticmethod(empty_database)}
    story = type(f"{gateway.title()}Story", (Story,), parts)
    stories = STORIES[request.node.callspec.params["database_url"]]
    run_state_machine_as_test(story, settings=hypothesis_settings(max_examples=stories, stateful_step_count=STEPS))
