"""Affiliates in the console: set up by an administrator, with what they brought and are owed."""

import csv
import io

import pytest
from sqlalchemy import select

from app.db import transaction
from app.kit import clock
from app.models import AffiliateProfile, AuditEntry, Role
from app.workflows import accounts, affiliate_terms, affiliates
from tests.commissions import give_back, ledger, long_ago, make_affiliate, sell
from tests.factories import make_payment, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/affiliates/"


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def filled(client, address, **changes):
    """What the form at this address would send, with these fields changed."""
    page = Page(client.get(address).text)
    values = {
        field["name"]: field.get("value") or ""
        for field in page.find("input")
        if field.get("name") and (field.get("type") != "checkbox" or "checked" in field)
    }
    sent = {name: "on" if value == "y" else value for name, value in values.items()} | changes
    return {name: value for name, value in sent.items() if value is not None}


def create(client, **changes):
    values = {"name": "Anand", "email": "anand@example.com", "code": "ANAND10", "rate": "12.5"} | changes
    return client.post(f"{URL}new/", data=filled(client, f"{URL}new/", **values))


def profile_of(session, code):
    session.rollback()
    return session.scalar(select(AffiliateProfile).where(AffiliateProfile.code == code))


def test_a_new_affiliate_has_an_account_a_code_and_rates(client, session, admin):
    service = make_service()
    answer = create(client, **{f"rates-{service.id}": "20", "password": "correct-horse-battery"})
    assert answer.status_code == 302, Page(answer.text).words
    profile = profile_of(session, "ANAND10")
    assert (profile.user.role, profile.rate_basis_points, profile.is_active) == (Role.AFFILIATE, 1250, True)
    assert affiliate_terms.rates_of(profile.user_id) == {service.id: 2000}
    assert accounts.is_password_right(profile.user, "correct-horse-battery")
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "affiliate.created")).one()
    assert '"code": "ANAND10"' in entry.changes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"code": "two words"}, "letters, digits"),
        ({"code": "x"}, "letters, digits"),
        ({"rate": "101"}, "between 0 and 100"),
        ({"rate": "7,555"}, "between 0 and 100"),
        ({"rate": "-1"}, "between 0 and 100"),
        ({"email": "admin"}, "email address"),
        ({"code": "TAKEN"}, "Anna has this code"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(client, session, admin, changes, told):
    make_affiliate(code="TAKEN", name="Anna")
    answer = create(client, **changes)
    assert told in Page(answer.text).words
    assert session.scalar(select(AffiliateProfile).where(AffiliateProfile.code == "ANAND10")) is None


def test_a_wrong_rate_of_a_service_keeps_what_was_typed(client, session, admin):
    service = make_service(name="Legal notice")
    page = Page(create(client, **{f"rates-{service.id}": "a lot"}).text)
    assert "Legal notice: enter a percentage" in page.words
    assert page.find("input", name=f"rates-{service.id}")[0]["value"] == "a lot"


def test_rates_change_for_sales_to_come_and_the_change_is_on_record(client, session, admin):
    profile = make_affiliate(code="ANAND")
    sold = sell(profile, 100_000)
    address = f"{URL}edit/?id={profile.id}"
    service = sold.service_request.service_id
    assert client.post(address, data=filled(client, address, rate="5", **{f"rates-{service}": "50"})).status_code == 302
    profile = profile_of(session, "ANAND")
    assert [line.amount_minor for line in ledger(profile)] == [10_000]
    sell(profile, 100_000)
    assert [line.amount_minor for line in ledger(profile)] == [10_000, 5_000]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "affiliate.changed")).one()
    assert '"rate": 1000' in entry.changes
    assert client.post(address, data=filled(client, address, **{f"rates-{service}": ""})).status_code == 302
    assert affiliate_terms.rates_of(profile.user_id) == {}


def test_who_comes_second_is_told_and_overwrites_nothing(client, session, admin):
    profile = make_affiliate(code="ANAND")
    address = f"{URL}edit/?id={profile.id}"
    sent = filled(client, address, rate="5")
    with transaction():
        profile_of(session, "ANAND").rate_basis_points = 2_000
    answer = client.post(address, data=sent)
    assert "in the meantime, so nothing was saved" in Page(answer.text).words
    assert profile_of(session, "ANAND").rate_basis_points == 2_000


