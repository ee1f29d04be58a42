"""What a reference number tells: where a request stands, how it got there, what comes next; and nobody's name."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import transaction
from app.gateways.base import SnapshotStatus
from app.kit import ids
from app.models import RequestStatus, ServiceRequest
from app.workflows import payments, requests, status, tracking
from app.workflows.audit import SYSTEM
from app.workflows.status import ALLOWED
from app.workflows.tracking import MistypedReference, StepState, UnknownReference
from tests.factories import make_payment, make_provider, make_request, snapshot_of

S = RequestStatus
DONE, CURRENT, COMING = StepState
JOURNEY = [S.PAYMENT_CONFIRMED, S.PENDING_CONTACT, S.TEAM_ASSIGNED, S.IN_PROGRESS, S.COMPLETED]


def steps(service_request):
    return [(step.status, step.state) for step in tracking.timeline(service_request)]


def move(service_request, *wanted):
    for each in wanted:
        with transaction():
            status.change_status(requests.get_locked(service_request.id), each, actor=SYSTEM, note="Of staff.")


def test_a_reference_is_known_however_it_is_typed(session):
    service_request = make_request()
    reference = service_request.reference_number
    for typed in (reference, reference.lower(), reference.replace("-", " "), reference.replace("1", "l")):
        assert tracking.find_request(typed) is service_request


def test_a_typing_mistake_is_told_apart_from_an_unknown_reference(session):
    reference = make_request().reference_number
    slip = reference[:-1] + ("2" if reference[-1] != "2" else "3")
    for typed in (slip, "", "SR-", "hello", "\0"):
        with pytest.raises(MistypedReference):
            tracking.find_request(typed)
    with pytest.raises(UnknownReference):
        tracking.find_request(ids.new_reference_number())


def test_before_the_payment_all_is_still_to_come(session):
    payment = make_payment()
    service_request = payment.service_request
    assert steps(service_request) == [(each, COMING) for each in JOURNEY]
    assert "waiting for your payment" in tracking.next_step(service_request).text
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    assert "pay again" in tracking.next_step(service_request).text


def test_a_paid_request_shows_what_is_done_what_is_now_and_what_comes(session):
    service_request = make_request()
    coming = [(each, COMING) for each in JOURNEY[2:]]
    assert steps(service_request) == [(S.PAYMENT_CONFIRMED, DONE), (S.PENDING_CONTACT, CURRENT), *coming]
    promised = tracking.next_step(service_request)
    assert promised.by == service_request.due_at == service_request.payment_completed_at + timedelta(hours=24)


def test_work_that_is_over_has_nothing_to_come(session):
    make_provider()
    service_request = make_request()
    move(service_request, S.IN_PROGRESS, S.COMPLETED)
    assert steps(service_request)[-2:] == [(S.IN_PROGRESS, DONE), (S.COMPLETED, CURRENT)]
    assert tracking.next_step(service_request).by is None
    move(service_request, S.IN_PROGRESS)
    assert steps(service_request)[-2:] == [(S.IN_PROGRESS, CURRENT), (S.COMPLETED, COMING)]


def test_an_unpaid_request_that_was_cancelled_says_so(session):
    service_request = make_payment().service_request
    move(service_request, S.CANCELLED)
    assert steps(service_request) == [(S.CANCELLED, CURRENT)]
    assert "Nothing more will happen" in tracking.next_step(service_request).text


@pytest.mark.parametrize("each", S)
def test_every_status_has_its_words(each):
    assert tracking.DESCRIPTIONS[each].strip()
    assert tracking.NEXT_STEPS[each].strip()


class Undo(Exception):
    """Takes an example's changes back."""


@pytest.mark.sqlite
@pytest.mark.property(24, 27)
@given(choices=st.lists(st.integers(0, 2), max_size=8))
def test_on_any_way_the_timeline_is_the_history_and_ends_where_the_request_stands(session, choices):
    if session.scalar(select(ServiceRequest.id)) is None:
        make_provider(name="Distinctive Specialist")
        make_request()
    service_request = session.scalars(select(ServiceRequest)).one()

    def walk():
        locked = requests.get_locked(service_request.id)
        for choice in choices:
            ways = sorted(ALLOWED[locked.status])
            if ways:
                status.change_status(locked, ways[choice % len(ways)], actor=SYSTEM, note="Distinctive note")
        session.expire_all()
        told = tracking.timeline(tracking.find_progress(locked.reference_number))
        past = [step for step in told if step.state is not COMING]
        assert [step.status for step in past] == [change.new_status for change in locked.history]
        assert [step.at for step in past] == sorted(step.at for step in past)
        assert [step.status for step in told if step.state is CURRENT] == [locked.status]
        assert all(step.label == step.status.label and step.at is None for step in told if step.state is COMING)
        words = " ".join([tracking.next_step(locked).text, *(f"{step.label} {step.description}" for step in told)])
        assert "Distinctive" not in words
        assert tracking.next_step(locked).text
        raise Undo

    with pytest.raises(Undo), transaction():
        walk()
