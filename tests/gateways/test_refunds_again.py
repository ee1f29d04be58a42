"""Refunds whose answer or end was not heard: the company is asked, and told a second time only if it knows of none.

Companies forget idempotency keys (Stripe after a day), so a key alone does not keep a late repeat from refunding twice.
"""

import itertools
from datetime import timedelta

import pytest
import time_machine

from app import exchanges
from app.db import db, transaction
from app.jobs import payments as jobs
from app.kit import clock
from app.kit.money import Money
from app.models import Refund, RefundStatus
from app.workflows import locked_payments, reconciliation, refunds
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_service
from tests.gateways.shop import CURRENCIES, set_up
from tests.simulator import Fault

REFUND = {"stripe": "/stripe/v1/refunds", "razorpay": "/razorpay/v1/payments", "paypal": "/paypal/v2/payments/captures"}
PRICE, PART = 100_000, 30_000

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_pauses", "session")]


@pytest.fixture(params=sorted(CURRENCIES))
def gateway(request):
    return request.param


@pytest.fixture
def payment(gateway, simulator):
    set_up(simulator, gateway)
    payment = make_payment(make_service(price_minor=PRICE, currency=CURRENCIES[gateway]))
    (simulator.paypal.approve if gateway == "paypal" else getattr(simulator, gateway).pay)(payment.gateway_intent_id)
    exchanges.check_payment(payment.id)
    return payment


def ask_for(payment):
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = refunds.Wish(Money(PART, payment.currency), refunds.refundable(locked), "A reason")
        return refunds.open_refund(locked, wish, actor=SYSTEM)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def later(**distance):
    return time_machine.travel(clock.utc_now() + timedelta(**distance), tick=False)


def test_one_whose_answer_was_lost_is_found_and_not_made_again(simulator, gateway, payment):
    refund = ask_for(payment)
    simulator.faults.plan("POST", REFUND[gateway], *[Fault.CUT] * 3)
    assert exchanges.send_refund(refund.id).status is RefundStatus.REQUESTED
    simulator.ledger.forget_keys()
    with later(days=2):
        jobs.check_due()
    assert [made.amount for made in simulator.ledger.refunds_of(gateway)] == [PART]
    assert fresh(refund).status is RefundStatus.COMPLETED
    assert fresh(payment).refunded_minor == PART


def test_one_that_never_arrived_is_sent_again(simulator, gateway, payment):
    refund = ask_for(payment)
    simulator.faults.plan("POST", REFUND[gateway], *[Fault.RESET] * 3)
    assert exchanges.send_refund(refund.id).status is RefundStatus.REQUESTED
    assert simulator.ledger.refunds_of(gateway) == []
    with later(minutes=20):
        jobs.check_due()
    assert fresh(refund).status is RefundStatus.COMPLETED
    assert [made.amount for made in simulator.ledger.refunds_of(gateway)] == [PART]


def test_nothing_is_sent_again_to_a_company_that_does_not_say_what_it_knows(simulator, gateway, payment):
    refund = ask_for(payment)
    simulator.faults.plan("POST", REFUND[gateway], *[Fault.CUT] * 3)
    exchanges.send_refund(refund.id)
    simulator.ledger.forget_keys()
    simulator.faults.plan("GET", f"/{gateway}", *[Fault.FAULTY] * 3)
    with later(days=2):
        jobs.check_due()
    assert len(simulator.ledger.refunds_of(gateway)) == 1
    assert fresh(refund).status is RefundStatus.REQUESTED
    assert refund.next_check_at > clock.utc_now()


@pytest.mark.parametrize(
    ("end", "ours", "gone"), [("success", RefundStatus.COMPLETED, PART), ("failed", RefundStatus.FAILED, 0)]
)
def test_one_under_way_is_asked_about_until_it_ends(simulator, gateway, payment, end, ours, gone):
    simulator.ledger.refunds_begin_as = "pending"
    refund = exchanges.send_refund(ask_for(payment).id)
    assert refund.status is RefundStatus.PENDING
    simulator.ledger.forget_keys()
    moments = []
    for _ in range(6):
        moments.append(fresh(refund).next_check_at)
        with time_machine.travel(moments[-1] + timedelta(seconds=1), tick=False):
            jobs.check_due()
    (made,) = simulator.ledger.refunds_of(gateway)
    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(minutes=50)
    made.status = end
    with time_machine.travel(fresh(refund).next_check_at, tick=False):
        jobs.check_due()
        assert reconciliation.due_refunds() == []
    assert (fresh(refund).status, refund.next_check_at) == (ours, None)
    assert fresh(payment).refunded_minor == gone


def test_what_a_company_refunded_twice_under_one_key_is_entered_twice(simulator, gateway, payment):
    """Our books say what went, not what should have gone."""
    refund = ask_for(payment)
    exchanges.send_refund(refund.id)
    simulator.ledger.forget_keys()
    refunds.send(fresh(refund))
    exchanges.check_payment(payment.id)
    assert fresh(payment).refunded_minor == 2 * PART
    rows = db.session.query(Refund).all()
    assert sorted(row.is_external for row in rows) == [False, True]


def test_more_refunds_than_a_company_lists_at_once_are_all_heard_of(simulator, gateway, payment):
    (order,) = simulator.ledger.of(gateway)
    target = order.id if gateway == "stripe" else order.paid.id
    for _ in range(12):
        getattr(simulator, gateway).refund(target, 100)
    exchanges.check_payment(payment.id)
    assert fresh(payment).refunded_minor == 1_200
