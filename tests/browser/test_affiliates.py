"""An affiliate's link from the home page to the payout, in a real browser, with and without scripts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db
from app.models import AffiliateProfile, Payout, Role, ServiceRequest
from app.workflows.terms import terms
from tests.browser.axe import violations
from tests.browser.filling import CUSTOMER, PAY, fill
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.factories import PASSWORD, make_gateway, make_service


@pytest.fixture
def affiliate(session: Any, monkeypatch: pytest.MonkeyPatch) -> AffiliateProfile:
    """Whose sales are payable at once: customers of this shop get no money back."""
    monkeypatch.setattr(terms, "refund_time", timedelta(seconds=-1))
    monkeypatch.setattr(terms, "least_payouts", {})
    return make_affiliate(code="ANAND", name="Anand Iyer")


def enter_as(page: Any, email: str) -> None:
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url(lambda address: "/login" not in address)


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_link_to_the_payout_with_a_part_refunded(
    open_page: Callable[..., Any], enter: Callable[..., Any], affiliate: AffiliateProfile, scripts: bool
) -> None:
    make_gateway()
    make_service(name="GST registration", price_minor=250_000)
    partner = open_page(java_script_enabled=scripts)
    enter_as(partner, affiliate.user.email)
    link = partner.locator("#link .mono").inner_text()

    customer = open_page(java_script_enabled=scripts)
    customer.goto(link.partition("//")[2].partition("/")[2].join(("/", "")))
    customer.click("text=Buy Now")
    if scripts:
        fill(customer)
        customer.wait_for_selector(f"{PAY}:enabled")
    else:
        for name, value in CUSTOMER.items():
            customer.fill(f"#{name}", value)
    customer.click(PAY)
    customer.click("text=Approve")
    customer.wait_for_selector("text=Payment received")

    db.session.rollback()
    request = db.session.scalars(select(ServiceRequest)).one()
    assert request.affiliate_id == affiliate.user_id
    finance = enter(Role.FINANCE, java_script_enabled=scripts)
    finance.on("dialog", lambda dialog: dialog.accept())
    finance.goto(f"/admin/requests/{request.id}")
    finance.click("summary:has-text('Refund')")
    finance.fill("input[name=amount]", "1000")
    finance.click("button:has-text('Refund')")
    finance.wait_for_selector("text=₹150.00")
    finance.goto("/admin/payouts/")
    finance.click("text=Record payouts")
    finance.click("text=Look at the batch")
    finance.click("text=Record 1 payout, ₹150.00")
    finance.wait_for_selector("text=Recorded: 1 payout, ₹150.00 in all.")
    with finance.expect_download() as file:
        finance.click("text=Download for the bank")
    assert "Anand Iyer" in file.value.path().read_text(encoding="utf-8-sig")

    partner.goto("/affiliate/commission")
    words = partner.inner_text("main")
    assert "Sale of GST registration: 10 % of ₹2,500.00" in words
    assert "Refund of ₹1,000.00: 10 % of what is left stays" in words
    assert words.count("Paid ") >= 2
    assert "Kavya" not in words
    partner.goto("/affiliate/payouts")
    assert "₹150.00" in partner.inner_text("main")
    db.session.rollback()
    assert [payout.amount_minor for payout in db.session.scalars(select(Payout))] == [15_000]


def test_a_link_is_copied(open_page: Callable[..., Any], affiliate: AffiliateProfile) -> None:
    service = make_service(name="GST registration")
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    enter_as(page, affiliate.user.email)
    page.select_option("#page", label="GST registration")
    page.click("text=Show the link")
    page.click("text=Copy")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/services/{service.id}?ref=ANAND")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "dark")])
def test_an_affiliates_pages_are_accessible_and_whole(
    open_page: Callable[..., Any], affiliate: AffiliateProfile, width: int, scheme: str
) -> None:
    give_back(sell(affiliate, 500_000, at=long_ago(40)), 100_000)
    sell(affiliate, 900_000, currency="USD")
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    enter_as(page, affiliate.user.email)
    for path in ("", "commission", "payouts"):
        page.goto(f"/affiliate/{path}")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
