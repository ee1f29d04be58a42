"""What an affiliate sees: what they brought, month by month, what they earned by it, and links to share."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import transaction
from app.kit import clock
from app.kit.money import Money
from app.models import AffiliateProfile, Role
from app.workflows import affiliate_figures, affiliate_months, affiliates, payments, payout_reversals, payouts
from app.workflows.audit import actor_of
from app.workflows.terms import terms
from tests.commissions import give_back, ledger, long_ago, make_affiliate, sell
from tests.factories import make_payment, make_service, make_tier, make_user, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def affiliate(client, session):
    """Signed in; ten percent of everything."""
    user = sign_in(client, Role.AFFILIATE)
    return session.scalar(select(AffiliateProfile).where(AffiliateProfile.user_id == user.id))


def click(code, times=1):
    with transaction():
        affiliates.record_clicks([affiliates.Click(code, clock.utc_now())] * times)


def pay(profile):
    """Everything that is due to them."""
    actor = actor_of(make_user(Role.FINANCE))
    due = payouts.due(profile.user_id, "INR", now=clock.utc_now()).amount
    with transaction():
        wish = payouts.Wish(profile.user_id, due, clock.utc_now(), "2026-03-01", "UTR 551")
        return payouts.record(wish, actor=actor)


def words(client, path=""):
    return Page(client.get(f"/affiliate/{path}").text).words


def test_clicks_purchases_and_commission_are_theirs_alone(client, affiliate):
    other = make_affiliate()
    click(affiliate.code, 2)
    click(other.code)
    sell(affiliate, 250_000)
    sell(other, 730_000)
    make_payment(affiliate_code=affiliate.code)
    said = words(client)
    assert "Clicks 2 Purchases 1 Conversion 50.0 % Payable now ₹0.00" in said
    assert "INR ₹250.00 ₹0.00 ₹0.00 ₹250.00 ₹0.00" in said
    for path in ("", "commission", "payouts"):
        assert "730.00" not in words(client, path)


def test_months_have_a_plot_and_the_table_behind_it(client, affiliate):
    months_ago = clock.utc_now() - timedelta(days=62)
    give_back(sell(affiliate, 500_000, at=months_ago), 100_000)
    page = client.get("/affiliate/").text
    assert page.count('role="img"') == 3
    table = Page(page.partition("<tbody>")[2].rpartition("<tbody>")[2]).words
    assert "₹500.00" in table
    assert "-₹100.00" in table or "-₹10" in table
    assert table.count("₹") == 12 * 3


def test_lines_explain_themselves_and_name_no_customer(client, affiliate):
    service = make_service(name="GST registration", price_minor=100_000)
    old = sell(affiliate, service=service, at=long_ago())
    pay(affiliate)
    give_back(old, 25_000)
    young = sell(affiliate, 300_000)
    said = words(client, "commission")
    assert "Sale of GST registration: 10 % of ₹1,000.00 ₹100.00 Paid" in said
    assert "(2026-03-01)" in said
    assert "Refund of ₹250.00: 10 % of what is left stays -₹25.00 Payable" in said
    assert "₹300.00 Payable from" in said
    for payment in (old, young):
        for secret in (payment.service_request.customer_name, payment.service_request.reference_number):
            assert secret not in client.get("/affiliate/commission").text


def test_a_sale_at_no_commission_is_shown_as_a_sum(client, session, affiliate):
    with transaction():
        session.merge(affiliate).rate_basis_points = 0
    sell(affiliate, 100_000)
    assert "Sale of" in words(client, "commission")
    assert "0 % of ₹1,000.00 ₹0.00" in words(client, "commission")


def test_long_ledgers_are_paged(client, affiliate, monkeypatch):
    monkeypatch.setattr(affiliate_months, "PAGE_SIZE", 2)
    for number in range(1, 6):
        sell(affiliate, number * 1_000, at=clock.utc_now() - timedelta(days=10 - number))
    seen, page = [], Page(client.get("/affiliate/commission").text)
    for _ in range(3):
        seen += re.findall(r"10 % of ₹(\d+)\.00", page.words)
        older = [link["href"] for link in page.find("a") if "after=" in link.get("href", "")]
        page = Page(client.get(older[0]).text) if older else page
    assert seen == ["50", "40", "30", "20", "10"]
    assert not older


def test_a_mark_of_somebody_elses_ledger_shows_nothing_of_it(client, affiliate):
    other = make_affiliate()
    sell(other, 730_000)
    sell(affiliate, 10_000)
    said = words(client, f"commission?after={ledger(other)[0].id}")
    assert "₹10.00" in said
    assert "730" not in said


def test_payouts_are_listed_and_those_that_were_taken_back_are_due_again(client, affiliate, monkeypatch):
    monkeypatch.setattr(terms, "least_payouts", {"INR": Money(50_000, "INR")})
    sell(affiliate, 900_000, at=long_ago())
    payout = pay(affiliate)
    said = words(client, "payouts")
    assert "₹900.00 2026-03-01 UTR 551 Paid" in said
    assert "Payouts in INR begin at ₹500.00" in said
    actor = actor_of(make_user(Role.FINANCE))
    with transaction():
        payout_reversals.take_back(payout.id, "The bank sent it back", actor=actor)
    said = words(client, "payouts")
    assert "Taken back: due again" in said
    assert "INR ₹900.00 ₹0.00 ₹0.00 ₹900.00 ₹900.00" in said


def test_links_are_made_of_any_page_without_scripts(client, affiliate):
    service = make_service(name="GST registration", tiers=2)
    make_tier(service, name="Express")
    page = Page(client.get("/affiliate/").text)
    keys = [option["value"] for option in page.find("option")]
    assert keys[0] == "home"
    assert keys[-1] == "track"
    assert f"service-{service.id}" in keys
    for key in keys:
        answer = client.get("/affiliate/", query_string={"page": key}).text
        [copy] = Page(answer).find("button", type="button")
        link = copy["data-copy"]
        assert link.endswith(f"ref={affiliate.code}")
        assert Page(answer).words.count(link) == 1
        assert client.get(link.partition("//")[2].partition("/")[2].join(("/", ""))).status_code == 200


def test_an_unknown_page_makes_the_link_of_the_shop(client, affiliate):
    assert f"/?ref={affiliate.code}" in words(client, "?page=javascript:alert(1)")


def test_a_new_affiliate_is_told_how_to_begin(client, affiliate):
    assert "Share one: the first visit shows up here" in words(client)
    assert "₹0.00" in words(client)
    assert "Share a link" in words(client, "commission")
    assert "Nothing was paid out yet" in words(client, "payouts")


@pytest.mark.parametrize("path", ["", "commission", "payouts"])
@pytest.mark.parametrize("role", [Role.ADMIN, Role.PROVIDER])
def test_the_pages_are_for_affiliates(client, session, role, path):
    sign_in(client, role)
    assert client.get(f"/affiliate/{path}").status_code == 403


def test_who_has_no_code_is_told_whom_to_ask(client, session, affiliate):
    with transaction():
        session.delete(session.merge(affiliate))
    answer = client.get("/affiliate/")
    assert answer.status_code == 404
    assert "no affiliate code yet" in Page(answer.text).words


@pytest.mark.sqlite
@pytest.mark.property(31)
@given(minor=st.integers(1, 500_000), days=st.integers(0, 700), is_paid=st.booleans())
def test_every_purchase_through_a_code_is_in_its_owners_figures(session, minor, days, is_paid):
    """In those of its month, to the minor unit, and in the whole; and in no other month's."""
    profile = session.scalar(select(AffiliateProfile)) or make_affiliate()
    zone, now = ZoneInfo("Asia/Kolkata"), clock.utc_now()
    today, sold_at = now.astimezone(zone).date(), now - timedelta(days=days)
    service = make_service(price_minor=minor)

    def figures():
        months = affiliate_months.months(profile.user_id, today, 12, zone=zone)
        ever = affiliate_figures.traffic([profile.user_id])[profile.user_id].purchases
        return ever, {month.start: (month.purchases, month.of("INR").earned_minor) for month in months}

    ever, before = figures()
    with time_machine.travel(sold_at, tick=False):
        payment = make_payment(service, affiliate_code=profile.code)
        if is_paid:
            with transaction():
                payments.settle(payment.id, snapshot_of(payment))
    month, bought = sold_at.astimezone(zone).date().replace(day=1), int(is_paid)
    if month in before:
        purchases, earned = before[month]
        before[month] = (purchases + bought, earned + bought * Money(minor, "INR").share(1000).minor)
    assert len(before) == 12
    assert figures() == (ever + bought, before)
