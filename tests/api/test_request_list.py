"""Requests for staff's own programs: found by every filter, page by page."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import OPEN_STATUSES, Category, RequestStatus, Role
from app.workflows import request_pages
from tests.admin.rows import count_queries
from tests.api.calls import ADDRESS, bearer, listed
from tests.factories import make_provider, make_request, make_service
from tests.sign_in import sign_in


@pytest.fixture
def token(session):
    return bearer()


def references(answer):
    return [each["referenceNumber"] for each in answer["requests"]]


def test_a_request_is_told_with_everything_a_program_needs(client, session, token):
    provider = make_provider(name="Priya Raman")
    request = make_request(make_service(tiers=1, name="GST registration"))
    (row,) = listed(client, token)["requests"]
    assert row["id"] == str(request.id)
    assert row["service"] == {
        "id": str(request.service_id),
        "name": "GST registration",
        "category": "ca",
        "tier": "Tier 1",
    }
    assert row["customer"]["email"] == "kavya.iyer@example.org"
    assert (row["payment"]["status"], row["payment"]["amount"], row["payment"]["currency"]) == (
        "completed",
        100_000,
        "INR",
    )
    assert row["assignedProvider"] == {"id": str(provider.id), "name": "Priya Raman"}
    assert (row["status"], row["statusLabel"]) == ("pending_contact", "Awaiting first contact")
    assert row["createdAt"].endswith("Z")


def test_unpaid_requests_are_listed_and_say_so(client, session, token):
    make_request(is_paid=False)
    make_request()
    assert [row["payment"]["status"] for row in listed(client, token)["requests"]] == ["completed", "pending"]
    assert len(listed(client, token, paymentStatus="pending")["requests"]) == 1


@pytest.mark.sqlite
@given(
    kind=st.none() | st.sampled_from(["ca", "legal", "a service"]),
    status=st.none() | st.sampled_from(RequestStatus),
    provider=st.none() | st.sampled_from(["one", "none"]),
    days=st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 4)),
)
@pytest.mark.property(22)
def test_only_what_matches_all_filters_is_listed(client, many, kind, status, provider, days):
    token, rows, service, one = many
    query = {"serviceType": str(service.id) if kind == "a service" else kind, "status": status}
    query["assignedProvider"] = str(one.id) if provider == "one" else provider
    query |= {
        name: None if day is None else f"2026-03-0{day + 1}"
        for name, day in zip(("startDate", "endDate"), days, strict=True)
    }

    def fits(row):
        return (
            (kind is None or row.service_category == kind or (kind == "a service" and row.service_id == service.id))
            and status in {None, row.status}
            and (provider is None or row.assigned_provider_id == (one.id if provider == "one" else None))
            and (days[0] is None or row.created_at.day >= days[0] + 1)
            and (days[1] is None or row.created_at.day <= days[1] + 1)
        )

    answer = listed(client, token, **{name: value for name, value in query.items() if value is not None}, limit=100)
    assert references(answer) == [row.reference_number for row in rows if fits(row)]
    assert answer["total"] == len(answer["requests"])


@pytest.fixture
def many(session):
    """Two services, two providers or none, all statuses, on five days; the newest first."""
    one = make_provider(name="Priya Raman", categories=())
    services = [make_service(), make_service(category=Category.LEGAL)]
    rows = []
    for number in range(24):
        created_at, status = datetime(2026, 3, 1 + number // 5, 6, number, tzinfo=UTC), list(RequestStatus)[number % 6]
        row = make_request(
            services[number % 2],
            status=status,
            assigned_provider_id=one.id if number % 3 == 0 else None,
            created_at=created_at,
            closed_at=None if status in OPEN_STATUSES else created_at,
        )
        rows.append(row)
    return bearer(), rows[::-1], services[0], one


def test_pages_by_number_and_by_cursor_go_through_all_once(client, session, token):
    service = make_service()
    wanted = [make_request(service).reference_number for _ in range(7)][::-1]
    by_number = [listed(client, token, limit=3, page=page) for page in (1, 2, 3, 4)]
    assert [reference for answer in by_number for reference in references(answer)] == wanted
    assert [(answer["page"], answer["totalPages"], answer["total"]) for answer in by_number[:2]] == [
        (1, 3, 7),
        (2, 3, 7),
    ]
    answer, found = listed(client, token, limit=2), []
    while answer["nextCursor"]:
        found += references(answer)
        answer = listed(client, token, limit=2, cursor=answer["nextCursor"])
    assert found + references(answer) == wanted
    assert answer["page"] is None


def test_requests_of_one_instant_are_neither_lost_nor_doubled(client, session, token):
    moment = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    service = make_service()
    wanted = {make_request(service, created_at=moment + timedelta(microseconds=i // 2)).id for i in range(6)}
    answer, found = listed(client, token, limit=1), []
    while answer["requests"]:
        found += [each["id"] for each in answer["requests"]]
        answer = (
            listed(client, token, limit=1, cursor=answer["nextCursor"]) if answer["nextCursor"] else {"requests": []}
        )
    assert sorted(found) == sorted(map(str, wanted))


@pytest.mark.parametrize("page", [3, 900, 2**31 - 1])
def test_a_page_behind_the_end_is_empty(client, session, token, page):
    service = make_service()
    for _ in range(4):
        make_request(service)
    answer = listed(client, token, limit=2, page=page)
    assert (answer["requests"], answer["total"], answer["page"], answer["nextCursor"]) == ([], 4, page, None)


def test_beyond_what_is_counted_a_cursor_leads_on(client, session, token, monkeypatch):
    monkeypatch.setattr(request_pages, "COUNTED", 4)
    service = make_service()
    wanted = [make_request(service).reference_number for _ in range(6)][::-1]
    first = listed(client, token, limit=2)
    assert (first["total"], first["isTotalExact"], first["totalPages"]) == (4, False, 2)
    second = listed(client, token, limit=2, page=2)
    assert references(listed(client, token, limit=2, cursor=second["nextCursor"])) == wanted[4:]
    refused = client.get(ADDRESS, query_string={"limit": 2, "page": 3}, headers=token)
    assert refused.status_code == 422
    assert "cursor" in refused.json["error"]["details"]["page"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("serviceType=plumbing", "serviceType"),
        ("serviceType=%00", "serviceType"),
        ("assignedProvider=somebody", "assignedProvider"),
        ("startDate=yesterday", "startDate"),
        ("startDate=0001-01-01", "startDate"),
        ("endDate=9999-12-31", "endDate"),
        ("page=0", "page"),
        ("page=1_0", "page"),
        ("page=99999999999999999999999999", "page"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("cursor=%FF%00", "cursor"),
        ("cursor=W10", "cursor"),
        ("page=1&cursor=x", "cursor"),
        ("startdate=2026-01-01", "startdate"),
    ],
)
def test_a_filter_that_means_nothing_is_named(client, session, token, query, field):
    answer = client.get(f"{ADDRESS}?{query}", headers=token)
    assert answer.status_code == 422
    assert set(answer.json["error"]["details"]) == {field}


def test_the_list_takes_the_same_queries_however_long_it_is(client, session):
    service = make_service()
    sign_in(client, Role.OPERATOR)
    make_request(service, assigned_provider_id=make_provider().id)
    few = count_queries(client, ADDRESS)
    for _ in range(5):
        make_request(service, assigned_provider_id=make_provider().id)
    assert count_queries(client, ADDRESS) == few
