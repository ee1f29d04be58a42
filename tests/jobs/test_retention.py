"""Personal data goes when its time is over; what is younger, or still needed, stays."""

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from app.config import Retention
from app.db import db, transaction
from app.jobs import retention as job
from app.kit import clock
from app.models import (
    AnalyticsEvent,
    AuditEntry,
    EventOutcome,
    Notification,
    NotificationStatus,
    Payment,
    RequestStatus,
    ServiceRequest,
    WebhookEvent,
)
from app.workflows import payments, requests, status
from app.workflows.audit import SYSTEM
from app.workflows.retention import RULES
from tests.auditing import problem
from tests.factories import make_customer, make_request, snapshot_of
from tests.statements import asked

JANUARY = datetime(2025, 1, 10, 12, tzinfo=UTC)


def leave_traces():
    """A customer who paid, one who never did, and what else is kept of them."""
    paid = make_request()
    with transaction():
        for letter in db.session.scalars(select(Notification)):
            letter.status, letter.sent_copy = NotificationStatus.SENT, b"Dear Kavya"
        db.session.add(AnalyticsEvent(name="paid", service_request_id=paid.id, visitor="v1"))
        body = WebhookEvent(gateway="sandbox", event_id=f"e{paid.id}", kind="paid", body=b"Kavya" * 9, headers=b"{}")
        body.handled_at, body.outcome = clock.utc_now(), EventOutcome.APPLIED
        waiting = WebhookEvent(gateway="sandbox", event_id=f"w{paid.id}", kind="x", body=b"Kavya" * 9, headers=b"{}")
        db.session.add_all([body, waiting])
    unpaid = make_request(customer=make_customer(full_name="Anand Rao", email="anand@example.org"), is_paid=False)
    with transaction():
        status.change_status(requests.get_locked(unpaid.id), RequestStatus.CANCELLED, actor=SYSTEM)
    return paid, unpaid


@pytest.fixture
def old(session):
    with time_machine.travel(JANUARY, tick=False) as traveller:
        yield leave_traces(), traveller


def kept(session):
    session.rollback()
    session.expire_all()

    def count(*conditions):
        return session.scalar(select(func.count()).where(*conditions))

    bodies = [event.body for event in session.scalars(select(WebhookEvent))]
    return {
        "mail": count(Notification.sent_copy.is_not(None)),
        "gateway_messages": sum(len(body) > 2 for body in bodies),
        "visits": count(AnalyticsEvent.service_request_id.is_not(None)),
        "unpaid": count(ServiceRequest.erased_at.is_(None)),
    }


def test_nothing_goes_before_its_time(session, old):
    before = kept(session)
    job.forget()
    old[1].shift(timedelta(days=6))
    job.forget()
    assert kept(session) == before
    assert session.scalar(select(func.count()).where(AuditEntry.action == "retention.applied")) == 0


def test_each_kind_goes_when_its_time_is_over_and_the_accounts_stay(app, session, old):
    (paid, unpaid), traveller = old
    initial = kept(session)
    gone = set()
    for days, name in ((91, "unpaid"), (181, "visits gateway_messages"), (366, "mail")):
        traveller.move_to(JANUARY + timedelta(days=days), tick=False)
        job.forget()
        gone |= set(name.split())
        left = kept(session)
        # An unhandled message is still needed; the customer who paid is a customer.
        wanted = initial | {each: {"gateway_messages": 1, "unpaid": 1}.get(each, 0) for each in gone}
        assert left == wanted
    assert session.get_one(ServiceRequest, paid.id).customer_name == "Kavya Iyer"
    assert session.get_one(ServiceRequest, unpaid.id).customer_name == "Erased customer"
    assert session.scalar(select(func.count()).select_from(Payment)) == 2
    assert problem(app) is None
    job.forget()
    assert session.scalar(select(func.count()).where(AuditEntry.action == "retention.applied")) == 3


def test_who_paid_too_late_is_known_until_a_person_has_seen_to_it(session, old):
    (_, unpaid), traveller = old
    payment = session.scalars(select(Payment).where(Payment.service_request_id == unpaid.id)).one()
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    for is_seen_to, name in ((False, "Anand Rao"), (True, "Erased customer")):
        with transaction():
            session.get_one(Payment, payment.id).flag_resolved_at = clock.utc_now() if is_seen_to else None
        traveller.move_to(JANUARY + timedelta(days=91), tick=False)
        job.forget()
        session.expire_all()
        assert session.get_one(ServiceRequest, unpaid.id).customer_name == name


def test_what_is_due_goes_in_batches_of_which_each_goes_on_after_the_last(session, old, monkeypatch):
    monkeypatch.setattr(job, "BATCH", 1)
    with time_machine.travel(JANUARY, tick=False):
        leave_traces()
    old[1].move_to(JANUARY + timedelta(days=400), tick=False)
    with asked() as statements:
        job.forget()
    assert kept(session) == {"mail": 0, "gateway_messages": 2, "visits": 0, "unpaid": 2}
    events = [each for each in statements if re.search(r"SELECT webhook_events.id.*handled_at IS NOT NULL", each, re.S)]
    # Two were due, and nothing was left.
    assert [") > (" in each for each in events] == [False, True, True]


def test_the_command_says_first_what_is_due(app, session, old):
    old[1].shift(timedelta(days=91))
    before = kept(session)
    result = app.test_cli_runner().invoke(args=["retention", "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "1  customers who never paid, from before 11 Jan 2025" in result.output
    assert kept(session) == before
    assert "They are gone." in app.test_cli_runner().invoke(args=["retention"]).output
    assert kept(session)["unpaid"] == 1


def test_a_period_of_nothing_keeps_for_ever(make_app, settings, session, old):
    old[1].shift(timedelta(days=4000))
    for_ever = Retention(**dict.fromkeys(asdict(Retention()), 0))
    with make_app(replace(settings, retention=for_ever)).app_context():
        assert list(job.periods()) == []


def test_every_rule_has_a_period():
    assert {rule.name for rule in RULES} == set(asdict(Retention()))
