"""Tabs and saved views, chosen columns, periods, who is in charge, and neighbours in the list."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admin import request_filters
from app.db import db
from app.models import RequestStatus, Role, SavedView, ServiceRequest
from app.workflows import saved_views
from tests.admin.rows import URL, add_request, listed, new_request, store
from tests.factories import make_provider, make_request, make_user
from tests.pages import Page
from tests.sign_in import sign_in

INDIA = ZoneInfo("Asia/Kolkata")


def save(client, name="Waiting", query="status=pending_contact", **more):
    return client.post(f"{URL}views", data={"name": name, "list": query, **more})


def tabs(client):
    page = Page(client.get(URL).text)
    return {link["data-tab"]: link["href"] for link in page.find("a") if "data-tab" in link}


def own_view():
    return db.session.query(SavedView).one()


# --- saved views


def test_a_saved_view_is_a_tab_that_holds_its_filters(client, staff, service):
    wanted = add_request(service, status=RequestStatus.IN_PROGRESS)
    add_request(service)
    answer = save(client, "Under way", "status=in_progress&after=xyz&evil=1&sort=oldest")
    query = parse_qs(urlsplit(answer.location).query)
    assert query == {"status": ["in_progress"], "sort": ["oldest"], "saved": [str(own_view().id)]}
    assert tabs(client)[str(own_view().id)] == f"{URL}?{urlsplit(answer.location).query}"
    page = Page(client.get(answer.location).text)
    [current] = page.find("a", aria_current="page", data_tab=str(own_view().id))
    assert current
    assert listed(client, **{name: value[0] for name, value in query.items()}) == [wanted.reference_number]


def test_what_a_view_remembers_is_sealed(client, staff, engine_rows):
    save(client, "Kavya", "q=kavya.iyer@example.org")
    assert own_view().query == "q=kavya.iyer%40example.org"
    assert b"kavya" not in engine_rows("SELECT query_sealed FROM saved_views")


@pytest.fixture
def engine_rows(session):
    def read(query):
        return b"".join(bytes(row[0]) for row in db.session.connection().exec_driver_sql(query))

    return read


def test_a_personal_view_is_nobody_elses_and_a_shared_one_is_everybodys(client, session, service):
    sign_in(client, Role.OPERATOR)
    save(client, "Mine alone")
    save(client, "For us all", is_shared="1")
    sign_in(client, Role.VIEWER)
    page = Page(client.get(URL).text)
    assert "For us all" in page.words
    assert "Mine alone" not in page.words


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_who_only_reads_keeps_views_but_shares_none(client, session, role):
    sign_in(client, role)
    assert save(client).status_code == 302
    assert save(client, "Other", is_shared="1").status_code == 403
    assert [view.name for view in db.session.query(SavedView)] == ["Waiting"]


def test_a_view_is_renamed_shared_and_given_new_filters_by_its_owner(client, staff):
    save(client)
    key = own_view().id
    client.post(f"{URL}views/{key}", data={"name": "Renamed", "list": "status=completed", "is_shared": "1"})
    db.session.expire_all()
    assert (own_view().name, own_view().query, own_view().is_shared) == ("Renamed", "status=pending_contact", True)
    client.post(f"{URL}views/{key}", data={"name": "Renamed", "list": "status=completed", "filters": "1"})
    db.session.expire_all()
    assert (own_view().query, own_view().is_shared) == ("status=completed", False)


def test_nobody_changes_or_deletes_somebody_elses_view_but_an_administrator_a_shared_one(client, session):
    sign_in(client, Role.OPERATOR)
    save(client, "Shared", is_shared="1")
    save(client, "Own")
    shared, own = (db.session.query(SavedView).filter_by(name=name).one().id for name in ("Shared", "Own"))
    sign_in(client, Role.FINANCE)
    assert client.post(f"{URL}views/{shared}/delete").status_code == 403
    assert client.post(f"{URL}views/{own}/delete").status_code == 404
    assert client.post(f"{URL}views/{shared}", data={"name": "X"}).status_code == 403
    sign_in(client, Role.ADMIN)
    assert client.post(f"{URL}views/{own}/delete").status_code == 404
    assert client.post(f"{URL}views/{shared}/delete").status_code == 302
    assert [view.name for view in db.session.query(SavedView)] == ["Own"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "WAITING"])
def test_a_bad_or_taken_name_is_refused_with_words(client, staff, name):
    save(client)
    answer = save(client, name)
    assert answer.status_code == 422
    assert "name" in Page(answer.text).words
    assert len(db.session.query(SavedView).all()) == 1


def test_views_are_limited(client, staff, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_OWN", 2)
    assert [save(client, str(number)).status_code for number in range(3)] == [302, 302, 422]


def test_the_same_name_twice_at_once_is_refused_not_broken(client, staff, monkeypatch):
    save(client)
    # Both looked before either had written.
    monkeypatch.setattr(saved_views, "views_of", lambda user: [])
    assert save(client).status_code == 422


@pytest.mark.sqlite
@given(text=st.text(max_size=200))
def test_what_is_kept_of_an_address_means_the_same_and_is_kept_as_it_is(text):
    once = request_filters.kept(text)
    assert request_filters.kept(once) == once
    assert set(parse_qs(once)) <= set(request_filters.NAMES)


# --- counts


def test_each_tab_says_how_many_requests_it_holds(client, staff, service):
    store(*(new_request(service) for _ in range(3)))
    add_request(service, status=RequestStatus.IN_PROGRESS)
    make_request(service, is_paid=False)
    save(client)
    counts = client.get(f"{URL}counts").json["counts"]
    assert counts == {
        "todo": "4",
        "mine": "0",
        "unassigned": "4",
        "overdue": "0",
        "unpaid": "1",
        "all": "5",
        str(own_view().id): "3",
    }


def test_counts_stop_where_they_stop_mattering(client, staff, service, monkeypatch):
    monkeypatch.setattr("app.admin.request_views._COUNT_CAP", 2)
    store(*(new_request(service) for _ in range(3)))
    assert client.get(f"{URL}counts").json["counts"]["todo"] == "2+"


def test_a_tabs_count_is_what_its_list_shows(client, staff, service):
    provider = make_provider()
    store(*(new_request(service, assigned_provider_id=provider.id) for _ in range(2)))
    store(*(new_request(service, due_at=datetime(2026, 3, 2, tzinfo=UTC)) for _ in range(3)))
    make_request(service, is_paid=False)
    counts = client.get(f"{URL}counts").json["counts"]
    for view in request_filters.VIEWS:
        assert counts[view.name] == str(len(listed(client, view=view.name)))


# --- in charge


def in_charge(row):
    db.session.expire_all()
    return db.session.get(ServiceRequest, row.id).operator_id


def version(row):
    db.session.expire_all()
    return db.session.get(ServiceRequest, row.id).version


def test_whoever_first_works_on_a_request_looks_after_it(client, session, service):
    row = add_request(service)
    first = sign_in(client, Role.OPERATOR)
    client.post(f"{URL}{row.id}/notes", data={"note": "Called.", "version": row.version})
    assert in_charge(row) == first.id
    assert listed(client, view="mine") == [row.reference_number]
    second = sign_in(client, Role.ADMIN)
    client.post(f"{URL}{row.id}/notes", data={"note": "Called too.", "version": version(row)})
    assert in_charge(row) == first.id
    assert listed(client, view="mine") == []
    client.post(f"{URL}{row.id}/operator", data={"operator": "me", "version": version(row)})
    assert in_charge(row) == second.id
    client.post(f"{URL}{row.id}/operator", data={"operator": "none", "version": version(row)})
    assert in_charge(row) is None


def test_only_those_who_work_on_requests_are_put_in_charge(client, staff, service):
    row = add_request(service)
    viewer = make_user(Role.VIEWER)
    answer = client.post(f"{URL}{row.id}/operator", data={"operator": str(viewer.id), "version": row.version})
    assert answer.status_code == 409
    assert in_charge(row) is None


def test_an_old_picture_puts_nobody_in_charge(client, staff, service):
    row = add_request(service)
    seen = row.version
    client.post(f"{URL}{row.id}/status", data={"status": "in_progress", "version": seen})
    answer = client.post(f"{URL}{row.id}/operator", data={"operator": "none", "version": seen})
    assert answer.status_code == 412


def test_requests_are_filtered_by_who_is_in_charge(client, staff, service):
    mine, free = add_request(service, operator_id=staff.id), add_request(service)
    assert listed(client, operator="me") == listed(client, operator=str(staff.id)) == [mine.reference_number]
    assert listed(client, operator="none") == [free.reference_number]


# --- neighbours


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_one_walks_from_request_to_request_as_the_list_has_them(client, staff, service, sort):
    instant = datetime(2026, 3, 1, tzinfo=UTC)
    store(*(new_request(service, created_at=instant.replace(day=1 + n // 2)) for n in range(6)))
    make_request(service, is_paid=False)
    page = Page(client.get(f"{URL}?sort={sort}").text)
    keys = [box["value"] for box in page.find("input", name="rowid")]
    for position, key in enumerate(keys):
        shown = Page(client.get(f"{URL}{key}?sort={sort}").text)
        around = {
            link["rel"]: urlsplit(link["href"]).path.removeprefix(URL) for link in shown.find("a") if "rel" in link
        }
        assert around.get("prev") == (keys[position - 1] if position else None)
        assert around.get("next") == (keys[position + 1] if position + 1 < len(keys) else None)


def test_a_request_that_left_the_list_still_has_neighbours_there(client, staff, service):
    older, here, newer = (add_request(service, created_at=datetime(2026, 3, day, tzinfo=UTC)) for day in (1, 2, 3))
    answer = client.post(
        f"{URL}{here.id}/provider",
        data={"provider": str(make_provider().id), "version": here.version, "list": "view=unassigned"},
    )
    assert answer.location == f"{URL}{here.id}?view=unassigned"
    links = {link["rel"]: link["href"] for link in Page(client.get(answer.location).text).find("a") if "rel" in link}
    assert links["prev"] == f"{URL}{newer.id}?view=unassigned"
    assert links["next"] == f"{URL}{older.id}?view=unassigned"


def test_opened_from_nowhere_a_request_has_no_neighbours(client, staff, service):
    row = add_request(service)
    assert not [link for link in Page(client.get(f"{URL}{row.id}").text).find("a") if "rel" in link]


# --- the preview


def test_the_preview_says_who_what_and_what_happened_lately(client, staff, service):
    row = add_request(service, customer_requirements="Call after <b>four</b>.")
    client.post(f"{URL}{row.id}/notes", data={"note": "Called twice.", "version": row.version})
    answer = client.get(f"{URL}{row.id}/preview")
    words = Page(answer.text).words
    for part in (
        row.reference_number,
        "Kavya Iyer",
        "kavya.iyer@example.org",
        "Call after <b>four</b>.",
        "Called twice.",
    ):
        assert part in words
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{URL}{make_user(Role.VIEWER).id}/preview").status_code == 404
