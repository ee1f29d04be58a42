"""Looking at how a payment stands changes nothing, at the gateway neither."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app import exchanges
from app.db import db, transaction
from app.gateways.base import DisputeNews
from app.jobs import payments as jobs
from app.kit import clock
from app.kit.money import Money
from app.models import Notification, PaymentStatus, Role
from app.workflows import disputes, locked_payments, reconciliation, refunds
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_service, make_user
from tests.gateways.shop import CURRENCIES, set_up
from tests.sign_in import sign_in
from tests.simulator import Fault

PRICE = 10_000

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_pauses", "session")]


def sell(simulator, gateway):
    set_up(simulator, gateway)
    return make_payment(make_service(price_minor=PRICE, currency=CURRENCIES[gateway]))


def sell_more(simulator, gateway):
    payment = make_payment(make_service(price_minor=PRICE, currency=CURRENCIES[gateway]))
    company = getattr(simulator, gateway)
    (company.approve if gateway == "paypal" else company.pay)(payment.gateway_intent_id)
    exchanges.check_payment(payment.id)
    return payment


def sell_paid(simulator, gateway):
    set_up(simulator, gateway)
    return sell_more(simulator, gateway)


def later(**distance):
    return time_machine.travel(clock.utc_now() + timedelta(**distance), tick=False)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


@pytest.fixture(params=["razorpay", "paypal"])
def reserved(request, simulator):
    """A payment whose money the bank keeps for us until we take it."""
    payment = sell(simulator, request.param)
    if request.param == "paypal":
        simulator.paypal.approve(payment.gateway_intent_id)
    else:
        simulator.razorpay.pay(payment.gateway_intent_id, "authorized")
    return payment


def test_the_stuck_page_takes_no_money_and_its_button_does(simulator, client, reserved):
    sign_in(client, Role.OPERATOR)
    address = f"/admin/requests/{reserved.service_request_id}/payments/{reserved.id}"
    assert "authorized" in client.get(f"{address}/stuck").text.lower()
    assert simulator.ledger.find(reserved.gateway_intent_id).paid is None
    client.post(f"{address}/settle")
    assert simulator.ledger.find(reserved.gateway_intent_id).paid is not None
    assert fresh(reserved).status is PaymentStatus.COMPLETED


def test_the_report_takes_no_money_and_reconciling_does(app, simulator, reserved):
    told = app.test_cli_runner().invoke(args=["reconcile", "--report-only"])
    assert "Asked about 1 payments: 0 differences" in told.output
    assert simulator.ledger.find(reserved.gateway_intent_id).paid is None
    app.test_cli_runner().invoke(args=["reconcile"])
    assert fresh(reserved).status is PaymentStatus.COMPLETED


@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_the_report_names_what_the_gateway_did_without_us_and_reconciling_enters_it(app, simulator, gateway):
    payment = sell_paid(simulator, gateway)
    order = simulator.ledger.find(payment.gateway_intent_id)
    getattr(simulator, gateway).refund(order.id if gateway == "stripe" else order.paid.id, 2_500)
    run = app.test_cli_runner().invoke
    nothing, gone = (Money(minor, payment.currency).format() for minor in (0, 2_500))
    assert f"refunded: ours {nothing}, {gateway} {gone}" in run(args=["reconcile", "--report-only"]).output
    assert fresh(payment).refunded_minor == 0
    assert "1 payments: 0 differences" in run(args=["reconcile"]).output
    assert fresh(payment).refunded_minor == 2_500


@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_a_refund_that_stands_in_our_books_alone_is_a_difference(simulator, gateway):
    payment = sell_paid(simulator, gateway)
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = refunds.Wish(Money(100, payment.currency), refunds.refundable(locked), "")
        refund = refunds.open_refund(locked, wish, actor=SYSTEM)
        refunds.learn(locked, refunds.RefundNews("invented", refund.amount, "success", str(refund.id)))
    (difference,) = reconciliation.compare(fresh(payment)).differences
    given, nothing = (Money(minor, payment.currency).format() for minor in (100, 0))
    assert (difference.what, difference.ours, difference.theirs) == ("refunded", given, nothing)


@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_a_refund_made_elsewhere_whose_message_was_lost_is_found_the_next_day(simulator, gateway):
    payment = sell_paid(simulator, gateway)
    order = simulator.ledger.find(payment.gateway_intent_id)
    getattr(simulator, gateway).refund(order.id if gateway == "stripe" else order.paid.id, 2_500)
    jobs.look_again_at_paid()
    assert fresh(payment).refunded_minor == 0
    with later(days=1, minutes=1):
        jobs.look_again_at_paid()
        assert fresh(payment).refunded_minor == 2_500
        asked = len(simulator.faults.seen)
        jobs.look_again_at_paid()
        assert len(simulator.faults.seen) == asked
    with later(days=5):
        assert reconciliation.paid_lately() == []


def test_what_differs_even_then_is_told_to_administrators(simulator):
    make_user(Role.ADMIN)
    payment = sell_paid(simulator, "stripe")
    simulator.ledger.find(payment.gateway_intent_id).attempts.clear()
    with later(days=2):
        jobs.look_again_at_paid()
    (alert,) = db.session.scalars(select(Notification).where(Notification.kind == "alert"))
    assert alert.context["key"] == "reconciliation"
    assert "Stripe and we disagree" in alert.context["text"]
    assert "refunded" not in alert.context["text"]


def test_money_set_aside_while_it_is_disputed_is_no_difference(simulator):
    payment = sell_paid(simulator, "paypal")
    simulator.ledger.find(payment.gateway_intent_id).attempts[0].status = "pending"
    assert [found.what for found in reconciliation.compare(payment).differences] == ["status"]
    with transaction():
        disputes.learn(locked_payments.get_locked(payment.id), DisputeNews("PP-D-1", payment.amount, "open"))
    assert reconciliation.compare(fresh(payment)).differences == ()


def test_a_payment_that_the_gateway_does_not_know_holds_up_no_other(simulator):
    forgotten, kept = sell_paid(simulator, "paypal"), sell_more(simulator, "paypal")
    del simulator.ledger.orders[forgotten.gateway_intent_id]
    simulator.paypal.refund(simulator.ledger.find(kept.gateway_intent_id).paid.id, 2_500)
    with later(days=2):
        jobs.look_again_at_paid()
        assert reconciliation.paid_lately() == []
    assert (fresh(forgotten).refunded_minor, fresh(kept).refunded_minor) == (0, 2_500)


def test_a_gateway_that_does_not_answer_is_asked_about_one_payment_a_run(simulator):
    sold = [sell_paid(simulator, "razorpay"), sell_more(simulator, "razorpay")]
    simulator.faults.seen.clear()
    simulator.faults.plan("GET", "/razorpay", *[Fault.FAULTY] * 6)
    with later(days=2):
        jobs.look_again_at_paid()
    assert len(simulator.faults.seen) == 3
    assert all(fresh(payment).status is PaymentStatus.COMPLETED for payment in sold)
