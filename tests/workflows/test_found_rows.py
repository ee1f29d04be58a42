"""A row that was asked of its table is in the session what the session would have found."""

import pytest
from sqlalchemy import inspect, select

from app.db import db, transaction
from app.kit import clock
from app.models import RequestStatus, ServiceRequest, User
from app.workflows import requests
from app.workflows.found_rows import ask, columns_of, take_in, take_in_part
from tests.factories import make_provider, make_request, make_user
from tests.statements import asked


def look_up(model, key):
    table = model.__table__
    (found,) = ask(select(*columns_of(model)).where(table.c.id == key), {})
    return take_in(model, found)


@pytest.mark.parametrize("make", [make_user, make_request])
def test_it_says_what_the_session_reads(session, make):
    row = make()
    model, key = type(row), row.id
    session.expunge_all()
    names = [attribute.key for attribute in inspect(model).column_attrs]
    found = look_up(model, key)
    with asked() as statements:
        values = {name: getattr(found, name) for name in names}
    assert statements == []
    session.expunge_all()
    expected = session.get_one(model, key)
    assert values == {name: getattr(expected, name) for name in names}


def test_it_is_the_sessions_own_from_then_on(session):
    request = make_request()
    key = request.id
    session.expunge_all()
    with transaction():
        found = look_up(ServiceRequest, key)
        assert session.get(ServiceRequest, key) is found
        assert (found in session, session.is_modified(found)) == (True, False)
        assert found.service.name == found.service_name
        found.status = RequestStatus.IN_PROGRESS
    session.expunge_all()
    stands = session.get_one(ServiceRequest, key)
    assert (stands.status, stands.version) == (RequestStatus.IN_PROGRESS, found.version)


def test_what_the_session_knew_before_is_forgotten(session):
    request = make_request(provider=make_provider())
    assert request.provider is not None
    with transaction():
        table = ServiceRequest.__table__
        values = {"assigned_provider_id": None, "currency": "USD", "updated_at": clock.utc_now()}
        session.connection().execute(table.update().where(table.c.id == request.id).values(values))
        found = look_up(ServiceRequest, request.id)
        assert found is request
        assert (found.currency, found.assigned_provider_id, found.provider) == ("USD", None, None)


def test_what_was_changed_is_written_before_it_is_asked(session):
    request = make_request()
    with transaction():
        request.currency = "EUR"
        assert look_up(ServiceRequest, request.id).currency == "EUR"


def test_of_a_part_the_rest_is_read_at_once_when_asked_for(session):
    user = make_user()
    key, email, name = user.id, user.email, user.name
    session.expunge_all()
    with asked() as statements:
        part = take_in_part(User, id=key, name=name)
        assert (part.id, part.name, statements) == (key, name, [])
    with asked(without=["BEGIN"]) as statements:
        assert (part.email, part.role, part.is_enabled) == (email, user.role, True)
    assert len(statements) == 1


def test_a_part_leaves_what_is_known_beside_it(session):
    user = make_user()
    with asked() as statements:
        part = take_in_part(User, id=user.id, name="As it is now")
        assert (part is user, part.name, part.email) == (True, "As it is now", user.email)
    assert statements == []
    assert not session.dirty


@pytest.mark.parametrize("is_assigned", [True, False])
def test_a_locked_request_comes_with_the_name_of_who_has_it(session, is_assigned):
    provider = make_provider() if is_assigned else None
    key = make_request(provider=provider).id
    name = provider.name if provider else None
    session.expunge_all()
    with transaction():
        locked = requests.get_locked(key)
        with asked() as statements:
            assert (locked.provider and locked.provider.name) == name
        assert statements == []
        db.session.rollback()
