"""Who looked at whose data is remembered, once an hour, and shown to administrators."""

from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from app.models import Look, Role
from tests.factories import make_request, make_user
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import asked

TEN_PAST = datetime(2026, 5, 6, 7, 10, tzinfo=UTC)


def looks(session):
    session.rollback()
    return session.scalars(select(Look).order_by(Look.id)).all()


def test_a_look_at_a_page_or_its_preview_is_noted_once_an_hour(client, session):
    with time_machine.travel(TEN_PAST, tick=False) as traveller:
        request = make_request()
        operator = sign_in(client, Role.OPERATOR)
        for address in (f"/admin/requests/{request.id}/preview", f"/admin/requests/{request.id}"):
            assert client.get(address).status_code == 200
        assert [(look.user_id, look.service_request_id) for look in looks(session)] == [(operator.id, request.id)]
        assert "Looked at by" not in client.get(f"/admin/requests/{request.id}").text
        traveller.shift(timedelta(minutes=50))
        sign_in(client, operator)
        client.get(f"/admin/requests/{request.id}")
        assert len(looks(session)) == 2


def test_administrators_see_who_looked(client, session):
    request = make_request()
    sign_in(client, make_user(Role.FINANCE, name="Farida Shaikh"))
    client.get(f"/admin/requests/{request.id}")
    client.post("/logout")
    sign_in(client, Role.ADMIN)
    page = Page(client.get(f"/admin/requests/{request.id}").text).words
    assert "Looked at by" in page
    assert "Farida Shaikh" in page


def test_who_may_not_see_data_saw_none_and_what_there_is_not_nobody_saw(client, session):
    request = make_request()
    sign_in(client, Role.ADMIN)
    assert client.get("/admin/requests/00000000-0000-7000-8000-000000000000").status_code == 404
    client.get("/admin/requests/")
    client.post("/logout")
    sign_in(client, Role.VIEWER)
    client.get(f"/admin/requests/{request.id}")
    assert looks(session) == []


def test_a_second_look_within_the_hour_writes_nothing(client, session):
    with time_machine.travel(TEN_PAST, tick=False):
        request = make_request()
        sign_in(client, Role.ADMIN)
        client.get(f"/admin/requests/{request.id}")
        with asked() as statements:
            client.get(f"/admin/requests/{request.id}")
    assert statements
    assert not any("INSERT" in each for each in statements)
