"""Many requests at once, chosen in the list: a few are done at once, many and what closes requests are shown first."""

import re

import pytest
from sqlalchemy import func, select

from app.models import BulkChange, BulkState, RequestStatus, Role, ServiceRequest
from tests.admin.rows import add_request
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/requests/action/"
S = RequestStatus


def run(client, action, *requests, **fields):
    sent = {"action": action, "rowid": [str(each.id) for each in requests], **fields}
    return client.post(URL, data=sent, buffered=True)


def follow(client, answer):
    """The page that the answer leads to."""
    assert answer.status_code == 302, answer.text
    return Page(client.get(answer.location).text)


def statuses(session, *requests):
    session.rollback()
    return [session.get_one(ServiceRequest, each.id, populate_existing=True).status for each in requests]


def changes(session):
    session.rollback()
    return list(session.scalars(select(BulkChange)))


def test_a_few_are_done_at_once_and_the_list_says_so(client, staff, session):
    requests = [make_request() for _ in range(2)]
    answer = run(client, "set_status", *requests, status="in_progress", list="status=pending_contact&sort=oldest")
    assert answer.location == "/admin/requests/?status=pending_contact&sort=oldest"
    page = follow(client, answer)
    assert "Set status to “In progress”: 2 requests done. See each, or undo" in page.words
    (change,) = changes(session)
    assert page.find("a", href=f"/admin/bulk_changes/{change.id}")
    assert statuses(session, *requests) == [S.IN_PROGRESS] * 2


def test_a_refused_row_stops_no_other_and_is_shown_with_its_reason(client, staff, session):
    open_, closed, other = make_request(), make_request(status=S.CANCELLED), make_request()
    page = follow(client, run(client, "set_status", open_, closed, other, status="in_progress"))
    assert "3 of 3 gone through: 2 done, 1 refused." in page.words
    assert "A request that is “Cancelled” cannot become “In progress”" in page.words
    assert closed.reference_number in page.words
    assert open_.reference_number not in page.words
    assert statuses(session, open_, closed, other) == [S.IN_PROGRESS, S.CANCELLED, S.IN_PROGRESS]


def test_many_are_assigned_at_once_and_taken_back(client, staff, session):
    requests, provider = [make_request() for _ in range(2)], make_provider(capacity=1, name="Priya Raman")
    assert "Assign to Priya Raman: 2 requests done." in follow(client, run_assign(client, requests, provider)).words
    session.rollback()
    assert {row.assigned_provider_id for row in session.scalars(select(ServiceRequest))} == {provider.id}
    words = follow(client, run(client, "assign", *requests, provider="")).words
    assert "Take back from the provider: 2 requests done." in words


def run_assign(client, requests, provider):
    return run(client, "assign", *requests, provider=str(provider.id))


def test_the_rule_chooses_where_nobody_is_yet(client, staff, session):
    requests = [make_request() for _ in range(3)]
    make_provider(capacity=2)
    words = follow(client, run(client, "route", *requests)).words
    assert "2 done, 1 refused" in words
    assert "No available provider with the skill has room." in words


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_what_closes_requests_is_shown_before_it_is_done(client, staff, session, status):
    request = make_request(status=S.IN_PROGRESS)
    page = follow(client, run(client, "set_status", request, status=status, note="All papers came."))
    assert "Nothing has been changed yet." in page.words
    assert "All papers came." in page.words
    assert statuses(session, request) == [S.IN_PROGRESS]
    assert [change.state for change in changes(session)] == [BulkState.DRAFT]


def test_everything_that_matches_is_shown_before_it_is_done(client, staff, session, service):
    wanted = [add_request(service) for _ in range(3)]
    add_request(service, status=S.IN_PROGRESS)
    answer = run(
        client, "set_status", wanted[0], status="in_progress", scope="matching", list="status=pending_contact&q=kavya"
    )
    page = follow(client, answer)
    assert "Everything in “All”, search is “kavya”, Status is Awaiting first contact: 3 requests." in page.words
    assert "Would be changed 3 Would be refused 0 Emails that go out 3" in page.words
    assert statuses(session, *wanted) == [S.PENDING_CONTACT] * 3


def test_the_preview_says_who_would_be_refused_and_why(client, staff, session, service):
    waiting = add_request(service)
    closed = [add_request(service, status=S.CANCELLED) for _ in range(2)]
    page = follow(client, run(client, "set_status", status="in_progress", scope="matching", list="view=all"))
    assert "Would be changed 1 Would be refused 2" in page.words
    assert "A request that is “Cancelled” cannot become “In progress”. It cannot change any more. 2" in page.words
    assert all(each.reference_number in page.words for each in closed)
    assert waiting.reference_number not in page.words


