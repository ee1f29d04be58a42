"""Bulk changes as jobs: slice by slice, through workers that are killed and bells that are lost."""

import pytest
from sqlalchemy import func, select, update

from app import bulk_runs
from app.db import db, transaction
from app.jobs import bulk as jobs
from app.kit import clock
from app.models import BulkChange, BulkState, Notification, RequestStatus, ServiceRequest, StatusChange
from app.workflows import bulk_changes
from tests.admin.rows import new_request, store
from tests.bulk import IN_PROGRESS, ask_undo, counts, draft, fresh, start
from tests.factories import make_service
from tests.jobs.programs import running, wait_until
from tests.outbox import key_of

MANY = 250


@pytest.fixture
def many(session):
    service = make_service()
    rows = [new_request(service) for _ in range(MANY)]
    store(*rows)
    return rows


def ring(change):
    with transaction():
        bulk_changes.ring(fresh_in(change))


def fresh_in(change):
    return db.session.get_one(BulkChange, key_of(change))


def forget(change):
    """As if nobody had carried it on for a while."""
    with transaction() as session:
        long_ago = clock.utc_now() - 2 * bulk_changes._ABANDONED
        session.execute(update(BulkChange).where(BulkChange.id == key_of(change)).values(updated_at=long_ago))


def written():
    """Requests moved, steps in histories, mails owed: each as often as the others."""
    db.session.rollback()
    moved = select(func.count()).where(ServiceRequest.status == RequestStatus.IN_PROGRESS)
    steps = select(func.count()).where(StatusChange.new_status == RequestStatus.IN_PROGRESS)
    owed = select(func.count()).select_from(Notification)
    return {db.session.scalar(query) for query in (moved, steps, owed)}


@pytest.mark.postgres
def test_killed_in_the_middle_it_goes_on_and_nothing_is_done_twice(settings, many, tmp_path):
    change = start(draft("set_status", status=IN_PROGRESS))
    with running("worker", settings, tmp_path) as worker:
        ring(change)
        wait_until(lambda: fresh(change).done > 0, "it has begun")
        worker.kill()
    assert written() == {fresh(change).done}
    forget(change)
    with running("worker", settings, tmp_path):
        jobs.sweep()
        wait_until(lambda: fresh(change).state is BulkState.DONE, "it is through")
    assert (counts(change), written()) == ({"done": MANY}, {MANY})


@pytest.mark.postgres
def test_an_undo_that_is_killed_goes_on_too(settings, many, tmp_path):
    change = start(draft("set_status", status=IN_PROGRESS))
    bulk_runs.run(change.id, change.turn, seconds=60)
    ask_undo(change)
    with running("worker", settings, tmp_path) as worker:
        ring(change)
        wait_until(lambda: fresh(change).undone > 0, "it has begun")
        worker.kill()
    forget(change)
    with running("worker", settings, tmp_path):
        jobs.sweep()
        wait_until(lambda: fresh(change).state is BulkState.UNDONE, "it is through")
    assert counts(change) == {"undone": MANY}
    assert session_statuses() == {RequestStatus.PENDING_CONTACT}


def session_statuses():
    db.session.rollback()
    return set(db.session.scalars(select(ServiceRequest.status)))


@pytest.mark.postgres
def test_two_changes_take_turns_and_both_come_to_their_end(settings, many, tmp_path, redis_url):
    first = start(draft("set_status", *many[: MANY // 2], status=IN_PROGRESS))
    second = start(draft("set_status", *many[MANY // 2 :], status=IN_PROGRESS))
    with running("worker", settings, tmp_path), running("worker", settings, tmp_path):
        ring(first)
        ring(second)
        for change in (first, second):
            wait_until(lambda change=change: fresh(change).state is BulkState.DONE, "both are through")
    assert written() == {MANY}


def test_a_slice_leaves_the_rest_to_the_next(session, many, monkeypatch):
    rung = []
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    monkeypatch.setattr(bulk_changes, "ring", lambda change: rung.append((change.id, change.turn)))
    change = start(draft("set_status", *many[:3], status=IN_PROGRESS))
    jobs.carry_on(str(change.id), str(change.turn))
    assert (rung, counts(change)) == ([(change.id, 1)], {})
    monkeypatch.setattr(jobs, "SLICE", 60.0)
    jobs.carry_on(str(change.id), str(change.turn))
    assert (len(rung), counts(change)) == (1, {"done": 3})


def test_whoever_comes_late_does_nothing(session, many):
    change = start(draft("set_status", *many[:3], status=IN_PROGRESS))
    late = change.turn
    forget(change)
    jobs.sweep()
    jobs.carry_on(str(change.id), str(late))
    assert counts(change) == {}
    jobs.carry_on(str(change.id), str(fresh(change).turn))
    assert counts(change) == {"done": 3}
    jobs.carry_on(str(change.id), str(fresh(change).turn))
    assert counts(change) == {"done": 3}


def test_a_lost_bell_is_made_up_for(session, many, monkeypatch):
    rung = []
    monkeypatch.setattr(bulk_changes, "ring", lambda change: rung.append(change.id))
    change = start(draft("set_status", *many[:3], status=IN_PROGRESS))
    jobs.sweep()
    assert rung == []
    forget(change)
    jobs.sweep()
    jobs.sweep()
    assert rung == [change.id]
