"""Who looked at whose data is remembered, once an hour, and shown to administrators."""

from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from app.models import Look, Role
from tests.factories import make_customer, make_request, make_user
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


def listed(client, **arguments):
    """The rows of the list of looks as they read."""
    answer = client.get("/admin/looks/", query_string=arguments)
    assert answer.status_code == 200
    return [Page(f"<tr{part}").words for part in answer.text.partition("<tbody>")[2].split("<tr")[1:]]


def test_all_looks_are_listed_by_person_customer_and_day(client, session):
    first, second = make_request(customer=make_customer(email="ritu@example.org")), make_request()
    farida, omar = make_user(Role.FINANCE, name="Farida Shaikh"), make_user(Role.OPERATOR, name="Omar Khan")
    for day, person in ((TEN_PAST, farida), (TEN_PAST + timedelta(days=1), omar)):
        with time_machine.travel(day, tick=False):
            sign_in(client, person)
            for request in (first, second):
                client.get(f"/admin/requests/{request.id}")
            client.post("/logout")
    sign_in(client, Role.ADMIN)
    assert [next(name for name in ("Omar Khan", "Farida Shaikh") if name in row) for row in listed(client)] == [
        "Omar Khan",
        "Omar Khan",
        "Farida Shaikh",
        "Farida Shaikh",
    ]
    [row] = listed(client, person=farida.id, q="ritu@example.org")
    assert first.reference_number in row
    assert first.customer_name in row
    assert len(listed(client, q=second.reference_number)) == 2
    assert len(listed(client, **{"from": "2026-05-07"})) == 2
    assert listed(client, q="nobody@example.org") == []


def test_a_look_leads_to_what_was_looked_at(client, session):
    request = make_request()
    sign_in(client, Role.ADMIN)
    page = Page(client.get(f"/admin/requests/{request.id}").text)
    page = Page(client.get(f"/admin/requests/{request.id}").text)
    assert {"href": f"/admin/looks/?q={request.reference_number}"} in page.find("a")
    found = Page(client.get(f"/admin/looks/?q={request.reference_number}").text)
    assert {"href": f"/admin/requests/{request.id}"} in found.find("a")
