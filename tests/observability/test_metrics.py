"""What Prometheus reads: requests, gateways, payments, mail, webhooks, queue and database; it never fails itself."""

import os
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app import exchanges
from app.db import rehearsal, transaction
from app.gateways.base import GatewayUnavailable, SnapshotStatus
from app.gateways.sandbox import Sandbox
from app.jobs.queue import QUEUES
from app.kit import clock
from app.models import GatewayConfig, Notification, WebhookEvent
from app.observability import meters, metrics
from app.workflows import payments, purchase
from tests.factories import attach, make_payment, make_request, make_service, snapshot_of


def read(client):
    """Every sample by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = list(text_string_to_metric_families(answer.text))
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(client, name, **labels):
    return read(client).get((f"counterfoil_{name}", frozenset(labels.items())), 0)


def test_requests_are_timed_by_rule_and_status_never_by_path(client, session):
    service = make_service()
    known = {"method": "GET", "route": "/services/<uuid:service_id>", "status": "200"}
    before = value(client, "http_request_seconds_count", **known)
    client.get(f"/services/{service.id}")
    assert value(client, "http_request_seconds_count", **known) == before + 1
    stranger = {"method": "GET", "route": "unmatched", "status": "404"}
    before = value(client, "http_request_seconds_count", **stranger)
    client.get("/wp-login.php")
    assert value(client, "http_request_seconds_count", **stranger) == before + 1
    client.open("/", method="BREW")
    found = client.get("/metrics").text
    assert "BREW" not in found
    assert str(service.id) not in found
    assert 'route="/metrics"' not in found


def test_calls_to_gateways_are_timed_with_what_came_of_them(client, session, monkeypatch):
    fine = {"gateway": "sandbox", "operation": "create", "outcome": "ok"}
    before = value(client, "gateway_call_seconds_count", **fine)
    payment = make_payment()
    assert value(client, "gateway_call_seconds_count", **fine) == before + 1

    def away(*_):
        raise GatewayUnavailable

    monkeypatch.setattr(Sandbox, "fetch_payment", away)
    failed = {"gateway": "sandbox", "operation": "fetch", "outcome": GatewayUnavailable.code}
    before = value(client, "gateway_call_seconds_count", **failed)
    assert exchanges.check_payment(payment.id) is False
    assert value(client, "gateway_call_seconds_count", **failed) == before + 1


def test_payments_are_counted_once_they_are_on_record_and_not_when_undone(client, session):
    def counted(outcome):
        return value(client, "payments_total", gateway="sandbox", outcome=outcome)

    before = {outcome: counted(outcome) for outcome in ("opened", "completed", "failed")}
    make_request()
    payment = make_payment()
    for _ in range(2):
        with transaction():
            payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    with rehearsal():
        payments.settle(payment.id, snapshot_of(payment))
    assert {outcome: counted(outcome) - number for outcome, number in before.items()} == {
        "opened": 2,
        "completed": 1,
        "failed": 1,
    }


def test_what_waits_has_its_age(client, session):
    make_request()
    hour_ago = clock.utc_now() - timedelta(hours=1)
    with transaction():
        session.execute(text("UPDATE notifications SET status = 'sent'"))
        oldest = session.query(Notification).first()
        oldest.status, oldest.created_at = "pending", hour_ago
        values = {"gateway": "sandbox", "event_id": "e1", "kind": "paid", "body": b"", "headers": b"{}"}
        session.add(WebhookEvent(**values, created_at=hour_ago))
        session.query(GatewayConfig).one().last_webhook_at = hour_ago
    found = read(client)
    names = ("notification_oldest_seconds", "webhook_lag_seconds")
    assert all(3600 <= found[f"counterfoil_{name}", frozenset()] < 3700 for name in names)
    assert 3600 <= found["counterfoil_webhook_silence_seconds", frozenset({("gateway", "sandbox")})] < 3700
    assert found["counterfoil_webhooks_unhandled", frozenset()] == 1
    assert found["counterfoil_notifications_pending", frozenset()] == 1
    assert found["counterfoil_database_up", frozenset()] == 1


@pytest.mark.postgres
def test_a_broken_database_is_told_of_and_breaks_nothing_here(client, session):
    with transaction():
        session.execute(text("ALTER TABLE webhook_events RENAME TO webhook_events_away"))
    try:
        assert value(client, "database_up") == 0
        assert "counterfoil_http_request_seconds" in client.get("/metrics").text
    finally:
        with transaction():
            session.execute(text("ALTER TABLE webhook_events_away RENAME TO webhook_events"))
    assert value(client, "database_up") == 1


def test_the_queue_and_who_works_on_it(client, redis_url):
    found = read(client)
    assert found["counterfoil_queue_up", frozenset()] == 1
    for queue in QUEUES:
        assert found["counterfoil_queue_jobs", frozenset({("queue", queue), ("state", "waiting")})] >= 0
    assert found["counterfoil_workers", frozenset()] == 0
    assert found["counterfoil_scheduler_up", frozenset()] == 0


def test_connections_in_use_are_those_that_are_taken(client, session):
    session.rollback()
    before = meters.connections_in_use._value.get()
    session.execute(text("SELECT 1"))
    assert meters.connections_in_use._value.get() == before + 1
    session.rollback()
    assert meters.connections_in_use._value.get() == before


def test_processes_that_ended_hold_no_connections_any_more(tmp_path):
    gone = tmp_path / "gauge_livesum_999999999.db"
    here, counted = tmp_path / f"gauge_livesum_{os.getpid()}.db", tmp_path / "counter_999999999.db"
    for path in (gone, here, counted):
        path.write_bytes(b"")
    metrics._forget_dead(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {here.name, counted.name}


def test_an_attempt_to_pay_that_is_repeated_is_one(client, session):
    payment = make_payment()
    before = value(client, "payments_total", gateway="sandbox", outcome="opened")
    with transaction():
        purchase.open_payment(session.merge(payment.service_request))
    attach(payment)
    assert value(client, "payments_total", gateway="sandbox", outcome="opened") == before
