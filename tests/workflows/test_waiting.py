"""Why the rule chose, giving a request back, and handing out what waits."""

import json

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.errors import AssignmentRefused, InvalidInput
from app.jobs.routing import hand_out_waiting
from app.models import (
    AuditEntry,
    Availability,
    Category,
    Notification,
    ProviderProfile,
    RequestNote,
    RequestStatus,
    ServiceRequest,
)
from app.workflows import assignment, requests, status
from app.workflows.audit import SYSTEM
from tests.factories import make_provider, make_request, make_service
from tests.threads import at_once

S = RequestStatus


def open_work(user):
    return db.session.scalar(select(ProviderProfile.open_work).where(ProviderProfile.user_id == user.id))


def because(request):
    query = select(AuditEntry).where(AuditEntry.subject_id == request.id, AuditEntry.action == "request.assigned")
    return [json.loads(entry.changes)["after"].get("because") for entry in db.session.scalars(query)]


def test_the_rule_says_why_it_chose(session):
    service = make_service(name="GST registration")
    make_provider(name="Busy", capacity=2)
    make_request(service)
    make_provider(name="Free", capacity=5)
    request = make_request(service)
    assert because(request) == [
        "skilled in the category, and with 0 of 5 places in use the least busy of 2 available providers"
    ]


def give_back(request, reason="On leave next week."):
    with transaction():
        locked = requests.get_locked(request.id)
        assignment.decline(locked, reason, actor=SYSTEM)
    db.session.expire_all()
    return db.session.get_one(ServiceRequest, request.id)


def test_what_is_given_back_goes_to_another_and_never_to_the_same_again(session):
    first, second = make_provider(capacity=9), make_provider(capacity=3)
    request = make_request(make_service())
    holders = [request.assigned_provider_id]
    request = give_back(request)
    holders.append(request.assigned_provider_id)
    assert set(holders) == {first.id, second.id}
    request = give_back(request)
    assert request.assigned_provider_id is None
    assert (open_work(first), open_work(second)) == (0, 0)
    assert [note.body for note in db.session.scalars(select(RequestNote))] == ["Given back: On leave next week."] * 2
    told = db.session.scalars(select(Notification).where(Notification.kind == "no_provider")).all()
    assert len(told) <= 1


def test_work_that_began_or_a_silent_refusal_is_not_given_back(session):
    provider = make_provider()
    request = make_request(make_service())
    with pytest.raises(InvalidInput):
        give_back(request, "  ")
    with transaction():
        status.change_status(requests.get_locked(request.id), S.IN_PROGRESS, actor=SYSTEM)
    with pytest.raises(AssignmentRefused):
        give_back(request)
    assert open_work(provider) == 1


def waiting():
    query = select(ServiceRequest).where(ServiceRequest.assigned_provider_id.is_(None)).order_by(ServiceRequest.id)
    return db.session.scalars(query).all()


def test_what_waits_is_handed_out_oldest_first_as_far_as_there_is_room(session):
    service = make_service()
    requests_made = [make_request(service) for _ in range(5)]
    provider = make_provider(capacity=2)
    hand_out_waiting()
    db.session.expire_all()
    assert [request.id for request in waiting()] == [request.id for request in requests_made[2:]]
    assert open_work(provider) == 2
    with transaction():
        status.change_status(requests.get_locked(requests_made[0].id), S.CANCELLED, actor=SYSTEM)
    hand_out_waiting()
    db.session.expire_all()
    assert [request.id for request in waiting()] == [request.id for request in requests_made[3:]]


def test_those_nobody_can_take_do_not_keep_others_waiting(session, monkeypatch):
    monkeypatch.setattr("app.jobs.routing.BATCH", 2)
    hopeless = make_service(category=Category.LEGAL)
    for _ in range(5):
        make_request(hopeless)
    wanted = make_request(make_service())
    make_request(make_service(), is_paid=False)
    provider = make_provider(categories=[Category.CA])
    hand_out_waiting()
    db.session.expire_all()
    assert db.session.get_one(ServiceRequest, wanted.id).assigned_provider_id == provider.id
    assert open_work(provider) == 1


def test_one_that_was_given_back_by_all_does_not_keep_others_of_its_service_waiting(session):
    service = make_service()
    provider = make_provider()
    refused = give_back(make_request(service))
    with transaction():
        db.session.get_one(ProviderProfile, provider_profile(provider)).availability = Availability.AWAY
    wanted = make_request(service)
    with transaction():
        db.session.get_one(ProviderProfile, provider_profile(provider)).availability = Availability.AVAILABLE
    hand_out_waiting()
    db.session.expire_all()
    assert [request.id for request in waiting()] == [refused.id]
    assert db.session.get_one(ServiceRequest, wanted.id).assigned_provider_id == provider.id


def provider_profile(user):
    return db.session.scalar(select(ProviderProfile.id).where(ProviderProfile.user_id == user.id))


def test_handing_out_twice_at_once_gives_each_to_one(app, session):
    service = make_service()
    for _ in range(6):
        make_request(service)
    made = [make_provider(capacity=2), make_provider(capacity=3)]
    assert at_once(app, [hand_out_waiting] * 4) == [None] * 4
    db.session.rollback()
    assert [open_work(each) for each in made] == [2, 3]
    assert len(waiting()) == 1
