"""Refunds to audit log in a real browser: accessible, and whole on a phone."""

from sqlalchemy import select

from app.models import AuditEntry, CommissionEntry, Dispute, Payout, Refund, Role
from tests.admin.many import grow
from tests.browser.axe import violations
from tests.commissions import long_ago, make_affiliate, sell

PAGES = (
    "commissions/",
    "payouts/",
    "payouts/new",
    "payouts/batch?currency=INR",
    "affiliates/unknown",
    "flags/purchase",
)


def check(page, addresses):
    for address in addresses:
        page.goto(f"/admin/{address}")
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"


def details(session):
    """The page of one row of each list."""
    profile = make_affiliate()
    sell(profile, at=long_ago())
    grow(3)
    keys = {
        "refunds": session.scalar(select(Refund.id)),
        "disputes": session.scalar(select(Dispute.id)),
        "commissions": session.scalar(select(CommissionEntry.id)),
        "payouts": session.scalar(select(Payout.id)),
        "audit": session.scalar(select(AuditEntry.id)),
        "affiliates": profile.id,
    }
    edit = f"affiliates/edit/?id={profile.id}"
    pay = f"payouts/new?affiliate={profile.user_id}&currency=INR"
    return [*(f"{name}/details/?id={key}" for name, key in keys.items()), edit, pay]


def test_pages_with_rows_are_accessible_and_whole(enter, session):
    addresses = [*PAGES, *details(session)]
    page = enter(Role.ADMIN, viewport={"width": 360, "height": 900}, color_scheme="dark", bypass_csp=True)
    check(page, addresses)
