"""What comes after the button that pays, at each gateway: answers that are lost, news that comes too early, money that
goes back, banks that ask for it. Told by the pages, and in the end by both sides' books.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import select, update

from app import gateways
from app.db import db, transaction
from app.gateways.network.http import Patience, PatientSession
from app.jobs import payments as jobs
from app.jobs import sweep
from app.kit import clock
from app.models import Dispute, PaymentStatus, Refund, RefundStatus, Role, WebhookEvent
from tests.browser.axe import violations
from tests.browser.filling import PAY
from tests.browser.paying import GATEWAYS, PRICE, fill_in, order, pay
from tests.browser.sales import CODE, CREATE, REFUND, Sale, until
from tests.simulator import Fault, Simulator

REFUNDING = "form[action$='/refunds'] button"
BY_THE_FRIEND = f"?ref={CODE}"


@pytest.fixture(params=GATEWAYS)
def sale(request: Any, session: Any, simulator: Simulator, live_server: Any) -> Iterator[Sale]:
    sale = Sale(request.param, simulator, live_server.url)
    yield sale
    sale.wait_for_post()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of silence is enough, and no pause before asking again."""
    monkeypatch.setattr(PatientSession, "patience", Patience(read_seconds=1, sleep=lambda _: None))


def press(page: Any, button: str) -> None:
    """And do not wait for what comes of it."""
    page.evaluate("selector => { setTimeout(() => document.querySelector(selector).click()); }", button)


def ask_refund(page: Any, sale: Sale, amount: str | None = None) -> None:
    """Fill in the form; without `amount` it asks for all that is left."""
    page.goto(sale.address)
    page.click("summary:has-text('Refund…')")
    if amount is not None:
        page.fill("[name=amount]", amount)


# --- money that goes back


def test_refunded_in_two_parts_nothing_is_left(sale: Sale, open_page: Any, enter: Any) -> None:
    sale.post_webhooks()
    customer = open_page()
    order(customer, query=BY_THE_FRIEND)
    pay(customer)
    page = enter(Role.FINANCE)
    ask_refund(page, sale, "999.50")
    page.click(REFUNDING)
    page.wait_for_selector("text=Refunded $999.50. The customer is told by email.")
    ask_refund(page, sale)
    page.click(REFUNDING)
    page.wait_for_selector("text=Refunded $1,499.50.")
    page.wait_for_selector(".account >> text=Nothing is left to refund.")
    page.wait_for_load_state()
    assert page.locator(".account summary").count() == 0
    assert page.locator(".timeline li", has_text="Mail to customer: Refund").count() == 2
    sale.check(refunds=(99_950, 149_950))


def test_pressed_twice_at_once_one_refund_is_made_and_the_second_is_told_why(sale: Sale, enter: Any) -> None:
    sale.buy()
    sale.post_webhooks()
    answers: list[Any] = []
    pages = [enter(Role.FINANCE), enter(Role.FINANCE)]
    for page in pages:
        ask_refund(page, sale, "1000")
        page.on("response", lambda answer: answers.append(answer) if answer.request.method == "POST" else None)
    sale.simulator.faults.plan("POST", REFUND[sale.gateway], Fault.HELD)
    for page in pages:
        press(page, REFUNDING)
    until(lambda: answers, pause=lambda _: pages[0].wait_for_timeout(10))
    (answer,) = answers
    assert answer.status == 412
    second = answer.frame.page
    second.wait_for_selector("text=Another refund was made meanwhile: $1,499.00 can still be refunded.")
    sale.simulator.faults.let_go()
    (first,) = (page for page in pages if page is not second)
    first.wait_for_selector("text=Refunded $1,000.00.")
    sale.check(refunds=(100_000,))


@pytest.mark.parametrize("sale", ["stripe"], indirect=True)
def test_a_double_click_refunds_once_without_scripts_too(sale: Sale, enter: Any) -> None:
    sale.buy()
    page = enter(Role.FINANCE, java_script_enabled=False)
    ask_refund(page, sale, "1000")
    page.dblclick(REFUNDING)
    page.wait_for_selector("text=/Refunded .1,000.00|Another refund was made meanwhile/")
    sale.check(refunds=(100_000,))


# --- a bank that asks for it


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_stands_on_the_page_with_its_deadline_until_it_is_decided(
    sale: Sale, enter: Any, outcome: str
) -> None:
    sale.buy()
    sale.post_webhooks()
    sale.simulator.postman.conduct.copies = 2
    sale.dispute("open")
    sale.wait_for_post()
    due = db.session.scalars(select(Dispute.evidence_due_at)).one()
    page = enter(Role.FINANCE)
    page.goto(sale.address)
    shown = page.inner_text(".account")
    assert f"Answer it at {gateways.find(sale.gateway).label} by {current_app.jinja_env.filters['exact'](due)}" in shown
    assert "Dispute over $2,499.00 Open" in " ".join(shown.split())
    sale.dispute(outcome)
    sale.wait_for_post()
    page.reload()
    shown = page.inner_text(".account")
    assert f"Dispute over $2,499.00 {outcome.capitalize()}" in " ".join(shown.split())
    assert "Answer it" not in shown
    assert ("Refund…" in shown) is (outcome == "won")
    # PayPal takes what was lost as a refund of its own.
    sale.check(refunds=(PRICE,) if (sale.gateway, outcome) == ("paypal", "lost") else (), alerts=2)
    assert sale.payment.refunded_minor == (PRICE if outcome == "lost" else 0)


