"""The clock of a request: in working time, stopped while we wait for the customer, and running on afterwards."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import db, transaction
from app.errors import InvalidInput
from app.kit import clock
from app.kit.calendar import Calendar, Hours
from app.models import DayOff, Notification, RequestStatus, Role, ServiceRequest
from app.workflows import deadlines, requests, status, tracking, working_time
from app.workflows.audit import SYSTEM
from app.workflows.deadlines import ClockRefused
from tests.factories import make_provider, make_request, make_service
from tests.pages import Page
from tests.sign_in import sign_in

INDIA = ZoneInfo("Asia/Kolkata")
OFFICE = {weekday: (Hours(540, 1080),) for weekday in range(5)}
FRIDAY_EVENING = datetime(2026, 3, 6, 17, tzinfo=INDIA)


@pytest.fixture
def now(monkeypatch):
    """A clock that stands where it is put."""
    told = {"now": FRIDAY_EVENING.astimezone(UTC)}
    monkeypatch.setattr(clock, "utc_now", lambda: told["now"])

    def put(moment):
        told["now"] = moment.astimezone(UTC)

    return put


def keep_office_hours(*off):
    with transaction():
        working_time.set_hours(OFFICE, provider=None, actor=SYSTEM)
        for day in off:
            working_time.add_days_off(day, day, "Holi", provider=None, actor=SYSTEM)


def change(request, step, **more):
    with transaction():
        step(requests.get_locked(request.id), actor=SYSTEM, **more)
    db.session.expire_all()
    return db.session.get_one(ServiceRequest, request.id)


def awaited(request):
    query = select(Notification).where(
        Notification.kind == "customer_awaited", Notification.service_request_id == request.id
    )
    return db.session.scalars(query).all()


def test_without_hours_the_clock_runs_day_and_night(session, now):
    request = make_request(make_service(first_contact_hours=24))
    assert request.due_at == FRIDAY_EVENING + timedelta(hours=24)


def test_with_office_hours_it_runs_in_them_and_not_on_days_off(session, now):
    keep_office_hours(datetime(2026, 3, 9, tzinfo=UTC).date())
    request = make_request(make_service(first_contact_hours=3))
    assert request.due_at == datetime(2026, 3, 10, 11, tzinfo=INDIA)


def test_the_clock_stands_still_while_we_wait_and_runs_on_with_what_was_left(session, now):
    keep_office_hours()
    request = make_request(make_service(first_contact_hours=3))
    request = change(request, deadlines.wait_for_customer)
    assert request.due_at is None
    now(datetime(2026, 3, 11, 12, tzinfo=INDIA))
    request = change(request, deadlines.go_on)
    assert (request.due_at, request.waiting_since) == (datetime(2026, 3, 11, 15, tzinfo=INDIA), None)
    assert [entry.recipient for entry in awaited(request)] == [request.customer_email]


def test_what_was_late_before_we_waited_is_late_at_once_afterwards(session, now):
    request = make_request(make_service(first_contact_hours=1))
    now(FRIDAY_EVENING + timedelta(hours=5))
    request = change(request, deadlines.wait_for_customer)
    assert request.work_left_seconds == 0
    now(FRIDAY_EVENING + timedelta(hours=9))
    request = change(request, deadlines.go_on)
    assert request.due_at == FRIDAY_EVENING + timedelta(hours=9)


def test_waiting_twice_or_for_nothing_is_refused(session):
    request = make_request()
    with pytest.raises(ClockRefused, match="do not wait"):
        change(request, deadlines.go_on)
    change(request, deadlines.wait_for_customer)
    with pytest.raises(ClockRefused, match="already"):
        change(request, deadlines.wait_for_customer)
    change(request, deadlines.go_on)
    change(request, status.change_status, wanted=RequestStatus.IN_PROGRESS)
    with pytest.raises(ClockRefused):
        change(request, deadlines.wait_for_customer)
    with pytest.raises(ClockRefused):
        change(make_request(is_paid=False), deadlines.wait_for_customer)


def test_the_first_contact_ends_the_waiting_and_keeps_the_promise_on_record(session, now):
    request = make_request(make_service(first_contact_hours=4))
    request = change(request, deadlines.wait_for_customer)
    now(FRIDAY_EVENING + timedelta(days=2))
    request = change(request, status.change_status, wanted=RequestStatus.IN_PROGRESS)
    assert request.waiting_since is None
    assert request.first_contact_at <= request.due_at == FRIDAY_EVENING + timedelta(days=2, hours=4)


def test_the_tracking_page_says_that_it_is_the_customers_turn(session):
    request = change(make_request(), deadlines.wait_for_customer)
    step = tracking.next_step(request)
    assert "say when we can call you" in step.text
    assert step.by is None


def test_waited_for_again_the_customer_is_told_again(session, now):
    request = make_request()
    for hour in (1, 2):
        now(FRIDAY_EVENING + timedelta(hours=hour))
        request = change(request, deadlines.wait_for_customer)
        request = change(request, deadlines.go_on)
    assert len(awaited(request)) == 2


@pytest.mark.sqlite
@given(
    left=st.integers(0, 5000),
    waits=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 6000)), max_size=4),
)
def test_waiting_never_costs_and_never_gives_working_time(session, monkeypatch, left, waits):
    """However often it is stopped, what passes while it runs adds up to what was promised."""
    calendar = Calendar(OFFICE, INDIA)
    monkeypatch.setattr(working_time, "business", lambda: calendar)
    start = FRIDAY_EVENING.astimezone(UTC)
    request = ServiceRequest(due_at=calendar.add(start, timedelta(minutes=left)))
    now, ran = start, timedelta(0)
    for runs, stands in waits:
        stopped = now + timedelta(minutes=runs)
        if request.due_at is None or request.due_at < stopped:
            break
        ran += calendar.between(now, stopped)
        request.work_left_seconds = int(calendar.between(stopped, request.due_at).total_seconds())
        request.waiting_since, request.due_at = stopped, None
        now = stopped + timedelta(minutes=stands)
        deadlines.resume(request, at=now)
    assert ran + calendar.between(now, request.due_at) == timedelta(minutes=left)


def test_hours_that_overlap_are_refused(session):
    with pytest.raises(InvalidInput, match="overlap"), transaction():
        working_time.set_hours({0: [Hours(540, 700), Hours(690, 900)]}, provider=None, actor=SYSTEM)


def test_days_off_are_kept_once(session):
    first, last = datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 3, 3, tzinfo=UTC).date()
    provider = make_provider()
    for owner in (None, provider):
        with transaction():
            assert working_time.add_days_off(first, last, "Leave", provider=owner, actor=SYSTEM) == 3
        with transaction():
            assert working_time.add_days_off(first, last, "Leave", provider=owner, actor=SYSTEM) == 0
    assert len(db.session.scalars(select(DayOff)).all()) == 6
    with pytest.raises(InvalidInput), transaction():
        working_time.add_days_off(last, first, "", provider=None, actor=SYSTEM)


def test_tracking_page_console_and_provider_see_the_same_clock(client, session):
    provider = make_provider()
    request = make_request()
    pages = {
        f"/track/{request.reference_number}": None,
        f"/admin/requests/{request.id}": Role.OPERATOR,
        f"/provider/requests/{request.id}": provider,
    }
    for address, who in pages.items():
        if who is not None:
            sign_in(client, who)
        told = Page(client.get(address).text).find("time")
        # One writes fractions of seconds, another does not.
        assert any(each["datetime"].startswith(f"{request.due_at:%Y-%m-%dT%H:%M:%S}") for each in told), address
    change(request, deadlines.wait_for_customer)
    assert "paused" in client.get(address).text
    sign_in(client, Role.OPERATOR)
    assert "paused" in client.get(f"/admin/requests/{request.id}").text
    assert "say when we can call you" in client.get(f"/track/{request.reference_number}").text
