"""The database goes away and comes back while somebody buys: what they read at each step, and that it is one order."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.models import Payment, PaymentStatus, SandboxPayment, ServiceRequest
from app.sandbox import ledger
from tests.browser.filling import PAY, fill
from tests.browser.test_buying import fill_without_scripts
from tests.servers.wire import Wire

AWAY = "We cannot reach our records right now."
NOT_CHARGED = "You have not been charged."
SAFE = "If you have paid already, your payment is safe"


@pytest.fixture
def wire(service: Any, live_server: Any) -> Iterator[Wire]:
    db.session.remove()
    with Wire(db.engine) as wire:
        yield wire
        live_server.wait_until_idle()
        db.session.remove()


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def ready_to_pay(page: Any, *, has_scripts: bool) -> None:
    page.goto("/")
    page.click("text=Buy Now")
    page.wait_for_url("**/services/*")
    if has_scripts:
        fill(page)
        page.wait_for_selector(f"{PAY}:enabled")
    else:
        fill_without_scripts(page)


def reads(page: Any, *words: str) -> None:
    for each in words:
        page.wait_for_selector(f"text={each}")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_an_order_through_two_outages_is_one_request_and_one_charge(
    open_page: Callable[..., Any], wire: Wire, has_scripts: bool
) -> None:
    page = open_page(java_script_enabled=has_scripts)
    ready_to_pay(page, has_scripts=has_scripts)

    wire.cut()
    page.click(PAY)
    reads(page, AWAY, NOT_CHARGED)
    page.click("button:has-text('Try again')")
    reads(page, AWAY, NOT_CHARGED)

    wire.mend()
    page.click("button:has-text('Try again')")
    page.wait_for_url("**/sandbox/pay/**")

    wire.cut()
    page.click("text=Approve")
    reads(page, AWAY, SAFE)
    assert NOT_CHARGED not in page.inner_text("main")

    wire.mend()
    page.click("button:has-text('Try again')")
    reads(page, "Payment received")
    assert (count(ServiceRequest), count(Payment), count(SandboxPayment)) == (1, 1, 1)
    assert db.session.scalars(select(Payment.status)).one() is PaymentStatus.COMPLETED


def test_who_paid_while_it_was_away_is_told_so_and_sees_it_once_it_is_back(page: Any, wire: Wire) -> None:
    ready_to_pay(page, has_scripts=True)
    page.click(PAY)
    page.wait_for_url("**/sandbox/pay/**")
    page.click("text=Never answer")
    reads(page, "Checking your payment")

    wire.cut()
    page.reload()
    reads(page, AWAY, SAFE, "Do not pay a second time")

    wire.mend()
    with transaction():
        ledger.decide(db.session.scalars(select(SandboxPayment)).one(), "approve")
    page.click("a:has-text('Try again')")
    reads(page, "Payment received")
    assert (count(ServiceRequest), count(Payment)) == (1, 1)
