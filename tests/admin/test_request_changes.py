"""Status, provider and notes of one request: from the list and from its page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.db import transaction
from app.models import (
    AuditEntry,
    Notification,
    ProviderProfile,
    RequestNote,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
)
from app.workflows.status import ALLOWED
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import CLOCKWORK, asked

JSON = {"Accept": "application/json"}


@pytest.fixture
def bought(session):
    return make_request()


def post(client, request, what, **sent):
    return client.post(f"/admin/requests/{request.id}/{what}", json=sent, headers=JSON)


def fresh(session, request):
    session.rollback()
    return session.get_one(ServiceRequest, request.id, populate_existing=True)


@pytest.mark.property(21)
@given(
    old=st.sampled_from(RequestStatus), wanted=st.sampled_from(RequestStatus), note=st.sampled_from(["", "Because."])
)
def test_a_status_changes_by_the_table_and_says_when(client, kept, session, old, wanted, note):
    request = session.scalar(select(ServiceRequest)) or make_request()
    with transaction():
        row = session.get_one(ServiceRequest, request.id)
        row.status, row.assigned_provider_id, row.closed_at = old, kept["provider"].id, None
        session.execute(update(ProviderProfile).values(open_work=5))
    before = fresh(session, request)
    seen, version = before.updated_at, before.version
    answer = post(client, request, "status", status=wanted.value, version=version, note=note)
    after = fresh(session, request)
    needs_note = (old, wanted) == (RequestStatus.COMPLETED, RequestStatus.IN_PROGRESS)
    if wanted in ALLOWED[old] and (note or not needs_note):
        assert (answer.status_code, after.status) == (200, wanted)
        assert after.updated_at > seen
        assert f"{wanted.label}" in answer.json["row"]
    else:
        assert answer.status_code in {409, 422}
        assert (after.status, after.updated_at, after.version) == (old, seen, version)


def test_a_change_writes_history_audit_and_tells_the_customer(client, staff, session, bought):
    provider = make_provider()
    post(client, bought, "provider", provider=str(provider.id), version=fresh(session, bought).version)
    answer = post(
        client, bought, "status", status="in_progress", version=fresh(session, bought).version, note="Called."
    )
    assert answer.status_code == 200
    latest = session.scalars(select(StatusChange).order_by(StatusChange.id.desc())).first()
    assert (latest.new_status, latest.changed_by_user_id, latest.notes) == (
        RequestStatus.IN_PROGRESS,
        staff.id,
        "Called.",
    )
    changed = select(AuditEntry).where(AuditEntry.action == "request.status_changed")
    assert session.scalars(changed.order_by(AuditEntry.id.desc())).first().actor_user_id == staff.id
    kinds = [row.kind for row in session.scalars(select(Notification).order_by(Notification.id))]
    assert kinds[-1] == "status_changed"


def test_a_change_with_all_that_follows_is_a_handful_of_statements(client, staff, session, bought, database_url):
    """The session with its user; the request, locked; what is written. For a provider: who that is, and their work."""
    together = database_url.startswith("postgresql")
    first, second = make_provider(), make_provider()
    post(client, bought, "provider", provider=str(first.id), version=fresh(session, bought).version)
    for what, sent, most in (("status", "in_progress", 3), ("provider", str(second.id), 5)):
        version = fresh(session, bought).version
        with asked(without=CLOCKWORK) as statements:
            assert post(client, bought, what, **{what: sent, "version": version}).status_code == 200
        # Table by table on SQLite, where no statement has to wait for another machine.
        assert len(statements) <= most + (0 if together else 3), "\n".join(statements)


def test_assigning_by_hand_moves_on_a_request_that_waits_for_contact(client, staff, session, bought):
    provider = make_provider(name="Priya Raman")
    answer = post(client, bought, "provider", provider=str(provider.id), version=fresh(session, bought).version)
    after = fresh(session, bought)
    assert (after.assigned_provider_id, after.status) == (provider.id, RequestStatus.TEAM_ASSIGNED)
    assert "Priya Raman" in answer.json["row"]
    post(client, bought, "provider", provider="none", version=after.version)
    after = fresh(session, bought)
    assert (after.assigned_provider_id, after.status) == (None, RequestStatus.PENDING_CONTACT)


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("status", {"status": "zzz"}),
        ("status", {"status": ["in_progress"]}),
        ("status", {}),
        ("provider", {"provider": "zzz"}),
        ("provider", {"provider": "00000000-0000-0000-0000-000000000000"}),
        ("provider", {"provider": {"id": 1}}),
        ("notes", {"note": "  "}),
        ("notes", {"note": "x" * 5001}),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(client, staff, session, bought, what, sent):
    before = fresh(session, bought).version
    answer = post(client, bought, what, version=before, **sent)
    assert answer.status_code in {409, 422}
    assert answer.json["error"]["message"]
    assert fresh(session, bought).version == before


@pytest.mark.parametrize(
    "body", ["[]", "null", "3", '"x"', "{", '{"version": {}}', '{"version": -1}', '{"version": 1e400}']
)
def test_odd_bodies_are_refused_not_broken(client, staff, bought, body):
    answer = client.post(
        f"/admin/requests/{bought.id}/status", data=body, content_type="application/json", headers=JSON
    )
    assert answer.status_code == 422


def test_an_operator_cannot_assign_to_somebody_who_is_no_provider(client, staff, session, bought):
    answer = post(client, bought, "provider", provider=str(staff.id), version=fresh(session, bought).version)
    assert answer.json["error"]["code"] == "assignment_refused"


def test_a_change_of_an_old_picture_is_refused_with_what_changed(client, staff, session, bought):
    seen = fresh(session, bought).version
    post(client, bought, "status", status="in_progress", version=seen)
    answer = post(client, bought, "status", status="cancelled", version=seen)
    assert (answer.status_code, answer.json["error"]["code"]) == (412, "stale")
    assert "In progress" in answer.json["error"]["message"]
    assert staff.name in answer.json["error"]["message"]
    assert fresh(session, bought).status is RequestStatus.IN_PROGRESS


def test_the_page_works_without_scripts_and_keeps_what_was_typed(client, staff, session, bought):
    page = f"/admin/requests/{bought.id}"
    seen = fresh(session, bought).version
    fields = {"version": seen, "note": "Customer asked for Monday."}
    assert client.post(f"{page}/notes", data=fields).location == page
    assert "Customer asked for Monday." in client.get(page).text
    post(client, bought, "status", status="in_progress", version=fresh(session, bought).version)
    refused = client.post(f"{page}/status", data={"version": seen, "status": "cancelled", "note": "My long reason"})
    assert refused.status_code == 412
    assert "My long reason" in refused.text
    # The old version stays in the form: sending it again must not slip through.
    assert Page(refused.text).find("input", name="version")[0]["value"] == str(seen)


def test_a_stale_step_offers_no_other_in_its_place(client, staff, session, bought):
    """What was wanted is done already: the form for another status stays closed, unless a note waits in it."""
    seen = fresh(session, bought).version
    post(client, bought, "status", status="in_progress", version=seen)
    address = f"/admin/requests/{bought.id}/status"
    wanted = {"version": seen, "status": "in_progress"}
    assert '<details class="drop" open' not in client.post(address, data=wanted).text
    assert '<details class="drop" open' in client.post(address, data={**wanted, "note": "Called."}).text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_change_nothing(client, session, bought, role):
    sign_in(client, role)
    seen = fresh(session, bought)
    for what, sent in {
        "status": {"status": "in_progress"},
        "provider": {"provider": "none"},
        "notes": {"note": "x"},
    }.items():
        answer = post(client, bought, what, version=seen.version, **sent)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "forbidden")
    assert fresh(session, bought).version == seen.version
    assert session.scalars(select(RequestNote)).all() == []
    page = client.get(f"/admin/requests/{bought.id}").text
    assert "Set status" not in page
    assert "Add note" not in page
    assert "data-edit" not in client.get("/admin/requests/").text


def test_a_change_without_its_token_is_refused(app, client, session, bought):
    sign_in(client, Role.OPERATOR)
    app.config["WTF_CSRF_ENABLED"] = True
    seen = fresh(session, bought).version
    answer = post(client, bought, "status", status="in_progress", version=seen)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "csrf_failed")
    token = Page(client.get("/admin/requests/").text).find("meta", name="csrf-token")[0]["content"]
    answer = client.post(
        f"/admin/requests/{bought.id}/status",
        json={"status": "in_progress", "version": seen},
        headers=JSON | {"X-CSRFToken": token},
    )
    assert answer.status_code == 200


def test_the_page_of_a_request_that_is_not_there_is_not_found(client, staff):
    assert client.get("/admin/requests/00000000-0000-7000-8000-000000000000").status_code == 404
    assert client.get("/admin/requests/zzz").status_code == 404


def test_the_story_has_everything_from_everywhere(client, staff, session, bought):
    post(client, bought, "notes", note="Rang twice.", version=fresh(session, bought).version)
    provider = make_provider(name="Priya Raman")
    post(client, bought, "provider", provider=str(provider.id), version=fresh(session, bought).version)
    words = Page(client.get(f"/admin/requests/{bought.id}").text).words
    for part in (
        "Ordered",
        "Sandbox: paid",
        "Status: Payment confirmed",
        "Rang twice.",
        "Provider set",
        "Confirmation",
    ):
        assert part in words
    for fact in (
        "Kavya Iyer",
        "kavya.iyer@example.org",
        "+91 70000 12345",
        "Please call me after 4 pm.",
        "Priya Raman",
    ):
        assert fact in words


@pytest.mark.parametrize(
    ("status", "step"), [("pending_contact", "Start the work"), ("in_progress", "Mark completed"), ("cancelled", None)]
)
def test_the_most_likely_next_step_stands_out(client, staff, session, status, step):
    request = make_request(status=RequestStatus(status), assigned_provider_id=make_provider().id)
    page = client.get(f"/admin/requests/{request.id}").text
    shown = [label for label in ("Start the work", "Mark completed") if re.search(f'primary"[^>]*>{label}', page)]
    assert shown == ([step] if step else [])
