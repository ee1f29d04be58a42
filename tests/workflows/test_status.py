"""Where a request may go: every pair of statuses, what a move leaves behind, what a refusal leaves untouched."""

from datetime import timedelta
from itertools import product

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import InvalidInput, StaleChange, TransitionRefused
from app.kit import clock
from app.models import (
    OPEN_STATUSES,
    ActorKind,
    AuditEntry,
    Notification,
    RequestStatus,
    ServiceRequest,
    StatusChange,
)
from app.workflows import requests, status
from app.workflows.audit import SYSTEM
from app.workflows.status import ALLOWED, NEEDS_NOTE
from tests.factories import acting, make_provider, make_request, make_user
from tests.threads import at_once

S = RequestStatus
# The product's table, written down once more on purpose.
TABLE = {
    S.PAYMENT_CONFIRMED: {S.PENDING_CONTACT},
    S.PENDING_CONTACT: {S.TEAM_ASSIGNED, S.IN_PROGRESS, S.CANCELLED},
    S.TEAM_ASSIGNED: {S.PENDING_CONTACT, S.IN_PROGRESS, S.CANCELLED},
    S.IN_PROGRESS: {S.TEAM_ASSIGNED, S.COMPLETED, S.CANCELLED},
    S.COMPLETED: {S.IN_PROGRESS},
    S.CANCELLED: set(),
}
PAIRS = list(product(S, S))
REFUSED = [pair for pair in PAIRS if pair[1] not in TABLE[pair[0]]]
MOVES = [pair for pair in PAIRS if pair[1] in TABLE[pair[0]]]
AGO = timedelta(days=1)


def named(pair):
    return f"{pair[0]}-{pair[1]}"


def make_in(old: RequestStatus, **changes) -> ServiceRequest:
    """A paid request with a provider, brought straight into a status."""
    make_provider()
    with time_machine.travel(clock.utc_now() - AGO, tick=False):
        is_open = old in OPEN_STATUSES
        return make_request(status=old, closed_at=None if is_open else clock.utc_now(), **changes)


def move(service_request, wanted, **options):
    with transaction():
        locked = requests.get_locked(service_request.id)
        return status.change_status(locked, wanted, **{"actor": SYSTEM} | options)


def picture(service_request):
    """Everything a move could touch."""
    db.session.expire_all()
    row = db.session.get_one(ServiceRequest, service_request.id)
    columns = {attribute.key: getattr(row, attribute.key) for attribute in ServiceRequest.__mapper__.column_attrs}
    counts = [
        db.session.scalar(select(func.count()).select_from(model)) for model in (StatusChange, AuditEntry, Notification)
    ]
    return columns, counts


def test_the_table_is_the_products():
    assert {old: set(ways) for old, ways in ALLOWED.items()} == TABLE
    assert {(S.COMPLETED, S.IN_PROGRESS)} == NEEDS_NOTE


@pytest.mark.parametrize("pair", MOVES, ids=named)
def test_an_allowed_move_is_made_with_history_audit_and_a_message(session, pair):
    old, wanted = pair
    operator = make_user()
    service_request = make_in(old)
    before, counts = picture(service_request)

    change = move(service_request, wanted, actor=acting(operator), note=" A reason. ")

    after, _ = picture(service_request)
    assert after["status"] is wanted
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] - before["updated_at"] >= AGO
    assert (change.old_status, change.new_status, change.notes) == (old, wanted, "A reason.")
    assert (change.changed_by_user_id, change.created_at) == (operator.id, after["updated_at"])
    assert (after["closed_at"] is None) == (wanted in OPEN_STATUSES)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.subject_id) == ("request.status_changed", service_request.id)
    assert (entry.actor_kind, entry.actor_user_id) == (ActorKind.USER, operator.id)
    assert f'"before": {{"status": "{old}"}}' in entry.changes
    message = db.session.scalars(select(Notification).where(Notification.subject_id == change.id)).one()
    assert (message.kind, message.recipient) == ("status_changed", service_request.customer_email)
    assert picture(service_request)[1] == [number + 1 for number in counts]


