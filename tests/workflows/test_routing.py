"""Who gets the work by the rule: the least loaded of those who can, also when many are paid in the same instant."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.kit import clock
from app.models import (
    Availability,
    Category,
    DayOff,
    Decline,
    ProviderProfile,
    ProviderSkill,
    RequestStatus,
    Role,
    Service,
    ServiceRequest,
    User,
    WorkingHours,
)
from app.workflows import assignment, payments, requests, status
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_provider, make_request, make_service, snapshot_of
from tests.threads import at_once

S = RequestStatus


def open_work(user):
    return db.session.scalar(select(ProviderProfile.open_work).where(ProviderProfile.user_id == user.id))


CATEGORY = Category.LEGAL
DAY = datetime(2026, 3, 1, tzinfo=UTC)

# Few values, so that ties are many.
workloads = st.one_of(
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.sampled_from([(2_200, 6_600), (1, 3), (2, 6), (3_000, 3_000), (7, 21), (333, 999)]),
)
providers = st.fixed_dictionaries(
    {
        "load": workloads,
        "last": st.none() | st.integers(0, 2).map(lambda hours: DAY + timedelta(hours=hours)),
        "is_available": st.booleans(),
        "is_enabled": st.sampled_from([True, True, False]),
        "is_provider": st.sampled_from([True, True, True, False]),
        "skill": st.sampled_from(["service", "category", "both", "none", "other"]),
        "hours": st.sampled_from(["none", "none", "now", "later"]),
        "is_off": st.sampled_from([False, False, False, True]),
        "gave_back": st.sampled_from([False, False, False, True]),
    }
)
TODAY = DAY.date()


def add_hours(user, wanted):
    """Working now, or only on another day of the week."""
    if wanted != "none":
        weekday = TODAY.weekday() if wanted == "now" else (TODAY.weekday() + 3) % 7
        db.session.add(WorkingHours(provider_id=user and user.id, weekday=weekday, opens=0, closes=1440))


def add_provider(number, wanted, service, *, other, request_id):
    user = User(
        email=f"p{number}@example.com",
        name=f"P{number}",
        role=Role.PROVIDER if wanted["is_provider"] else Role.OPERATOR,
        is_enabled=wanted["is_enabled"],
    )
    used, capacity = wanted["load"]
    skills = {
        "service": [ProviderSkill(service_id=service.id)],
        "category": [ProviderSkill(category=CATEGORY)],
        "both": [ProviderSkill(service_id=service.id), ProviderSkill(category=CATEGORY)],
        "none": [],
        "other": [ProviderSkill(category=Category.OTHER), ProviderSkill(service_id=other.id)],
    }[wanted["skill"]]
    profile = ProviderProfile(
        user=user,
        open_work=used,
        capacity=capacity,
        last_assigned_at=wanted["last"],
        availability=Availability.AVAILABLE if wanted["is_available"] else Availability.AWAY,
        skills=skills,
    )
    db.session.add(profile)
    db.session.flush()
    add_hours(user, wanted["hours"])
    if wanted["is_off"]:
        db.session.add(DayOff(provider_id=user.id, day=TODAY))
    if wanted["gave_back"]:
        db.session.add(Decline(service_request_id=request_id, provider_id=user.id))
    db.session.flush()
    return profile


def is_eligible(wanted, business):
    used, capacity = wanted["load"]
    can = wanted["is_available"] and wanted["is_enabled"] and wanted["is_provider"] and not wanted["gave_back"]
    works = (wanted["hours"] if wanted["hours"] != "none" else business) != "later" and not wanted["is_off"]
    return can and works and wanted["skill"] in {"service", "category", "both"} and used < capacity


class Undo(Exception):
    """Takes an example's changes back."""


@pytest.fixture
def noon(monkeypatch):
    monkeypatch.setattr(clock, "utc_now", lambda: DAY + timedelta(hours=6))


