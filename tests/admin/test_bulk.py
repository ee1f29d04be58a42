"""Many requests at once: what was done and what was refused, row by row."""

import pytest
from sqlalchemy import select

from app.models import RequestStatus, Role, ServiceRequest
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/requests/action/"


def run(client, action, *requests, **fields):
    sent = {"action": action, "rowid": [str(each.id) for each in requests], **fields}
    return client.post(URL, data=sent, buffered=True)


def statuses(session, *requests):
    session.rollback()
    return [session.get_one(ServiceRequest, each.id, populate_existing=True).status for each in requests]


def test_a_refused_row_stops_no_other(client, staff, session):
    open_, closed, other = make_request(), make_request(status=RequestStatus.CANCELLED), make_request()
    answer = run(client, "set_status", open_, closed, other, status="in_progress")
    words = Page(answer.text).words
    assert "2 done, 1 refused" in words
    assert "A request that is “Cancelled” cannot become “In progress”" in words
    assert closed.reference_number in words
    assert statuses(session, open_, closed, other) == [
        RequestStatus.IN_PROGRESS,
        RequestStatus.CANCELLED,
        RequestStatus.IN_PROGRESS,
    ]


def test_many_are_assigned_at_once(client, staff, session):
    provider, requests = make_provider(capacity=1), [make_request(assigned_provider_id=None) for _ in range(2)]
    assert "2 done, 0 refused" in Page(run(client, "assign", *requests, provider=str(provider.id)).text).words
    session.rollback()
    assert {row.assigned_provider_id for row in session.scalars(select(ServiceRequest))} == {provider.id}


def test_the_rule_chooses_where_nobody_is_yet(client, staff, session):
    requests = [make_request() for _ in range(3)]
    make_provider(capacity=2)
    words = Page(run(client, "route", *requests).text).words
    assert "2 done, 1 refused" in words
    assert "No available provider with the skill has room." in words
    assert "0 done, 1 refused" in Page(run(client, "route", requests[0]).text).words


@pytest.mark.parametrize("action", ["assign", "route", "set_status"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_change_nothing(client, session, role, action):
    sign_in(client, role)
    request = make_request()
    assert run(client, action, request, status="in_progress", provider="none").status_code == 403
    assert statuses(session, request) == [RequestStatus.PENDING_CONTACT]


def test_an_operator_exports_nothing(client, staff):
    assert run(client, "export", make_request()).status_code == 403


def test_finance_exports_the_selected_and_no_other(client, session):
    sign_in(client, Role.FINANCE)
    wanted, other = make_request(), make_request()
    text = run(client, "export", wanted).text
    assert wanted.reference_number in text
    assert other.reference_number not in text


@pytest.mark.parametrize("action", ["delete", "zzz", ""])
def test_there_is_no_other_action(client, staff, action):
    assert run(client, action, make_request()).status_code == 404


def test_odd_ids_are_left_out(client, staff):
    answer = client.post(
        URL, data={"action": "set_status", "status": "in_progress", "rowid": ["zzz", "\x00", "1" * 50]}
    )
    assert "Nothing was selected" in Page(answer.text).words


def test_the_way_back_is_the_list_as_it_was(client, staff):
    request = make_request()
    answer = run(client, "set_status", request, status="in_progress", list="status=pending_contact&sort=oldest")
    assert Page(answer.text).find("a", class_="button primary")[0]["href"] == (
        "/admin/requests/?status=pending_contact&sort=oldest"
    )
    answer = run(client, "set_status", request, status="completed", list="//evil.example")
    assert Page(answer.text).find("a", class_="button primary")[0]["href"].startswith("/admin/requests/?")
