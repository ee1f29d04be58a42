"""After paying: confirmation, checking, another try, and who may see any of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import transaction
from app.extensions import links
from app.gateways.base import PaymentFailure, SnapshotStatus
from app.gateways.sandbox import Sandbox
from app.models import PaymentStatus, RequestStatus, SandboxStatus
from app.sandbox import ledger
from app.workflows import payments
from app.workflows.purchase import Customer
from tests.checkout.test_purchase import local
from tests.factories import make_gateway, make_payment, make_request, make_service, make_tier, snapshot_of
from tests.pages import Page, squeeze
from tests.statements import CLOCKWORK, asked
from tests.strategies import customers, names, prices

DECLINED = PaymentFailure("card_declined", "Your bank declined the payment.", "Try another card.")


@pytest.mark.sqlite
@pytest.mark.property(11)
@given(customer=customers(), name=names(), tier=st.none() | names(), price=prices())
def test_a_confirmation_says_so_with_reference_service_and_amount(
    session: Any, client: Any, customer: Customer, name: str, tier: str | None, price: int
) -> None:
    service = make_service(name=name, price_minor=price)
    if tier is not None:
        make_tier(service, name=tier, price_minor=price)
    service_request = make_request(service, customer)
    words = Page(client.get(local(links().confirmation(service_request.reference_number))).text).words
    assert "Payment received" in words
    assert service_request.reference_number in words
    assert squeeze(name) in words
    assert tier is None or squeeze(tier) in words
    assert squeeze(service_request.amount.format()) in words
    assert "What happens next" in words


@pytest.fixture
def payment(session: Any) -> Any:
    return make_payment()


def confirmation_of(payment: Any) -> str:
    return local(links().confirmation(payment.service_request.reference_number))


def settle(payment: Any, status: SnapshotStatus, **changes: Any) -> None:
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, status, **changes))


def decide(payment: Any, outcome: str) -> None:
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), outcome)


def test_a_confirmation_is_one_statement(session: Any, client: Any, payment: Any) -> None:
    settle(payment, SnapshotStatus.PAID)
    address = confirmation_of(payment)
    session.remove()
    with asked() as statements:
        assert client.get(address).status_code == 200
    assert len(statements) == 1, "\n".join(statements)


def test_asking_the_gateway_meanwhile_is_a_lock_and_a_change(session: Any, client: Any, payment: Any) -> None:
    """Besides the look at the purchase, at the settings, and what the company reads in its own books."""
    address = confirmation_of(payment)
    # That it answers is noted once a minute, and read back.
    for _ in range(2):
        client.get(address)
    session.remove()
    with asked(without=CLOCKWORK) as statements:
        assert "checking" in client.get(address).text
    ours = [statement for statement in statements if "sandbox_" not in statement and "editions" not in statement]
    assert len(ours) == 3, "\n".join(ours)


def test_until_the_gateway_has_answered_the_page_is_checking_and_refreshes_itself(client: Any, payment: Any) -> None:
    answer = client.get(confirmation_of(payment))
    assert "Checking your payment" in answer.text
    assert "fail" not in answer.text.lower()
    assert '<noscript><meta http-equiv="refresh"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_return_asks_the_gateway_and_does_not_wait_for_its_webhook(client: Any, payment: Any) -> None:
    decide(payment, "approve")
    assert "Payment received" in client.get(confirmation_of(payment)).text
    assert payment.status is PaymentStatus.COMPLETED


def test_a_gateway_that_is_away_leaves_the_customer_with_checking(
    client: Any, payment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(payment, "approve")
    monkeypatch.setattr(Sandbox, "ledger", None)
    assert "Checking your payment" in client.get(confirmation_of(payment)).text


def test_a_decline_leads_to_the_reason_and_another_try(client: Any, payment: Any) -> None:
    decide(payment, "insufficient_funds")
    answer = client.get(confirmation_of(payment), follow_redirects=True)
    assert "/pay" in answer.request.path
    assert "There was not enough money in the account." in answer.text
    assert "You have not been charged" in answer.text
    assert "kavya.iyer@example.org" in answer.text
    again = client.post(answer.request.full_path, data={"gateway": "sandbox"})
    assert again.status_code == 303
    assert payment.client_secret not in again.location


def test_paying_again_is_for_the_same_request_and_reference(client: Any, payment: Any) -> None:
    settle(payment, SnapshotStatus.FAILED, failure=DECLINED)
    pay = local(links().pay(payment.service_request.reference_number))
    first, second = client.post(pay), client.post(pay)
    assert first.location == second.location
    decide(ledger.find_payment(first.location.rpartition("/")[2]), "approve")
    page = client.get(confirmation_of(payment)).text
    assert "Payment received" in page
    assert payment.service_request.reference_number in page


def test_the_form_as_it_was_can_be_opened_from_the_failed_payment(client: Any, payment: Any) -> None:
    settle(payment, SnapshotStatus.FAILED, failure=DECLINED)
    pay = client.get(local(links().pay(payment.service_request.reference_number))).text
    change = next(a["href"] for a in Page(pay).find("a") if "again=" in (a["href"] or ""))
    page = Page(client.get(change).text)
    assert page.find("input", name="full_name", value="Kavya Iyer")
    assert page.find("input", name="email", value="kavya.iyer@example.org")
    assert page.find("input", name="phone", value="+91 70000 12345")
    assert "Please call me after 4 pm." in page.words


@pytest.mark.parametrize("page", ["confirmation", "pay", "receipt"])
@pytest.mark.parametrize("tamper", [lambda key: "", lambda key: key[:-1] + "_", lambda key: key + "A", lambda key: "é"])
def test_a_link_without_its_right_key_shows_nothing_personal(
    session: Any, client: Any, page: str, tamper: Callable[[str], str]
) -> None:
    service_request = make_request()
    key = links().key(service_request.reference_number)
    answer = client.get(f"/requests/{service_request.reference_number}/{page}", query_string={"key": tamper(key)})
    assert answer.status_code == 403
    assert "Kavya" not in answer.text
    assert "example.org" not in answer.text


def test_a_key_opens_its_own_request_alone(session: Any, client: Any) -> None:
    mine, other = make_request(), make_request()
    key = links().key(mine.reference_number)
    assert client.get(f"/requests/{other.reference_number}/confirmation?key={key}").status_code == 403
    assert client.get(f"/requests/{mine.reference_number}/confirmation?key={key}").status_code == 200


def test_paying_again_cannot_be_started_by_a_stranger(session: Any, client: Any) -> None:
    payment = make_payment()
    assert client.post(f"/requests/{payment.service_request.reference_number}/pay").status_code == 403


def test_a_paid_request_cannot_be_paid_again(session: Any, client: Any) -> None:
    service_request = make_request()
    pay = local(links().pay(service_request.reference_number))
    for answer in (client.get(pay), client.post(pay)):
        assert answer.status_code == 303
        assert "/confirmation" in answer.location


def test_a_cancelled_request_offers_a_new_start(session: Any, client: Any) -> None:
    service_request = make_request(is_paid=False, status=RequestStatus.CANCELLED)
    pay = local(links().pay(service_request.reference_number))
    assert "This request was cancelled" in client.get(pay).text
    assert client.post(pay).status_code == 409


def test_a_refund_is_shown_on_the_confirmation(session: Any, client: Any) -> None:
    service_request = make_request(refunded_minor=100_00)
    words = Page(client.get(local(links().confirmation(service_request.reference_number))).text).words
    assert "Refunded ₹100.00" in words


def test_there_is_no_receipt_before_the_money(session: Any, client: Any) -> None:
    payment = make_payment()
    answer = client.get(local(links().receipt(payment.service_request.reference_number)))
    assert answer.status_code == 404
    assert "no receipt yet" in answer.text


def test_the_receipt_is_a_pdf_that_no_cache_keeps(session: Any, client: Any) -> None:
    answer = client.get(local(links().receipt(make_request().reference_number)))
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_active_gateway_is_one_tap_away_after_a_failure(session: Any, client: Any) -> None:
    payment = make_payment()
    settle(payment, SnapshotStatus.FAILED, failure=replace(DECLINED, code="expired"))
    page = Page(client.get(local(links().pay(payment.service_request.reference_number))).text)
    assert [button["value"] for button in page.find("button", name="gateway")] == ["sandbox"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("approve", "Payment received"),
        ("decline", "Your bank declined"),
        ("never", "Checking your payment"),
        ("late", "Checking your payment"),
        ("twice", "Payment received"),
    ],
)
def test_the_sandbox_page_ends_as_asked(session: Any, client: Any, outcome: str, words: str) -> None:
    make_gateway(webhook_secret="")
    payment = make_payment()
    page = client.get(local(payment.redirect_url))
    assert "test payment page" in page.text
    answer = (
        client.submit(local(payment.redirect_url), {"outcome": outcome}) if 'name="csrf_token"' in page.text else None
    )
    assert answer is not None
    assert answer.status_code == 303
    assert words in client.get(local(answer.location), follow_redirects=True).text


def test_a_decided_sandbox_payment_stays_decided(session: Any, client: Any) -> None:
    payment = make_payment()
    decide(payment, "decline")
    client.post(local(payment.redirect_url), data={"outcome": "approve"})
    assert ledger.find_payment(payment.client_secret).status is SandboxStatus.DECLINED
