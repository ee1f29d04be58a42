"""What is written for many at once is what the session writes for one: no column, entry or mail differs."""

import json
import logging
import re
from contextlib import nullcontext

import pytest
import time_machine
from sqlalchemy import inspect, select
from sqlalchemy.orm.exc import StaleDataError

from app.db import db, transaction
from app.kit import clock
from app.models import AuditEntry, Notification, RequestStatus, Role, ServiceRequest, StatusChange
from app.workflows import assignment, audit, bulk_writes, requests, status
from app.workflows.beside import beside
from tests.admin.rows import add_request
from tests.bulk import run
from tests.factories import acting, make_provider, make_request, make_service, make_user
from tests.statements import asked

S = RequestStatus
# What is each row's own: keys, and what is made of them.
_OWN = {"digest", "id", "reference_number", "dedupe_key", "message_id", "subject_id", "service_request_id", "version"}
# What the mails of a bulk change have besides.
_HELD = {"bulk_change_id", "next_attempt_at", "priority"}


@pytest.fixture
def provider(session):
    return make_provider(availability="away")


def alone(action, request, actor, provider, gathered):
    with transaction(), gathered():
        locked = requests.get_locked(request.id)
        match action:
            case "set_status":
                status.change_status(locked, S.IN_PROGRESS, actor=actor, note="We begin.")
            case "assign":
                assignment.assign(locked, provider, actor=actor)
            case "unassign":
                assignment.unassign(locked, actor=actor)
            case "route":
                assignment.route(locked, actor=actor)


PARAMETERS = {"set_status": {"status": "in_progress", "note": "We begin."}, "assign": {}, "unassign": {}, "route": {}}


@pytest.mark.parametrize("action", PARAMETERS)
@pytest.mark.parametrize("gathered", [nullcontext, bulk_writes.gathered], ids=["by itself", "gathered"])
def test_many_leave_behind_what_one_does(session, provider, action, gathered):
    staff, service = make_user(Role.OPERATOR), make_service()
    parameters = PARAMETERS[action] | ({"provider": str(provider.id)} if action == "assign" else {})
    with time_machine.travel(clock.utc_now(), tick=False):
        one, many = add_request(service), add_request(service)
        with transaction():
            if action == "unassign":
                for each in (one, many):
                    assignment.assign(requests.get_locked(each.id), provider, actor=acting(staff))
            if action == "route":
                session.execute(db.text("UPDATE provider_profiles SET availability = 'available'"))
        known = _known()
        alone(action, one, acting(staff), provider, gathered)
        if action == "route":
            with transaction():
                session.execute(db.text("UPDATE provider_profiles SET open_work = 0"))
        run(action, many, by=staff, **parameters)
    assert picture(one, known) == picture(many, known)


def _known():
    return {key for model in (StatusChange, AuditEntry, Notification) for key in db.session.scalars(select(model.id))}


def picture(request, known):
    """The request, and what was written about it."""
    db.session.expire_all()
    row = db.session.get_one(ServiceRequest, request.id)
    steps = select(StatusChange).where(StatusChange.service_request_id == row.id)
    entries = select(AuditEntry).where(AuditEntry.subject_id == row.id).order_by(AuditEntry.action)
    mails = select(Notification).where(Notification.service_request_id == row.id).order_by(Notification.kind)
    written = [
        [_columns(each) for each in db.session.scalars(query) if each.id not in known]
        for query in (steps, entries, mails)
    ]
    return [_columns(row), *written]


def _columns(row):
    left_out = _OWN | (_HELD if isinstance(row, Notification) else set())
    return {
        attribute.key: _plain(getattr(row, attribute.key))
        for attribute in inspect(row).mapper.column_attrs
        if attribute.key not in left_out
    }


def _plain(value):
    """JSON by what it says, without the salt of audit entries."""
    json_text = re.search(r"^[0-9a-f]*(\{.*\})$", value) if isinstance(value, str) else None
    return json.loads(json_text[1]) if json_text else value


def test_a_request_that_was_changed_under_the_lock_is_noticed(session):
    request = make_request()

    def change_and_write():
        with transaction():
            locked = requests.get_locked(request.id)
            session.connection().execute(db.text("UPDATE service_requests SET version = version + 1"))
            locked.status = S.IN_PROGRESS
            bulk_writes.write_requests([locked])

    with pytest.raises(StaleDataError):
        change_and_write()


def note_and(change, request):
    """Something to add beside, so that both go out together."""
    with transaction(), bulk_writes.gathered():
        locked = requests.get_locked(request.id)
        change(locked)
        audit.record("request.note_added", locked, actor=audit.SYSTEM)


def test_what_was_changed_before_it_was_written_is_noticed(session):
    def change(locked):
        session.connection().execute(db.text("UPDATE service_requests SET version = version + 1"))
        locked.status = S.IN_PROGRESS

    request = make_request()
    known = _known()
    with pytest.raises(StaleDataError):
        note_and(change, request)
    assert _known() == known


def test_what_is_wrong_with_a_sale_is_not_laid_to_a_step_beside_it(session, caplog):
    def change(locked):
        session.connection().execute(db.text("UPDATE service_requests SET version = version + 1"))
        locked.status = S.IN_PROGRESS
        with beside(logging.getLogger("counterfoil"), "a step failed"):
            pass

    request = make_request()
    with pytest.raises(StaleDataError):
        note_and(change, request)
    assert "a step failed" not in caplog.text


def test_after_it_is_written_a_row_is_as_it_stands_and_can_be_changed_again(session):
    request = make_request()
    with transaction():
        locked = requests.get_locked(request.id)
        for wanted in (S.IN_PROGRESS, S.COMPLETED):
            seen, touched = locked.version, locked.updated_at
            with bulk_writes.gathered():
                locked.status = wanted
                audit.record("request.note_added", locked, actor=audit.SYSTEM)
            assert (locked.version, locked in session.dirty, locked in session) == (seen + 1, False, True)
            assert locked.updated_at > touched
            stands = session.execute(select(ServiceRequest.version, ServiceRequest.status, ServiceRequest.updated_at))
            assert stands.one() == (locked.version, wanted, locked.updated_at)


def test_what_is_set_to_what_it_was_is_no_change(session):
    def change(locked):
        locked.status, locked.closed_at = S(locked.status.value), locked.closed_at

    request = make_request()
    with asked() as statements:
        note_and(change, request)
    assert not [statement for statement in statements if "UPDATE service_requests" in statement]


def test_a_row_given_another_row_is_written_by_the_session(session, provider):
    request = make_request()
    note_and(lambda locked: setattr(locked, "provider", provider), request)
    assert session.scalar(select(ServiceRequest.assigned_provider_id)) == provider.id


@pytest.mark.parametrize("action", ["set_status", "assign", "unassign", "route"])
def test_a_batch_costs_no_query_a_row(session, provider, action):
    staff, service = make_user(Role.OPERATOR), make_service()
    with transaction():
        session.execute(db.text("UPDATE provider_profiles SET availability = 'available', capacity = 1000"))
    parameters = {"set_status": {"status": "in_progress"}, "assign": {"provider": str(provider.id)}}

    def cost(count):
        holder = {"assigned_provider_id": provider.id} if action == "unassign" else {}
        rows = [add_request(service, **holder) for _ in range(count)]
        with transaction():
            session.execute(db.text("UPDATE provider_profiles SET open_work = 500"))
        with asked() as statements:
            assert run(action, *rows, by=staff, **parameters.get(action, {})).done == count
        return len(statements)

    # A few would go together in one statement, whatever their tables.
    assert cost(25) == cost(40)
