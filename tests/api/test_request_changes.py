"""One request, changed by staff's own programs, by the console's rules and never over somebody else's change."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import ActorKind, ApiToken, AuditEntry, PaymentStatus, RequestNote, RequestStatus, Role, ServiceRequest
from app.workflows.api_tokens import Scope
from tests.api.calls import ADDRESS, bearer, change, listed
from tests.factories import make_provider, make_request
from tests.sign_in import sign_in
from tests.threads import at_once


@pytest.fixture
def token(session):
    return bearer()


def stored(request):
    db.session.rollback()
    return db.session.get_one(ServiceRequest, request.id, populate_existing=True)


def test_status_provider_and_note_are_set_together(client, session, token):
    request, provider = make_request(), make_provider()
    body = {"status": "in_progress", "assignedProviderId": str(provider.id), "notes": "Called her."}
    answer = change(client, request, body, token)
    assert (answer.status_code, answer.json["updated"]) == (200, True)
    row = stored(request)
    assert (row.status, row.assigned_provider_id) == (RequestStatus.IN_PROGRESS, provider.id)
    assert [(each.new_status, each.notes) for each in row.history][-2:] == [
        (RequestStatus.TEAM_ASSIGNED, None),
        (RequestStatus.IN_PROGRESS, "Called her."),
    ]
    assert answer.json["request"]["version"] == row.version
    assert answer.headers["ETag"] == f'"{row.version}"'


def test_all_of_a_change_or_nothing(client, session, token):
    request, provider = make_request(), make_provider()
    answer = change(client, request, {"status": "completed", "assignedProviderId": str(provider.id)}, token)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "transition_refused")
    assert stored(request).assigned_provider_id is None


def test_asked_twice_it_is_done_once(client, session, token):
    request, provider = make_request(), make_provider()
    body = {"status": "team_assigned", "assignedProviderId": str(provider.id)}
    first, second = change(client, request, body, token), change(client, request, body, token)
    assert (first.json["updated"], second.json["updated"]) == (True, False)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert change(client, request, {}, token).json["updated"] is False


def test_a_note_alone_is_kept_and_null_takes_the_request_back(client, session, token):
    request = make_request()
    provider = make_provider()
    change(client, request, {"assignedProviderId": str(provider.id)}, token)
    assert change(client, request, {"notes": "Ring after 4 pm."}, token).json["updated"] is True
    answer = change(client, request, {"assignedProviderId": None}, token)
    assert answer.json["request"]["assignedProvider"] is None
    assert answer.json["request"]["status"] == "pending_contact"


def test_a_closed_request_is_opened_and_given_away_in_one_call(client, session, token):
    request = make_request(status=RequestStatus.COMPLETED)
    provider = make_provider()
    body = {"status": "in_progress", "assignedProviderId": str(provider.id)}
    assert change(client, request, body, token).status_code == 422
    assert change(client, request, body | {"notes": "She sent more papers."}, token).status_code == 200
    assert stored(request).assigned_provider_id == provider.id


def test_what_somebody_else_changed_is_not_overwritten(client, session, token):
    request = make_request()
    seen = {"If-Match": f'"{request.version}"'}
    change(client, request, {"status": "in_progress"}, token)
    answer = change(client, request, {"status": "cancelled"}, token | seen)
    assert (answer.status_code, answer.json["error"]["code"]) == (412, "stale")
    assert answer.json["error"]["details"]["status"] == "in_progress"
    assert "In progress" in answer.json["error"]["message"]
    assert change(client, request, {"status": "cancelled", "version": request.version}, token).status_code == 412
    now = answer.json["error"]["details"]["version"]
    assert change(client, request, {"status": "completed", "version": int(now)}, token).status_code == 200


@pytest.mark.parametrize(
    ("etag", "status"),
    [("*", 200), ('"0", "{version}"', 200), ('W/"{version}"', 412), ('"0"', 412), ('"\u00ff', 412)],
)
def test_if_match_is_read_as_http_has_it(client, session, token, etag, status):
    request = make_request()
    seen = {"If-Match": etag.replace("{version}", str(request.version))}
    assert change(client, request, {"status": "in_progress"}, token | seen).status_code == status


@pytest.mark.postgres
def test_of_two_at_once_who_saw_the_same_one_is_told(app, session, token):
    request = make_request()

    def set_to(status):
        return change(app.test_client(), request, {"status": status, "version": request.version}, token).status_code

    assert sorted(at_once(app, [lambda: set_to("in_progress"), lambda: set_to("cancelled")])) == [200, 412]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"status": None}, "status"),
        ({"status": {}}, "status"),
        ({"assignedProviderId": "x"}, "assignedProviderId"),
        ({"notes": 5}, "notes"),
        ({"notes": "x" * 5001}, "notes"),
        ({"notes": "x" * 5001, "status": "in_progress"}, "notes"),
        ({"version": True}, "version"),
        ({"version": "1"}, "version"),
        ({"version": 0}, "version"),
        ({"version": 10**30}, "version"),
        ({"Status": "in_progress"}, "Status"),
    ],
)
def test_what_cannot_be_meant_is_named(client, session, token, body, field):
    answer = change(client, make_request(), body, token)
    assert answer.status_code == 422
    assert set(answer.json["error"]["details"]) == {field}


@pytest.mark.parametrize("note", ["\u200b", "\x00", "\ud800"])
def test_a_note_that_nobody_can_see_is_none(client, session, token, note):
    request = make_request(status=RequestStatus.COMPLETED, payment_status=PaymentStatus.COMPLETED)
    assert change(client, request, {"notes": note}, token).json["updated"] is False
    refused = change(client, request, {"status": "in_progress", "notes": note}, token)
    assert refused.status_code == 422
    assert refused.json["error"]["details"] == {"notes": "A reason is needed."}


def test_broken_characters_leave_the_rest_of_a_note(client, session, token):
    request = make_request()
    assert change(client, request, {"notes": "Call \ud800\x00again"}, token).json["updated"] is True
    assert session.scalars(select(RequestNote)).one().body == "Call again"


def test_what_is_not_there_is_404_and_what_is_no_provider_is_refused(client, session, token):
    answer = client.patch(f"{ADDRESS}/{uuid4()}", json={}, headers=token)
    assert answer.status_code == 404
    refused = change(client, make_request(), {"assignedProviderId": str(uuid4())}, token)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "assignment_refused")


def test_the_audit_log_names_the_program_and_whom_it_acted_for(client, session, token):
    request = make_request()
    change(client, request, {"status": "in_progress"}, token)
    row = session.scalars(select(ApiToken)).one()
    changed = select(AuditEntry).where(AuditEntry.action == "request.status_changed").order_by(AuditEntry.id.desc())
    entry = session.scalars(changed.limit(1)).one()
    assert (entry.actor_kind, entry.actor_user_id) == (ActorKind.TOKEN, row.user_id)
    assert json.loads(entry.changes)["after"] == {"status": "in_progress", "token": str(row.id)}


def test_the_personal_part_needs_its_scope(client, session):
    request = make_request()
    reader = bearer(Role.ADMIN, Scope.READ_REQUESTS)
    assert listed(client, reader)["requests"][0]["customer"] is None
    assert "kavya" not in client.get(ADDRESS, headers=reader).text
    with transaction():
        stored(request).erased_at = datetime.now(UTC)
    assert listed(client, bearer())["requests"][0]["customer"] is None


def test_staff_who_are_signed_in_need_the_pages_token_to_change(app, client, session):
    request = make_request()
    user = sign_in(client, Role.OPERATOR)
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.get(ADDRESS).status_code == 200
    refused = change(client, request, {"status": "in_progress"}, {})
    assert (refused.status_code, refused.json["error"]["code"]) == (400, "csrf_failed")
    page = client.get("/admin/flags/").text
    csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    answer = change(client, request, {"status": "in_progress"}, {"X-CSRFToken": csrf})
    assert answer.status_code == 200
    # As in the console: whoever first works on a request looks after it.
    assert stored(request).operator_id == user.id
