"""The console's first page: numbers that lead to their rows, and plots that say what the rows say."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from app.db import transaction
from app.extensions import settings
from app.gateways.base import SnapshotStatus
from app.jobs import figures as job
from app.kit import clock
from app.models import (
    AnalyticsEvent,
    Dispute,
    ErrorCategory,
    ErrorTally,
    EventOutcome,
    KeptFigures,
    Notification,
    NotificationStatus,
    Payment,
    PaymentFlag,
    ProviderProfile,
    Role,
    ServiceRequest,
    WebhookEvent,
)
from app.workflows import figure_keeping, figure_reading, payments
from tests.admin.rows import add_request, count_queries, new_request, store
from tests.factories import make_gateway, make_payment, make_provider, make_request, make_service, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in

NOON = datetime(2026, 3, 20, 6, 30, tzinfo=UTC)
"""Twelve o'clock in India."""


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def numbers(client):
    """Label to number and address."""
    found = {}
    for item in client.get("/admin/").text.partition('id="plots"')[0].split("<li")[1:]:
        if 'class="number-label"' in item:
            page = Page(f"<li{item}")
            number, _, label = page.words.partition(" ")
            found[label] = (number, page.find("a")[0]["href"])
    return found


def number(client, label):
    return next(value for words, value in numbers(client).items() if words.startswith(label))


def card(client, name, query=""):
    text = client.get(f"/admin/{query}").text
    return Page(text.partition(f'id="{name}"')[2].partition("</section>")[0])


# --- what needs a person now


def test_each_number_leads_to_as_many_rows(client, session):
    sign_in(client, Role.ADMIN)
    make_everything_wait(session)
    counts = {label: number for label, (number, _) in numbers(client).items()}
    assert sorted(counts.values()) == ["1"] * 8 + ["2"], counts
    for label, (count, address) in numbers(client).items():
        assert f'<span class="count">{count}</span>' in client.get(address).text, label


def make_everything_wait(session):
    """Of each kind one, and beside it one that does not count."""
    other = make_provider()
    late = make_request(due_at=clock.utc_now() - timedelta(hours=3))
    other_request = make_request(assigned_provider_id=other.id)
    stuck, asked = make_payment(), make_payment()
    make_gateway("stripe", is_default=False, resting_until=clock.utc_now() + timedelta(minutes=1))
    with transaction():
        session.execute(update(ServiceRequest).where(ServiceRequest.id == late.id).values(assigned_provider_id=None))
        long_ago = clock.utc_now() - timedelta(hours=2)
        session.get_one(Payment, stuck.id).created_at = long_ago
        session.get_one(Payment, asked.id).created_at = long_ago
        session.get_one(Payment, asked.id).checked_at = clock.utc_now()
        session.scalars(select(Notification)).first().status = NotificationStatus.DEAD
        flagged = session.scalars(select(Payment).where(Payment.service_request_id == other_request.id)).one()
        flagged.flag = PaymentFlag.DUPLICATE
        session.add_all([dispute(flagged, "1"), dispute(flagged, "2", status="won")])
        session.add_all([message("1"), message("2", reviewed_at=clock.utc_now())])
    with transaction():
        session.execute(update(ProviderProfile).values(open_work=0))


def dispute(payment, key, status="open"):
    due = clock.utc_now() + timedelta(hours=30)
    values = {"gateway": "stripe", "amount_minor": 100, "currency": "INR", "evidence_due_at": due}
    return Dispute(payment_id=payment.id, gateway_dispute_id=key, status=status, **values)


def message(key, **changes):
    values = {"gateway": "stripe", "kind": "payment", "body": b"{}", "headers": b"{}", "outcome": EventOutcome.REVIEW}
    return WebhookEvent(event_id=key, handled_at=clock.utc_now(), **values | changes)


def test_a_quiet_day_says_so(client, session):
    sign_in(client, Role.VIEWER)
    assert {number for number, _ in numbers(client).values()} == {"0"}
    assert "Every customer was contacted" in Page(client.get("/admin/").text).words


def test_the_next_deadline_of_a_dispute_is_told(client, session):
    sign_in(client, Role.FINANCE)
    payment = make_payment()
    with transaction():
        session.add(dispute(payment, "1"))
    assert any("answer in 29 h" in label or "answer in 30 h" in label for label in numbers(client))


FIRST = {
    Role.ADMIN: "Awaiting first contact",
    Role.OPERATOR: "Awaiting first contact",
    Role.FINANCE: "Payments to review",
    Role.VIEWER: "Awaiting first contact",
}


@pytest.mark.parametrize("role", FIRST)
def test_what_one_may_act_on_stands_first(client, session, role):
    sign_in(client, role)
    assert next(iter(numbers(client))).startswith(FIRST[role])
    assert len(numbers(client)) == 9
    assert ("Others look after" in client.get("/admin/").text) == (role in {Role.OPERATOR, Role.FINANCE})


# --- plots


def test_sales_of_two_currencies_are_never_added_up(client, session, noon):
    sign_in(client)
    make_request(make_service(price_minor=250_000))
    make_request(make_service(price_minor=150_000))
    service = make_service()
    store(new_request(service, currency="JPY", amount_minor=5000, payment_completed_at=NOON, created_at=NOON))
    words = card(client, "sales").words
    assert "₹4,000.00 from 2 sales; JP¥5,000 from 1 sale." in words
    assert "Number of sales 3" in words


