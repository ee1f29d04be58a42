"""Paying on the real gateways' own pages, as their simulator plays them, with and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import GatewayConfig, PaymentStatus
from tests.browser.axe import violations
from tests.browser.filling import PAY, fill
from tests.browser.paying import GATEWAYS, order, pay, set_up, statuses
from tests.factories import make_service
from tests.simulator import Simulator
from tests.simulator.interception import intercept


@pytest.mark.parametrize("has_scripts", [True, False])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_purchase_on_the_gateways_own_page(
    open_page: Callable[..., Any], session: Any, simulator: Simulator, gateway: str, has_scripts: bool
) -> None:
    set_up(simulator, gateway)
    page = open_page(java_script_enabled=has_scripts)
    order(page, has_scripts=has_scripts)
    pay(page)
    assert statuses() == [PaymentStatus.COMPLETED]


def test_what_one_gateway_declines_another_may_take(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up(simulator, "razorpay", "stripe")
    page = open_page()
    order(page, has_scripts=True)
    page.locator("button[name=outcome]", has_text="declined").first.click()
    page.wait_for_selector("text=The payment did not go through")
    page.click("text=with Stripe")
    page.wait_for_selector("text=(simulated)")
    pay(page)
    assert statuses() == [PaymentStatus.FAILED, PaymentStatus.COMPLETED]


# --- on our own page, with the gateway's script


def set_up_on_our_page(simulator: Simulator, gateway: str) -> None:
    set_up(simulator, gateway)
    with transaction():
        config = db.session.scalars(select(GatewayConfig)).one()
        config.options = config.options | {"pays_on": "shop"}


def order_here(open_page: Callable[..., Any], simulator: Simulator, **options: Any) -> Any:
    page = open_page(**options)
    intercept(page, simulator)
    service = make_service(name="GST registration", price_minor=249_900, currency="USD")
    page.goto(f"/services/{service.id}")
    fill(page)
    page.wait_for_selector(f"{PAY}:enabled")
    page.click(PAY)
    page.wait_for_selector("[data-pay-here] button:enabled")
    return page


def test_stripes_form_stands_on_our_page_and_a_declined_card_may_be_followed_by_another(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up_on_our_page(simulator, "stripe")
    page = order_here(open_page, simulator)
    page.fill("[name=simulated-card]", "4000000000009995")
    page.click("[data-pay-here] button")
    page.wait_for_selector("[data-trouble]:visible")
    page.fill("[name=simulated-card]", "4242 4242 4242 4242")
    page.click("[data-pay-here] button")
    page.wait_for_selector("text=Payment received")
    assert statuses() == [PaymentStatus.COMPLETED]


def test_razorpays_checkout_opens_over_our_page(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up_on_our_page(simulator, "razorpay")
    page = order_here(open_page, simulator)
    page.click("[data-pay-here] button")
    page.click("text=insufficient_funds")
    page.wait_for_selector("[data-trouble]:visible")
    page.click("[data-pay-here] button")
    page.click("button:text-is('paid')")
    page.wait_for_selector("text=Payment received")
    assert statuses() == [PaymentStatus.COMPLETED]


def test_a_script_that_cannot_be_loaded_is_said_and_another_way_is_open(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up_on_our_page(simulator, "stripe")
    page = open_page()
    page.route("https://js.stripe.com/**", lambda route: route.abort())
    service = make_service(price_minor=249_900, currency="USD")
    page.goto(f"/services/{service.id}")
    fill(page)
    page.wait_for_selector(f"{PAY}:enabled")
    page.click(PAY)
    page.wait_for_selector("text=You have not been charged")
    page.click("text=Other ways to pay")
    page.wait_for_selector("text=Pay for your request")


def test_without_scripts_the_customer_pays_on_the_gateways_page(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up_on_our_page(simulator, "stripe")
    page = open_page(java_script_enabled=False)
    order(page, has_scripts=False)
    pay(page)
    assert statuses() == [PaymentStatus.COMPLETED]


@pytest.mark.parametrize("width", [1440, 320])
def test_the_pages_on_the_way_to_the_gateway_keep_nobody_out(
    open_page: Callable[..., Any], session: Any, simulator: Simulator, width: int
) -> None:
    set_up_on_our_page(simulator, "stripe")
    page = order_here(open_page, simulator, bypass_csp=True, viewport={"width": width, "height": 800})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("[name=simulated-card]", "4000000000000002")
    page.click("[data-pay-here] button")
    page.wait_for_selector("[data-trouble]:visible")
    assert violations(page) == []


def test_the_page_that_hands_over_keeps_nobody_out(
    open_page: Callable[..., Any], session: Any, simulator: Simulator
) -> None:
    set_up(simulator, "razorpay")
    page = open_page(bypass_csp=True, viewport={"width": 320, "height": 800})
    # It stays, as it does without scripts.
    page.route("**/handover.js*", lambda route: route.abort())
    service = make_service(price_minor=249_900, currency="USD")
    page.goto(f"/services/{service.id}")
    fill(page)
    page.wait_for_selector(f"{PAY}:enabled")
    page.click(PAY)
    page.wait_for_selector("text=Go on and pay")
    assert violations(page) == []
