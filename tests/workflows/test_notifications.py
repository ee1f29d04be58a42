"""Who is told what, and that nobody is told twice."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import db, transaction
from app.gateways.base import SnapshotStatus
from app.models import Notification, Role, Service
from app.workflows import assignment, notifications, payments, requests, status
from app.workflows.audit import SYSTEM
from tests import strategies
from tests.factories import make_payment, make_provider, make_request, make_service, make_user, snapshot_of


def outbox(kind=None):
    query = select(Notification).order_by(Notification.id)
    return list(db.session.scalars(query.where(Notification.kind == kind) if kind else query))


def told(kind):
    return sorted(row.recipient for row in outbox(kind))


def outbox_of(service_request, kind):
    query = select(Notification).where(Notification.service_request_id == service_request.id, Notification.kind == kind)
    return list(db.session.scalars(query.order_by(Notification.id)))


def told_of(service_request, kind):
    return sorted(row.recipient for row in outbox_of(service_request, kind))


@pytest.fixture
def staff(session):
    """Two of each, whom the examples of a property switch on and off."""
    return {role: [make() for make in makers] for role, makers in _STAFF.items()}


_STAFF = {Role.ADMIN: [lambda: make_user(Role.ADMIN)] * 2, Role.PROVIDER: [lambda: make_provider(capacity=10_000)] * 2}


def enable(users, number):
    with transaction():
        for position, user in enumerate(users):
            user.is_enabled = position < number
    return sorted(user.email for user in users[:number])


@pytest.mark.long
@pytest.mark.property(16)
@given(providers=st.integers(0, 2), admins=st.integers(1, 2), customer=strategies.customers())
def test_every_new_request_is_told_to_its_provider_or_the_administrators(staff, providers, admins, customer):
    administrators = enable(staff[Role.ADMIN], admins)
    professionals = enable(staff[Role.PROVIDER], providers)
    service_request = make_request(service_for_all(), customer)
    assert told_of(service_request, "new_request") == administrators
    if professionals:
        assert service_request.provider.email in professionals
        assert told_of(service_request, "provider_assigned") == [service_request.provider.email]
        assert told_of(service_request, "no_provider") == []
    else:
        assert told_of(service_request, "provider_assigned") == []
        assert told_of(service_request, "no_provider") == administrators


@pytest.mark.long
@pytest.mark.property(26)
@given(data=st.data(), customer=strategies.customers())
def test_every_status_change_is_told_to_the_customer(staff, data, customer):
    service_request = make_request(service_for_all(), customer)
    changes = []
    for _ in range(data.draw(st.integers(1, 4), label="steps")):
        choices = sorted(status.ALLOWED[service_request.status])
        if not choices:
            break
        wanted = data.draw(st.sampled_from(choices), label="status")
        with transaction():
            service_request = requests.get_locked(service_request.id)
            changes.append(status.change_status(service_request, wanted, actor=SYSTEM, note="As agreed."))
    rows = outbox_of(service_request, "status_changed")
    assert [row.subject_id for row in rows] == [change.id for change in changes]
    assert {row.recipient for row in rows} == {customer.email}


def service_for_all():
    return db.session.scalar(select(Service).limit(1)) or make_service()


def test_a_failed_payment_is_told_to_the_customer_once(session):
    payment = make_payment()
    for _ in range(2):
        with transaction():
            payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    assert told("payment_failed") == [payment.service_request.customer_email]


def test_the_same_cause_is_told_once(session):
    payment = make_payment()
    for _ in range(3):
        with transaction():
            notifications.payment_confirmed(payment.service_request, payment)
            notifications.payment_confirmed(payment.service_request, payment)
    assert len(outbox("payment_confirmed")) == 1


def test_nothing_is_owed_for_what_was_rolled_back(session):
    payment = make_payment()
    with transaction() as opened:
        notifications.payment_confirmed(payment.service_request, payment)
        opened.rollback()
    assert outbox("payment_confirmed") == []


def test_a_provider_who_gets_a_request_back_is_told_again(session):
    first, second = make_provider(capacity=0), make_provider(capacity=0)
    service_request = make_request()
    for provider in (first, second, first):
        with transaction():
            assignment.assign(requests.get_locked(service_request.id), provider, actor=SYSTEM)
    assert told("provider_assigned") == sorted([first.email, second.email, first.email])


def test_alerts_go_to_active_administrators_and_are_folded_by_the_hour(session):
    make_user(Role.ADMIN, email="awake@example.com")
    make_user(Role.ADMIN, email="gone@example.com", is_enabled=False)
    make_user(Role.OPERATOR)
    start = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
    for minutes, fold in ((0, "gateway-1"), (50, "gateway-1"), (51, "gateway-2"), (61, "gateway-1")):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False), transaction():
            notifications.alert("gateway_down", f"Trouble at {minutes}.", fold=fold)
    rows = outbox("alert")
    assert [row.context["text"] for row in rows] == ["Trouble at 0.", "Trouble at 51.", "Trouble at 61."]
    assert {row.recipient for row in rows} == {"awake@example.com"}


def test_the_message_id_is_one_of_ours_and_never_the_same(session):
    make_request(make_service())
    ids = [row.message_id for row in outbox()]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("<") and name.endswith(f"@{notifications.postmark.host}>") for name in ids)


def test_customers_come_before_staff(session):
    make_user(Role.ADMIN)
    make_request(make_service())
    assert {row.kind: row.priority for row in outbox()} == {
        "payment_confirmed": notifications.URGENT,
        "new_request": notifications.ORDINARY,
        "no_provider": notifications.ORDINARY,
    }
