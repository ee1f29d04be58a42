"""Looking at how a payment stands changes nothing, at the gateway neither."""

import pytest

from app import exchanges
from app.db import db, transaction
from app.kit.money import Money
from app.models import PaymentStatus, Role
from app.workflows import payments, reconciliation, refunds
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_service
from tests.gateways.shop import CURRENCIES, set_up
from tests.sign_in import sign_in

PRICE = 10_000

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_pauses", "session")]


def sell(simulator, gateway):
    set_up(simulator, gateway)
    return make_payment(make_service(price_minor=PRICE, currency=CURRENCIES[gateway]))


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
    payment = sell(simulator, gateway)
    company = getattr(simulator, gateway)
    (company.approve if gateway == "paypal" else company.pay)(payment.gateway_intent_id)
    exchanges.check_payment(payment.id)
    order = simulator.ledger.find(payment.gateway_intent_id)
    company.refund(order.id if gateway == "stripe" else order.paid.id, 2_500)
    run = app.test_cli_runner().invoke
    assert f"refunded: ours 0, {gateway} 2500" in run(args=["reconcile", "--report-only"]).output
    assert fresh(payment).refunded_minor == 0
    assert "1 payments: 0 differences" in run(args=["reconcile"]).output
    assert fresh(payment).refunded_minor == 2_500


@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_a_refund_that_stands_in_our_books_alone_is_a_difference(simulator, gateway):
    payment = sell(simulator, gateway)
    company = getattr(simulator, gateway)
    (company.approve if gateway == "paypal" else company.pay)(payment.gateway_intent_id)
    exchanges.check_payment(payment.id)
    with transaction():
        locked = payments.get_locked(payment.id)
        wish = refunds.Wish(Money(100, payment.currency), refunds.refundable(locked), "")
        refund = refunds.open_refund(locked, wish, actor=SYSTEM)
        refunds.learn(locked, refunds.RefundNews("invented", refund.amount, "success", str(refund.id)))
    (difference,) = reconciliation.compare(fresh(payment)).differences
    assert (difference.what, difference.ours, difference.theirs) == ("refunded", "100", "0")