def test_a_change_is_told_against_as_many_whole_days_before(client, session, noon):
    sign_in(client)
    service = make_service()
    for days, amount in ((0, 999), (2, 300), (6, 300), (9, 400)):
        at = NOON - timedelta(days=days)
        add_request(service, payment_completed_at=at, created_at=at, amount_minor=amount * 100)
    # Today's is left out: six days that are over, and the six before them.
    assert "₹1,599.00 from 3 sales, 50 % more than before." in card(client, "sales", "?period=7d").words


def test_success_leaves_out_what_nobody_finished(client, session, noon):
    sign_in(client)
    make_request()
    make_payment()
    declined = make_payment()
    with transaction():
        payments.settle(declined.id, snapshot_of(declined, SnapshotStatus.FAILED))
    words = card(client, "payments").words
    assert "50 % of 2 payments succeeded; 1 was not finished." in words
    assert "Sandbox (test payments) 3 1 1 1 50 %" in words


def test_the_funnel_counts_a_visitor_once_a_day(client, session, noon):
    sign_in(client)
    with transaction():
        for name in ("service_selected", "service_selected", "checkout_started", "paid"):
            session.add(AnalyticsEvent(name=name, visitor=None if name == "paid" else "one", created_at=NOON))
        session.add(AnalyticsEvent(name="service_selected", visitor="two", created_at=NOON))
    assert "50 % of 2 visitors bought." in card(client, "funnel").words


def test_late_and_soon_first_contacts(client, session, noon):
    sign_in(client)
    service = make_service()
    for hours in (1, 2, 30):
        paid = NOON - timedelta(days=2)
        contacted = paid + timedelta(hours=hours)
        add_request(service, payment_completed_at=paid, due_at=paid + timedelta(hours=24), first_contact_at=contacted)
    assert "33 % of 3 first contacts came late." in card(client, "overdue").words
    assert "until half of 3 customers heard from us" in card(client, "first-contact").words


def test_who_is_full_is_named(client, session):
    sign_in(client)
    make_provider(name="Priya Raman", capacity=4, open_work=4)
    make_provider(name="Arvind Rao", capacity=6, open_work=1)
    assert "5 of 10 places are taken; Priya Raman is full." in card(client, "workload").words


def test_mail_and_errors(client, session, noon):
    sign_in(client)
    make_request()
    with transaction():
        session.execute(update(Notification).values(status=NotificationStatus.SENT))
        session.add(ErrorTally(slot=NOON, category=ErrorCategory.VALIDATION, count=7))
        session.add(ErrorTally(slot=NOON, category=ErrorCategory.EMAIL, count=2))
    assert "went out; none failed." in card(client, "mail").words
    assert "9 errors, most with input that we refused." in card(client, "errors").words


def test_nothing_to_show_is_said_with_what_to_do_next(client, session):
    sign_in(client)
    for name in ("sales", "payments", "refunds", "funnel", "first-contact", "overdue", "workload", "mail"):
        page = card(client, name)
        assert 'class="plot-empty"' in client.get("/admin/").text
        assert page.find("a"), name
        assert not page.find("svg"), name


ODD = [
    "?period=zzz",
    "?from=2026-01-01",
    "?to=2026-01-01",
    "?from=2026-03-01&to=2026-01-01",
    "?from=1900-01-01&to=2999-12-31&by=day",
    "?from=x&to=%00&by=fortnight",
    "?period=12m&by=day",
]


@pytest.mark.parametrize("query", ODD)
def test_whatever_the_address_says_there_is_a_page(client, session, query):
    sign_in(client)
    make_request()
    assert client.get(f"/admin/{query}").status_code == 200


def test_a_page_of_plots_keeps_to_the_content_policy(client, session, noon):
    sign_in(client)
    make_everything_wait(session)
    text = client.get("/admin/").text
    assert " style=" not in text
    assert "<style" not in text
    for svg in re.findall(r"<svg[^>]*role=[^>]*>", text):
        named = re.search(r'aria-labelledby="([^"]+)"', svg).group(1).split()
        assert all(text.count(f'id="{name}"') == 1 for name in named)


# --- right and cheap, whatever was kept


def test_the_first_look_counts_what_nobody_has_counted_and_the_second_finds_it(client, session, noon):
    user = sign_in(client)
    at = NOON - timedelta(days=3)
    add_request(make_service(), payment_completed_at=at, created_at=at, amount_minor=5000)
    first = card(client, "sales").words
    assert "₹50.00 from 1 sale, and none before." in first
    assert {row.start.day for row in session.scalars(select(KeptFigures))} == {17, 18, 19}
    assert card(client, "sales").words == first
    assert user is not None


def test_a_page_that_runs_out_of_time_says_what_is_missing(client, session, noon, monkeypatch):
    sign_in(client)
    at = NOON - timedelta(days=3)
    add_request(make_service(), payment_completed_at=at, created_at=at)
    monkeypatch.setattr(figure_reading, "PATIENCE", timedelta())
    words = Page(client.get("/admin/").text).words
    assert "Days up to 2026-03-19 are still being counted" in words
    job.keep()
    assert "still being counted" not in client.get("/admin/").text


def test_the_page_asks_the_database_as_often_for_many_rows_as_for_few(client, session, noon):
    make_everything_wait(session)
    noon.shift(timedelta(days=2))
    sign_in(client)
    job.keep()
    queries = {query: count_queries(client, f"/admin/{query}") for query in ("", "?period=7d", "?period=12m")}
    noon.shift(timedelta(days=-2))
    for _ in range(5):
        make_request()
        make_provider()
    with transaction():
        figure_keeping.mark_all(settings().time_zone)
    noon.shift(timedelta(days=2))
    job.keep()
    for query, few in queries.items():
        assert count_queries(client, f"/admin/{query}") == few
    assert max(queries.values()) <= 12
