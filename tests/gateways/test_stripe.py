"""Stripe: signatures against its own SDK, cards that fail, amounts, events."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
import stripe
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.gateways import create
from app.gateways.base import BadCredentials, EventKind, PaymentGatewayConfig, SnapshotStatus, UnsupportedAmount
from app.gateways.stripe import DECIMALS, Stripe
from app.kit.money import Money
from tests.gateways.wishes import to_pay, to_refund
from tests.simulator import Simulator, stripe_company, stripe_objects

SECRET = "whsec_0123456789abcdef"
RUPEES = Money(499_900, "INR")


@pytest.fixture
def adapter(simulator):
    return simulator.adapter("stripe")


def bare(*secrets: str) -> Stripe:
    return create(PaymentGatewayConfig("stripe", "test", "pk_test_x", "sk_test_x", secrets))


def events(simulator: Simulator, adapter, *names: str):
    return [adapter.parse_webhook(each.body, each.headers) for each in simulator.postman.collect("stripe", *names)]


def paid(simulator, adapter, amount=RUPEES, **changes):
    intent = adapter.create_payment_intent(to_pay(amount, **changes))
    simulator.stripe.pay(intent.gateway_intent_id)
    return adapter.fetch_payment(intent.gateway_intent_id)


@given(body=st.text(st.characters(codec="utf-8")))
def test_what_the_sdk_signs_is_signed(body):
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    assert bare(SECRET).verify_webhook(body.encode(), {"Stripe-Signature": header})
    assert bare("whsec_old", SECRET).verify_webhook(body.encode(), {"stripe-signature": header})
    assert not bare("whsec_old").verify_webhook(body.encode(), {"Stripe-Signature": header})


def test_the_sdk_agrees_with_the_simulator(simulator, adapter):
    adapter.create_payment_intent(to_pay(RUPEES))
    paid(simulator, adapter)
    (letter,) = simulator.postman.collect("stripe")
    event = stripe.Webhook.construct_event(
        letter.body, letter.headers["Stripe-Signature"], stripe_company.WEBHOOK_SECRET
    )
    assert event["type"] == "payment_intent.succeeded"


@pytest.mark.parametrize(("minutes", "is_good"), [(-6, False), (-4, True), (0, True), (4, True), (6, False)])
def test_a_stamp_counts_five_minutes_each_way(minutes, is_good):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    at = int((now + timedelta(minutes=minutes)).timestamp())
    header = stripe.WebhookSignature.generate_signature_header("{}", SECRET, at)
    with time_machine.travel(now, tick=False):
        assert bare(SECRET).verify_webhook(b"{}", {"Stripe-Signature": header}) is is_good


def test_one_of_several_signatures_is_enough_while_a_secret_is_rolled():
    stamp, right = stripe.WebhookSignature.generate_signature_header("{}", SECRET).split(",")
    for header in (f"{stamp},v1=00,{right}", f"{stamp},{right},v1=00,v0=11", f"{stamp}, {right}"):
        assert bare(SECRET).verify_webhook(b"{}", {"Stripe-Signature": header})
    assert not bare(SECRET).verify_webhook(b"{}", {"Stripe-Signature": f"{stamp},v0={right.removeprefix('v1=')}"})


@pytest.mark.property(9)
@given(minor=st.integers(100, 10**10))
def test_stripe_is_told_amount_service_and_customer(simulator, minor):
    adapter = simulator.adapter("stripe")
    wish = to_pay(Money(minor, "INR"))
    intent = adapter.create_payment_intent(wish)
    order = simulator.ledger.orders[intent.gateway_intent_id]
    assert (order.amount, order.currency, order.told["description"]) == (minor, "inr", wish.description)
    told = order.told["metadata"]
    assert (told["customer_name"], told["customer_email"]) == (wish.customer_name, wish.customer_email)
    assert told["customer_phone"] == wish.customer_phone
    assert wish.metadata.items() <= told.items()
    assert order.told["automatic_payment_methods"] == {"enabled": "true"}


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(500, "JPY"), 500),
        (Money(1_230, "KWD"), 1_230),
        (Money(500, "ISK"), 50_000),
        (Money(12_345, "HUF"), 12_345),
        (Money(499_900, "INR"), 499_900),
    ],
)
def test_amounts_are_in_stripes_units_there_and_ours_here(simulator, adapter, amount, units):
    snapshot = paid(simulator, adapter, amount)
    assert simulator.ledger.orders[snapshot.gateway_intent_id].amount == units
    assert snapshot.amount == amount
    (event,) = events(simulator, adapter, "payment_intent.succeeded")
    assert event.snapshot.amount == amount
    result = adapter.refund(to_refund(snapshot, amount.minor))
    assert result.amount == amount
    assert simulator.ledger.refunds_of("stripe")[0].amount == units


@pytest.mark.parametrize("amount", [Money(1_231, "KWD"), Money(5_000, "UGX"), Money(0, "INR"), Money(-1, "INR")])
def test_amounts_that_stripe_cannot_take_are_refused_before_it_is_called(simulator, adapter, amount):
    with pytest.raises(UnsupportedAmount):
        adapter.create_payment_intent(to_pay(amount))
    assert simulator.faults.seen == []
    assert Stripe.takes(amount.currency) is (amount.currency != "UGX")


@given(currency=st.sampled_from(sorted(DECIMALS.currencies)), tens=st.integers(1, 10**9))
def test_no_amount_changes_on_its_way_there_and_back(currency, tens):
    amount = Money(tens * 10, currency)
    assert DECIMALS.money(DECIMALS.units_of(amount), currency) == amount


@pytest.mark.property(33)
@pytest.mark.parametrize(
    ("card", "code", "message"),
    [
        ("4000000000000002", "generic_decline", "declined"),
        ("4000000000009995", "insufficient_funds", "not enough money"),
        ("4000000000000069", "expired_card", "expired"),
        ("4000000000000127", "incorrect_cvc", "security code"),
        ("4000002500003155", "authentication_required", "confirm the payment"),
        ("4000000000000119", "processing_error", "problem right now"),
    ],
)
def test_a_card_that_fails_says_why_and_what_to_do(simulator, adapter, card, code, message):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    simulator.stripe.pay(intent.gateway_intent_id, card)
    (event,) = events(simulator, adapter)
    assert event.kind is EventKind.FAILED
    for snapshot in (event.snapshot, adapter.fetch_payment(intent.gateway_intent_id)):
        assert snapshot.status is SnapshotStatus.FAILED
        assert snapshot.failure.code == code
        assert message in snapshot.failure.message
        assert snapshot.failure.next_step


def test_a_failed_card_and_then_a_good_one_is_paid(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    simulator.stripe.pay(intent.gateway_intent_id, "4000000000000002")
    simulator.stripe.pay(intent.gateway_intent_id)
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.PAID


def test_a_cancelled_intent_failed(simulator, adapter):
    intent = adapter.create_payment_intent(to_pay(RUPEES))
    simulator.stripe.cancel(intent.gateway_intent_id)
    (event,) = events(simulator, adapter)
    assert (event.kind, event.snapshot.failure.message) == (EventKind.FAILED, "The payment was cancelled.")


def test_a_browser_without_scripts_pays_on_stripes_page(simulator, adapter):
    wish = to_pay(RUPEES, is_hosted=True)
    intent = adapter.create_payment_intent(wish)
    assert intent.redirect_url.startswith(simulator.url)
    assert adapter.fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.PENDING
    simulator.stripe.pay(intent.gateway_intent_id)
    for event in events(simulator, adapter):
        assert event.kind is EventKind.PAID
        assert (event.snapshot.amount, event.snapshot.metadata) == (RUPEES, dict(wish.metadata))
    snapshot = adapter.fetch_payment(intent.gateway_intent_id)
    assert snapshot.status is SnapshotStatus.PAID
    adapter.refund(to_refund(snapshot, 100))
    assert len(adapter.fetch_payment(intent.gateway_intent_id).refunds) == 1


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("checkout.session.async_payment_failed", "complete", "Your bank declined the payment."),
        ("checkout.session.expired", "expired", "The time to pay ran out."),
    ],
)
def test_a_hosted_page_that_ends_without_money_has_failed(simulator, adapter, name, status, message):
    intent = adapter.create_payment_intent(to_pay(RUPEES, is_hosted=True))
    told = stripe_objects.session(simulator.ledger.find(intent.gateway_intent_id)) | {"status": status}
    letter = simulator.stripe.announce(name, told)
    event = adapter.parse_webhook(letter.body, letter.headers)
    assert (event.kind, event.snapshot.failure.message) == (EventKind.FAILED, message)
    assert event.snapshot.gateway_intent_id == intent.gateway_intent_id


def test_refunds_are_told_with_our_key_and_how_they_end(simulator, adapter):
    snapshot = paid(simulator, adapter)
    adapter.refund(to_refund(snapshot, 1_000, "our-own-key"))
    refund = simulator.stripe.refund(snapshot.gateway_intent_id, 2_000)
    simulator.stripe.settle_refund(refund, "failed")
    ours, theirs, failed = events(simulator, adapter, "refund.created", "refund.failed")
    assert {event.kind for event in (ours, theirs, failed)} == {EventKind.REFUNDED}
    assert (ours.refund.idempotency_key, ours.refund.amount, ours.refund.status) == (
        "our-own-key",
        Money(1_000, "INR"),
        "success",
    )
    assert (theirs.refund.idempotency_key, failed.refund.status) == (None, "failed")
    assert ours.snapshot.gateway_intent_id == snapshot.gateway_intent_id
    assert [news.status for news in adapter.fetch_payment(snapshot.gateway_intent_id).refunds] == ["failed", "success"]


@pytest.mark.parametrize(
    ("status", "ours"), [("needs_response", "open"), ("won", "won"), ("lost", "lost"), ("warning_closed", "won")]
)
def test_disputes_have_a_deadline_and_an_end(simulator, adapter, status, ours):
    snapshot = paid(simulator, adapter)
    simulator.stripe.dispute(snapshot.gateway_intent_id, status)
    event = events(simulator, adapter)[-1]
    assert (event.kind, event.dispute.status, event.dispute.amount) == (EventKind.DISPUTED, ours, RUPEES)
    assert event.dispute.evidence_due_at > datetime.now(UTC)
    assert event.snapshot.gateway_intent_id == snapshot.gateway_intent_id


@pytest.mark.parametrize("name", ["customer.created", "payout.paid", "radar.early_fraud_warning.created", "nonsense"])
def test_other_events_are_ignored(simulator, adapter, name):
    letter = simulator.stripe.announce(name, {"object": "whatever"})
    event = adapter.parse_webhook(letter.body, letter.headers)
    assert (event.kind, event.snapshot, event.name) == (EventKind.IGNORED, None, name)


@pytest.mark.parametrize(
    "changes", [{"mode": "live"}, {"api_key": "sk_test_simulated"}, {"api_secret": "pk_test_simulated"}]
)
def test_keys_of_another_kind_or_mode_are_noticed_at_once(simulator, changes):
    with pytest.raises(BadCredentials, match="keys begin with"):
        simulator.adapter("stripe", **changes).check_credentials()
    assert simulator.faults.seen == []


def test_the_page_needs_stripes_own_hosts_and_no_others():
    script = bare().page_script()
    assert script.url == "https://js.stripe.com/v3/"
    assert all(
        source.startswith("https://") and source.endswith(".stripe.com")
        for listed in script.sources.values()
        for source in listed
    )


def test_nothing_is_kept_on_the_vendors_module(adapter):
    adapter.create_payment_intent(to_pay(RUPEES))
    assert stripe.api_key is None


def test_the_sdk_is_not_loaded_before_it_is_needed():
    # In a process of its own: here other tests have loaded it.
    import subprocess

    told = "import sys, app.gateways; print('stripe' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", told], text=True).strip() == "False"


def test_an_event_is_read_again_later_without_its_signature(simulator, adapter):
    paid(simulator, adapter)
    (letter,) = simulator.postman.collect("stripe")
    assert adapter.process_webhook(letter.body, {}).event_id == json.loads(letter.body)["id"]


@pytest.mark.parametrize(
    ("name", "told", "kind"),
    [
        ("payment_intent.succeeded", {"status": "succeeded"}, EventKind.PAID),
        ("payment_intent.payment_failed", {"status": "requires_payment_method"}, EventKind.FAILED),
        ("payment_intent.canceled", {"status": "canceled"}, EventKind.FAILED),
        ("checkout.session.completed", {"status": "complete", "payment_status": "paid"}, EventKind.PAID),
        ("refund.created", {"status": "succeeded", "payment_intent": "pi_1"}, EventKind.REFUNDED),
    ],
)
def test_an_event_is_read_by_its_name_with_no_more_in_it_than_is_needed(adapter, name, told, kind):
    money = {"amount": 500, "amount_total": 500, "currency": "inr"}
    body = json.dumps({"id": "evt_1", "type": name, "data": {"object": {"id": "x_1", **money, **told}}}).encode()
    event = adapter.process_webhook(body, {})
    assert (event.kind, event.name) == (kind, name)
    failure = event.snapshot.failure
    assert (failure is not None) is (kind is EventKind.FAILED)