@pytest.mark.parametrize("sale", ["razorpay"], indirect=True)
@pytest.mark.parametrize("width", [1440, 360])
def test_the_page_with_refunds_and_a_dispute_keeps_nobody_out(sale: Sale, enter: Any, width: int) -> None:
    sale.buy()
    sale.post_webhooks()
    for amount in (99_950, 100_000):
        sale.company.refund(sale.attempt.id, amount)
    sale.dispute("open")
    sale.wait_for_post()
    page = enter(Role.FINANCE, viewport={"width": width, "height": 800}, bypass_csp=True)
    ask_refund(page, sale)
    page.wait_for_selector("text=A refund does not end it: the bank may take $499.50 all the same.")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- news that comes too early


def test_news_of_a_payment_that_overtakes_the_answer_completes_it_once(sale: Sale, open_page: Any) -> None:
    sale.post_webhooks()
    sale.simulator.faults.plan("POST", CREATE[sale.gateway], Fault.HELD)
    page = open_page()
    fill_in(page, query=BY_THE_FRIEND)
    press(page, PAY)
    sale.simulator.faults.wait_until_held()
    assert sale.payment.gateway_intent_id is None
    sale.company.pay(sale.order.id)
    sale.wait_for_post()
    assert sale.payment.status is PaymentStatus.COMPLETED
    sale.simulator.faults.let_go()
    page.wait_for_selector("text=Payment received")
    make_due(WebhookEvent, WebhookEvent.next_attempt_at)
    sweep.retry_webhooks()
    # Of Razorpay's messages only one carries our own id; the others were put before a person and wait for the answer.
    sale.check(alerts={"razorpay": 2}.get(sale.gateway, 0))


# --- answers that are lost


def test_an_answer_lost_after_the_order_was_made_is_asked_for_again(sale: Sale, open_page: Any, quick: None) -> None:
    sale.simulator.faults.plan("POST", CREATE[sale.gateway], Fault.CUT, Fault.HANG_AFTER)
    page = open_page()
    order(page, query=BY_THE_FRIEND)
    pay(page)
    sale.check()


def test_a_customer_told_to_try_again_makes_one_request_and_pays_once(sale: Sale, open_page: Any, quick: None) -> None:
    sale.simulator.faults.plan("POST", CREATE[sale.gateway], Fault.RESET, Fault.HANG, Fault.CUT)
    page = open_page()
    fill_in(page, query=BY_THE_FRIEND)
    page.click(PAY)
    page.wait_for_selector("text=You have not been charged")
    page.wait_for_selector(f"{PAY}:enabled")
    page.click(PAY)
    page.wait_for_selector("text=(simulated)")
    pay(page)
    sale.check()


# What is called when the customer is back from the gateway's page: where money is taken by us, the taking.
CHARGE = {
    "stripe": ("GET", "/stripe/v1/checkout/sessions/"),
    "razorpay": ("POST", "/razorpay/v1/payments/"),
    "paypal": ("POST", "/paypal/v2/checkout/orders/"),
}


def test_an_answer_lost_after_the_money_was_taken_leaves_the_customer_waiting_and_charged_once(
    sale: Sale, open_page: Any, quick: None
) -> None:
    sale.simulator.faults.plan(*CHARGE[sale.gateway], Fault.CUT, Fault.HANG_AFTER, Fault.CUT)
    page = open_page()
    order(page, query=BY_THE_FRIEND)
    pay(page, outcome="authorized" if sale.gateway == "razorpay" else None)
    sale.check()


def test_an_answer_lost_after_the_refund_was_made_is_asked_for_again(sale: Sale, enter: Any, quick: None) -> None:
    sale.buy()
    sale.simulator.faults.plan("POST", REFUND[sale.gateway], Fault.CUT, Fault.HANG_AFTER)
    page = enter(Role.FINANCE)
    ask_refund(page, sale, "1000")
    page.click(REFUNDING)
    page.wait_for_selector("text=Refunded $1,000.00.")
    sale.check(refunds=(100_000,))


def test_a_refund_without_any_answer_is_on_record_and_made_once(sale: Sale, enter: Any, quick: None) -> None:
    sale.buy()
    sale.simulator.faults.plan("POST", REFUND[sale.gateway], Fault.RESET, Fault.HANG, Fault.CUT)
    page = enter(Role.FINANCE)
    ask_refund(page, sale, "1000")
    page.click(REFUNDING)
    page.wait_for_selector("text=The refund of $1,000.00 is on record and is asked for again.")
    page.wait_for_selector(".account >> text=It is asked again by itself, and refunds once.")
    assert "Up to $1,499.00 can be refunded." in page.text_content(".account")
    assert db.session.scalars(select(Refund.status)).all() == [RefundStatus.REQUESTED]
    make_due(Refund, Refund.next_check_at)
    jobs.check_due()
    page.reload()
    page.wait_for_selector(".account >> text=Refunded")
    sale.check(refunds=(100_000,))


def make_due(model: Any, column: Any) -> None:
    """As if the time until the next try had passed."""
    with transaction() as session:
        session.execute(
            update(model).where(column.is_not(None)).values({column: clock.utc_now() - timedelta(seconds=1)})
        )
