"""Periodic jobs: each round once, however many schedulers, and whatever Redis does."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from inspect import signature

import pytest
import time_machine
from rq import Queue
from rq.serializers import JSONSerializer

from app.jobs import queue
from app.jobs.schedule import PERIODIC_JOBS, Scheduler
from tests.jobs.programs import running, wait_until

# Where every job's slot begins: midnight.
START = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def rounds(app, worker):
    """The jobs that wait, by id."""
    jobs = Queue(queue.JOBS, connection=worker.redis, serializer=JSONSerializer)
    return lambda: sorted(jobs.job_ids)


@pytest.fixture(autouse=True)
def _connection(settings):
    queue.configure(settings.redis_url)
    yield
    queue.configure(settings.redis_url)


@pytest.mark.parametrize("periodic", PERIODIC_JOBS, ids=lambda periodic: periodic.name)
def test_every_job_can_be_found_and_needs_no_arguments(periodic):
    module, _, function = periodic.job.rpartition(".")
    assert not signature(getattr(import_module(module), function)).parameters
    assert re.fullmatch(r"[A-Za-z0-9_-]+", periodic.name)


def test_jobs_have_names_of_their_own():
    assert len({periodic.name for periodic in PERIODIC_JOBS}) == len(PERIODIC_JOBS)


@pytest.mark.sqlite
def test_two_schedulers_ring_once_for_each_slot(rounds):
    first, second = Scheduler(), Scheduler()
    with time_machine.travel(START, tick=False) as traveller:
        for scheduler in (first, second, first):
            scheduler.tick()
        assert len(rounds()) == len(PERIODIC_JOBS)
        traveller.shift(timedelta(seconds=9))
        second.tick()
        assert len(rounds()) == len(PERIODIC_JOBS)
        traveller.shift(timedelta(seconds=1))
        for scheduler in (second, first):
            scheduler.tick()
    every_ten_seconds = [periodic for periodic in PERIODIC_JOBS if periodic.seconds == 10]
    assert len(rounds()) == len(PERIODIC_JOBS) + len(every_ten_seconds)


@pytest.mark.sqlite
def test_a_scheduler_outlives_the_queue(rounds, settings):
    scheduler = Scheduler()
    with time_machine.travel(START, tick=False):
        queue.configure("redis://127.0.0.1:1/0")
        scheduler.tick()
        scheduler.tick()
        queue.configure(settings.redis_url)
        assert rounds() == []
        scheduler.tick()
    assert len(rounds()) == len(PERIODIC_JOBS)


@pytest.mark.sqlite
def test_the_scheduler_stops_when_asked(settings, worker, tmp_path, rounds):
    with running("schedule", settings, tmp_path) as program:
        wait_until(lambda: len(rounds()) >= len(PERIODIC_JOBS), "the scheduler has rung")
        assert program.stop() == 0
        assert "scheduler stopped" in program.log
