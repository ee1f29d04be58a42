"""The worker program: what a job finds, what a failed one leaves, and how it ends."""

import json
from collections import Counter

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app.db import transaction
from app.jobs import queue
from app.models import NotificationStatus
from tests.jobs.programs import running, wait_until
from tests.outbox import everything, owe
from tests.servers.mail import Answer

pytestmark = pytest.mark.postgres


@pytest.fixture
def jobs(app, worker):
    return Queue(queue.JOBS, connection=worker.redis, serializer=JSONSerializer)


def enqueue(name, *arguments, **on):
    with transaction():
        queue.enqueue(f"tests.jobs.sample_jobs.{name}", *arguments, **on)


def test_mail_is_sent_as_soon_as_it_is_owed(session, settings, smtp, tmp_path):
    with running("worker", settings, tmp_path) as program:
        owe(3)
        wait_until(lambda: len(smtp.messages) == 3, "the mail has come")
        assert program.stop() == 0
        assert "worker stopped" in program.log
    assert {row.status for row in everything()} == {NotificationStatus.SENT}


def test_each_job_has_a_context_and_a_session_of_its_own(session, settings, jobs, tmp_path):
    notes = tmp_path / "notes"
    enqueue("note_surroundings", str(notes))
    enqueue("note_surroundings", str(notes))
    with running("worker", settings, tmp_path):
        wait_until(lambda: notes.exists() and len(notes.read_text().splitlines()) == 2, "both jobs are done")
    assert all(line.startswith(f"True {settings.base_url} ") for line in notes.read_text().splitlines())


def test_a_failed_job_is_on_record_with_its_stack_trace_and_the_next_one_is_done(
    session, settings, jobs, worker, tmp_path
):
    notes = tmp_path / "notes"
    enqueue("fail")
    [failing] = jobs.jobs
    enqueue("note_surroundings", str(notes))
    with running("worker", settings, tmp_path) as program:
        wait_until(notes.exists, "the next job is done")
        assert failing.get_status(refresh=True) is JobStatus.FAILED
        assert "this job cannot be done" in failing.latest_result().exc_string
        lines = [json.loads(line) for line in program.log.splitlines() if line.startswith("{")]
    [logged] = [line for line in lines if line.get("level") == "error"]
    assert "sample_jobs.py" in json.dumps(logged)
    assert "this job cannot be done" in json.dumps(logged)


def test_a_job_that_waits_too_long_for_the_database_is_ended_and_the_next_ones_are_done(
    session, settings, jobs, tmp_path
):
    notes = tmp_path / "notes"
    endless = [
        jobs.enqueue("tests.jobs.sample_jobs.wait_in_the_database", way, job_timeout=1)
        for way in ("alone", "kept", "usual")
    ]
    enqueue("note_surroundings", str(notes))
    with running("worker", settings, tmp_path):
        wait_until(notes.exists, "the next job is done")
    for job in endless:
        assert "JobTimeoutException" in job.latest_result().exc_string.splitlines()[-1]


def test_asked_to_stop_it_finishes_the_job_in_hand(session, settings, jobs, tmp_path):
    path = tmp_path / "job"
    enqueue("take_time", str(path))
    enqueue("note_surroundings", str(tmp_path / "notes"))
    with running("worker", settings, tmp_path) as program:
        wait_until(path.exists, "the job has begun")
        program.process.terminate()
        path.with_suffix(".go").touch()
        assert program.process.wait(30) == 0
    assert path.read_text() == "done"
    assert not (tmp_path / "notes").exists()
    assert jobs.count == 1


def test_it_looks_after_abandoned_jobs_often(app, worker):
    """Its waits for a job are short, for maintenance happens between two of them."""
    from app.jobs.worker import MAINTENANCE_INTERVAL, Worker

    made = Worker(app, Redis.from_url(worker.redis_url))
    assert isinstance(made, BaseWorker)
    assert made.dequeue_timeout == MAINTENANCE_INTERVAL == made.maintenance_interval
    assert made.queue_names() == ["deliveries", "jobs", "gateways", "upkeep"]


def test_mail_goes_out_while_a_gateway_does_not_answer(session, settings, smtp, tmp_path):
    """As `make run` starts them: a worker for mail, another for gateways."""
    path = tmp_path / "asked"
    enqueue("take_time", str(path), on=queue.GATEWAYS)
    mail = running("worker", settings, tmp_path, "--queues", "deliveries,jobs")
    gateways = running("worker", settings, tmp_path, "--queues", "gateways,upkeep")
    with mail, gateways:
        wait_until(path.exists, "the gateway has been asked")
        owe(3)
        wait_until(lambda: len(smtp.messages) == 3, "the mail has come")
        path.with_suffix(".go").touch()
        wait_until(lambda: path.read_text() == "done", "the gateway has answered")


def test_a_queue_that_is_never_empty_does_not_keep_a_worker_from_the_others(session, settings, tmp_path):
    notes = tmp_path / "notes"
    path = tmp_path / "again"
    enqueue("ring_again", str(path), on=queue.DELIVERIES)
    enqueue("note_surroundings", str(notes), on=queue.UPKEEP)
    with running("worker", settings, tmp_path):
        wait_until(notes.exists, "the last queue had its turn")
        path.touch()


def test_asked_to_stop_it_leaves_the_rest_of_the_mail_to_the_next(session, settings, smtp, tmp_path):
    smtp.answer(Answer.HOLD)
    owed = owe(5)
    with running("worker", settings, tmp_path) as program:
        smtp.wait_for_attempts(1)
        program.process.terminate()
        smtp.release()
        assert program.process.wait(30) == 0
    states = Counter(row.status for row in everything())
    assert states == {NotificationStatus.SENT: len(smtp.messages), NotificationStatus.PENDING: 5 - len(smtp.messages)}
    assert len(smtp.messages) < len(owed)


@pytest.mark.parametrize("named", ["letters", "deliveries,letters", " , "])
def test_a_queue_that_does_not_exist_is_refused_in_one_line(app, named):
    answer = app.test_cli_runner().invoke(args=["worker", "--queues", named])
    assert answer.exit_code == 2
    assert "deliveries, jobs, gateways, upkeep" in answer.output
    assert "Traceback" not in answer.output
