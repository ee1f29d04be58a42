"""The requests list: what stands in it, which requests it means, and what it costs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.db import transaction
from app.kit import clock
from app.models import AffiliateProfile, RequestStatus, Role, SavedView, Service, User
from tests.admin.rows import URL, add_request, clear, count_queries, listed, new_request, store
from tests.factories import make_provider, make_request, make_user
from tests.pages import Page, squeeze
from tests.sign_in import sign_in
from tests.strategies import names


@pytest.mark.sqlite
@pytest.mark.property(20)
@given(
    texts=st.tuples(names(), names()),
    bought=st.integers(0, 10**8).map(lambda seconds: datetime(2022, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    status=st.sampled_from(RequestStatus),
    has_provider=st.booleans(),
)
def test_each_request_shows_customer_service_date_status_and_provider(
    client, kept, texts, bought, status, has_provider
):
    customer, service_name = texts
    clear()
    changes = {"customer_name": customer, "service_name": service_name, "created_at": bought, "status": status}
    provider = kept["provider"] if has_provider else None
    add_request(kept["service"], assigned_provider_id=provider.id if provider else None, **changes)
    body = client.get(f"{URL}?view=all").text.partition("<tbody>")[2].partition("</tbody>")[0]
    row = Page(body)
    assert squeeze(customer) in row.words
    assert squeeze(service_name) in row.words
    assert clock.isoformat(bought) in {each.get("datetime") for each in row.find("time")}
    assert status.label in row.words
    assert (kept["provider"].name in row.words) is has_provider


def test_unpaid_requests_are_out_of_the_way_until_asked_for(client, staff):
    paid, unpaid = make_request(), make_request(is_paid=False)
    assert listed(client) == [paid.reference_number]
    assert listed(client, view="unpaid") == [unpaid.reference_number]
    assert listed(client, view="all") == [unpaid.reference_number, paid.reference_number]


@pytest.mark.parametrize(
    "text", ["kavya.iyer@example.org", "KAVYA.IYER@EXAMPLE.ORG", "70000 12345", "iyer", "Iyer Kavya"]
)
def test_a_customer_is_found_by_what_they_say(client, staff, service, text):
    wanted = add_request(service)
    add_request(service, customer_name="Uma Rao", customer_email="u@example.org", customer_phone="+917000099999")
    assert listed(client, q=text) == [wanted.reference_number]


def test_a_request_is_found_by_its_reference_and_its_beginning(client, staff, service):
    wanted, _ = add_request(service), add_request(service)
    reference = wanted.reference_number
    for text in (reference, reference.lower(), reference.replace("-", ""), reference[:9]):
        assert reference in listed(client, q=text)


def test_the_newest_stands_first_unless_asked_otherwise(client, staff, service):
    old, new = (add_request(service, created_at=datetime(2026, 3, day, tzinfo=UTC)) for day in (1, 2))
    assert listed(client) == [new.reference_number, old.reference_number]
    assert listed(client, sort="oldest") == [old.reference_number, new.reference_number]


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_pages_follow_each_other_without_gap_or_repeat(client, staff, service, sort):
    # Many of the same instant: only the tie-break tells them apart.
    store(*(new_request(service, created_at=datetime(2026, 3, 1 + n // 60, tzinfo=UTC)) for n in range(120)))
    seen, address, pages = [], f"{URL}?sort={sort}", []
    while address and len(pages) < 5:
        page = Page(client.get(address).text)
        seen += [box["value"] for box in page.find("input", name="rowid")]
        pages.append(address)
        following = page.find("a", rel="next")
        address = following[0]["href"] if following else None
    assert len(seen) == len(set(seen)) == 120
    assert len(pages) == 3
    back = Page(client.get(pages[2]).text).find("a", rel="prev")[0]["href"]
    assert [box["value"] for box in Page(client.get(back).text).find("input", name="rowid")] == seen[50:100]


def test_the_count_stops_where_it_stops_mattering(client, staff, service, monkeypatch):
    store(*(new_request(service) for _ in range(12)))
    monkeypatch.setattr("app.admin.paging.COUNT_CAP", 10)
    assert client.get(f"{URL}counts?view=todo").json["list"] == "10+"


def test_a_page_says_at_once_what_it_knows_of_the_count(client, staff, service):
    store(*(new_request(service) for _ in range(50)))
    assert "Requests 50 " in Page(client.get(URL).text).words
    add_request(service)
    page = Page(client.get(URL).text)
    assert "Requests 50+" in page.words
    [following] = page.find("a", rel="next")
    assert "Requests 50+" in Page(client.get(following["href"]).text).words
    assert client.get(f"{URL}counts?view=todo").json["list"] == "51"
    assert client.get(f"{URL}counts?view=todo&status=in_progress").json["list"] == "0"
    assert client.get(f"{URL}counts").json["list"] is None


def test_filters_in_force_are_said_and_can_be_taken_off(client, staff, service):
    page = Page(client.get(f"{URL}?status=in_progress&provider=none&sort=oldest").text)
    assert "Status is In progress" in page.words
    assert "Provider is nobody" in page.words
    [without] = [each["href"] for each in page.find("a", aria_label="Remove: Status is In progress")]
    assert without == f"{URL}?provider=none&sort=oldest"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_the_list_asks_the_database_as_often_for_a_hundred_as_for_ten(client, session, service, role):
    sign_in(client, role)
    provider = make_provider()
    store(*(new_request(service, assigned_provider_id=provider.id) for _ in range(10)))
    # What the tabs show is read once, and again when it was changed.
    with transaction():
        session.add(SavedView(owner_id=provider.id, name="Late", query="overdue=1"))
    client.get(URL)
    # Who asks, the rows.
    assert count_queries(client, f"{URL}?view=all") == 2
    store(*(new_request(service, assigned_provider_id=provider.id) for _ in range(90)))
    assert count_queries(client, f"{URL}?view=all") == 2


def test_filters_offer_who_and_what_there_is_at_this_moment(client, staff, service):
    def offered():
        page = client.get(URL).text
        return {
            name for name in ("GST registration", "Zoya Khan", "Zoya Mehta", "AUTUMN") if f">{name}</option>" in page
        }

    assert offered() == {"GST registration"}
    provider = make_provider(name="Zoya Khan")
    assert offered() == {"GST registration", "Zoya Khan"}
    affiliate = make_user(Role.AFFILIATE)
    with transaction() as session:
        session.get_one(User, provider.id).name = "Zoya Mehta"
        session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == affiliate.id)).one().code = "AUTUMN"
    assert offered() == {"GST registration", "Zoya Mehta", "AUTUMN"}
    with transaction() as session:
        session.execute(update(User).where(User.id == provider.id).values(role=Role.VIEWER))
        session.execute(update(Service).values(name="Something else"))
    assert offered() == {"AUTUMN"}


NAMES = "service category status payment from to provider overdue gateway affiliate sort page after before view".split()
ODD = [
    "-1",
    "0",
    "99999999999999999999",
    "zzz",
    "\x00",
    "9999-12-31",
    "0001-01-01",
    "[]",
    "=1+1",
    "' OR 1=1 --",
    "%",
    "😀",
]


@pytest.mark.parametrize("value", ODD)
def test_odd_input_is_left_out_and_never_breaks_the_page(client, staff, service, value):
    row = add_request(service)
    for name in NAMES:
        listed(client, **{name: value})
    assert listed(client, status=value, **{"from": value, "to": value, "after": value}) == [row.reference_number]
    listed(client, q=value)


@pytest.mark.sqlite
@given(mark=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_a_made_up_page_mark_shows_the_first_page(client, kept, mark):
    assert client.get(URL, query_string={"after": mark}).status_code == 200


def test_news_counts_what_was_paid_since(client, staff, service):
    before = clock.isoformat(clock.utc_now())
    assert client.get(f"{URL}news", query_string={"since": before}).json == {"count": 0}
    make_request(service)
    make_request(service, is_paid=False)
    assert client.get(f"{URL}news", query_string={"since": before}).json == {"count": 1}
    for odd in ("", "zzz", "2026-01-01"):
        assert client.get(f"{URL}news", query_string={"since": odd}).json == {"count": 0}


def test_an_empty_list_says_what_to_do(client, staff):
    assert "every paid request is finished" in Page(client.get(URL).text).words
    assert "Remove all filters" in Page(client.get(f"{URL}?q=nobody@example.org").text).words


def test_a_search_that_finds_nothing_says_how_to_search(client, staff):
    assert "typing mistake" in Page(client.get("/admin/requests/?q=SR-0000-0000-0001").text).words
    for text in ("SR-0000-0000-0000", "Kav Iy"):
        words = Page(client.get("/admin/requests/", query_string={"q": text}).text).words
        assert "whole words" in words
        assert "typing mistake" not in words


def test_of_a_cancelled_request_nothing_is_promised_or_offered(client, staff, service):
    over = add_request(service, status=RequestStatus.CANCELLED, due_at=clock.utc_now() + timedelta(hours=5))
    row = Page(client.get(f"{URL}?view=all").text)
    assert row.find("button", data_edit="status") == []
    page = Page(client.get(f"{URL}{over.id}").text)
    assert page.find("section", id="actions") == []
    assert "First contact –" in page.words
    late = add_request(service, due_at=clock.utc_now() - timedelta(hours=5))
    assert "First contact 5 h late In charge" in Page(client.get(f"{URL}{late.id}").text).words
    add_request(service, status=RequestStatus.COMPLETED)
    assert len(Page(client.get(f"{URL}?view=all").text).find("button", data_edit="status")) == 2


def test_what_customers_wrote_is_text_and_nothing_else(client, staff, service):
    row = add_request(service, customer_name="<script>alert(1)</script>", service_name="<img src=x onerror=y>")
    for address in (f"{URL}?view=all", f"{URL}{row.id}"):
        text = client.get(address).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
