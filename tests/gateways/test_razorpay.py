"""Razorpay: signatures against its own SDK, failed payments that arrive late, amounts, events."""

import hashlib
from datetime import UTC, datetime

import pytest
import razorpay
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.base import BadCredentials, EventKind, GatewayError, SnapshotStatus, UnsupportedAmount
from app.gateways.razorpay import DECIMALS, Razorpay
from app.kit.money import Money
from tests.gateways.wishes import to_pay, to_refund
from tests.simulator import Fault, Simulator, razorpay_company

RUPEES = Money(499_900, "INR")


@pytest.fixture
def adapter(simulator):
    return simulator.adapter("razorpay")


@pytest.fixture
def sdk():
    return razorpay.Client(auth=(razorpay_company.KEY_ID, razorpay_company.KEY_SECRET)).utility


def events(simulator: Simulator, adapter, *names: str):
    return [adapter.parse_webhook(each.body, each.headers) for each in simulator.postman.collect("razorpay", *names)]


def paid(simulator, adapter, amount=RUPEES):
    intent = adapter.create_payment_intent(to_pay(amount))
    simulator.razorpay.pay(intent.gateway_intent_id)
    return adapter.fetch_payment(intent.gateway_intent_id)


def test_the_sdk_takes_what_the_simulator_signs_and_so_do_we(simulator, adapter, sdk):
    snapshot = paid(simulator, adapter)
    for letter in simulator.postman.collect("razorpay"):
        sdk.verify_webhook_signature(
            letter.body.decode(), letter.headers["X-Razorpay-Signature"], razorpay_company.WEBHOOK_SECRET
        )
        assert adapter.verify_webhook(letter.body, letter.headers)
    back = {
        "razorpay_order_id": snapshot.gateway_intent_id,
        "razorpay_payment_id": snapshot.gateway_payment_id,
        "razorpay_signature": simulator.razorpay.signature_of_return(
            snapshot.gateway_intent_id, snapshot.gateway_payment_id
        ),
    }
    assert sdk.verify_payment_signature(back)
    assert adapter.verify_return(snapshot.gateway_intent_id, back)


@given(body=st.binary(max_size=50), given=st.text(st.characters(codec="utf-8"), max_size=80), is_right=st.booleans())
def test_we_agree_with_the_sdk_on_any_signature(body, given, is_right):
    text = body.decode("latin-1")
    secret = "chosen-by-us"
    adapter = Razorpay(Simulator.keys("razorpay", webhook_secrets=(secret,)))
    header = hashlib.sha256(b"").hexdigest() if not is_right else _sign(text.encode(), secret)
    for signature in (header, given):
        try:
            agreed = razorpay.Utility().verify_webhook_signature(text, signature, secret)
        except (razorpay.errors.SignatureVerificationError, TypeError):
            agreed = False
        assert adapter.verify_webhook(text.encode(), {"X-Razorpay-Signature": signature}) is bool(agreed)


def _sign(body: bytes, secret: str) -> str:
    return razorpay_company.sign(body, secret=secret, event_id="1")["X-Razorpay-Signature"]


def test_the_return_is_checked_over_our_order_not_the_one_it_names(simulator, adapter):
    mine, other = (adapter.create_payment_intent(to_pay(RUPEES)).gateway_intent_id for _ in range(2))
    signature = simulator.razorpay.signature_of_return(other, "pay_1")
    back = {"razorpay_order_id": other, "razorpay_payment_id": "pay_1", "razorpay_signature": signature}
    assert adapter.verify_return(other, back)
    assert not adapter.verify_return(mine, back)
    for broken in ({}, back | {"razorpay_signature": "é"}, back | {"razorpay_payment_id": "pay_2\udcff"}):
        assert not adapter.verify_return(other, broken)


