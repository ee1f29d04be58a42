"""Gateways are asked about what they have not said, and nothing is closed before."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from app import exchanges
from app.db import db, transaction
from app.gateways.base import GatewayUnavailable, RefundNews
from app.jobs import payments as jobs
from app.kit import clock
from app.kit.money import Money
from app.models import (
    GatewayConfig,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    RequestStatus,
    Role,
)
from app.sandbox import ledger
from app.workflows import gateway_choice, gateway_health, locked_payments, payments, reconciliation, refunds
from app.workflows.audit import SYSTEM
from app.workflows.refunds import Wish
from tests.factories import make_gateway, make_payment, make_request, make_user, snapshot_of


def at_the_company(payment, outcome):
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), outcome)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def later(**distance):
    return time_machine.travel(clock.utc_now() + timedelta(**distance), tick=False)


def silence(gateway="sandbox"):
    """The company cannot be reached: its name leads nowhere."""
    with transaction():
        row = db.session.scalars(select(GatewayConfig).where(GatewayConfig.gateway == gateway)).one()
        row.gateway = "nowhere"


def test_a_payment_whose_webhook_never_came_is_settled_by_asking(session):
    payment = make_payment()
    at_the_company(payment, "approve")
    with later(minutes=11):
        assert reconciliation.due_payments() == [payment.id]
        jobs.check_due()
        assert reconciliation.due_payments() == []
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert payment.next_check_at is None


def test_an_undecided_payment_is_asked_about_again_at_growing_distances_for_three_days(session):
    payment = make_payment()
    asked_at = []
    moment = payment.created_at
    for _ in range(40):
        due = fresh(payment).next_check_at
        if due is None:
            break
        moment = max(due, moment)
        with time_machine.travel(moment, tick=False):
            jobs.check_due()
        asked_at.append(moment)
    waits = [after - before for before, after in itertools.pairwise(asked_at)]
    assert waits == sorted(waits)
    assert timedelta(days=2, hours=12) < asked_at[-1] - payment.created_at < timedelta(days=3, hours=12)


def test_an_unpaid_request_is_closed_after_a_day_and_the_customer_is_told(session):
    payment = make_payment()
    with later(hours=25):
        jobs.expire_unpaid()
    assert fresh(payment).service_request.status is RequestStatus.CANCELLED
    assert db.session.scalars(select(Notification.kind)).all() == ["status_changed"]


def test_the_gateway_is_asked_before_an_unpaid_request_is_closed(session):
    payment = make_payment()
    at_the_company(payment, "approve")
    with later(hours=25):
        jobs.expire_unpaid()
    assert fresh(payment).service_request.is_paid
    assert payment.service_request.status is RequestStatus.PENDING_CONTACT


def test_without_an_answer_nothing_is_closed(session):
    payment = make_payment()
    silence()
    with later(hours=25):
        jobs.expire_unpaid()
    assert fresh(payment).service_request.status is RequestStatus.PENDING_CONTACT


def test_a_refund_without_an_answer_is_asked_for_again_and_made_once(session):
    payment = make_payment()
    at_the_company(payment, "approve")
    jobs.check(str(payment.id))
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = Wish(Money(50_000, "INR"), refunds.refundable(locked), "Half of it")
        refund = refunds.open_refund(locked, wish, actor=SYSTEM)
    # The worker died after the gateway had done the work, before its answer was kept.
    refunds.send(fresh(refund))
    with later(minutes=1):
        jobs.check_due()
    assert fresh(refund).status is RefundStatus.COMPLETED
    assert fresh(payment).refunded_minor == 50_000
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1


def test_a_refund_that_the_gateway_refuses_frees_the_amount_and_is_told(session):
    make_user(Role.ADMIN)
    # Paid in our books only: the company knows of no payment to refund.
    payment = make_request().id
    payment = db.session.scalars(select(Payment).where(Payment.service_request_id == payment)).one()
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        refund = refunds.open_refund(locked, Wish(payment.amount, payment.amount, ""), actor=SYSTEM)
    exchanges.send_refund(refund.id)
    assert fresh(refund).status is RefundStatus.FAILED
    assert refunds.refundable(fresh(payment)) == payment.amount
    assert "alert" in db.session.scalars(select(Notification.kind)).all()


def test_a_gateway_that_keeps_failing_rests_and_is_offered_last(session):
    make_user(Role.ADMIN)
    make_gateway()
    config = db.session.scalars(select(GatewayConfig)).one()
    for _ in range(gateway_health.FAILURES_BEFORE_REST):
        assert not gateway_health.is_resting(fresh(config))
        with transaction():
            gateway_health.note_failure("sandbox", GatewayUnavailable())
    assert gateway_health.is_resting(fresh(config))
    assert [account.gateway for account in gateway_choice.active_gateways("INR")] == ["sandbox"]
    with later(minutes=3):
        assert not gateway_health.is_resting(config)
    with transaction():
        gateway_health.note_answer("sandbox")
    assert fresh(config).failures_in_row == 0


@pytest.mark.parametrize("webhook_came", [True, False])
def test_payments_without_webhooks_raise_an_alert(session, webhook_came):
    make_user(Role.ADMIN)
    for _ in range(3):
        payment = make_payment()
        with transaction():
            payments.settle(payment.id, snapshot_of(payment))
    with later(hours=2):
        if webhook_came:
            with transaction():
                gateway_health.note_webhook("sandbox")
        jobs.alert_on_silence()
    alerts = db.session.scalar(select(func.count()).where(Notification.kind == "alert"))
    assert alerts == int(not webhook_came)


def test_the_report_says_what_differs_and_nothing_when_all_agrees(session):
    payment = make_payment()
    at_the_company(payment, "approve")
    snapshot = payments.ask_gateway(payment)
    assert [found.what for found in reconciliation.differences(payment, snapshot)] == ["status"]
    jobs.check(str(payment.id))
    assert list(reconciliation.differences(fresh(payment), snapshot)) == []


def test_the_report_writes_amounts_as_people_do(session):
    payment = make_payment()
    at_the_company(payment, "approve")
    snapshot = payments.ask_gateway(payment)
    jobs.check(str(payment.id))
    given_back = RefundNews("theirs", Money(100_000, "INR"), "success")
    other = replace(snapshot, amount=Money(100, "INR"), refunds=(given_back,))
    found = {each.what: (each.ours, each.theirs) for each in reconciliation.differences(fresh(payment), other)}
    assert found == {"amount": (payment.amount.format(), "₹1.00"), "refunded": ("₹0.00", "₹1,000.00")}


def test_the_command_settles_and_reports(app, session):
    payment = make_payment()
    at_the_company(payment, "approve")
    runner = app.test_cli_runner()
    assert "status: ours pending, sandbox paid" in runner.invoke(args=["reconcile", "--report-only"]).output
    assert fresh(payment).status is PaymentStatus.PENDING
    assert "0 differences, 0 without an answer" in runner.invoke(args=["reconcile"]).output
    assert fresh(payment).status is PaymentStatus.COMPLETED
