"""Paying on our own page: what the gateways' scripts need of our content policy, and what they bring back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.gateways.base import PageScript, PaymentIntent, SnapshotStatus
from app.kit.money import Money
from tests.gateways.wishes import to_pay
from tests.simulator import Simulator
from tests.simulator.interception import intercept

SHOP = "https://shop.example.com/pay"
RUPEES = Money(499_900, "INR")
NONCE = "a-nonce"

STRIPE = """
const stripe = Stripe(told.publishable_key);
const elements = stripe.elements({clientSecret: told.client_secret});
elements.create("payment").mount("#place");
document.querySelector("#pay").addEventListener("click", async () => {
  const confirmParams = {return_url: location.href};
  const result = await stripe.confirmPayment({elements, confirmParams, redirect: "if_required"});
  document.querySelector("#end").textContent = result.error ? result.error.code : result.paymentIntent.status;
});
"""
RAZORPAY = """
document.querySelector("#pay").addEventListener("click", () => {
  const handler = (back) => { document.querySelector("#end").textContent = JSON.stringify(back); };
  const checkout = new Razorpay({...told, handler});
  checkout.on("payment.failed", (event) => { document.querySelector("#end").textContent = event.error.reason; });
  checkout.open();
});
"""


def open_shop(browser: Any, simulator: Simulator, script: PageScript, intent: PaymentIntent, code: str) -> Any:
    """A page with the policy that the gateway asks for and no more, where every breach is an error."""
    context = browser.new_context()
    intercept(context, simulator)
    sources = {"default-src": ("'none'",), **script.sources}
    sources["script-src"] = (*sources["script-src"], f"'nonce-{NONCE}'")
    policy = "; ".join(f"{name} {' '.join(listed)}" for name, listed in sources.items())
    body = (
        f'<!doctype html><title>Pay</title><div id="place"></div><button id="pay">Pay</button><p id="end"></p>'
        f'<script src="{script.url}"></script>'
        f'<script nonce="{NONCE}">const told = {json.dumps(dict(intent.client))};{code}</script>'
    )
    headers = {"Content-Security-Policy": policy}
    context.route(SHOP, lambda route: route.fulfill(body=body, headers=headers, content_type="text/html"))
    page = context.new_page()
    page.on("console", lambda message: pytest.fail(message.text) if "Security Policy" in message.text else None)
    page.goto(SHOP)
    return page


@pytest.fixture
def pay(browser: Any, simulator: Simulator) -> Callable[..., tuple[str, PaymentIntent]]:
    def pay(gateway: str, code: str, act: Callable[[Any], None]) -> tuple[str, PaymentIntent]:
        adapter = simulator.adapter(gateway)
        intent = adapter.create_payment_intent(to_pay(RUPEES))
        page = open_shop(browser, simulator, adapter.page_script(), intent, code)
        act(page)
        page.wait_for_selector("#end:not(:empty)")
        end = page.text_content("#end")
        page.context.close()
        return end, intent

    return pay


@pytest.mark.parametrize(
    ("card", "end", "status"),
    [
        ("4242 4242 4242 4242", "succeeded", SnapshotStatus.PAID),
        ("4000000000000069", "expired_card", SnapshotStatus.FAILED),
    ],
)
def test_stripes_payment_element(simulator, pay, card, end, status):
    def act(page):
        page.fill("[name=simulated-card]", card)
        page.click("#pay")

    told, intent = pay("stripe", STRIPE, act)
    assert told == end
    assert simulator.adapter("stripe").fetch_payment(intent.gateway_intent_id).status is status


def test_razorpays_checkout_brings_back_a_signature_of_ours(simulator, pay):
    def act(page):
        page.click("#pay")
        page.click("text=paid")

    told, intent = pay("razorpay", RAZORPAY, act)
    adapter = simulator.adapter("razorpay")
    assert adapter.verify_return(intent.gateway_intent_id, json.loads(told))
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.PAID


def test_razorpays_checkout_tells_why_it_failed(simulator, pay):
    def act(page):
        page.click("#pay")
        page.click("text=insufficient_funds")

    told, intent = pay("razorpay", RAZORPAY, act)
    assert told == "insufficient_funds"
    assert simulator.adapter("razorpay").fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.FAILED
