"""The page that says how the queue is: with Redis there and away, with workers, with jobs that failed."""

import dataclasses
from datetime import timedelta

import pytest
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from app.db import transaction
from app.jobs import queue
from app.jobs.schedule import Scheduler
from app.jobs.worker import Worker
from app.kit import clock
from app.models import AuditEntry, Notification, NotificationStatus, Role
from app.workflows import deliveries
from tests.factories import make_request
from tests.outbox import fresh, owe
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/queue/"


@pytest.fixture
def redis(redis_url, settings, worker):
    queue.configure(redis_url)
    yield worker.redis
    queue.configure(settings.redis_url)


@pytest.fixture
def settings_with_queue(app, redis_url):
    """The page asks the settings where the queue is."""
    usual = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(usual, redis_url=redis_url)
    yield
    app.extensions["settings"] = usual


def words(client):
    answer = client.get(URL)
    assert answer.status_code == 200
    return Page(answer.text).words


def test_it_says_what_waits_and_that_nobody_works(client, session, redis, settings_with_queue):
    sign_in(client, Role.VIEWER)
    make_request()
    Queue("deliveries", connection=redis, serializer=JSONSerializer).enqueue("app.jobs.sweep.alert_overdue")
    told = words(client)
    assert "No worker is running." in told
    assert "Mail to send 1 " in told or "Mail to send 2 " in told


def test_a_living_worker_and_scheduler_are_seen(client, session, app, redis, settings_with_queue):
    sign_in(client, Role.VIEWER)
    worker = Worker(app, redis)
    worker.register_birth()
    assert "No scheduler is running." in words(client)
    Scheduler().tick()
    told = words(client)
    assert "No scheduler" not in told
    assert worker.name[:12] in told


def test_a_failed_job_says_its_kind_of_error_and_is_tried_again(client, session, app, redis, settings_with_queue):
    sign_in(client, Role.OPERATOR)
    job = Queue("jobs", connection=redis, serializer=JSONSerializer).enqueue(
        "tests.jobs.sample_jobs.break_with", "Kavya"
    )
    Worker(app, redis).work(burst=True, logging_level="CRITICAL")
    told = words(client)
    assert "RuntimeError" in told
    assert "Kavya" not in told
    assert client.post(f"{URL}{job.id}/retry").status_code == 302
    assert Queue("jobs", connection=redis, serializer=JSONSerializer).job_ids == [job.id]
    assert client.post(f"{URL}nonsense/retry").status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_retry_nothing(client, session, role):
    sign_in(client, role)
    assert client.post(f"{URL}any/retry").status_code == 403


def test_with_the_queue_away_it_says_that_nothing_is_lost(client, session, app):
    usual = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(usual, redis_url="redis://127.0.0.1:1/0")
    try:
        sign_in(client, Role.VIEWER)
        assert "nothing is lost" in words(client)
        sign_in(client, Role.OPERATOR)
        assert client.post(f"{URL}any/retry").status_code == 503
    finally:
        app.extensions["settings"] = usual


def test_it_says_since_when_mail_is_late(client, session):
    sign_in(client, Role.VIEWER)
    make_request()
    assert "Mail is late" not in words(client)
    with transaction():
        session.execute(update(Notification).values(created_at=clock.utc_now() - timedelta(hours=2)))
    assert "Mail is late: the oldest was due 2 h ago" in words(client)
    assert "counterfoil_notification_oldest_seconds 72" in client.get("/metrics").text
    with transaction():
        # Put off again and again, or with a worker that hangs, it is as late as before.
        later = clock.utc_now() + timedelta(minutes=5)
        session.execute(update(Notification).values(next_attempt_at=later, status=NotificationStatus.SENDING))
    assert "Mail is late" in words(client)
    with transaction():
        session.execute(update(Notification).values(status=NotificationStatus.SENT))
    assert "Oldest waiting none" in words(client)
    assert "counterfoil_notification_oldest_seconds 0.0" in client.get("/metrics").text


def test_what_failed_while_the_mail_server_was_away_is_sent_again_at_once(client, session):
    sign_in(client, Role.OPERATOR)
    rows = owe(4)
    failed = {"status": NotificationStatus.DEAD, "next_attempt_at": None}
    ends = [
        (4, "ConnectionRefusedError"),
        (1, f"{deliveries.UNWRITABLE} (KeyError)."),
        (1, "550 5.1.1 no such mailbox"),
    ]
    with transaction():
        for row, (attempts, error) in zip(rows, ends, strict=False):
            values = failed | {"attempts": attempts, "last_error": error}
            session.execute(update(Notification).where(Notification.id == row.id).values(values))
    assert "2 failed because the mail server gave no good answer" in words(client)
    assert client.post(f"{URL}resend").status_code == 302
    states = [fresh(row).status for row in rows]
    assert states == ["pending", "pending", "dead", "pending"]
    assert (fresh(rows[0]).attempts, fresh(rows[0]).message_id) == (0, rows[0].message_id)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "notification.all_resent")).one()
    assert '"count": 2' in entry.changes or '"count":2' in entry.changes
    assert "gave no good answer" not in words(client)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_send_nothing_again(client, session, role):
    sign_in(client, role)
    assert client.post(f"{URL}resend").status_code == 403


def test_a_queue_that_nobody_serves_is_named(client, session, app, redis, settings_with_queue):
    sign_in(client, Role.VIEWER)
    Worker(app, redis, ["deliveries", "jobs"]).register_birth()
    told = words(client)
    assert "No worker serves gateways and upkeep." in told
    assert "worker --queues gateways,upkeep" in told
    assert "deliveries, jobs" in told
