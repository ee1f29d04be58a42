"""Who gets the work: by a person's choice, by the rule, and when many are paid in the same instant."""

from functools import partial

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.errors import AssignmentRefused
from app.kit import ids
from app.models import (
    Availability,
    Notification,
    ProviderProfile,
    RequestStatus,
    Role,
)
from app.workflows import assignment, request_update, requests, status
from app.workflows.audit import SYSTEM
from app.workflows.request_update import Wish
from tests.factories import make_provider, make_request, make_user
from tests.threads import at_once

S = RequestStatus


def assign(service_request, provider):
    with transaction():
        assignment.assign(requests.get_locked(service_request.id), provider, actor=SYSTEM)


def unassign(service_request):
    with transaction():
        assignment.unassign(requests.get_locked(service_request.id), actor=SYSTEM)


def move(service_request, wanted):
    with transaction():
        status.change_status(requests.get_locked(service_request.id), wanted, actor=SYSTEM, note="On.")


def told(user):
    query = select(Notification.kind).where(Notification.recipient_user_id == user.id)
    return list(db.session.scalars(query))


def open_work(user):
    return db.session.scalar(select(ProviderProfile.open_work).where(ProviderProfile.user_id == user.id))


def test_assigning_what_awaits_contact_makes_it_assigned_and_tells_both(session):
    service_request = make_request()
    provider = make_provider()
    assign(service_request, provider)
    assert (service_request.assigned_provider_id, service_request.status) == (provider.id, S.TEAM_ASSIGNED)
    assert service_request.assigned_at is not None
    assert told(provider) == ["provider_assigned"]
    assert open_work(provider) == 1
    assert service_request.history[-1].new_status is S.TEAM_ASSIGNED


@pytest.mark.parametrize("old", [S.TEAM_ASSIGNED, S.IN_PROGRESS])
def test_assigning_work_under_way_leaves_its_status_and_moves_the_load(session, old):
    first = make_provider()
    service_request = make_request(status=old)
    second = make_provider()
    assign(service_request, second)
    assert service_request.status is old
    assert (open_work(first), open_work(second)) == (0, 1)


def test_a_person_may_assign_over_capacity_and_to_somebody_away(session):
    service_request = make_request()
    provider = make_provider(capacity=0, availability=Availability.AWAY)
    assign(service_request, provider)
    assert open_work(provider) == 1


def test_assigning_is_refused_to_whom_it_cannot_be_given(session):
    provider = make_provider()
    service_request = make_request()
    nobody = make_user(Role.OPERATOR)
    gone = make_provider(name="Gone")
    with transaction():
        gone.is_enabled = False
    for user, reason in ((provider, "already"), (nobody, "not an active provider"), (gone, "not an active provider")):
        with pytest.raises(AssignmentRefused, match=reason):
            assign(service_request, user)
    assert service_request.assigned_provider_id == provider.id
    assert (open_work(provider), open_work(gone)) == (1, 0)
    for stranger in (nobody.id, ids.new_id()):
        with pytest.raises(AssignmentRefused, match="not a provider"):
            assignment.get_provider(stranger)


@pytest.mark.parametrize("closed", [S.COMPLETED, S.CANCELLED])
def test_what_is_over_keeps_its_provider_on_record(session, closed):
    provider = make_provider()
    service_request = make_request()
    for wanted in (S.IN_PROGRESS, closed):
        move(service_request, wanted)
    with pytest.raises(AssignmentRefused, match=closed.label):
        assign(service_request, make_provider())
    with pytest.raises(AssignmentRefused, match=closed.label):
        unassign(service_request)
    assert service_request.assigned_provider_id == provider.id
    assert open_work(provider) == 0


def test_taking_back_what_only_waited_makes_it_wait_for_contact_again(session):
    service_request = make_request()
    provider = make_provider()
    assign(service_request, provider)
    unassign(service_request)
    assert (service_request.assigned_provider_id, service_request.status) == (None, S.PENDING_CONTACT)
    assert service_request.assigned_at is None
    assert open_work(provider) == 0
    with pytest.raises(AssignmentRefused, match="Nobody"):
        unassign(service_request)


def test_taking_back_work_in_progress_leaves_it_in_progress(session):
    make_provider()
    service_request = make_request()
    move(service_request, S.IN_PROGRESS)
    unassign(service_request)
    assert service_request.status is S.IN_PROGRESS


def test_given_back_and_given_again_the_provider_is_told_again(session):
    service_request = make_request()
    provider = make_provider()
    assign(service_request, provider)
    unassign(service_request)
    assign(service_request, provider)
    assert told(provider) == ["provider_assigned"] * 2


def test_requests_that_change_hands_crosswise_at_once_all_do(app, session):
    first, second = make_provider(), make_provider()
    pairs = []
    for one, other in ((first, second), (second, first)):
        service_request = make_request()
        if service_request.assigned_provider_id != one.id:
            assign(service_request, one)
        pairs.append((service_request.id, one.id, other.id))

    def swap(request_id, *holders):
        for provider_id in holders[::-1] * 5:
            with transaction():
                provider = assignment.get_provider(provider_id)
                assignment.assign(requests.get_locked(request_id), provider, actor=SYSTEM)

    assert at_once(app, [lambda pair=pair: swap(*pair) for pair in pairs]) == [None, None]
    db.session.rollback()
    assert (open_work(first), open_work(second)) == (1, 1)


MANY = 8


def held_by(provider):
    """Requests in somebody's hands."""
    found = [make_request() for _ in range(MANY)]
    for service_request in found:
        if service_request.assigned_provider_id != provider.id:
            assign(service_request, provider)
    return [service_request.id for service_request in found]


@pytest.mark.postgres
def test_two_who_give_back_at_once_what_goes_to_the_other_both_do(app, session):
    people = [make_provider(capacity=4 * MANY) for _ in range(2)]
    piles = [held_by(provider) for provider in people]

    def give_back(pile):
        for request_id in pile:
            with transaction():
                assignment.decline(requests.get_locked(request_id), "No time", actor=SYSTEM)

    assert at_once(app, [partial(give_back, pile) for pile in piles]) == [None, None]
    db.session.rollback()
    assert [open_work(provider) for provider in people] == [MANY, MANY]


@pytest.mark.postgres
def test_what_is_opened_again_for_somebody_else_waits_for_nobody_crosswise(app, session):
    people = [make_provider(capacity=4 * MANY) for _ in range(2)]
    piles = [held_by(provider) for provider in people]
    for request_id in (*piles[0], *piles[1]):
        for wanted in (S.IN_PROGRESS, S.COMPLETED):
            with transaction():
                status.change_status(requests.get_locked(request_id), wanted, actor=SYSTEM)

    def hand_on(pile, provider_id):
        wish = Wish(status=S.IN_PROGRESS, provider_id=provider_id, note="Not finished after all")
        for request_id in pile:
            with transaction():
                request_update.carry_out(requests.get_locked(request_id), wish, actor=SYSTEM)

    other_hands = zip(piles, [provider.id for provider in people[::-1]], strict=True)
    assert at_once(app, [partial(hand_on, *each) for each in other_hands]) == [None, None]
    db.session.rollback()
    assert [open_work(provider) for provider in people] == [MANY, MANY]
