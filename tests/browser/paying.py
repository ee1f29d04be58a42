"""Buying through a real gateway, as its simulator plays it, up to the payment."""

from typing import Any

from sqlalchemy import select

from app.db import db
from app.models import Payment, PaymentStatus
from tests.browser.filling import CUSTOMER, PAY, fill
from tests.factories import make_gateway, make_service
from tests.simulator import Simulator

GATEWAYS = ("stripe", "razorpay", "paypal")
PRICE = 249_900


def set_up(simulator: Simulator, *names: str) -> None:
    for name in names:
        config = simulator.config(name)
        make_gateway(
            name,
            is_default=name == names[0],
            api_key=config.api_key,
            api_secret=config.api_secret,
            webhook_secret=config.webhook_secrets[0],
            api_base=config.api_base,
            options=dict(config.options),
        )


def fill_in(page: Any, *, has_scripts: bool = True, query: str = "") -> None:
    """All of the checkout page, up to the button that pays."""
    service = make_service(name="GST registration", price_minor=PRICE, currency="USD")
    page.goto(f"/services/{service.id}{query}")
    if has_scripts:
        fill(page)
        page.wait_for_selector(f"{PAY}:enabled")
    else:
        for name, value in CUSTOMER.items():
            page.fill(f"#{name}", value)


def order(page: Any, *, has_scripts: bool = True, query: str = "") -> None:
    """From the checkout page to the gateway's."""
    fill_in(page, has_scripts=has_scripts, query=query)
    page.click(PAY)
    if page.locator("[data-handover]").count() and not has_scripts:
        page.click("text=Go on and pay")
    page.wait_for_selector("text=(simulated)")


def pay(page: Any, outcome: str | None = None) -> None:
    """Choose the outcome, or the one that stands first, and come back."""
    page.locator("button[name=outcome]", has_text=outcome).first.click()
    page.wait_for_selector("text=/Return to the shop|Payment received/")
    if page.locator("text=Return to the shop").count():
        page.click("text=Return to the shop")
    page.wait_for_selector("text=Payment received")


def statuses() -> list[PaymentStatus]:
    db.session.rollback()
    return list(db.session.scalars(select(Payment.status).order_by(Payment.created_at, Payment.id)))
