"""What each person sees of the requests list: chosen columns, periods, late ones first."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.admin import request_columns
from app.kit import clock
from tests.admin.rows import URL, add_request, count_queries, listed, new_request, store
from tests.pages import Page

INDIA = ZoneInfo("Asia/Kolkata")


def test_columns_are_chosen_and_stay_chosen(client, staff, service):
    add_request(service)
    assert "kavya.iyer@example.org" not in client.get(URL).text
    answer = client.post(f"{URL}columns", data={"column": ["email", "who", "nonsense"], "list": "view=all"})
    assert answer.location == f"{URL}?view=all"
    page = Page(client.get(URL).text)
    assert "kavya.iyer@example.org" in page.words
    assert "₹2,499.00" not in page.words
    client.post(f"{URL}columns", data={})
    assert "₹2,499.00" in Page(client.get(URL).text).words


def test_a_row_changed_in_the_list_comes_back_with_the_chosen_columns(client, staff, service):
    row = add_request(service)
    client.post(f"{URL}columns", data={"column": ["email", "status"]})
    answer = client.get(f"{URL}{row.id}/row?view=all").json["row"]
    assert "kavya.iyer@example.org" in answer
    assert f'href="{URL}{row.id}?view=all"' in answer


def test_all_columns_at_once_cost_one_query_for_the_rows(client, staff, service):
    everything = [choice.name for choice in request_columns.CHOICES]
    client.post(f"{URL}columns", data={"column": everything})
    # What the tabs show is read once, and again when it was changed.
    client.post(f"{URL}views", data={"name": "Late", "list": "overdue=1"})
    store(*(new_request(service) for _ in range(10)))
    client.get(URL)
    few = count_queries(client, f"{URL}?view=all")
    store(*(new_request(service) for _ in range(40)))
    assert count_queries(client, f"{URL}?view=all") == few == 2


# --- periods


@pytest.mark.parametrize(
    ("period", "inside", "outside"),
    [
        ("today", (2026, 3, 15), (2026, 3, 14)),
        ("yesterday", (2026, 3, 14), (2026, 3, 15)),
        ("last_7_days", (2026, 3, 9), (2026, 3, 8)),
        ("this_month", (2026, 3, 1), (2026, 2, 28)),
        ("last_month", (2026, 2, 1), (2026, 3, 1)),
        ("last_month", (2026, 2, 28), (2026, 1, 31)),
    ],
)
def test_a_period_means_days_of_our_calendar(client, staff, service, monkeypatch, period, inside, outside):
    # In India it is the 15th already.
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2026, 3, 14, 20, tzinfo=UTC))
    wanted, _ = (add_request(service, created_at=datetime(*day, 12, tzinfo=INDIA)) for day in (inside, outside))
    assert listed(client, period=period) == [wanted.reference_number]
    assert f"Bought {period.replace('_', ' ')}" in Page(client.get(f"{URL}?period={period}").text).words


def test_a_period_and_days_narrow_each_other(client, staff, service, monkeypatch):
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2026, 3, 14, 20, tzinfo=UTC))
    first, second = (add_request(service, created_at=datetime(2026, 2, day, 12, tzinfo=INDIA)) for day in (3, 20))
    assert listed(client, period="last_month", **{"from": "2026-02-10"}) == [second.reference_number]
    assert listed(client, period="last_month", to="2026-02-10") == [first.reference_number]
    assert listed(client, period="last_month", **{"from": "2026-03-10"}) == []


# --- late ones first


def test_late_ones_stand_by_how_late_they_are(client, staff, service):
    due = [datetime(2026, 3, day, tzinfo=UTC) for day in (5, 3, 4)]
    rows = [add_request(service, due_at=when) for when in due]
    by_due = [rows[1].reference_number, rows[2].reference_number, rows[0].reference_number]
    assert listed(client, view="overdue") == by_due
    assert listed(client, overdue="1", sort="newest") != by_due
    assert listed(client, sort="due") == listed(client, sort="newest")
