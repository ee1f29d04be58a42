"""PayPal: approve and capture, amounts as texts, tokens."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.amounts import from_text
from app.gateways.base import BadCredentials, EventKind, GatewayError, SnapshotStatus, UnsupportedAmount
from app.gateways.network import oauth
from app.gateways.paypal import DECIMALS
from app.kit.money import Money
from tests.gateways.wishes import to_pay, to_refund
from tests.simulator import Fault, Simulator

DOLLARS = Money(4_999, "USD")


@pytest.fixture
def adapter(simulator):
    return simulator.adapter("paypal")


def events(simulator: Simulator, adapter, *names: str):
    return [adapter.parse_webhook(each.body, each.headers) for each in simulator.postman.collect("paypal", *names)]


def paid(simulator, adapter, amount=DOLLARS):
    intent = adapter.create_payment_intent(to_pay(amount))
    simulator.paypal.approve(intent.gateway_intent_id)
    return adapter.capture(intent.gateway_intent_id)


@pytest.mark.property(9)
@given(minor=st.integers(1, 10**9), name=st.sampled_from(["Kavya Iyer", "Kavya", "Anna Maria de la Cruz"]))
def test_paypal_is_told_amount_service_and_customer(simulator, minor, name):
    wish = to_pay(Money(minor, "USD"), customer_name=name)
    intent = simulator.adapter("paypal").create_payment_intent(wish)
    told = simulator.ledger.orders[intent.gateway_intent_id].told
    (unit,) = told["purchase_units"]
    assert unit["amount"] == {"currency_code": "USD", "value": f"{minor // 100}.{minor % 100:02d}"}
    assert (unit["description"], unit["custom_id"]) == (wish.description, wish.metadata["payment_id"])
    payer = told["payment_source"]["paypal"]
    assert " ".join(filter(None, (payer["name"].get("given_name"), payer["name"].get("surname")))) == name
    assert payer["email_address"] == wish.customer_email
    assert payer["phone"]["phone_number"]["national_number"] == wish.customer_phone.lstrip("+")
    assert payer["experience_context"]["return_url"] == wish.return_url
    assert intent.redirect_url == f"{simulator.url}/paypal/checkoutnow?token={intent.gateway_intent_id}"


def test_a_phone_number_longer_than_paypal_takes_is_left_out(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(DOLLARS, customer_phone="+123456789012345"))
    assert "phone" not in simulator.ledger.orders[intent.gateway_intent_id].told["payment_source"]["paypal"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [(Money(500, "JPY"), "500"), (Money(12_300, "HUF"), "123"), (Money(50_000, "TWD"), "500"), (DOLLARS, "49.99")],
)
def test_amounts_are_written_as_paypal_wants_them(simulator, adapter, amount, text):
    snapshot = paid(simulator, adapter, amount)
    unit = simulator.ledger.orders[snapshot.gateway_intent_id].told["purchase_units"][0]
    assert unit["amount"]["value"] == text
    assert {event.snapshot.amount for event in events(simulator, adapter)} == {snapshot.amount} == {amount}
    assert adapter.refund(to_refund(snapshot, amount.minor)).amount == amount


@pytest.mark.parametrize(
    "amount", [Money(12_345, "HUF"), Money(150, "TWD"), Money(499_900, "INR"), Money(1_230, "KWD")]
)
def test_amounts_that_paypal_cannot_take_are_refused_before_it_is_called(simulator, adapter, amount):
    with pytest.raises(UnsupportedAmount):
        adapter.create_payment_intent(to_pay(amount))
    assert simulator.faults.seen == []


@given(currency=st.sampled_from(sorted(DECIMALS.currencies)), whole=st.integers(1, 10**9))
def test_no_amount_changes_on_its_way_there_and_back(currency, whole):
    amount = Money(whole * 100, currency)
    assert from_text(DECIMALS.text_of(amount), currency) == amount


def test_an_order_is_paid_when_it_is_approved_and_captured(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    with pytest.raises(GatewayError):
        adapter.capture(intent.gateway_intent_id)
    simulator.paypal.approve(intent.gateway_intent_id)
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.AUTHORIZED
    first, second = adapter.capture(intent.gateway_intent_id), adapter.capture(intent.gateway_intent_id)
    assert first == second
    assert (first.status, first.amount) == (SnapshotStatus.PAID, DOLLARS)
    assert [event.kind for event in events(simulator, adapter)] == [EventKind.AUTHORIZED, EventKind.PAID]
    assert len(simulator.ledger.orders[intent.gateway_intent_id].attempts) == 1


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HANG_AFTER, Fault.RESET, Fault.BAD_GATEWAY])
def test_a_capture_whose_answer_is_lost_takes_the_money_once(simulator, adapter, waits, fault):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.paypal.approve(intent.gateway_intent_id)
    simulator.faults.plan("POST", f"/paypal/v2/checkout/orders/{intent.gateway_intent_id}/capture", fault)
    assert adapter.capture(intent.gateway_intent_id).status is SnapshotStatus.PAID
    assert len(simulator.ledger.orders[intent.gateway_intent_id].attempts) == 1


def test_somebody_elses_capture_is_no_error(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.paypal.pay(intent.gateway_intent_id)
    assert adapter.capture(intent.gateway_intent_id).status is SnapshotStatus.PAID


@pytest.mark.property(33)
def test_a_declined_capture_says_why_and_what_to_do(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.paypal.approve(intent.gateway_intent_id, is_declined=True)
    snapshot = adapter.capture(intent.gateway_intent_id)
    assert (snapshot.status, snapshot.failure.code) == (SnapshotStatus.FAILED, "INSTRUMENT_DECLINED")
    assert "declined" in snapshot.failure.message
    assert snapshot.failure.next_step


@pytest.mark.parametrize(
    ("status", "expected"), [("pending", SnapshotStatus.PENDING), ("failed", SnapshotStatus.FAILED)]
)
def test_the_capture_is_read_and_not_the_order(simulator, adapter, status, expected):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.paypal.pay(intent.gateway_intent_id, status)
    snapshot = adapter.fetch_payment(intent.gateway_intent_id)
    assert snapshot.status is expected
    assert events(simulator, adapter)[-1].snapshot.status is expected
    if status == "failed":
        assert "not enough money" in snapshot.failure.message


def test_an_order_that_nobody_captured_in_time_failed(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.paypal.give_up(intent.gateway_intent_id)
    (event,) = events(simulator, adapter)
    assert (event.kind, event.snapshot.gateway_intent_id) == (EventKind.FAILED, intent.gateway_intent_id)
    assert "time to pay ran out" in event.snapshot.failure.message


def test_refunds_are_told_with_our_key(simulator, adapter):
    snapshot = paid(simulator, adapter)
    result = adapter.refund(to_refund(snapshot, 1_000, "our-own-key"))
    simulator.paypal.refund(snapshot.gateway_payment_id, 500)
    ours, theirs = events(simulator, adapter, "PAYMENT.CAPTURE.REFUNDED")
    assert ours.refund.gateway_refund_id == result.gateway_refund_id
    assert (ours.refund.idempotency_key, ours.refund.amount) == ("our-own-key", Money(1_000, "USD"))
    assert theirs.refund.idempotency_key != "our-own-key"
    assert {event.snapshot.gateway_payment_id for event in (ours, theirs)} == {snapshot.gateway_payment_id}
    told = adapter.fetch_payment(snapshot.gateway_intent_id)
    assert (told.status, [news.amount.minor for news in told.refunds]) == (SnapshotStatus.PAID, [1_000, 500])


def test_a_refund_that_paypal_refuses_says_why_to_staff(simulator, adapter):
    snapshot = paid(simulator, adapter)
    with pytest.raises(GatewayError, match="REFUND_AMOUNT_EXCEEDED"):
        adapter.refund(to_refund(snapshot, DOLLARS.minor + 1))


@pytest.mark.parametrize(
    ("outcome", "ours"), [(None, "open"), ("RESOLVED_BUYER_FAVOUR", "lost"), ("RESOLVED_SELLER_FAVOUR", "won")]
)
def test_disputes_have_a_deadline_and_an_end(simulator, adapter, outcome, ours):
    snapshot = paid(simulator, adapter)
    simulator.paypal.dispute(snapshot.gateway_payment_id, outcome)
    event = events(simulator, adapter)[-1]
    assert (event.kind, event.dispute.status, event.dispute.amount) == (EventKind.DISPUTED, ours, DOLLARS)
    assert event.dispute.evidence_due_at == datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert event.snapshot.gateway_payment_id == snapshot.gateway_payment_id


def test_one_token_serves_many_calls_and_is_fetched_again_when_it_dies(simulator, adapter):
    oauth._tokens.clear()
    intent = adapter.create_payment_intent(to_pay(DOLLARS))
    simulator.adapter("paypal").fetch_payment(intent.gateway_intent_id)
    assert simulator.faults.count("POST", "/paypal/v1/oauth2/token") == 1
    simulator.paypal.tokens.clear()
    simulator.adapter("paypal").fetch_payment(intent.gateway_intent_id)
    assert simulator.faults.count("POST", "/paypal/v1/oauth2/token") == 2


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.BAD_GATEWAY, Fault.TOO_MANY, Fault.CUT])
def test_the_token_is_asked_for_three_times_too(simulator, adapter, waits, fault):
    simulator.faults.plan("POST", "/paypal/v1/oauth2/token", fault, fault)
    adapter.check_credentials()
    assert len(waits) == 2


def test_a_webhook_id_that_paypal_does_not_know_is_noticed_at_once(simulator):
    with pytest.raises(BadCredentials, match="no webhook with this id"):
        simulator.adapter("paypal", webhook_secrets=("8PT5",)).check_credentials()
