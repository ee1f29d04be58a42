"""The receipt: whatever a customer is called, it is printed, and the same each time."""

import io
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

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


def read(receipt: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(receipt), strict=True)


def test_it_says_who_bought_what_for_how_much_and_how() -> None:
    lines = read(print_receipt(refunded_minor=100_00, bank_reference="UTR123")).pages[0].extract_text().splitlines()
    said = [line for line in lines if not line.startswith("Date")]
    assert said == [
        "Counterfoil",
        "Receipt",
        "SR-7K3M-9QXW-2HTB",
        "Bought by",
        "Name Asha Rao",
        "Email asha@example.org",
        "Phone +91 70000 12345",
        "Bought",
        "Service GST registration",
        "Option Express",
        "Amount paid ₹1,23,456.00",
        "Refunded ₹100.00",
        "Remaining ₹1,23,356.00",
        "Paid",
        "Through Sandbox (test payments)",
        "Payment number sbp_1",
        "Bank reference UTR123",
        "Questions? Write to support@example.com and name the reference above.",
    ]


@settings(max_examples=25)
@given(name=st.text(min_size=1, max_size=200), tier=st.none() | st.text(min_size=1, max_size=100))
def test_any_name_is_printed(name: str, tier: str | None) -> None:
    assert len(read(print_receipt(customer_name=name, tier_name=tier)).pages) == 1


@pytest.mark.parametrize("name", ["आशा राव", "முருகன்", "محمد علي", "李小龙", "Zoë 😀 Çelik", "W" * 200, "a b " * 50])
def test_whatever_the_script_it_is_one_small_page(name: str) -> None:
    receipt = print_receipt(customer_name=name)
    assert len(read(receipt).pages) == 1
    # As an attachment it grows by a third.
    assert len(receipt) < 45_000


def test_what_does_not_fit_on_a_page_goes_on_on_the_next() -> None:
    pages = read(print_receipt(customer_name="W" * 2000)).pages
    assert len(pages) == 2
    assert sum(page.extract_text().count("W") for page in pages) >= 2000
    assert "Payment number" in pages[1].extract_text()


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
