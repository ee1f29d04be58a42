"""The routing rule for many at once chooses as the rule for one does, and overfills nobody."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app import bulk_runs
from app.db import db, rehearsal, transaction
from app.kit import clock
from app.models import Availability, Category, Decline, ProviderProfile, ServiceRequest
from app.workflows import assignment, requests
from app.workflows.rosters import Roster, RosterChanged
from tests.admin.rows import clear, new_request, store
from tests.bulk import counts, fresh, loads, run
from tests.factories import make_provider, make_request, make_service

SKILLS = ((Category.CA,), (Category.LEGAL,), (Category.CA, Category.LEGAL))
providers = st.lists(
    st.fixed_dictionaries(
        {
            "capacity": st.integers(0, 3),
            "open_work": st.integers(0, 3),
            "availability": st.sampled_from(Availability),
            "idle_hours": st.sampled_from([None, 1, 2, 2]),
        }
    ),
    min_size=len(SKILLS),
    max_size=len(SKILLS),
)
# Of which service each request is, and which provider gave it back.
wanted = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([None, 0, 2])), min_size=1, max_size=6)


@pytest.fixture
def kept(session):
    services = [make_service(category=Category.CA), make_service(category=Category.LEGAL)]
    return services, [make_provider(categories=skills) for skills in SKILLS]


@given(people=providers, asked=wanted)
def test_it_chooses_as_the_rule_for_one_does(kept, people, asked):
    services, users = kept
    rows = _prepare(services, users, people, asked)
    with rehearsal():
        one_by_one = [assignment.route(requests.get_locked(row.id)) for row in rows]
        one_by_one = [chosen and chosen.id for chosen in one_by_one]
    with transaction():
        roster = Roster([row.id for row in rows])
        together = [roster.take(requests.get_locked(row.id)) for row in rows]
        roster.keep()
    assert [chosen and chosen.provider.id for chosen in together] == one_by_one
    db.session.expire_all()
    for profile in db.session.scalars(select(ProviderProfile)):
        before = people[[user.id for user in users].index(profile.user_id)]["open_work"]
        assert profile.open_work == before + one_by_one.count(profile.user_id)


def _prepare(services, users, people, asked):
    with transaction():
        db.session.execute(Decline.__table__.delete())
    clear()
    rows = [new_request(services[service]) for service, _ in asked]
    store(*rows)
    now = clock.utc_now()
    with transaction():
        profiles = {profile.user_id: profile for profile in db.session.scalars(select(ProviderProfile))}
        for user, values in zip(users, people, strict=True):
            idle = values["idle_hours"]
            profile = profiles[user.id]
            profile.capacity, profile.open_work = values["capacity"], values["open_work"]
            profile.availability = values["availability"]
            profile.last_assigned_at = now - timedelta(hours=idle) if idle else None
        for row, (_, by) in zip(rows, asked, strict=True):
            if by is not None:
                db.session.add(Decline(service_request_id=row.id, provider_id=users[by].id))
    return rows


def test_it_says_why_it_chose(session):
    request = make_request(make_service(name="GST registration"))
    make_provider(capacity=4)
    with transaction():
        chosen = Roster([request.id]).take(request)
    assert chosen.because == "the only available provider skilled in the category, with 0 of 4 places in use"


def test_places_taken_by_somebody_else_meanwhile_are_noticed(session):
    request, provider = make_request(), make_provider(capacity=1)

    def take_what_is_taken():
        with transaction():
            roster = Roster([request.id])
            assert roster.take(request).provider.id == provider.id
            session.execute(ProviderProfile.__table__.update().values(open_work=1))
            roster.keep()

    with pytest.raises(RosterChanged):
        take_what_is_taken()


def test_then_it_is_tried_again_with_who_is_left(session, monkeypatch):
    rows = [make_request() for _ in range(3)]
    make_provider(capacity=2)
    keep, tries = Roster.keep, []

    def keep_the_second_time(roster):
        tries.append(roster)
        if len(tries) == 1:
            raise RosterChanged
        keep(roster)

    monkeypatch.setattr(Roster, "keep", keep_the_second_time)
    change = run("route", *rows)
    assert (len(tries), counts(change)) == (2, {"done": 2, "refused": 1})
    assert list(loads().values()) == [2]


def test_what_never_succeeds_together_is_given_up_and_said(session, monkeypatch, caplog):
    monkeypatch.setattr(bulk_runs, "_MOST_TRIES", 2)

    def fail(_roster):
        raise RosterChanged

    monkeypatch.setattr(Roster, "keep", fail)
    request = make_request()
    make_provider()
    change = run("route", request)
    assert counts(change) == {"refused": 1}
    assert session.get_one(ServiceRequest, request.id).assigned_provider_id is None
    assert fresh(change).mails == 0