@pytest.mark.parametrize("pair", REFUSED, ids=named)
def test_any_other_move_is_refused_with_the_reason_and_leaves_nothing(session, pair):
    old, wanted = pair
    service_request = make_in(old)
    before = picture(service_request)
    with pytest.raises(TransitionRefused) as raised:
        move(service_request, wanted, note="Because.")
    assert f"“{old.label}”" in raised.value.message
    ways = [way.label for way in S if way in TABLE[old]]
    assert old is wanted or all(f"“{way}”" in raised.value.message for way in ways)
    assert picture(service_request) == before


@pytest.mark.parametrize("note", [None, "", " \n\t"])
def test_opening_completed_work_again_needs_a_reason(session, note):
    service_request = make_in(S.COMPLETED)
    before = picture(service_request)
    with pytest.raises(InvalidInput) as raised:
        move(service_request, S.IN_PROGRESS, note=note)
    assert "note" in raised.value.details
    assert picture(service_request) == before


@pytest.mark.parametrize("old", [S.PENDING_CONTACT, S.IN_PROGRESS])
def test_a_specialist_who_is_not_on_our_books_can_be_told_of_too(session, old):
    service_request = make_request(status=old)
    assert service_request.assigned_provider_id is None
    move(service_request, S.TEAM_ASSIGNED)
    assert (service_request.status, service_request.assigned_provider_id) == (S.TEAM_ASSIGNED, None)
    move(service_request, S.PENDING_CONTACT)
    assert [change.new_status for change in service_request.history][-2:] == [S.TEAM_ASSIGNED, S.PENDING_CONTACT]


def test_the_first_contact_is_noted_once(session):
    service_request = make_in(S.PENDING_CONTACT)
    move(service_request, S.IN_PROGRESS)
    first = service_request.first_contact_at
    assert first == service_request.updated_at
    for wanted in (S.COMPLETED, S.IN_PROGRESS, S.TEAM_ASSIGNED, S.IN_PROGRESS):
        move(service_request, wanted, note="On.")
    assert service_request.first_contact_at == first


def test_a_change_of_what_has_changed_since_it_was_shown_is_refused_and_says_what(session):
    service_request = make_in(S.PENDING_CONTACT)
    operator = make_user(name="Uma Rao")
    seen = service_request.version
    move(service_request, S.IN_PROGRESS, actor=acting(operator))
    before = picture(service_request)
    with pytest.raises(StaleChange, match="Uma Rao") as raised, transaction():
        requests.get_locked(service_request.id, version=seen)
    assert "“In progress”" in raised.value.message
    assert picture(service_request) == before


def test_of_two_at_once_who_saw_the_same_one_is_told(app, session):
    service_request = make_in(S.PENDING_CONTACT)
    seen = service_request.version

    def cancel():
        with transaction():
            locked = requests.get_locked(service_request.id, version=seen)
            status.change_status(locked, S.CANCELLED, actor=SYSTEM)

    answers = at_once(app, [cancel] * 4)
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, StaleChange) for answer in answers) == 3
    changes = db.session.scalars(select(StatusChange).where(StatusChange.new_status == S.CANCELLED))
    assert len(changes.all()) == 1


class Undo(Exception):
    """Takes an example's changes back."""


@pytest.mark.sqlite
@given(wanted=st.lists(st.sampled_from(S), max_size=12))
def test_whatever_is_tried_the_history_is_one_unbroken_chain(session, wanted):
    if session.scalar(select(ServiceRequest.id)) is None:
        make_provider()
        make_request()
    service_request = session.scalars(select(ServiceRequest)).one()

    def try_all():
        locked = requests.get_locked(service_request.id)
        expected = locked.status
        for each in wanted:
            if each in TABLE[expected]:
                status.change_status(locked, each, actor=SYSTEM, note="On.")
                expected = each
            else:
                with pytest.raises(TransitionRefused):
                    status.change_status(locked, each, actor=SYSTEM, note="On.")
        db.session.refresh(locked)
        assert locked.status is expected
        assert locked.history[-1].new_status is expected
        assert [change.new_status for change in locked.history[:-1]] == [
            change.old_status for change in locked.history[1:]
        ]
        raise Undo

    with pytest.raises(Undo), transaction():
        try_all()
