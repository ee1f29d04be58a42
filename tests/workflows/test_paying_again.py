"""A request takes as many attempts to pay as it needs, through any gateway, until it is paid or over."""

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import AlreadyPaid, PaymentClosed
from app.gateways.base import SnapshotStatus
from app.models import Payment, PaymentStatus, RequestStatus, ServiceRequest
from app.workflows import payments, purchase, status
from app.workflows.audit import SYSTEM
from tests.factories import make_gateway, make_payment, make_request, snapshot_of
from tests.threads import at_once


def pay_again(service_request, gateway=None):
    with transaction():
        return purchase.open_payment(db.session.get_one(ServiceRequest, service_request.id), gateway)


def fail(payment):
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))


def test_after_a_failure_another_payment_is_opened_on_the_same_request(session):
    first = make_payment()
    fail(first)
    second = pay_again(first.service_request)
    assert second.id != first.id
    assert second.service_request_id == first.service_request_id
    assert second.amount == first.amount
    assert second.idempotency_key != first.idempotency_key
    assert second.service_request.payment_status is PaymentStatus.PENDING


def test_a_payment_still_open_is_gone_on_with(app, session):
    payment = make_payment()
    assert pay_again(payment.service_request).id == payment.id
    fail(payment)
    answers = at_once(app, [lambda: pay_again(payment.service_request).id] * 5)
    assert len(set(answers)) == 1, answers
    assert session.scalar(select(func.count()).select_from(Payment)) == 2


def test_another_gateway_gets_a_payment_of_its_own(session):
    payment = make_payment()
    make_gateway("stripe")
    assert pay_again(payment.service_request, "stripe").gateway == "stripe"
    assert pay_again(payment.service_request, "sandbox").id == payment.id
    assert pay_again(payment.service_request, "unheard-of").gateway == "sandbox"


def test_a_paid_request_takes_no_second_payment(session):
    service_request = make_request()
    with pytest.raises(AlreadyPaid):
        pay_again(service_request)


def test_a_cancelled_request_takes_no_payment(session):
    service_request = make_payment().service_request
    with transaction():
        status.change_status(service_request, RequestStatus.CANCELLED, actor=SYSTEM)
    with pytest.raises(PaymentClosed):
        pay_again(service_request)