@pytest.mark.property(9)
@given(minor=st.integers(100, 10**10))
def test_razorpay_is_told_amount_service_and_customer(simulator, minor):
    wish = to_pay(Money(minor, "INR"))
    intent = simulator.adapter("razorpay").create_payment_intent(wish)
    order = simulator.ledger.orders[intent.gateway_intent_id]
    assert (order.amount, order.currency, order.told["receipt"]) == (minor, "INR", wish.idempotency_key)
    told = order.told["notes"]
    assert (told["customer_name"], told["customer_email"]) == (wish.customer_name, wish.customer_email)
    assert wish.metadata.items() <= told.items()
    shown = {name: intent.client[name] for name in ("order_id", "amount", "currency", "description")}
    assert shown == {
        "order_id": intent.gateway_intent_id,
        "amount": str(minor),
        "currency": "INR",
        "description": wish.description,
    }
    assert (intent.client["name"], intent.client["email"]) == (wish.customer_name, wish.customer_email)


@pytest.mark.parametrize(
    ("amount", "units"),
    [(Money(500, "JPY"), 500), (Money(1_230, "KWD"), 1_230), (Money(4_999, "USD"), 4_999), (RUPEES, 499_900)],
)
def test_amounts_are_in_razorpays_units_there_and_ours_here(simulator, adapter, amount, units):
    snapshot = paid(simulator, adapter, amount)
    assert simulator.ledger.orders[snapshot.gateway_intent_id].amount == units
    assert snapshot.amount == amount
    assert {event.snapshot.amount for event in events(simulator, adapter)} == {amount}
    assert adapter.refund(to_refund(snapshot, amount.minor)).amount == amount
    assert simulator.ledger.refunds_of("razorpay")[0].amount == units


@pytest.mark.parametrize("amount", [Money(1_231, "KWD"), Money(5_000, "UGX"), Money(500, "ISK"), Money(0, "INR")])
def test_amounts_that_razorpay_cannot_take_are_refused_before_it_is_called(simulator, adapter, amount):
    with pytest.raises(UnsupportedAmount):
        adapter.create_payment_intent(to_pay(amount))
    assert simulator.faults.seen == []


@given(currency=st.sampled_from(sorted(DECIMALS.currencies)), tens=st.integers(1, 10**9))
def test_no_amount_changes_on_its_way_there_and_back(currency, tens):
    amount = Money(tens * 10, currency)
    assert DECIMALS.money(DECIMALS.units_of(amount), currency) == amount


def test_less_than_the_minimum_is_refused_with_a_reason_for_staff(adapter):
    with pytest.raises(GatewayError) as raised:
        adapter.create_payment_intent(to_pay(Money(99, "INR")))
    assert "minimum amount" in raised.value.details["reason"]
    assert "minimum amount" not in raised.value.message


@pytest.mark.property(33)
@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("payment_declined", "declined"),
        ("insufficient_funds", "not enough money"),
        ("card_expired", "expired"),
        ("incorrect_cvv", "security code"),
        ("authentication_failed", "could not confirm"),
        ("payment_cancelled", "cancelled"),
        ("gateway_technical_error", "problem right now"),
        ("payment_timed_out", "did not answer in time"),
        ("something_new", "did not go through"),
    ],
)
def test_a_payment_that_fails_says_why_and_what_to_do(simulator, adapter, reason, message):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    simulator.razorpay.pay(intent.gateway_intent_id, reason)
    (event,) = events(simulator, adapter)
    assert event.kind is EventKind.FAILED
    for snapshot in (event.snapshot, adapter.fetch_payment(intent.gateway_intent_id)):
        assert (snapshot.status, snapshot.failure.code) == (SnapshotStatus.FAILED, reason)
        assert message in snapshot.failure.message
        assert snapshot.failure.next_step


