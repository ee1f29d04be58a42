"""Refunds to audit log in a real browser: accessible, and whole on a phone."""

from sqlalchemy import select

from app.db import transaction
from app.models import (
    AuditEntry,
    CommissionEntry,
    Dispute,
    Notification,
    Payout,
    Refund,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
    WebhookEvent,
)
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
    "looks/",
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


LONG = "Wolfeschlegelsteinhausenbergerdorff Venkataramanachariar of somewhere far away, and of elsewhere"
_LISTS = (
    *("requests", "bulk_changes", "notifications", "payments", "refunds", "disputes", "commissions", "payouts"),
    *("webhook_events", "gateways", "services", "tiers", "providers", "affiliates", "users", "audit", "looks"),
)


def lengthen(session):
    """What people and gateways write, as long as it may get."""
    for user in session.scalars(select(User).where(User.email.like("%-many%"))):
        user.name, user.email = LONG, f"{'long-' * 10}{user.id}@{'very-' * 10}long.example.org"
    for row in [*session.scalars(select(Service)), *session.scalars(select(ServiceTier))]:
        row.name = f"{LONG} {row.id}"[:100]
    for event in session.scalars(select(WebhookEvent)):
        event.event_id = f"sbe_{event.id.hex}_approved_{event.id.hex}"
    for notification in session.scalars(select(Notification)):
        notification.recipient = f"{'long-' * 10}@{'very-' * 10}long.example.org"
    for request in session.scalars(select(ServiceRequest)):
        request.customer_name, request.service_name = LONG, LONG


def test_no_list_gets_wider_than_the_window_by_what_stands_in_it(enter, session):
    grow(3)
    with transaction() as writing:
        lengthen(writing)
    page = enter(Role.ADMIN)
    for name in _LISTS:
        page.goto(f"/admin/{name}/?view=all")
        for width in (1440, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide at {width}"
