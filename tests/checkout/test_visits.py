"""Visitors' steps are counted, and never in anybody's way."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.checkout.visits import Visits
from app.db import db, transaction
from app.models import AnalyticsEvent, SandboxPayment
from app.sandbox import ledger
from tests.checkout.answers import right_answers
from tests.checkout.test_purchase import local
from tests.factories import make_gateway, make_service


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service()


def kept(app: Any) -> Visits:
    visits: Visits = app.extensions["visits"]
    return visits


def events(app: Any) -> list[AnalyticsEvent]:
    kept(app).store()
    db.session.rollback()
    return list(db.session.scalars(select(AnalyticsEvent).order_by(AnalyticsEvent.created_at, AnalyticsEvent.id)))


def test_a_purchase_leaves_every_step_of_the_funnel_with_its_service(app: Any, client: Any, service: Any) -> None:
    kept(app).store()
    client.get(f"/services/{service.id}")
    client.post(f"/services/{service.id}", data=right_answers(service))
    company = db.session.scalars(select(SandboxPayment)).one()
    with transaction():
        ledger.decide(company, "approve")
    confirmation = client.get(local(company.return_url))
    assert "Payment received" in confirmation.text
    client.get(f"/track/{company.return_url.split('/')[4]}")
    found = events(app)
    names = [event.name for event in found]
    assert set(names) == {
        "service_selected",
        "checkout_started",
        "submitted",
        "paid",
        "confirmation_viewed",
        "tracking_viewed",
    }
    assert len(names) == len(set(names))
    assert {event.service_id for event in found} == {service.id}
    assert len({event.visitor for event in found} - {None}) == 1


def test_a_form_that_was_checked_while_typing_was_started_once(app: Any, client: Any, service: Any) -> None:
    kept(app).store()
    fields = right_answers(service)
    client.post(f"/services/{service.id}/check", data=fields)
    client.post(f"/services/{service.id}/check", data=fields | {"started": "1"})
    client.post(f"/services/{service.id}", data=fields | {"started": "1"})
    assert [event.name for event in events(app)] == ["checkout_started", "submitted"]


def test_a_database_that_is_away_costs_counts_and_nothing_else(
    app: Any, client: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(f"/services/{service.id}").status_code == 200

    def away(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    monkeypatch.setattr("app.checkout.visits.record_steps", away)
    kept(app).store()
    monkeypatch.undo()
    assert events(app) == []


@pytest.mark.postgres
def test_a_connection_lost_while_counting_costs_counts_and_nothing_else(
    app: Any, client: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of another kind would end the thread that stores them, for as long as the process lives."""
    from app.workflows import analytics

    client.get(f"/services/{service.id}")
    client.get(f"/services/{service.id}")
    insert = analytics._insert

    def lose_and_insert(rows: Any) -> None:
        driver: Any = db.session.connection().connection.dbapi_connection
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": driver.info.backend_pid})
        insert(rows)

    monkeypatch.setattr(analytics, "_insert", lose_and_insert)
    kept(app).store()
    monkeypatch.undo()
    client.get(f"/services/{service.id}")
    assert [event.name for event in events(app)] == ["service_selected"]


def test_an_event_that_cannot_be_stored_is_undone_alone(session: Any, caplog: pytest.LogCaptureFixture) -> None:
    from app.kit import clock, ids
    from app.workflows import analytics

    with transaction():
        analytics.record_steps([analytics.Step("paid", clock.utc_now(), ids.new_id())])
        service = make_row()
    assert session.get(type(service), service.id) is not None
    assert "analytics events were not stored" in caplog.text


def make_row() -> Any:
    from app.models import Category, Service

    service = Service(name="S", description="d", short_description="s", category=Category.CA, price_minor=1)
    db.session.add(service)
    return service
