"""The counter of a provider's open work is the number of their open requests, whatever was done in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import DomainError
from app.gateways.base import SnapshotStatus
from app.models import OPEN_STATUSES, Payment, ProviderProfile, RequestStatus, ServiceRequest
from app.workflows import assignment, payments, requests, status
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_provider, make_service, snapshot_of

which = st.integers(0, 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("assign"), which, which),
        st.tuples(st.just("unassign"), which, st.none()),
        st.tuples(st.just("move"), which, st.sampled_from(RequestStatus)),
        st.tuples(st.just("settle"), which, st.sampled_from([SnapshotStatus.PAID, SnapshotStatus.FAILED])),
        st.tuples(st.just("route"), which, st.none()),
    ),
    max_size=12,
)


class Undo(Exception):
    """Takes an example's changes back."""


def take(step, key, wanted, people):
    """One step as its entry point takes it; a refusal is an answer too."""
    payment = db.session.scalars(select(Payment).where(Payment.service_request_id == key)).one()
    locked = requests.get_locked(key)
    try:
        match step:
            case "assign":
                assignment.assign(locked, people[wanted], actor=SYSTEM)
            case "unassign":
                assignment.unassign(locked, actor=SYSTEM)
            case "move":
                status.change_status(locked, wanted, actor=SYSTEM, note="On.")
            case "settle":
                payments.settle(payment.id, snapshot_of(payment, wanted))
            case "route":
                if locked.is_open and locked.provider is None:
                    assignment.route(locked)
    except DomainError:
        pass


def is_true(profile):
    mine = select(func.count()).where(
        ServiceRequest.assigned_provider_id == profile.user_id, ServiceRequest.status.in_(OPEN_STATUSES)
    )
    db.session.flush()
    db.session.refresh(profile)
    return profile.open_work == db.session.scalar(mine)


@given(taken=steps)
def test_the_counter_is_the_truth_after_any_steps(session, taken):
    if session.scalar(select(ServiceRequest.id).limit(1)) is None:
        service = make_service()
        for _ in range(2):
            make_payment(service)
            make_provider(capacity=1)
    profiles = session.scalars(select(ProviderProfile).order_by(ProviderProfile.id)).all()
    keys = session.scalars(select(ServiceRequest.id).order_by(ServiceRequest.id)).all()

    def take_all():
        people = [profile.user for profile in profiles]
        for step, number, wanted in taken:
            take(step, keys[number], wanted, people)
            assert all(is_true(profile) for profile in profiles), (step, number, wanted)
        raise Undo

    with pytest.raises(Undo), transaction():
        take_all()
