"""A provider's own pages: their requests, and nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import transaction
from app.kit import clock
from app.kit.calendar import Hours
from app.models import (
    Availability,
    PaymentStatus,
    ProviderProfile,
    RequestNote,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
)
from app.workflows import assignment, requests, working_time
from app.workflows.audit import SYSTEM
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def provider(client, session):
    user = make_provider(name="Priya Raman")
    return sign_in(client, user)


def give(request, provider):
    with transaction():
        row = requests.get_locked(request.id)
        if row.assigned_provider_id != provider.id:
            assignment.assign(row, provider, actor=SYSTEM)


@pytest.fixture
def own(session, provider):
    request = make_request()
    give(request, provider)
    return request


@pytest.fixture
def foreign(session, provider):
    request, other = make_request(), make_provider()
    give(request, other)
    return request


def fresh(session, request):
    session.rollback()
    return session.get_one(ServiceRequest, request.id, populate_existing=True)


def take(client, session, request, step, **changes):
    fields = {"version": fresh(session, request).version} | changes
    return client.post(f"/provider/requests/{request.id}/{step}", data=fields)


def test_the_list_has_their_own_and_no_other(client, own, foreign):
    page = client.get("/provider/").text
    assert own.reference_number in page
    assert foreign.reference_number not in page


def test_they_see_whom_to_call_and_about_what(client, own):
    words = Page(client.get(f"/provider/requests/{own.id}").text).words
    for part in (
        "Kavya Iyer",
        "kavya.iyer@example.org",
        "+91 70000 12345",
        "Please call me after 4 pm.",
        own.service_name,
    ):
        assert part in words


def test_work_is_started_and_completed(client, session, provider, own):
    assert take(client, session, own, "start").status_code == 302
    assert fresh(session, own).status is RequestStatus.IN_PROGRESS
    assert take(client, session, own, "complete").status_code == 302
    assert fresh(session, own).status is RequestStatus.COMPLETED
    latest = session.scalars(select(StatusChange).order_by(StatusChange.id.desc())).first()
    assert latest.changed_by_user_id == provider.id


def test_what_the_rule_gave_them_is_accepted(client, session, provider):
    request = make_request()
    assert fresh(session, request).assigned_provider_id == provider.id
    assert "Accept" in client.get(f"/provider/requests/{request.id}").text
    take(client, session, request, "accept")
    assert fresh(session, request).status is RequestStatus.TEAM_ASSIGNED


def test_a_note_is_kept_under_their_name(client, session, provider, own):
    assert take(client, session, own, "notes", note="Rang, no answer.").status_code == 302
    note = session.scalars(select(RequestNote)).one()
    assert (note.body, note.author_id) == ("Rang, no answer.", provider.id)
    assert "Rang, no answer." in client.get(f"/provider/requests/{own.id}").text


def test_somebody_elses_request_does_not_exist_here(client, session, foreign):
    before = fresh(session, foreign)
    seen = (before.status, before.version)
    assert client.get(f"/provider/requests/{foreign.id}").status_code == 404
    for step in ("accept", "start", "complete", "decline", "notes"):
        assert take(client, session, foreign, step, note="x", reason="x").status_code == 404
    after = fresh(session, foreign)
    assert (after.status, after.version) == seen


def test_a_step_that_does_not_fit_is_refused_in_words(client, session, own):
    answer = take(client, session, own, "complete")
    assert answer.status_code == 409
    assert "cannot become" in answer.text


def test_a_step_on_an_old_picture_is_refused(client, session, own):
    old = fresh(session, own).version
    take(client, session, own, "start")
    assert take(client, session, own, "complete", version=old).status_code == 412
    assert take(client, session, own, "complete", version="zzz").status_code == 422
    assert fresh(session, own).status is RequestStatus.IN_PROGRESS


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR, Role.AFFILIATE])
def test_the_pages_are_for_providers(client, session, role):
    request = make_request()
    sign_in(client, role)
    assert client.get("/provider/").status_code == 403
    assert take(client, session, request, "start").status_code == 403
    client.post("/logout")
    assert client.get("/provider/").location.startswith("/login")


def test_steps_need_their_token(app, client, session, own):
    app.config["WTF_CSRF_ENABLED"] = True
    assert take(client, session, own, "start").status_code == 400


# --- giving back, and availability


def test_what_they_cannot_take_they_give_back_and_it_is_gone_from_their_pages(client, session, own):
    answer = take(client, session, own, "decline", reason="I know the other side.")
    assert answer.location == "/provider/"
    assert fresh(session, own).assigned_provider_id is None
    assert client.get(f"/provider/requests/{own.id}").status_code == 404
    assert [note.body for note in session.scalars(select(RequestNote))] == ["Given back: I know the other side."]


def test_giving_back_needs_a_reason_and_an_unbegun_request(client, session, own, provider):
    answer = take(client, session, own, "decline", reason=" ")
    assert answer.status_code == 422
    assert "Say why you give it back." in Page(answer.text).words
    take(client, session, own, "start")
    assert take(client, session, own, "decline", reason="Late.").status_code == 409
    assert fresh(session, own).assigned_provider_id == provider.id


def test_given_back_twice_it_is_given_back_once(client, session, own):
    version = fresh(session, own).version
    answers = [take(client, session, own, "decline", reason="No.", version=version) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 404]


def profile(session, user):
    session.rollback()
    return session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()


def test_they_go_away_and_come_back(client, session, provider):
    client.post("/provider/availability/away", data={"availability": "away"})
    assert profile(session, provider).availability is Availability.AWAY
    assert "I am back" in client.get("/provider/availability/").text
    client.post("/provider/availability/away", data={"availability": "available"})
    assert profile(session, provider).availability is Availability.AVAILABLE


def test_their_hours_are_read_as_typed_and_kept(client, session, provider):
    answer = client.post("/provider/availability/", data={"step": "hours", "day0": "9-13, 14-18", "day4": "10-12"})
    assert answer.status_code == 302
    assert working_time.hours_of(provider.id) == {0: (Hours(540, 780), Hours(840, 1080)), 4: (Hours(600, 720),)}
    assert working_time.hours_of(None) == {}
    fields = Page(client.get("/provider/availability/").text).find("input", name="day0")
    assert fields[0]["value"] == "09:00-13:00, 14:00-18:00"


def test_hours_that_cannot_be_read_are_shown_again_and_nothing_is_saved(client, session, provider):
    client.post("/provider/availability/", data={"step": "hours", "day0": "9-18"})
    answer = client.post("/provider/availability/", data={"step": "hours", "day0": "9-17", "day1": "nine to five"})
    assert answer.status_code == 422
    page = Page(answer.text)
    assert page.find("input", name="day1")[0]["value"] == "nine to five"
    assert page.find("input", name="day0")[0]["value"] == "9-17"
    assert "Tuesday: write hours like" in page.words
    assert working_time.hours_of(provider.id) == {0: (Hours(540, 1080),)}


def test_a_leave_is_one_line_and_goes_with_one_press(client, session, provider):
    first = clock.utc_now().date() + timedelta(days=5)
    sent = {"step": "add", "first": str(first), "last": str(first + timedelta(days=6)), "name": "Leave"}
    client.post("/provider/availability/", data=sent)
    client.post(
        "/provider/availability/", data={"step": "add", "first": str(first + timedelta(days=7)), "name": "Diwali"}
    )
    page = Page(client.get("/provider/availability/").text)
    [leave, diwali] = page.find("button", name="day_off")
    assert " to " in leave["aria-label"]
    assert " to " not in diwali["aria-label"]
    client.post("/provider/availability/", data={"step": "remove", "day_off": leave["value"]})
    session.rollback()
    assert [each.name for each in working_time.days_off(provider.id, since=first)] == ["Diwali"]


def test_days_off_come_and_go_and_only_their_own(client, session, provider):
    other = make_provider()
    day = working_time.today() + timedelta(days=3)
    with transaction():
        working_time.add_days_off(day, day, "Theirs", provider=other, actor=SYSTEM)
    client.post("/provider/availability/", data={"step": "add", "first": day.isoformat(), "name": "Leave"})
    [mine] = working_time.days_off(provider.id, since=day)
    [theirs] = working_time.days_off(other.id, since=day)
    client.post("/provider/availability/", data={"step": "remove", "day_off": [str(mine.id), str(theirs.id)]})
    session.expire_all()
    assert working_time.days_off(provider.id, since=day) == []
    assert len(working_time.days_off(other.id, since=day)) == 1


@pytest.mark.parametrize(
    "fields", [{"first": ""}, {"first": "0001-01-01"}, {"first": "2999-01-01", "last": "2990-01-01"}]
)
def test_odd_days_are_refused(client, session, provider, fields):
    assert client.post("/provider/availability/", data={"step": "add"} | fields).status_code == 422


OVER = [
    {"status": RequestStatus.COMPLETED, "closed_at": clock.utc_now()},
    {"status": RequestStatus.CANCELLED, "closed_at": clock.utc_now()},
    {"payment_status": PaymentStatus.REFUNDED},
]


@pytest.mark.parametrize("changes", OVER, ids=["completed", "cancelled", "refunded"])
def test_a_request_that_is_over_offers_and_promises_nothing(client, session, own, changes):
    with transaction():
        row = requests.get_locked(own.id)
        for name, value in (changes | {"first_contact_at": None, "due_at": clock.utc_now()}).items():
            setattr(row, name, value)
    answer = client.get(f"/provider/requests/{own.id}")
    page = Page(answer.text)
    assert [form["action"].rpartition("/")[2] for form in page.find("form")] == ["logout", "notes"]
    for promise in (" due", "late"):
        assert promise not in page.words
        assert promise not in Page(client.get("/provider/").text).words
    for step in ("accept", "start", "complete", "decline"):
        assert take(client, session, own, step, reason="No.").status_code >= 400
    assert fresh(session, own).assigned_provider_id is not None


def test_who_has_their_money_back_is_told_apart_in_the_list(client, session, own):
    with transaction():
        requests.get_locked(own.id).payment_status = PaymentStatus.REFUNDED
    assert "Refunded" in Page(client.get("/provider/").text).words
    assert "all their money back" in Page(client.get(f"/provider/requests/{own.id}").text).words


def test_a_late_first_contact_stands_out(client, session, own):
    with transaction():
        row = requests.get_locked(own.id)
        row.first_contact_at, row.due_at = None, clock.utc_now() - timedelta(hours=3)
    assert Page(client.get("/provider/").text).find("span", class_="late")
    assert Page(client.get(f"/provider/requests/{own.id}").text).find("strong", class_="late")
