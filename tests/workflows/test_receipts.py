"""The receipt: whatever a customer is called, it is printed, and the same each time."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit import clock
from app.models import Payment, ServiceRequest
from app.workflows.receipts import Seller, receipt_pdf

SELLER = Seller("Counterfoil", "support@example.com")


def sold(**changes: Any) -> tuple[ServiceRequest, Payment]:
    now = clock.utc_now()
    service_request = ServiceRequest(
        reference_number="SR-7K3M-9QXW-2HTB",
        service_name="GST registration",
        tier_name="Express",
        customer_name="Asha Rao",
        customer_email="asha@example.org",
        customer_phone="+917000012345",
    )
    payment = Payment(
        gateway="sandbox",
        amount_minor=123_456_00,
        refunded_minor=0,
        currency="INR",
        gateway_payment_id="sbp_1",
        bank_reference=None,
        completed_at=now,
        created_at=now,
    )
    for name, value in changes.items():
        setattr(payment if hasattr(Payment, name) else service_request, name, value)
    return service_request, payment


def print_receipt(**changes: Any) -> bytes:
    service_request, payment = sold(**changes)
    return receipt_pdf(service_request, payment, seller=SELLER, locale="en_IN", zone=ZoneInfo("Asia/Kolkata"))


@settings(max_examples=25)  # the whole fonts are slow to load
@given(name=st.text(min_size=1, max_size=200), tier=st.none() | st.text(min_size=1, max_size=100))
def test_any_name_is_printed(name: str, tier: str | None) -> None:
    assert print_receipt(customer_name=name.encode("utf-8", "ignore").decode(), tier_name=tier).startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["आशा राव", "முருகன்", "محمد علي", "李小龙", "Zoë 😀 Çelik", "W" * 200, "a b " * 50])
def test_scripts_that_our_fonts_lack_do_not_stop_it(name: str) -> None:
    receipt = print_receipt(customer_name=name)
    assert receipt.startswith(b"%PDF-")
    assert receipt.count(b"/Type /Page\n") == 1


@pytest.mark.parametrize("name", [") Tj /AA << /S /JavaScript /JS (x) >>", "[pay](https://evil.example)", "<b>x</b>"])
def test_what_a_customer_writes_is_text_and_nothing_to_run_or_follow(name: str) -> None:
    receipt = print_receipt(customer_name=name, tier_name=name)
    assert not any(word in receipt for word in (b"/JavaScript", b"/JS", b"/URI", b"/Launch"))


@pytest.mark.parametrize("currency", ["INR", "JPY", "KWD", "EUR", "USD"])
def test_any_currency_is_printed(currency: str) -> None:
    assert print_receipt(currency=currency).startswith(b"%PDF-")


def test_the_same_payment_gives_the_same_bytes() -> None:
    moment = clock.utc_now()
    receipts = {print_receipt(completed_at=moment, created_at=moment) for _ in range(2)}
    assert len(receipts) == 1


def test_a_refund_and_an_erased_customer_are_printed() -> None:
    assert print_receipt(refunded_minor=100_00, customer_phone="erased", bank_reference="UTR123").startswith(b"%PDF-")


def test_nobodys_name_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    print_receipt(customer_name="李小龙")
    assert "李" not in caplog.text
