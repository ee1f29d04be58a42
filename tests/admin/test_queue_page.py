"""The page that says how the queue is: with Redis there and away, with workers, with jobs that failed."""

import dataclasses

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from app.jobs import queue
from app.jobs.schedule import Scheduler
from app.jobs.worker import Worker
from app.models import Role
from tests.factories import make_request
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/queue/"


@pytest.fixture
def redis(redis_url, app, worker):
    queue.configure(redis_url)
    yield worker.redis
    queue.configure(None)


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
