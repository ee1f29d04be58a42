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
from tests.threads import at_once

# Where every job's slot begins: midnight.
START = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def rounds(app, worker):
    """The jobs that wait, by id."""
    queues = [Queue(name, connection=worker.redis, serializer=JSONSerializer) for name in queue.QUEUES]
    return lambda: sorted(job_id for each in queues for job_id in each.job_ids)


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


def test_questions_to_gateways_are_asked_apart_from_everything_else():
    asking = {periodic.job for periodic in PERIODIC_JOBS if periodic.on == queue.GATEWAYS}
    assert asking == {f"app.jobs.payments.{name}" for name in ("check_due", "look_again_at_paid", "expire_unpaid")}
    assert {periodic.on for periodic in PERIODIC_JOBS} <= set(queue.QUEUES)


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
def test_schedulers_that_ring_in_the_same_instant_ring_once(app, rounds):
    with time_machine.travel(START, tick=False):
        assert at_once(app, [Scheduler().tick for _ in range(6)]) == [None] * 6
    ids = rounds()
    assert len(ids) == len(set(ids)) == len(PERIODIC_JOBS)


@pytest.mark.sqlite
def test_two_scheduler_programs_ring_once_for_each_slot(settings, worker, tmp_path, rounds):
    with running("schedule", settings, tmp_path) as first, running("schedule", settings, tmp_path) as second:
        for program in (first, second):
            wait_until(lambda program=program: "scheduler started" in program.log, "both run")
        seen = len(rounds())
        wait_until(lambda: len(rounds()) > max(seen, len(PERIODIC_JOBS)), "another slot has begun")
        assert (first.stop(), second.stop()) == (0, 0)
    ids = rounds()
    assert len(ids) == len(set(ids))
    assert {name.rpartition("-")[0] for name in ids} == {periodic.name for periodic in PERIODIC_JOBS}


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