def test_the_preview_of_assigning_says_what_the_provider_would_have(client, staff, session, service):
    provider = make_provider(capacity=2, name="Priya Raman")
    [add_request(service) for _ in range(3)]
    page = follow(client, run(client, "assign", provider=str(provider.id), scope="matching", list=""))
    assert "Priya Raman 0 of 2 places in use now, 3 afterwards: over capacity" in page.words
    assert "3 to customers, 3 to providers." in page.words


def test_the_preview_of_the_rule_tries_it_on_the_rows(client, staff, session, service):
    [add_request(service) for _ in range(5)]
    make_provider(capacity=2), make_provider(capacity=1)
    page = follow(client, run(client, "route", scope="matching", list=""))
    assert "Would be changed about 3 Would be refused about 2" in page.words
    assert "No available provider with the skill has room." in page.words


def test_confirmed_it_is_done_and_twice_is_once(client, staff, session, service):
    requests = [add_request(service) for _ in range(2)]
    answer = run(client, "set_status", status="cancelled", scope="matching", list="", note="Closed down.")
    assert "Set status to “Cancelled”: 2 requests" in follow(client, answer).words
    for _ in range(2):
        done = client.post(f"{answer.location}/confirm")
        assert "2 of 2 gone through: 2 done." in follow(client, done).words
    assert statuses(session, *requests) == [S.CANCELLED] * 2
    assert all(len(each.history) == 1 for each in session.scalars(select(ServiceRequest)))


def test_where_nothing_can_be_changed_nothing_can_be_confirmed(client, staff, service):
    add_request(service, status=S.CANCELLED)
    page = follow(client, run(client, "set_status", status="in_progress", scope="matching", list="view=all"))
    assert "None of them can be changed like this" in page.words
    assert not page.find("form", action=re.compile("confirm"))


def test_the_same_form_sent_twice_is_done_once(client, staff, session):
    request = make_request()
    for _ in range(2):
        answer = run(client, "set_status", request, status="in_progress", token="of-this-page")
        assert "1 request done" in follow(client, answer).words
    assert len(changes(session)) == 1


def test_the_same_form_with_other_rows_is_another_change(client, staff, session):
    for request in (make_request(), make_request()):
        run(client, "set_status", request, status="in_progress", token="of-this-page")
    assert [change.done for change in changes(session)] == [1, 1]


@pytest.mark.parametrize("action", ["assign", "route", "set_status"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_change_nothing(client, session, role, action):
    sign_in(client, role)
    request = make_request()
    assert run(client, action, request, status="in_progress", provider="none").status_code == 403
    assert run(client, action, scope="matching", status="in_progress", provider="none").status_code == 403
    assert statuses(session, request) == [S.PENDING_CONTACT]
    assert changes(session) == []


def test_an_operator_exports_nothing(client, staff):
    assert run(client, "export", make_request()).status_code == 403
    assert run(client, "export", scope="matching").status_code == 403


def test_finance_exports_the_selected_and_no_other(client, session):
    sign_in(client, Role.FINANCE)
    wanted, other = make_request(), make_request()
    text = run(client, "export", wanted).text
    assert wanted.reference_number in text
    assert other.reference_number not in text


def test_finance_exports_all_that_match(client, session, service):
    sign_in(client, Role.FINANCE)
    wanted, other = add_request(service), add_request(service, status=S.IN_PROGRESS)
    text = run(client, "export", wanted, scope="matching", list="status=pending_contact").text
    assert wanted.reference_number in text
    assert other.reference_number not in text


@pytest.mark.parametrize("action", ["delete", "unassign", "zzz", ""])
def test_there_is_no_other_action(client, staff, action):
    assert run(client, action, make_request()).status_code == 404


@pytest.mark.parametrize("fields", [{"status": "zzz"}, {}, {"status": "in_progress", "note": "x" * 5001}])
def test_what_is_not_understood_changes_nothing(client, staff, session, fields):
    request = make_request()
    assert run(client, "set_status", request, **fields).status_code == 422
    assert run(client, "assign", request, provider="zzz").status_code == 422
    assert changes(session) == []


def test_odd_ids_are_left_out(client, staff, session):
    answer = client.post(
        URL, data={"action": "set_status", "status": "in_progress", "rowid": ["zzz", "\x00", "1" * 50]}
    )
    assert answer.status_code == 422
    assert "No request was selected" in Page(answer.text).words
    assert session.scalar(select(func.count()).select_from(BulkChange)) == 0


def test_the_way_back_is_never_a_place_that_the_form_names(client, staff):
    answer = run(client, "set_status", make_request(), status="in_progress", list="//evil.example")
    assert answer.location.rstrip("?") == "/admin/requests/"


def test_the_page_gives_its_form_a_token_of_its_own(client, staff, session):
    request = make_request()
    tokens = [Page(client.get("/admin/requests/").text).find("input", name="token")[0]["value"] for _ in range(2)]
    assert len(set(tokens)) == 2
    for token in tokens:
        for _ in range(2):
            run(client, "assign", request, provider="", token=token)
    assert len(changes(session)) == 2
