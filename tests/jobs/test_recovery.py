"""Workers killed at the worst moments, Redis gone for a while: nothing is lost, nothing sent twice without need."""

import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from app.db import transaction
from app.hosting import embedded_queue, orphans
from app.jobs import queue
from app.jobs.notifications import MARKED_TOGETHER
from app.models import NotificationStatus
from app.workflows import payments
from tests.factories import make_payment, make_service, snapshot_of
from tests.jobs.programs import running, wait_until
from tests.outbox import deliver, end_leases, everything, fresh, key_of, owe
from tests.servers.mail import Answer

pytestmark = pytest.mark.postgres


def sweep():
    from app.jobs.sweep import sweep_notifications

    sweep_notifications()


def message_ids(received):
    return [one.message["Message-ID"] for one in received]


def test_killed_between_claim_and_send(session, settings, smtp, tmp_path):
    smtp.answer(Answer.STALL)
    first, second = owe(2)
    with running("worker", settings, tmp_path) as program:
        smtp.wait_for_attempts(1)
        program.kill()
    smtp.release()
    assert {row.status for row in everything()} == {NotificationStatus.SENDING}
    sweep()
    assert smtp.messages == []
    end_leases()
    sweep()
    assert sorted(message_ids(smtp.messages)) == sorted(row.message_id for row in (fresh(first), fresh(second)))
    assert {row.status for row in everything()} == {NotificationStatus.SENT}


def test_killed_between_send_and_mark(session, settings, smtp, tmp_path):
    """The one case in which mail goes out twice: what was not marked yet, under the same Message-ID."""
    smtp.answer(Answer.HOLD)
    owed = owe(MARKED_TOGETHER + 5)
    first = owed[0]
    with running("worker", settings, tmp_path) as program:
        smtp.wait_for_attempts(1)
        with held(settings.database_url, key_of(first)) as watcher:
            smtp.release()
            wait_until(lambda: waits_for_lock(watcher), "the worker wants to mark the message as sent")
            program.kill()
    assert len(smtp.messages) == MARKED_TOGETHER
    assert fresh(first).status is NotificationStatus.SENDING
    end_leases()
    sweep()
    sent = message_ids(smtp.messages)
    assert sorted(set(sent)) == sorted(fresh(row).message_id for row in owed)
    assert len(sent) == len(owed) + MARKED_TOGETHER
    assert {row.status for row in everything()} == {NotificationStatus.SENT}


@contextmanager
def held(database_url, notification_id):
    """The row locked by us, so that nobody can mark it; gives a connection that sees who waits."""
    with psycopg.connect(database_url) as holder, psycopg.connect(database_url, autocommit=True) as watcher:
        holder.execute("SELECT 1 FROM notifications WHERE id = %s FOR UPDATE", (notification_id,))
        yield watcher
        holder.rollback()


def waits_for_lock(watcher):
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE 'UPDATE notifications%'"
    )
    return watcher.execute(query).fetchone()[0] > 0


def test_two_workers_at_once_send_each_message_once(session, settings, smtp, tmp_path):
    with running("worker", settings, tmp_path), running("worker", settings, tmp_path):
        rows = [row for _ in range(12) for row in owe(10)]
        wait_until(lambda: len(smtp.messages) >= len(rows), "all mail has come")
        wait_until(lambda: {row.status for row in everything()} == {NotificationStatus.SENT}, "all is marked")
    ids = message_ids(smtp.messages)
    assert len(ids) == len(set(ids)) == len(rows)


def test_many_threads_deliver_each_message_once(app, session, smtp):
    """No worker program, no bell: eight at the same moment on the same rows."""
    rows = owe(100)
    together = threading.Barrier(8)

    def run():
        with app.app_context():
            together.wait()
            deliver()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = message_ids(smtp.messages)
    assert len(ids) == len(set(ids)) == len(rows)


@dataclass
class OwnRedis:
    """A queue server that a test may stop and start again, with what it had written down."""

    queue: embedded_queue.EmbeddedQueue
    process: subprocess.Popen | None = None

    def start(self):
        self.process = subprocess.Popen(self.queue.command, stdout=subprocess.DEVNULL, preexec_fn=orphans.before_exec())
        wait_until(self.queue.answers, "the queue is up")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def own_redis(tmp_path, settings):
    server = OwnRedis(embedded_queue.prepare(Path(tmp_path)))
    server.start()
    queue.configure(server.queue.url)
    yield server
    server.stop()
    queue.configure(settings.redis_url)


def buy(service):
    payment = make_payment(service)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    return payment.service_request.reference_number


@pytest.mark.long
def test_redis_away_during_purchases(session, settings, smtp, own_redis, tmp_path):
    service = make_service()
    settings = replace(settings, redis_url=own_redis.queue.url)
    with running("worker", settings, tmp_path) as worker, running("schedule", settings, tmp_path) as scheduler:
        references = [buy(service)]
        wait_until(lambda: len(smtp.messages) == 1, "mail flows")
        own_redis.stop()
        began = time.monotonic()
        references += [buy(service) for _ in range(5)]
        assert time.monotonic() - began < 5 * 3
        assert len(smtp.messages) == 1
        own_redis.start()
        wait_until(lambda: len(smtp.messages) == len(references), "the sweep has made up for it")
        references.append(buy(service))
        wait_until(lambda: len(smtp.messages) == len(references), "mail flows again")
        assert (worker.stop(), scheduler.stop()) == (0, 0)
    subjects = sorted(received.message["Subject"] for received in smtp.messages)
    assert subjects == sorted(f"Payment received: {reference}" for reference in references)


def test_redis_emptied_loses_nothing(session, settings, smtp, worker, tmp_path):
    rows = owe(3)
    worker.redis.flushdb()
    with running("worker", settings, tmp_path), running("schedule", settings, tmp_path):
        wait_until(lambda: len(smtp.messages) == len(rows), "the sweep has sent them")
