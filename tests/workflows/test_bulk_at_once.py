"""Bulk changes among others: over the same requests, with somebody editing one, with the mail worker at their heels."""

from functools import partial

import pytest
from sqlalchemy import select

from app import bulk_runs
from app.db import db, transaction
from app.errors import DomainError
from app.jobs import notifications as mail_jobs
from app.models import BulkRowState, BulkState, NotificationStatus, RequestStatus, Role, ServiceRequest
from app.workflows import assignment, requests, status
from app.workflows.audit import SYSTEM
from tests.admin.rows import add_request
from tests.bulk import IN_PROGRESS, ask_undo, draft, fresh, loads, mails, rows_of, run, start, true_loads
from tests.factories import make_provider, make_service, make_user
from tests.outbox import make_due
from tests.threads import at_once

pytestmark = pytest.mark.postgres
S = RequestStatus
LONG = 60


@pytest.fixture
def rows(session, monkeypatch):
    monkeypatch.setattr(bulk_runs, "BATCH", 4)
    service = make_service()
    return [add_request(service) for _ in range(24)]


def carry(change):
    return partial(bulk_runs.run, change.id, change.turn, seconds=LONG)


def states(*changes):
    return [{row.request_id: row.state for row in rows_of(change)} for change in changes]


def test_two_over_the_same_requests_do_each_once(app, rows):
    staff = make_user(Role.OPERATOR)
    people = [make_provider() for _ in range(2)]
    changes = [start(draft("assign", *rows, by=staff, provider=str(person.id)), by=staff) for person in people]
    assert at_once(app, [carry(change) for change in changes]) == [False, False]
    first, second = states(*changes)
    for row in rows:
        assert sorted([first[row.id], second[row.id]]) == [BulkRowState.DONE, BulkRowState.REFUSED]
    assert loads() == true_loads()
    assert sum(loads().values()) == len(rows)
    assert len(mails()) == 2 * len(rows)


def test_the_same_change_carried_on_by_many_is_done_once(app, rows):
    change = start(draft("set_status", *rows, status=IN_PROGRESS))
    at_once(app, [carry(change)] * 4)
    assert (fresh(change).state, fresh(change).done, len(mails())) == (BulkState.DONE, len(rows), len(rows))
    assert all(len(row.history) == 1 for row in db.session.scalars(select(ServiceRequest)))


def test_many_that_route_at_once_overfill_nobody(app, rows):
    people = [make_provider(capacity=5) for _ in range(3)]
    parts = [rows[:12], rows[12:]]
    changes = [start(draft("route", *part)) for part in parts]
    at_once(app, [carry(change) for change in changes] + [partial(_route_alone, row.id) for row in rows[:6]])
    assert loads() == true_loads() == {person.id: 5 for person in people}


def _route_alone(key):
    with transaction():
        locked = requests.get_locked(key)
        if locked.assigned_provider_id is None:
            assignment.route(locked)


def test_somebody_who_edits_meanwhile_loses_nothing(app, rows):
    change = start(draft("set_status", *rows, status=S.CANCELLED.value))
    edited = rows[::3]
    answers = at_once(app, [carry(change), *(partial(_move, row.id, S.IN_PROGRESS) for row in edited)])
    (outcome,) = states(change)
    db.session.expire_all()
    for row, answer in zip(edited, answers[1:], strict=True):
        was_first = not isinstance(answer, DomainError)
        stands = db.session.get_one(ServiceRequest, row.id)
        assert outcome[row.id] is (BulkRowState.REFUSED if was_first else BulkRowState.DONE)
        assert stands.status is (S.IN_PROGRESS if was_first else S.CANCELLED)
        assert len(stands.history) == 1


def _move(key, wanted):
    with transaction():
        status.change_status(requests.get_locked(key), wanted, actor=SYSTEM)


def test_undo_and_the_mail_worker_agree_on_each_row(app, rows, smtp):
    """Whatever is undone was told to nobody, and whatever was told stays."""
    change = run("set_status", *rows, status=IN_PROGRESS)
    letters = mails(change)
    make_due(*letters)
    staff = make_user(Role.OPERATOR)
    at_once(app, [mail_jobs.deliver_due, mail_jobs.deliver_due, partial(_undo, change, staff)])
    change = fresh(change)
    assert change.state is BulkState.UNDONE
    heard = {mail.service_request_id for mail in mails(change) if mail.status is NotificationStatus.SENT}
    (outcome,) = states(change)
    for mail in mails(change):
        is_kept = outcome[mail.service_request_id] is BulkRowState.KEPT
        assert mail.status is (NotificationStatus.SENT if is_kept else NotificationStatus.DROPPED)
        stands = db.session.get_one(ServiceRequest, mail.service_request_id)
        assert stands.status is (S.IN_PROGRESS if is_kept else S.PENDING_CONTACT)
    assert len(smtp.messages) == len(heard) == change.kept


def _undo(change, staff):
    asked = ask_undo(change, by=staff)
    bulk_runs.run(asked.id, asked.turn, seconds=LONG)