@pytest.mark.property(18)
@given(
    wanted=st.lists(providers, max_size=5),
    business=st.sampled_from(["none", "none", "now", "later"]),
    is_holiday=st.sampled_from([False] * 5 + [True]),
)
def test_the_rule_chooses_the_least_loaded_then_the_longest_idle_of_the_eligible(
    session, noon, wanted, business, is_holiday
):
    if session.scalar(select(ServiceRequest.id)) is None:
        make_payment(make_service(category=CATEGORY))
        make_service(name="Other")
    service_request = session.scalars(select(ServiceRequest)).one()
    other = session.scalars(select(Service).where(Service.name == "Other")).one()

    def route():
        locked = requests.get_locked(service_request.id)
        add_hours(None, business)
        if is_holiday:
            db.session.add(DayOff(day=TODAY))
        profiles = [
            add_provider(number, each, locked.service, other=other, request_id=locked.id)
            for number, each in enumerate(wanted)
        ]
        eligible = [
            (Fraction(*each["load"]), each["last"] or datetime.min.replace(tzinfo=UTC), profile.id, profile)
            for each, profile in zip(wanted, profiles, strict=True)
            if is_eligible(each, business) and not is_holiday
        ]
        expected = min(eligible, key=lambda entry: entry[:3])[3] if eligible else None
        chosen = assignment.route(locked)
        assert (chosen and chosen.id) == (expected and expected.user_id)
        assert locked.provider is (expected and expected.user)
        assert locked.status is S.PENDING_CONTACT
        for each, profile in zip(wanted, profiles, strict=True):
            db.session.refresh(profile)
            assert profile.open_work == each["load"][0] + (profile is expected)
        raise Undo

    with pytest.raises(Undo), transaction():
        route()


def test_work_is_spread_and_stops_at_capacity(session):
    small, large = make_provider(capacity=1), make_provider(capacity=3)
    service = make_service()
    given_to = [make_request(service).assigned_provider_id for _ in range(6)]
    assert given_to.count(small.id) == 1
    assert given_to.count(large.id) == 3
    assert given_to[4:] == [None, None]


def test_counting_work_in_is_a_change_like_any_other(session):
    make_provider()
    profile = session.scalars(select(ProviderProfile)).one()
    made_at = profile.updated_at
    make_request(make_service())
    session.refresh(profile)
    assert profile.open_work == 1
    assert made_at < profile.last_assigned_at <= profile.updated_at


def test_a_request_given_by_hand_before_it_was_paid_stays_where_it_is(session):
    provider = make_provider(availability=Availability.AWAY)
    payment = make_payment()
    with transaction():
        assignment.assign(requests.get_locked(payment.service_request_id), provider, actor=SYSTEM)
    make_provider()
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    assert payment.service_request.assigned_provider_id == provider.id


@pytest.mark.parametrize("closed", [S.COMPLETED, S.CANCELLED])
def test_money_for_what_is_over_finds_no_provider(session, closed):
    provider = make_provider()
    payment = make_payment()
    for wanted in (S.IN_PROGRESS, closed):
        with transaction():
            status.change_status(requests.get_locked(payment.service_request_id), wanted, actor=SYSTEM)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    assert payment.service_request.provider is None
    assert open_work(provider) == 0


@pytest.mark.parametrize("capacities", [(1, 2, 2), (4, 0, 30)])
def test_payments_confirmed_in_the_same_instant_never_overfill_a_provider(app, session, capacities):
    service = make_service()
    made = [make_provider(capacity=capacity) for capacity in capacities]
    paid = [(payment.id, snapshot_of(payment)) for payment in (make_payment(service) for _ in range(12))]

    def settle(payment_id, snapshot):
        with transaction():
            payments.settle(payment_id, snapshot)

    answers = at_once(app, [lambda each=each: settle(*each) for each in paid])
    assert answers == [None] * 12
    db.session.rollback()
    query = select(ServiceRequest.assigned_provider_id, func.count()).group_by(ServiceRequest.assigned_provider_id)
    holds = dict(map(tuple, db.session.execute(query)))
    for provider, capacity in zip(made, capacities, strict=True):
        assert holds.get(provider.id, 0) == open_work(provider) <= capacity
    assert holds.get(None, 0) == max(0, 12 - sum(capacities))
    alerts = select(func.count()).select_from(ServiceRequest).where(ServiceRequest.payment_completed_at.is_(None))
    assert db.session.scalar(alerts) == 0
