"""Errors are counted by what they have to do with, and counting is never in anybody's way."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app import exchanges
from app.checkout import shop
from app.db import db, transaction
from app.gateways.errors import GatewayUnavailable
from app.models import ErrorCategory, ErrorTally, Notification, Role
from app.observability import error_tally
from app.observability.error_tally import MAXIMUM_KEPT, tally
from app.workflows import payments
from tests.factories import make_payment, make_service, make_user


@pytest.fixture(autouse=True)
def fresh(session):
    tally._counts.clear()
    yield
    tally._counts.clear()


def stored():
    db.session.rollback()
    tally.store()
    rows = db.session.execute(select(ErrorTally.category, func.sum(ErrorTally.count)).group_by(ErrorTally.category))
    return {category.value: count for category, count in rows}


@pytest.fixture
def failing(app, monkeypatch):
    """Make the home page raise."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(error):
        def broken():
            raise error

        monkeypatch.setattr(shop.catalog, "active_services", broken)

    yield fail
    app.config["PROPAGATE_EXCEPTIONS"] = None


@pytest.mark.parametrize(
    ("error", "category"),
    [(OperationalError("SELECT", {}, Exception("away")), "database"), (ValueError("a slip"), "unexpected")],
)
def test_a_page_that_breaks_is_counted(client, failing, error, category):
    failing(error)
    assert client.get("/").status_code >= 500
    assert stored() == {category: 1}


def test_what_is_refused_is_counted_and_what_is_taken_is_not(client, session):
    service = make_service()
    client.get("/")
    assert stored() == {}
    client.post("/api/services/purchase", json={})
    client.post("/api/services/purchase", data="no JSON", content_type="application/json")
    client.post(f"/services/{service.id}", data={})
    assert stored() == {"validation": 3}


def test_a_gateway_that_does_not_answer_is_counted(session, monkeypatch):
    payment = make_payment()

    def away(*_arguments, **_more):
        raise GatewayUnavailable

    monkeypatch.setattr(payments, "ask_gateway", away)
    exchanges.check_payment(payment.id)
    assert stored() == {"gateway": 1}


def test_counts_of_the_same_quarter_of_an_hour_add_up(session):
    with time_machine.travel(datetime(2026, 3, 1, 12, 14, tzinfo=UTC), tick=False) as traveller:
        tally.add(ErrorCategory.EMAIL)
        tally.store()
        tally.add(ErrorCategory.EMAIL)
        tally.add(ErrorCategory.DATABASE)
        tally.store()
        traveller.shift(timedelta(minutes=2))
        tally.add(ErrorCategory.EMAIL)
        tally.store()
    rows = session.scalars(select(ErrorTally).order_by(ErrorTally.slot, ErrorTally.category)).all()
    assert [(row.slot.minute, row.category.value, row.count) for row in rows] == [
        (0, "database", 1),
        (0, "email", 2),
        (15, "email", 1),
    ]


def test_with_the_database_away_counts_wait_and_the_oldest_go_first(session, monkeypatch):
    def away(_counts):
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(error_tally, "_add", away)
        with time_machine.travel(datetime(2026, 3, 1, tzinfo=UTC), tick=False) as traveller:
            for _ in range(MAXIMUM_KEPT + 5):
                tally.add(ErrorCategory.EMAIL)
                traveller.shift(timedelta(minutes=15))
            tally.store()
    assert stored() == {"email": MAXIMUM_KEPT}


def test_a_failing_transaction_takes_no_count_with_it(session):
    def fail():
        with transaction():
            logging.getLogger("app.workflows.analytics").warning("analytics events were not stored")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stored() == {"integration": 1}


def test_what_a_job_raises_is_counted(session):
    error_tally.count(ValueError("a slip"))
    error_tally.count(OperationalError("SELECT", {}, Exception("away")))
    assert stored() == {"unexpected": 1, "database": 1}


def test_administrators_hear_of_database_and_unexpected_errors_once_an_hour(session):
    administrator = make_user(Role.ADMIN)
    with time_machine.travel(datetime(2026, 3, 1, 12, 14, tzinfo=UTC), tick=False) as traveller:
        for _ in range(3):
            error_tally.count(OperationalError("SELECT", {}, Exception("away")))
            tally.add(ErrorCategory.VALIDATION)
            tally.store()
            traveller.shift(timedelta(minutes=2))
        traveller.shift(timedelta(hours=1))
        error_tally.count(ValueError("a slip"))
        tally.store()
    told = session.scalars(select(Notification).where(Notification.kind == "alert").order_by(Notification.id)).all()
    assert [each.recipient_user_id for each in told] == [administrator.id] * 2
    assert "1 database error within" in told[0].context["text"]
    assert "1 unexpected error within" in told[1].context["text"]
