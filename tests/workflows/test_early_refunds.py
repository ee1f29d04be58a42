"""Refunds that are heard of before their payment: what it asks for at its end, with all else that it writes."""

import threading

import pytest
from sqlalchemy import func, select, text

from app.db import db, transaction
from app.gateways.base import RefundNews
from app.models import CommissionEntry, PaymentStatus
from app.workflows import locked_payments, payments, refunds
from tests.commissions import make_affiliate
from tests.factories import make_payment, make_service, snapshot_of

PRICE = 100_001
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def payment(session):
    return make_payment(make_service(price_minor=PRICE), affiliate_code=make_affiliate().code)


def learn(payment):
    refunds.learn(locked_payments.get_locked(payment.id), RefundNews("re_early", payment.amount, "success"))


def settle(payment):
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))


def books(payment):
    """How it stands, what went back of it and of its request, and the commission that is left."""
    db.session.expire_all()
    commission = db.session.scalar(select(func.sum(CommissionEntry.amount_minor)))
    return payment.status, payment.refunded_minor, payment.service_request.refunded_minor, commission


def test_what_was_earned_is_entered_and_taken_back_again(payment):
    with transaction():
        learn(payment)
    settle(payment)
    assert books(payment) == (PaymentStatus.REFUNDED, PRICE, PRICE, 0)
    assert payment.service_request.payment_status is PaymentStatus.REFUNDED
    kinds = db.session.scalars(select(CommissionEntry.kind).order_by(CommissionEntry.id)).all()
    assert kinds == ["earned", "adjusted"]


@pytest.mark.postgres
def test_one_that_comes_in_while_the_payment_waits_for_its_lock_counts(app, payment):
    """A statement that locks sees the other tables as they stood before it waited, so that one cannot ask for it."""

    def be_paid():
        with app.app_context():
            settle(payment)
            db.session.remove()

    thread = threading.Thread(target=be_paid)
    with db.engine.connect() as watcher:
        with transaction():
            learn(payment)
            thread.start()
            while not watcher.scalar(text(WAITING)):
                watcher.rollback()
        thread.join()
    assert books(payment) == (PaymentStatus.REFUNDED, PRICE, PRICE, 0)
