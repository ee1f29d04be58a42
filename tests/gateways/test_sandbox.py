"""The Sandbox company: whom it lets in, and books that hold when many write at once."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.db import db, transaction
from app.errors import InvalidInput, NotFound
from app.gateways import PaymentGatewayConfig
from app.gateways.base import (
    EventKind,
    GatewayError,
    GatewayUnavailable,
    InvalidSignature,
    PaymentIntentParams,
    RefundParams,
    SnapshotStatus,
)
from app.gateways.sandbox import SIGNATURE_HEADER, Sandbox, sign
from app.kit import clock
from app.kit.money import Money
from app.models import SandboxPayment, SandboxRefund
from app.sandbox import ledger, postman
from app.sandbox.outcomes import LATE, OUTCOMES
from tests.threads import at_once

SECRET, ROLLED = "sandbox-secret-0123456789", "sandbox-secret-9876543210"
BODY = b'{"id": "evt"}'
PARAMS = PaymentIntentParams(
    amount=Money(100_000, "INR"),
    description="GST registration",
    customer_name="Kavya Iyer",
    customer_email="kavya@example.org",
    customer_phone="+917000012345",
    idempotency_key="key-1",
    return_url="https://shop.example.com/back",
    cancel_url="https://shop.example.com/pay",
    metadata={"payment_id": "payment-1"},
)


def adapter(*secrets: str) -> Sandbox:
    return Sandbox(PaymentGatewayConfig("sandbox", "test", webhook_secrets=secrets))


def is_taken(header: str | None, *secrets: str, body: bytes = BODY) -> bool:
    headers = {} if header is None else {SIGNATURE_HEADER: header}
    return adapter(*(secrets or (SECRET,))).verify_webhook(body, headers)


def signed_at(distance: timedelta) -> str:
    with time_machine.travel(clock.utc_now() + distance, tick=False):
        return sign(BODY, SECRET)


@given(body=st.binary(max_size=500), secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_what_is_signed_with_our_secret_is_taken(body, secret):
    assert is_taken(sign(body, secret), secret, body=body)


def test_while_a_secret_is_rolled_both_are_valid():
    for secret in (SECRET, ROLLED):
        assert is_taken(sign(BODY, secret), ROLLED, SECRET)
    assert not is_taken(sign(BODY, SECRET), ROLLED)


def test_a_sender_that_rolls_its_secret_may_sign_with_both():
    old, new = sign(BODY, SECRET), sign(BODY, ROLLED)
    stamp, _, signature = new.partition(",")
    assert is_taken(f"{stamp},{old.partition(',')[2]},{signature}", ROLLED)


def test_an_empty_secret_signs_nothing():
    assert not is_taken(sign(BODY, ""), "")
    assert not is_taken(sign(BODY, ""), "", SECRET)
    assert not is_taken(sign(BODY, ""))


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_stamp_near_our_time_is_taken(seconds):
    with time_machine.travel(clock.utc_now(), tick=False):
        assert is_taken(signed_at(timedelta(seconds=seconds)))


@pytest.mark.parametrize("distance", [timedelta(seconds=-302), timedelta(seconds=302), timedelta(days=-400)])
def test_a_stamp_too_old_or_of_the_future_is_refused(distance):
    assert not is_taken(signed_at(distance))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ",",
        "=",
        "t=,v1=",
        "t=1",
        "v1=00",
        "t=1,v1=00",
        "t=-1,v1=00",
        "t=1e3,v1=00",
        "t=١٢٣,v1=00",
        "t=²,v1=00",
        "t=" + "9" * 5_000 + ",v1=00",
        "t=1,v1=é",
        "t=1,v1=\ud800",
        "\ud800\udfff",
        "\0",
        "t=1,v1=" + "0" * 1_000_000,
        "v1=0," * 200_000,
    ],
)
def test_a_senseless_signature_is_refused_without_an_error(header):
    assert not is_taken(header)


@given(text=st.text(st.characters(), max_size=200))
def test_any_text_for_a_signature_is_refused_without_an_error(text):
    stamp = sign(BODY, SECRET).partition(",")[0]
    for header in (text, f"t={text},v1={text}", f"{stamp},v1={text}", f"{stamp},{text}"):
        assert not is_taken(header)


@given(mask=st.integers(1, 255), place=st.integers(0, len(BODY) - 1))
def test_a_changed_body_is_refused(mask, place):
    changed = BODY[:place] + bytes([BODY[place] ^ mask]) + BODY[place + 1 :]
    assert not is_taken(sign(BODY, SECRET), body=changed)


@pytest.mark.parametrize("name", ["id", "intent_id", "metadata"])
def test_an_event_with_ids_that_no_database_keeps_is_none(name):
    half = "half of a pair: \ud800"
    ids = {"id": "sbp_1", "intent_id": "sbi_1", name: {"payment_id": half} if name == "metadata" else half}
    told = {"status": "paid", "amount": 1, "currency": "INR", "error": None, "metadata": {}, **ids}
    body = json.dumps({"id": "sbe_1", "type": "payment.paid", "payment": told}).encode()
    with pytest.raises(InvalidSignature):
        adapter(SECRET).parse_webhook(body, {SIGNATURE_HEADER: sign(body, SECRET)})
    fine = body.replace(b"\\ud800", b"")
    assert adapter(SECRET).parse_webhook(fine, {SIGNATURE_HEADER: sign(fine, SECRET)}).snapshot is not None


def open_intent(**changes):
    return adapter(SECRET).create_payment_intent(replace(PARAMS, **changes))


def decide(intent, outcome):
    with transaction():
        return ledger.decide(ledger.find_payment(intent.client_secret), outcome)


def refund_params(intent, minor, key="refund-1", currency="INR"):
    return RefundParams("", intent.gateway_intent_id, Money(minor, currency), key)


def count(model):
    return db.session.scalar(db.select(db.func.count()).select_from(model))


def test_the_same_key_asked_many_times_at_once_opens_one_payment(app, session):
    intents = at_once(app, [open_intent] * 6)
    assert len({intent.gateway_intent_id for intent in intents}) == 1
    assert count(SandboxPayment) == 1


def test_a_client_secret_opens_its_page_and_nothing_like_it_does(session):
    intent = open_intent()
    assert ledger.find_payment(intent.client_secret).intent_id == intent.gateway_intent_id
    for wrong in ("", intent.gateway_intent_id, intent.client_secret[:-1], intent.client_secret + "x", "é", "_secret_"):
        with pytest.raises(NotFound):
            ledger.find_payment(wrong)


def test_a_payer_decides_once_also_with_two_clicks_at_once(app, session):
    intent = open_intent()
    decisions = at_once(app, [lambda: decide(intent, "approve"), lambda: decide(intent, "decline")] * 3)
    assert sorted(decisions) == [False] * 5 + [True]


def test_an_outcome_that_is_not_offered_is_refused(session):
    with pytest.raises(InvalidInput):
        decide(open_intent(), "steal")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("approve", SnapshotStatus.PAID, None),
        ("twice", SnapshotStatus.PAID, None),
        ("decline", SnapshotStatus.FAILED, "card_declined"),
        ("insufficient_funds", SnapshotStatus.FAILED, "insufficient_funds"),
        ("never", SnapshotStatus.PENDING, None),
        ("late", SnapshotStatus.PENDING, None),
    ],
)
def test_every_outcome_is_what_it_says(session, outcome, status, code):
    intent = open_intent()
    decide(intent, outcome)
    snapshot = adapter().fetch_payment(intent.gateway_intent_id)
    assert snapshot.status is status
    assert (snapshot.failure.code if snapshot.failure else None) == code


def test_every_outcome_is_tried():
    assert set(OUTCOMES) == {"approve", "twice", "decline", "insufficient_funds", "never", "late"}


def test_a_late_answer_comes_late(session):
    intent = open_intent()
    decide(intent, "late")
    with time_machine.travel(clock.utc_now() + LATE, tick=False):
        assert adapter().fetch_payment(intent.gateway_intent_id).status is SnapshotStatus.PAID


def test_an_event_tells_what_the_books_say(session):
    for outcome, kind in (("approve", EventKind.PAID), ("decline", EventKind.FAILED)):
        intent = open_intent(idempotency_key=outcome)
        decide(intent, outcome)
        body = postman._body(ledger.find_payment(intent.client_secret))
        event = adapter(SECRET).parse_webhook(body, {SIGNATURE_HEADER: sign(body, SECRET)})
        assert event.kind is kind
        assert event.snapshot == adapter().fetch_payment(intent.gateway_intent_id)


amounts = st.lists(st.integers(-10, 60_000), min_size=1, max_size=6)


@given(wanted=amounts)
def test_refunds_never_exceed_what_was_paid(session, wanted):
    intent = open_intent(idempotency_key=str(uuid4()))
    decide(intent, "approve")
    given_back = 0
    for number, minor in enumerate(wanted):
        params = refund_params(intent, minor, f"{intent.gateway_intent_id}-{number}")
        if 0 < minor <= PARAMS.amount.minor - given_back:
            assert adapter().refund(params).amount == params.amount
            given_back += minor
        else:
            with pytest.raises(GatewayError):
                adapter().refund(params)
    told = adapter().fetch_payment(intent.gateway_intent_id).refunds
    assert sum(news.amount.minor for news in told) == given_back <= PARAMS.amount.minor


def test_the_same_refund_asked_many_times_at_once_is_made_once(app, session):
    intent = open_intent()
    decide(intent, "approve")
    results = at_once(app, [lambda: adapter().refund(refund_params(intent, 60_000))] * 6)
    assert len({result.gateway_refund_id for result in results}) == 1
    assert count(SandboxRefund) == 1


def test_two_refunds_at_once_do_not_exceed_it_together(app, session):
    intent = open_intent()
    decide(intent, "approve")
    keys = [f"{intent.gateway_intent_id}-{number}" for number in range(4)]
    results = at_once(app, [lambda key=key: adapter().refund(refund_params(intent, 60_000, key)) for key in keys])
    assert sum(isinstance(result, GatewayError) for result in results) == 3
    assert count(SandboxRefund) == 1


def test_another_currency_is_not_refunded(session):
    intent = open_intent()
    decide(intent, "approve")
    with pytest.raises(GatewayError):
        adapter().refund(refund_params(intent, 1, currency="USD"))


@pytest.mark.parametrize("outcome", ["decline", "never", "late"])
def test_what_is_not_paid_is_not_refunded(session, outcome):
    intent = open_intent()
    decide(intent, outcome)
    with pytest.raises(GatewayError):
        adapter().refund(refund_params(intent, 1))


def test_without_its_books_as_in_production_it_is_not_available(app, session):
    books, Sandbox.ledger = Sandbox.ledger, None
    try:
        assert not Sandbox.is_available()
        with pytest.raises(GatewayUnavailable):
            open_intent()
    finally:
        Sandbox.ledger = books