def test_a_payment_thought_lost_may_arrive(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    attempt = simulator.razorpay.pay(intent.gateway_intent_id, "payment_timed_out")
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.FAILED
    simulator.razorpay.arrive_late(attempt)
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.PAID
    assert [event.kind for event in events(simulator, adapter)] == ["failed", "authorized", "paid"]


def test_of_several_tries_the_one_that_paid_counts(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    simulator.razorpay.pay(intent.gateway_intent_id, "payment_declined")
    good = simulator.razorpay.pay(intent.gateway_intent_id)
    snapshot = adapter.fetch_payment(intent.gateway_intent_id)
    assert (snapshot.status, snapshot.gateway_payment_id) == (SnapshotStatus.PAID, good.id)
    assert snapshot.bank_reference == good.id[-12:]


@pytest.mark.parametrize("fault", [None, Fault.CUT, Fault.RESET])
def test_reserved_money_is_taken_once(simulator, adapter, waits, fault):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    attempt = simulator.razorpay.pay(intent.gateway_intent_id, "authorized")
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.AUTHORIZED
    if fault:
        simulator.faults.plan("POST", f"/razorpay/v1/payments/{attempt.id}/capture", fault)
    assert adapter.capture(intent.gateway_intent_id).status is SnapshotStatus.PAID
    assert adapter.capture(intent.gateway_intent_id).status is SnapshotStatus.PAID
    tries = simulator.faults.count("POST", f"/razorpay/v1/payments/{attempt.id}/capture")
    assert tries == (2 if fault is Fault.RESET else 1)
    assert len(simulator.postman.collect("razorpay", "payment.captured")) == 1


def test_the_event_id_is_the_headers_or_the_bodys_own(simulator, adapter):
    paid(simulator, adapter)
    letter = simulator.postman.collect("razorpay")[0]
    event = adapter.parse_webhook(letter.body, letter.headers)
    assert event.event_id == letter.headers["x-razorpay-event-id"]
    own = hashlib.sha256(letter.body).hexdigest()
    for odd in ("", "x" * 300, "é", "a b", "\x00"):
        assert adapter.parse_webhook(letter.body, letter.headers | {"x-razorpay-event-id": odd}).event_id == own


def test_refunds_are_told_with_our_key_and_how_they_end(simulator, adapter):
    snapshot = paid(simulator, adapter)
    adapter.refund(to_refund(snapshot, 1_000, "our-own-key"))
    refund = simulator.razorpay.refund(snapshot.gateway_payment_id, 2_000)
    simulator.razorpay.settle_refund(refund, "failed")
    news = events(simulator, adapter, "refund.processed", "refund.failed")
    assert {event.kind for event in news} == {EventKind.REFUNDED}
    assert [(event.refund.idempotency_key, event.refund.status) for event in news] == [
        ("our-own-key", "success"),
        (None, "success"),
        (None, "failed"),
    ]
    assert {event.snapshot.gateway_payment_id for event in news} == {snapshot.gateway_payment_id}
    told = adapter.fetch_payment(snapshot.gateway_intent_id).refunds
    assert {(each.amount.minor, each.status) for each in told} == {(1_000, "success"), (2_000, "failed")}


def test_a_full_refund_leaves_it_paid(simulator, adapter):
    snapshot = paid(simulator, adapter)
    adapter.refund(to_refund(snapshot, RUPEES.minor))
    again = adapter.fetch_payment(snapshot.gateway_intent_id)
    assert (again.status, again.refunds[0].amount) == (SnapshotStatus.PAID, RUPEES)


@pytest.mark.parametrize(("status", "ours"), [("open", "open"), ("won", "won"), ("lost", "lost"), ("closed", "won")])
def test_disputes_have_a_deadline_and_an_end(simulator, adapter, status, ours):
    snapshot = paid(simulator, adapter)
    simulator.razorpay.dispute(snapshot.gateway_payment_id, status)
    event = events(simulator, adapter)[-1]
    assert (event.kind, event.dispute.status, event.dispute.amount) == (EventKind.DISPUTED, ours, RUPEES)
    assert event.dispute.evidence_due_at > datetime.now(UTC)
    assert event.snapshot.gateway_payment_id == snapshot.gateway_payment_id


def test_a_browser_without_scripts_gets_a_form_to_razorpays_page(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(RUPEES, is_hosted=True))
    assert intent.form_action == f"{simulator.url}/razorpay/v1/checkout/embedded"
    assert intent.client["key_id"] == razorpay_company.KEY_ID
    assert intent.client["callback_url"] == "https://shop.example.com/back"


def test_keys_of_another_mode_are_noticed_at_once(simulator):
    with pytest.raises(BadCredentials, match="begins with rzp_live_"):
        simulator.adapter("razorpay", mode="live").check_credentials()


def test_nothing_is_printed_when_razorpay_cannot_be_reached(simulator, adapter, waits, capsys):
    simulator.faults.plan("GET", "/razorpay/v1/orders", *[Fault.RESET] * 3)
    with pytest.raises(GatewayError):
        adapter.create_payment_intent(to_pay(RUPEES))
    assert capsys.readouterr().out == ""