def test_figures_are_each_ones_own(client, session, admin):
    anand = make_affiliate(code="ANAND", name="Anand")
    make_affiliate(code="MEERA", name="Meera")
    with transaction():
        affiliates.record_clicks([affiliates.Click(code, clock.utc_now()) for code in ("ANAND",) * 8 + ("MEERA",)])
    give_back(sell(anand, 100_000, at=long_ago()), 50_000)
    sell(anand, 30_000, currency="USD")
    make_payment(affiliate_code="ANAND")
    table = client.get(URL).text.partition("<tbody>")[2]
    [first, second] = [Page(f"<tr{part}").words for part in table.split("<tr")[1:]]
    words = first if "ANAND" in first else second
    for part in ("10 %", "8", "2", "25.0 %", "₹100.00", "$30.00", "-₹50.00", "₹50.00"):
        assert part in words
    assert "1 0 0.0 %" in (second if words is first else first)
    page = Page(client.get(f"{URL}details/?id={anand.id}").text)
    assert {"class": "button small", "href": f"/admin/payouts/new?affiliate={anand.user_id}&currency=INR"} in page.find(
        "a"
    )


def test_the_list_is_searched_by_code_name_and_address_and_exported(client, session, admin):
    make_affiliate(code="ANAND10", name="Anand Iyer", email="iyer@example.com")
    make_affiliate(code="MEERA", name="Meera", is_active=False)
    for text in ("anand", "Anand I", "iyer@"):
        assert "Affiliates 1" in Page(client.get(URL, query_string={"q": text}).text).words, text
    assert "Affiliates 1" in Page(client.get(f"{URL}?code=off").text).words
    answer = client.get(f"{URL}export/csv/", buffered=True)
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {line["Code"]: line["Email"] for line in lines}["ANAND10"] == "iyer@example.com"


def test_codes_that_count_for_nobody_are_listed_with_what_they_cost(client, session, admin):
    make_affiliate(code="FRIEND", name="Anand")
    make_affiliate(code="OLD", name="Meera", is_active=False)
    with transaction():
        affiliates.record_clicks([affiliates.Click(code, clock.utc_now()) for code in ("friend", "friend", "<b>x</b>")])
    make_payment(affiliate_code="FREIND")
    make_payment(affiliate_code="OLD")
    answer = client.get(f"{URL}unknown")
    table = answer.text.partition("<tbody>")[2]
    found = [Page(f"<tr{part}").words for part in table.split("<tr")[1:]]
    assert [row.split()[0] for row in found] == ["FREIND", "OLD", "friend", "<b>x</b>"]
    assert "Meera: OLD, off" in found[1]
    assert "Anand: FRIEND" in found[2]
    assert "<b>x</b>" not in answer.text


def test_who_has_only_the_account_is_led_to_the_affiliate(client, session, admin):
    profile = make_affiliate()
    assert client.get(f"{URL}user/{profile.user_id}").location == f"{URL}details/?id={profile.id}"
    assert client.get(f"{URL}user/{make_user().id}").status_code == 404


@pytest.mark.parametrize("role", [Role.FINANCE, Role.OPERATOR, Role.VIEWER])
def test_others_read_and_set_up_nobody(client, session, role):
    profile = make_affiliate(code="ANAND")
    sign_in(client, role)
    assert "New affiliate" not in client.get(URL).text
    assert (
        client.post(f"{URL}new/", data={"name": "x", "email": "x@example.com", "code": "XX", "rate": "100"}).status_code
        == 403
    )
    assert client.post(f"{URL}edit/?id={profile.id}", data={"rate": "100"}).status_code == 403
    assert profile_of(session, "ANAND").rate_basis_points == 1_000


def test_a_closed_account_keeps_its_figures(client, session, admin):
    profile = make_affiliate(code="ANAND")
    sell(profile, at=long_ago())
    with transaction():
        session.merge(profile.user).is_enabled = False
    page = Page(client.get(f"{URL}details/?id={profile.id}").text)
    assert "Closed" in page.words
    assert "₹100.00" in page.words
