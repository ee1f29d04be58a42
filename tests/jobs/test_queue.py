"""The bell: rung after the commit, once, and never in a customer's way."""

import logging

import pytest
from redis import ConnectionError as RedisAway
from rq import Queue
from rq.serializers import JSONSerializer

from app.db import transaction
from app.jobs import queue
from app.models import NotificationStatus
from tests.outbox import deliver, everything, owe


@pytest.fixture
def bells(session, worker):
    """How many jobs wait in the queue of deliveries."""
    deliveries = Queue(queue.DELIVERIES, connection=worker.redis, serializer=JSONSerializer)
    return lambda: deliveries.count


@pytest.fixture(autouse=True)
def _connection(settings):
    queue.configure(settings.redis_url)
    yield
    queue.configure(settings.redis_url)


def test_one_bell_is_enough_until_it_is_answered(bells, smtp):
    owe(3)
    owe(2)
    assert bells() == 1
    queue.answer_bell()
    owe()
    assert bells() == 2


def test_a_bell_is_rung_by_the_commit_alone(bells):
    with transaction():
        queue.ring_deliveries()
        assert bells() == 0
    assert bells() == 1


def test_a_failed_transaction_rings_nothing(bells):
    with pytest.raises(ZeroDivisionError):
        _fail_after_ringing()
    assert bells() == 0


def _fail_after_ringing():
    with transaction():
        queue.ring_deliveries()
        raise ZeroDivisionError


def test_ringing_needs_a_transaction(session):
    with pytest.raises(RuntimeError):
        queue.ring_deliveries()


def test_a_bell_waits_until_the_answer_is_sent(app, bells):
    with app.test_request_context():
        owe()
        assert bells() == 0
        answer = app.process_response(app.response_class("Saved."))
        assert bells() == 0
        answer.close()
        assert bells() == 1


def test_a_job_gets_its_ids_as_text(session, worker):
    with transaction():
        queue.enqueue("app.jobs.payments.check", "01a2", on=queue.GATEWAYS)
    [job] = Queue(queue.GATEWAYS, connection=worker.redis, serializer=JSONSerializer).jobs
    assert (job.func_name, job.args) == ("app.jobs.payments.check", ["01a2"])


def test_without_redis_nothing_breaks_and_nothing_is_lost(session, smtp, caplog):
    queue.configure("redis://127.0.0.1:1/0")
    with caplog.at_level(logging.WARNING, logger="app.jobs.queue"):
        owe(2)
        owe(2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    deliver()
    assert {row.status for row in everything()} == {NotificationStatus.SENT}
    assert len(smtp.messages) == 4


def test_a_queue_that_was_away_is_left_alone_for_a_while(session):
    tries = []

    def ring(_redis):
        tries.append(1)
        raise RedisAway

    assert not queue._line.call(ring)
    assert not queue._line.call(ring)
    assert len(tries) == 1


def test_a_process_without_a_queue_leaves_all_to_the_sweep(session, smtp):
    queue.configure(None)
    owe()
    deliver()
    assert len(smtp.messages) == 1
