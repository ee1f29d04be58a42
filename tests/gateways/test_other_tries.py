"""An order that several tries were made to pay: what happens to the others is none of the one that paid it."""

import pytest
from sqlalchemy import select

from app import exchanges
from app.db import db
from app.models import EventOutcome, Notification, PaymentStatus, Refund, Role, WebhookEvent
from tests.factories import make_payment, make_service, make_user
from tests.gateways.shop import set_up

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_pauses", "session")]

PRICE = 100_000


@pytest.fixture
def payment(simulator):
    """The bank did not answer the first try in time, so the customer paid by another."""
    set_up(simulator, "razorpay")
    make_user(Role.ADMIN)
    payment = make_payment(make_service(price_minor=PRICE))
    simulator.razorpay.pay(payment.gateway_intent_id, "payment_timed_out")
    simulator.razorpay.pay(payment.gateway_intent_id)
    exchanges.check_payment(payment.id)
    return payment


def deliver_all(simulator, client):
    for letter in simulator.postman.collect("razorpay"):
        address = "/api/services/payment/webhook/razorpay"
        assert client.post(address, data=letter.body, headers=letter.headers).status_code == 200


def books(payment):
    db.session.expire_all()
    kinds = set(db.session.scalars(select(Notification.kind)))
    return payment.status, payment.refunded_minor, len(db.session.scalars(select(Refund)).all()), kinds


def tries(simulator, payment):
    return simulator.ledger.find(payment.gateway_intent_id).attempts


def test_one_that_arrives_late_and_goes_back_by_itself_leaves_it_paid(simulator, client, payment):
    late, _ = tries(simulator, payment)
    simulator.razorpay.arrive_late(late)
    simulator.razorpay.refund(late.id)
    deliver_all(simulator, client)
    status, refunded, refunds, kinds = books(payment)
    assert (status, refunded, refunds) == (PaymentStatus.COMPLETED, 0, 0)
    assert "refund_issued" not in kinds


def test_one_that_is_kept_besides_is_put_before_a_person(simulator, client, payment):
    late, _ = tries(simulator, payment)
    deliver_all(simulator, client)
    assert "alert" not in books(payment)[3]
    simulator.razorpay.arrive_late(late)
    deliver_all(simulator, client)
    assert books(payment)[0] is PaymentStatus.COMPLETED
    assert "alert" in books(payment)[3]
    letters = select(WebhookEvent.kind).where(WebhookEvent.outcome == EventOutcome.REVIEW)
    assert db.session.scalars(letters).all() == ["payment.captured"]


def test_what_goes_back_of_the_one_that_paid_counts(simulator, client, payment):
    _, paid = tries(simulator, payment)
    simulator.razorpay.refund(paid.id)
    deliver_all(simulator, client)
    status, refunded, refunds, kinds = books(payment)
    assert (status, refunded, refunds) == (PaymentStatus.REFUNDED, PRICE, 1)
    assert "refund_issued" in kinds
