"""The audit log as administrators read it: in words, narrowed, exported, with personal data for those who may."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select

from app.admin import audit_words
from app.admin.audit_words import Reading
from app.admin.pages import MASK
from app.db import transaction
from app.jobs import audit as job
from app.models import ActorKind, AuditChain, AuditEntry, Role
from app.workflows import audit
from app.workflows.audit import COMMAND, SYSTEM, actor_of
from tests.factories import make_provider, make_request, make_user
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/audit/"


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def rows(client, **arguments):
    answer = client.get(URL, query_string=arguments)
    assert answer.status_code == 200
    return [Page(f"<tr{part}").words for part in answer.text.partition("<tbody>")[2].split("<tr")[1:]]


def note(action, subject, actor=SYSTEM, **sides):
    with transaction():
        audit.record(action, subject, actor=actor, **sides)


def test_a_status_is_called_what_it_is_called_everywhere(client, session, admin):
    sides = {"before": {"status": "pending_contact"}, "after": {"status": "team_assigned"}}
    note("request.status_changed", make_request(), **sides)
    assert "Awaiting first contact → Specialist assigned" in rows(client)[0]


def entry_of(changes, **values):
    return AuditEntry(
        action="user.changed",
        subject_type="users",
        actor_kind=ActorKind.USER,
        changes=json.dumps(changes),
        **values,
    )


def test_an_entry_says_who_did_what_to_what_and_how_it_was_before(client, session, admin):
    request, provider = make_request(), make_provider(name="Priya Raman")
    note(
        "request.assigned",
        request,
        actor_of(make_user(Role.OPERATOR, name="Omar"), "192.0.2.7"),
        before={"provider": None},
        after={"provider": str(provider.id)},
    )
    row = rows(client, action="request.assigned", kind="user")[0]
    for part in ("Omar", "Request: assigned", request.reference_number, "provider: – → Priya Raman", "192.0.2.7"):
        assert part in row
    found = session.scalars(select(AuditEntry).where(AuditEntry.address == "192.0.2.7")).one()
    page = Page(client.get(f"{URL}details/?id={found.id}").text)
    assert {"href": f"/admin/requests/{request.id}"} in page.find("a")
    assert "Provider – Priya Raman" in page.words


def test_amounts_are_in_the_currency_of_their_record(client, session, admin):
    request = make_request()
    [row] = rows(client, action="request.opened")
    assert "amount: ₹2,499.00" in row
    assert request.reference_number in row


def test_the_log_is_narrowed_by_person_kind_action_record_and_day(client, session, admin):
    request, operator = make_request(), make_user(Role.OPERATOR)
    note("request.note_added", request, actor_of(operator), after={"note": "1"})
    with time_machine.travel(datetime(2020, 2, 3, 12, tzinfo=UTC)):
        note("gateway.configured", request, COMMAND)
    assert len(rows(client, person=operator.id)) == 1
    assert len(rows(client, kind="command")) == 1
    assert len(rows(client, **{"from": "2020-02-03", "to": "2020-02-03"})) == 1
    assert all("Payment: " in row for row in rows(client, subject="payments"))
    assert len(rows(client, q=request.reference_number)) == len(rows(client, q=request.id)) >= 4
    assert rows(client, q="nonsense") == []
    chips = Page(client.get(URL, query_string={"person": operator.id}).text).words
    assert f"Who is {operator.name}" in chips


def test_what_can_be_chosen_is_what_there_is(client, session, admin):
    make_request()
    page = Page(client.get(URL).text)
    values = {option["value"] for option in page.find("option")}
    assert set(session.scalars(select(AuditEntry.action))) <= values
    assert set(session.scalars(select(AuditEntry.subject_type))) <= values


def test_records_that_are_gone_or_unknown_are_still_told(client, session, admin):
    with transaction():
        session.add_all(
            [
                entry_of({"after": {"x": [1, {"y": None}]}}),
                AuditEntry(
                    action="odd",
                    subject_type="no_such_table",
                    subject_id=admin.id,
                    actor_kind=ActorKind.SYSTEM,
                    changes='{"before": {"a_b": "c_d"}, "after": {"a_b": true}}',
                ),
            ]
        )
    found = rows(client)
    assert any("No such table" in row and "a b: c d → yes" in row for row in found)
    assert any("x: 1, y: –" in row for row in found)


def test_the_export_has_both_sides_and_is_itself_on_record(client, session, admin):
    make_request()
    answer = client.get(f"{URL}export/csv/?action=request.opened", buffered=True)
    [line] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (line["What"], line["After"]) == ("request.opened", "amount: ₹2,499.00")
    [row] = rows(client, action="audit.exported")
    assert admin.name in row


def test_what_is_not_known_to_name_nobody_is_masked_for_those_who_may_not_see_it(app):
    changes = {
        "before": {"status": "pending_contact", "email": "old@example.com", "is_enabled": True},
        "after": {
            "status": "in_progress",
            "email": "new@example.com",
            "is_enabled": False,
            "note": "Call Kavya",
            "name": "Kavya",
            "phone": 917000012345,
            "lines": 3,
        },
    }
    with app.test_request_context():
        shown = {
            each.field: (each.before, each.after)
            for each in audit_words.changes_of(entry_of(changes), Reading({}, "", shows_personal=False))
        }
        open_reading = audit_words.changes_of(entry_of(changes), Reading({}, "", shows_personal=True))
    assert shown["status"] == ("pending contact", "in progress")
    assert shown["email"] == (MASK, MASK)
    assert shown["may sign in"] == ("yes", "no")
    assert {shown[field][1] for field in ("note", "name", "phone")} == {MASK}
    assert shown["lines"] == ("", "3")
    assert [each.after for each in open_reading if each.field == "note"] == ["Call Kavya"]


def test_every_page_of_a_record_leads_to_its_changes(client, session, admin):
    user = make_user()
    page = Page(client.get(f"/admin/users/details/?id={user.id}").text)
    assert {"href": f"{URL}?q={user.id}"} in page.find("a")
    assert len(rows(client, q=user.id)) == 1


@pytest.mark.parametrize("role", [Role.FINANCE, Role.OPERATOR, Role.VIEWER])
def test_the_log_is_for_administrators(client, session, role):
    sign_in(client, role)
    assert client.get(URL).status_code == 403
    assert client.get(f"{URL}export/csv/").status_code == 403
    assert URL not in client.get("/admin/requests/").text


def test_the_log_says_when_it_was_verified_and_where_it_is_broken(client, session, admin):
    note("thing.changed", admin)
    assert "verified every hour" in Page(client.get(URL).text).words
    job.chain()
    job.verify()
    assert "were last verified just now" in Page(client.get(URL).text).words
    with transaction():
        session.scalars(select(AuditChain)).one().problem = "Entry 7: changed."
    page = Page(client.get(URL).text).words
    assert "The log does not verify. Entry 7: changed. Run flask --app wsgi verify-audit" in page
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "thing.changed"))
    assert f"Place in the chain {entry.position}" in Page(client.get(f"{URL}details/?id={entry.id}").text).words
