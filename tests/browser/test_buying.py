"""A customer's whole way, from the shop window to following the work, with and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import Notification, RequestStatus, SandboxPayment, ServiceRequest
from app.sandbox import ledger
from app.workflows import status
from app.workflows.audit import SYSTEM
from tests.browser.filling import PAY, fill


def order(page: Any, *, has_scripts: bool = True) -> None:
    page.goto("/")
    page.click("text=Buy Now")
    page.wait_for_url("**/services/*")
    if has_scripts:
        fill(page)
        page.wait_for_selector(f"{PAY}:enabled")
    else:
        fill_without_scripts(page)
    page.click(PAY)
    page.wait_for_url("**/sandbox/pay/**")


def fill_without_scripts(page: Any) -> None:
    from tests.browser.filling import CUSTOMER

    for name, value in CUSTOMER.items():
        page.fill(f"#{name}", value)


def bought() -> ServiceRequest:
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest)).one()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_purchase_from_the_shop_window_to_the_tracking_page(
    open_page: Callable[..., Any], service: Any, has_scripts: bool
) -> None:
    page = open_page(java_script_enabled=has_scripts)
    order(page, has_scripts=has_scripts)
    page.click("text=Approve")
    page.wait_for_url("**/confirmation?**")
    page.wait_for_selector("text=Payment received")
    reference = page.inner_text("#reference")
    assert reference == bought().reference_number
    with page.expect_download() as receipt:
        page.click("text=Download the receipt")
    assert receipt.value.suggested_filename == f"receipt-{reference}.pdf"
    page.click("text=Follow this request")
    assert page.inner_text("h1") == "Awaiting first contact"
    with transaction():
        status.change_status(bought(), RequestStatus.IN_PROGRESS, actor=SYSTEM)
    page.reload()
    assert page.inner_text("h1") == "In progress"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_declined_customer_reads_why_and_pays_again(
    open_page: Callable[..., Any], service: Any, has_scripts: bool
) -> None:
    page = open_page(java_script_enabled=has_scripts)
    order(page, has_scripts=has_scripts)
    page.click("text=Not enough money")
    page.wait_for_selector("text=There was not enough money in the account.")
    page.click("text=Pay again ₹1,000.00")
    page.wait_for_url("**/sandbox/pay/**")
    page.click("text=Approve")
    page.wait_for_selector("text=Payment received")
    kinds = db.session.scalars(select(Notification.kind)).all()
    assert sorted(set(kinds)) == ["payment_confirmed", "payment_failed"]


def test_the_form_after_a_decline_is_as_it_was(page: Any, service: Any) -> None:
    order(page)
    page.click("text=Decline")
    page.click("text=Change these details")
    assert page.input_value("#email") == "kavya.iyer@example.org"
    assert page.input_value("#requirements") == "Please call me after 4 pm."
    page.wait_for_selector(f"{PAY}:enabled")


def test_the_page_that_checks_turns_into_the_confirmation_by_itself(page: Any, service: Any) -> None:
    order(page)
    page.click("text=Never answer")
    page.wait_for_selector("h1:has-text('Checking your payment')")
    company = db.session.scalars(select(SandboxPayment)).one()
    with transaction():
        ledger.decide(company, "approve")
    page.wait_for_selector("h1:has-text('Payment received')")
    page.wait_for_selector("h1:focus")
    assert "Payment received" in page.title()


def test_the_page_that_checks_leads_to_another_try_when_the_payment_fails(page: Any, service: Any) -> None:
    order(page)
    page.click("text=Never answer")
    page.wait_for_selector("h1:has-text('Checking your payment')")
    company = db.session.scalars(select(SandboxPayment)).one()
    with transaction():
        ledger.decide(company, "decline")
    page.wait_for_selector("text=Your bank declined the payment.")


def test_the_reference_number_can_be_copied(open_page: Callable[..., Any], service: Any) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    order(page)
    page.click("text=Approve")
    page.wait_for_selector("text=Payment received")
    page.click("text=Copy")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == bought().reference_number
