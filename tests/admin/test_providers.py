"""Providers in the console: found by what they can do and how much of it, changed in the list, their page."""

import json

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import AuditEntry, Availability, Category, ProviderProfile, ProviderSkill, RequestStatus, Role
from tests.admin.rows import add_request, count_queries
from tests.factories import make_provider, make_service
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/providers/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def profile(session, user):
    session.rollback()
    query = select(ProviderProfile).where(ProviderProfile.user_id == user.id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def put(client, row, name, value, *, seen):
    return client.post(f"{URL}{row.id}/cell/{name}", json={"value": value, "seen": seen}, headers=JSON)


def names(client, **arguments):
    page = Page(client.get(URL, query_string=arguments).text)
    return {link["href"].partition("id=")[2] for link in page.find("a") if "/details/?id=" in link["href"]}


def keys(session, *users):
    return {str(profile(session, user).id) for user in users}


def test_capacity_changes_in_the_list_and_is_on_record(client, session, admin):
    row = profile(session, make_provider(capacity=5))
    assert put(client, row, "capacity", "8", seen="5").status_code == 200
    assert put(client, row, "capacity", "9", seen="5").status_code == 412
    for odd in ("", "-1", "1.5", "many", "10001", "9" * 400):
        assert put(client, row, "capacity", odd, seen="8").status_code == 422
    assert session.get_one(ProviderProfile, row.id, populate_existing=True).capacity == 8
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "provider.changed")).one()
    assert json.loads(entry.changes) == {"before": {"capacity": 5}, "after": {"capacity": 8}}


def test_one_press_sends_a_provider_away_and_another_calls_them_back(client, session, admin):
    user = make_provider()
    row = profile(session, user)
    answer = put(client, row, "availability", "away", seen="available")
    assert "Away" in answer.json["cell"]
    assert profile(session, user).availability is Availability.AWAY
    assert put(client, row, "availability", "asleep", seen="away").status_code == 422
    assert put(client, row, "availability", "available", seen="away").status_code == 200


def test_work_given_meanwhile_makes_no_change_stale(client, session, admin):
    user = make_provider(capacity=5)
    with transaction():
        profile(session, user).open_work = 3
    assert put(client, profile(session, user), "capacity", "6", seen="5").status_code == 200


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_those_who_only_read_change_nothing(client, session, role):
    row = profile(session, make_provider(capacity=5))
    sign_in(client, role)
    assert put(client, row, "capacity", "8", seen="5").status_code == 403
    for address in (URL, f"{URL}details/?id={row.id}"):
        text = client.get(address).text
        assert "data-inline" not in text
        assert "data-press" not in text
    assert "Edit" not in client.get(f"{URL}details/?id={row.id}").text


def test_load_is_told_in_words_and_as_a_bar(client, session, admin):
    for work, capacity in ((7, 10), (5, 5), (6, 5), (0, 0)):
        make_provider(open_work=work, capacity=capacity)
    page = Page(client.get(URL).text)
    for words in ("room for 3", "full", "1 too many"):
        assert words in page.words
    assert sorted((bar["value"], bar["max"]) for bar in page.find("progress")) == [
        ("0", "1"),
        ("5", "5"),
        ("5", "5"),
        ("7", "10"),
    ]


def test_they_are_found_by_what_they_can_do(client, session, admin):
    service, other = make_service(category=Category.CA), make_service(category=Category.LEGAL)
    by_category = make_provider(categories=(Category.CA,))
    by_service = make_provider(categories=())
    with transaction():
        profile(session, by_service).skills = [ProviderSkill(service_id=service.id)]
    lawyer = make_provider(categories=(Category.LEGAL,))
    assert names(client, skill=str(service.id)) == keys(session, by_category, by_service)
    assert names(client, skill=str(other.id)) == keys(session, lawyer)
    assert names(client, category="ca") == keys(session, by_category)
    assert names(client, category="zzz") == names(client, skill="zzz") == names(client)


def test_they_are_found_by_load_availability_account_and_name(client, session, admin):
    free = make_provider(name="Priya Raman", email="priya@example.org", capacity=5)
    nearly = make_provider(name="Arvind Rao", open_work=4, capacity=5)
    full = make_provider(name="Meera Shah", open_work=5, capacity=5, availability=Availability.AWAY)
    over = make_provider(name="Rohan Das", open_work=6, capacity=5)
    nothing = make_provider(name="Nobody", capacity=0)
    with transaction():
        profile(session, over).user.is_enabled = False
    assert names(client, load="free") == keys(session, free, nearly)
    assert names(client, load="idle") == keys(session, free, nothing)
    assert names(client, load="nearly") == keys(session, nearly)
    assert names(client, load="full") == keys(session, full, over, nothing)
    assert names(client, load="over") == keys(session, over)
    assert names(client, availability="away") == keys(session, full)
    assert names(client, account="off") == keys(session, over)
    assert names(client, q="raman") == names(client, q="PRIYA@") == keys(session, free)
    assert names(client, q="%") == set()
    assert names(client, q="ra", load="nearly") == keys(session, nearly)


def test_their_page_has_what_they_do_and_did_and_who_changed_them(client, session, admin):
    user = make_provider(name="Priya Raman", open_work=1)
    service = make_service(name="GST registration")
    open_ = add_request(service, assigned_provider_id=user.id)
    done = add_request(service, assigned_provider_id=user.id, status=RequestStatus.COMPLETED)
    other = add_request(service)
    row = profile(session, user)
    put(client, row, "capacity", "8", seen=str(row.capacity))
    answer = client.get(f"{URL}details/?id={row.id}")
    page = Page(answer.text)
    opened, _, rest = page.words.partition("Finished lately")
    assert open_.reference_number in opened
    assert done.reference_number in rest
    assert other.reference_number not in page.words
    assert page.find("a", href=f"/admin/requests/?provider={user.id}")
    assert "Provider: changed" in rest
    assert admin.name in rest
    assert "capacity: 10 → 8" in rest


def test_a_closed_account_with_open_work_is_pointed_out(client, session, admin):
    user = make_provider(open_work=2, categories=())
    row = profile(session, user)
    assert "No skill is set" in client.get(f"{URL}details/?id={row.id}").text
    with transaction():
        profile(session, user).user.is_enabled = False
    words = Page(client.get(f"{URL}details/?id={row.id}").text).words
    assert "The account is closed, and 2 open requests wait all the same." in words


def test_the_list_and_the_page_ask_as_much_however_much_there_is(client, session, admin):
    service, user = make_service(), make_provider()
    address = f"{URL}details/?id={profile(session, user).id}"
    add_request(service, assigned_provider_id=user.id)
    few = count_queries(client, URL), count_queries(client, address)
    for _ in range(8):
        make_provider()
        add_request(service, assigned_provider_id=user.id)
    assert (count_queries(client, URL), count_queries(client, address)) == few
