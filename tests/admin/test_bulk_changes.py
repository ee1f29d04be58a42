"""The page of a bulk change: how far it is, what came of each row, who may take it back and until when."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine

from app.db import transaction
from app.kit import clock
from app.models import BulkState, RequestStatus, Role
from app.workflows import requests, status
from app.workflows.audit import SYSTEM
from tests.admin.rows import add_request, count_queries
from tests.bulk import IN_PROGRESS, draft, fresh, run, start
from tests.factories import make_provider, make_request, make_user
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/bulk_changes/"
LATER = timedelta(minutes=3)
S = RequestStatus


def page_of(client, change, **arguments):
    answer = client.get(f"{URL}{change.id}", query_string=arguments)
    assert answer.status_code == 200
    return Page(answer.text)


def test_it_says_what_was_done_by_whom_and_to_which(client, staff):
    omar = make_user(Role.OPERATOR, name="Omar Operator")
    provider = make_provider(name="Priya Raman")
    request = make_request()
    change = run("set_status", request, by=omar, status=IN_PROGRESS, note="We begin.")
    page = page_of(client, change)
    assert "Set status to “In progress”" in page.words
    assert "1 of 1 gone through: 1 done." in page.words
    assert "Asked for by Omar Operator" in page.words
    assert "Note to the customer We begin." in page.words
    assert f"{request.reference_number} Done Set status to “In progress”. Awaiting first contact , Priya Raman" in (
        page.words
    )
    assert provider.name in page.words


def test_until_its_mails_leave_it_is_undone_by_a_button(client, staff):
    request = make_request()
    change = run("set_status", request, status=IN_PROGRESS)
    page = page_of(client, change)
    assert "Its email leaves at" in page.words
    assert "Until then it can be undone." in page.words
    answer = client.post(f"{URL}{change.id}/undo")
    words = Page(client.get(answer.location).text).words
    assert "1 of 1 gone back: 1 undone." in words
    assert f"{staff.name} asked to undo it" in words
    assert "As it was before. Nobody was told." in words
    assert fresh(change).undone_by_id == staff.id


def test_afterwards_the_button_is_gone_and_it_says_why(client, staff):
    change = run("set_status", make_request(), status=IN_PROGRESS)
    with time_machine.travel(clock.utc_now() + LATER):
        page = page_of(client, change)
        assert not page.find("form", action=f"{URL}{change.id}/undo")
        assert "It cannot be undone any more: its email has left" in page.words
        answer = client.post(f"{URL}{change.id}/undo")
        assert answer.status_code == 409
        assert "its emails have left" in Page(answer.text).words
    assert fresh(change).state is BulkState.DONE


def test_what_stays_on_undo_is_shown_first(client, staff):
    edited, other = make_request(), make_request()
    change = run("set_status", edited, other, status=IN_PROGRESS)
    with transaction():
        status.change_status(requests.get_locked(edited.id), S.COMPLETED, actor=SYSTEM)
    client.post(f"{URL}{change.id}/undo")
    words = page_of(client, change).words
    assert "2 of 2 gone back: 1 undone, 1 kept." in words
    assert "It was changed again since. It is “Completed” now" in words
    assert other.reference_number not in words
    assert other.reference_number in page_of(client, change, state="undone").words


def test_outcomes_are_filtered_and_paged(client, staff, service):
    closed = [add_request(service, status=S.CANCELLED) for _ in range(60)]
    open_ = add_request(service)
    change = run("set_status", status=IN_PROGRESS)
    first = page_of(client, change)
    assert "Refused 60" in first.words
    assert open_.reference_number not in first.words
    (following,) = first.find("a", rel="next")
    second = Page(client.get(following["href"]).text)
    shown = [reference.reference_number for reference in closed if reference.reference_number in second.words]
    assert len(shown) == 10
    assert open_.reference_number in page_of(client, change, state="done").words
    assert open_.reference_number in page_of(client, change, state="all").words
    assert "No request has this outcome." in page_of(client, change, state="kept").words


def test_outcomes_are_downloaded(client, staff, service):
    closed, open_ = add_request(service, status=S.CANCELLED), add_request(service)
    change = run("set_status", status=IN_PROGRESS)
    answer = client.get(f"{URL}{change.id}/outcomes.csv", buffered=True)
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["Reference", "Outcome", "What happened", "Status before"]
    assert {row[0]: row[1] for row in rows[1:]} == {closed.reference_number: "Refused", open_.reference_number: "Done"}


def test_the_page_renews_itself_until_it_is_through(client, staff, service):
    [add_request(service) for _ in range(2)]
    change = start(draft("set_status", status=IN_PROGRESS))
    answer = client.get(f"{URL}{change.id}")
    assert '<noscript><meta http-equiv="refresh"' in answer.text
    told = client.get(f"{URL}{change.id}/progress").json
    assert (told["state"], told["again"]) == ("running", 1.0)
    assert "0 of 2 gone through." in Page(told["markup"]).words
    with time_machine.travel(clock.utc_now() + timedelta(seconds=20)):
        assert "It waits for a worker." in page_of(client, change).words


def test_a_change_that_is_through_looks_again_when_its_mails_leave(client, staff):
    with time_machine.travel(clock.utc_now(), tick=False):
        change = run("set_status", make_request(), status=IN_PROGRESS)
        told = client.get(f"{URL}{change.id}/progress").json
        assert (told["state"], told["again"]) == ("done", 120.0)
    with time_machine.travel(clock.utc_now() + LATER):
        assert client.get(f"{URL}{change.id}/progress").json["again"] is None


def test_a_preview_is_for_the_one_who_made_it(client, session):
    change = draft("set_status", make_request(), status=IN_PROGRESS)
    sign_in(client, Role.ADMIN)
    assert client.get(f"{URL}{change.id}").status_code == 404
    assert client.post(f"{URL}{change.id}/confirm").status_code == 404
    assert fresh(change).state is BulkState.DRAFT
    assert "Nobody has changed many requests at once yet." in Page(client.get(URL).text).words


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_read_see_it_and_take_nothing_back(client, session, role):
    change = run("set_status", make_request(), status=IN_PROGRESS)
    sign_in(client, role)
    page = page_of(client, change)
    assert "1 done" in page.words
    assert not page.find("form", action=f"{URL}{change.id}/undo")
    assert client.post(f"{URL}{change.id}/undo").status_code == 403
    assert client.post(f"{URL}{change.id}/confirm").status_code == 403
    assert fresh(change).state is BulkState.DONE


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.AFFILIATE])
def test_partners_see_nothing_of_it(client, session, role):
    change = run("set_status", make_request(), status=IN_PROGRESS)
    sign_in(client, role)
    for address in (URL, f"{URL}{change.id}", f"{URL}{change.id}/progress", f"{URL}{change.id}/outcomes.csv"):
        assert client.get(address).status_code == 403


def test_the_list_is_filtered_by_person_action_state_and_day(client, staff):
    omar, provider = make_user(Role.OPERATOR, name="Omar Operator"), make_provider(name="Priya Raman")
    run("set_status", make_request(), by=omar, status=IN_PROGRESS)
    run("assign", make_request(assigned_provider_id=None), by=staff, provider=str(provider.id))
    everything = Page(client.get(URL).text).words
    assert "Set status to “In progress”" in everything
    assert "Assign to Priya Raman" in everything
    for arguments in ({"by": str(omar.id)}, {"action": "set_status"}):
        words = Page(client.get(URL, query_string=arguments).text).words
        assert "Set status to “In progress”" in words
        assert "Assign to Priya Raman" not in words
    assert "Nothing fits these filters." in Page(client.get(URL, query_string={"state": "undone"}).text).words
    assert "Nothing fits these filters." in Page(client.get(URL, query_string={"to": "2020-01-01"}).text).words


def test_pages_cost_no_query_a_row(client, staff, service):
    def cost(count):
        [add_request(service) for _ in range(count)]
        change = run("set_status", status=IN_PROGRESS, by=staff)
        return count_queries(client, f"{URL}{change.id}?state=all"), count_queries(client, URL)

    assert cost(3) == cost(30)
