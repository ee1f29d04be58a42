"""Gateways post late, twice, at once and out of order; strangers post anything."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.pool import NullPool

from app.columns import keyring
from app.db import db, transaction
from app.gateways import sandbox
from app.jobs import sweep
from app.kit import clock
from app.models import (
    EventOutcome,
    GatewayConfig,
    Notification,
    Payment,
    PaymentStatus,
    RequestStatus,
    Role,
    StatusChange,
    WebhookEvent,
)
from app.workflows import webhooks
from tests.events import WEBHOOK_URL, event_body, post_event
from tests.factories import WEBHOOK_SECRET, make_gateway, make_payment, make_provider, make_user


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def the_event():
    db.session.expire_all()
    return db.session.scalars(select(WebhookEvent)).one()


def rows(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_signed_event_is_stored_acted_on_and_answered(client, session):
    payment = make_payment()
    answer = post_event(client, event_body(payment))
    assert (answer.status_code, answer.json) == (200, {"received": True, "processed": True})
    assert fresh(payment).status is PaymentStatus.COMPLETED
    event = the_event()
    assert event.outcome is EventOutcome.APPLIED
    assert event.handled_at is not None
    assert event.payment_id == payment.id


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
def test_the_raw_body_counts_whatever_it_says_it_is(client, session, kind):
    payment = make_payment()
    answer = post_event(client, event_body(payment), content_type=kind)
    assert (answer.status_code, answer.json) == (200, {"received": True, "processed": True})


def test_the_gateway_is_told_by_its_signature_header_too(client, session):
    payment = make_payment()
    answer = post_event(client, event_body(payment), url="/api/services/payment/webhook")
    assert answer.json == {"received": True, "processed": True}


def test_a_duplicate_is_received_but_not_processed(client, session):
    payment = make_payment()
    post_event(client, event_body(payment))
    answer = post_event(client, event_body(payment))
    assert (answer.status_code, answer.json) == (200, {"received": True, "processed": False})
    assert the_event().deliveries == 2


def test_fifty_deliveries_from_eight_threads_complete_once(live_server, session):
    make_user(Role.ADMIN)
    make_provider()
    payment = make_payment()
    body = event_body(payment)
    start = threading.Barrier(8)

    def deliver(number):
        if number < 8:
            start.wait()
        headers = {sandbox.SIGNATURE_HEADER: sandbox.sign(body, WEBHOOK_SECRET)}
        return requests.post(live_server.url + WEBHOOK_URL, data=body, headers=headers, timeout=60)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(deliver, range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["processed"] for answer in answers) == 1
    assert the_event().deliveries == 50
    changes = db.session.scalars(
        select(StatusChange.new_status).order_by(StatusChange.created_at, StatusChange.id)
    ).all()
    assert changes == [RequestStatus.PAYMENT_CONFIRMED, RequestStatus.PENDING_CONTACT]
    kinds = sorted(db.session.scalars(select(Notification.kind)))
    assert kinds == ["new_request", "payment_confirmed", "provider_assigned"]


@pytest.mark.parametrize("signature", [None, "", "t=1,v1=00", "v1=zz", "t=,v1=", "é", "t=9" * 5000])
def test_a_bad_or_missing_signature_is_400_and_leaves_no_row(client, session, signature):
    payment = make_payment()
    headers = {} if signature is None else {sandbox.SIGNATURE_HEADER: signature}
    answer = client.post(WEBHOOK_URL, data=event_body(payment), headers=headers)
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "invalid_signature"
    assert rows(WebhookEvent) == 0
    assert fresh(payment).status is PaymentStatus.PENDING


def test_an_unsigned_message_to_the_common_address_is_400(client, session):
    make_gateway()
    assert client.post("/api/services/payment/webhook", data=b"{}").status_code == 400


@pytest.mark.parametrize("name", ["nobody", "%00", "a%00b", "%ED%A0%80", "x" * 2_000])
def test_an_unknown_gateway_is_404(client, session, name):
    assert client.post(f"/api/services/payment/webhook/{name}", data=b"{}").status_code == 404


def test_a_signature_of_another_body_is_refused(client, session):
    payment = make_payment()
    signature = sandbox.sign(event_body(payment), WEBHOOK_SECRET)
    answer = client.post(WEBHOOK_URL, data=event_body(payment, amount=1), headers={sandbox.SIGNATURE_HEADER: signature})
    assert answer.status_code == 400


def test_a_timestamp_too_old_or_from_the_future_is_refused(client, session):
    body = event_body(make_payment())
    for distance in (timedelta(minutes=-6), timedelta(minutes=6)):
        with time_machine.travel(clock.utc_now() + distance, tick=False):
            signature = sandbox.sign(body, WEBHOOK_SECRET)
        answer = client.post(WEBHOOK_URL, data=body, headers={sandbox.SIGNATURE_HEADER: signature})
        assert answer.status_code == 400


def test_two_secrets_are_valid_while_one_is_rolled(client, session):
    payment = make_payment()
    with transaction():
        config = db.session.scalars(select(GatewayConfig)).one()
        config.previous_webhook_secret, config.webhook_secret = config.webhook_secret, "the-new-secret-0123456789"
    assert post_event(client, event_body(payment, event_id="old")).status_code == 200
    body = event_body(payment, event_id="new")
    assert post_event(client, body, secret="the-new-secret-0123456789").status_code == 200
    assert post_event(client, body, secret="neither-of-the-two-secrets").status_code == 400


def test_a_secret_set_elsewhere_holds_from_the_next_message_on(client, session, database_url):
    """What this process knows of the settings is out of date, and it has no reason to think so."""
    payment = make_payment()
    post_event(client, event_body(payment, event_id="first"))
    other, rolled = make_payment(payment.service_request.service), "a-secret-set-elsewhere-0123456789"
    sealed = {"sealed": keyring.seal(rolled.encode(), "payment_gateway_config.webhook_secret")}
    with create_engine(database_url, poolclass=NullPool).begin() as elsewhere:
        elsewhere.execute(text("UPDATE payment_gateway_config SET webhook_secret_sealed = :sealed"), sealed)
    assert post_event(client, event_body(other, event_id="old")).status_code == 400
    assert rows(WebhookEvent) == 1
    assert post_event(client, event_body(other, event_id="new"), secret=rolled).json["processed"]


@given(rolled=st.lists(st.booleans(), min_size=1, max_size=6))
def test_no_message_is_taken_by_a_secret_that_is_no_more(client, session, empty_database, rolled):
    """However the changes of the secret lie between the messages."""
    empty_database()
    db.session.remove()
    payment, secret = make_payment(), WEBHOOK_SECRET
    for number, is_rolled in enumerate(rolled):
        if is_rolled:
            old, secret = secret, f"a-secret-for-message-{number}-0123456789"
            with transaction():
                db.session.scalars(select(GatewayConfig)).one().webhook_secret = secret
            assert post_event(client, event_body(payment, event_id=f"old-{number}"), secret=old).status_code == 400
        assert post_event(client, event_body(payment, event_id=f"new-{number}"), secret=secret).status_code == 200
    assert rows(WebhookEvent) == len(rolled)


def test_an_empty_secret_switches_the_endpoint_off(client, session):
    payment = make_payment()
    with transaction():
        db.session.scalars(select(GatewayConfig)).one().webhook_secret = ""
    assert post_event(client, event_body(payment), secret="").status_code == 400


def test_an_unknown_payment_is_kept_for_review_and_administrators_are_told(client, session):
    make_user(Role.ADMIN)
    payment = make_payment()
    body = event_body(payment, intent_id="sbi_unknown", id="sbp_unknown", metadata={"payment_id": "unknown"})
    assert post_event(client, body).status_code == 200
    assert the_event().outcome is EventOutcome.REVIEW
    assert list(db.session.scalars(select(Notification.kind))) == ["alert"]
    assert fresh(payment).status is PaymentStatus.PENDING


@pytest.mark.parametrize("change", [{"amount": 1}, {"currency": "USD"}])
def test_another_amount_or_currency_is_kept_for_review(client, session, change):
    payment = make_payment()
    assert post_event(client, event_body(payment, **change)).status_code == 200
    assert the_event().outcome is EventOutcome.REVIEW
    assert fresh(payment).status is PaymentStatus.PENDING


def test_a_signed_body_that_is_no_event_is_400(client, session):
    make_gateway()
    for body in (b"", b"[]", b"{}", b"\xff\xfe", b'{"id": 1}', b"null", b'{"payment": 3, "id": 1, "type": "x"}'):
        assert post_event(client, body).status_code == 400
    assert rows(WebhookEvent) == 0


def rename_table(old, new):
    with transaction():
        db.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_an_event_that_fails_inside_is_500_stays_seen_and_is_tried_again(app, client, session):
    payment = make_payment()
    body = event_body(payment)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    rename_table("service_request_status_history", "mislaid")
    try:
        assert post_event(client, body).status_code in {500, 503}
        event = the_event()
        assert (event.handled_at, event.attempts) == (None, 1)
        assert event.next_attempt_at is not None
        assert fresh(payment).status is PaymentStatus.PENDING
    finally:
        rename_table("mislaid", "service_request_status_history")
    assert post_event(client, body).json == {"received": True, "processed": True}
    assert fresh(payment).status is PaymentStatus.COMPLETED


@given(body=st.binary(max_size=300), signature=st.text(max_size=80))
def test_whatever_a_stranger_posts_is_400_and_leaves_nothing(client, session, body, signature):
    if rows(GatewayConfig) == 0:
        make_gateway()
    header = signature.encode("utf-8", "replace").decode("latin-1")
    header = "".join(character for character in header if character not in "\r\n\0")
    answer = client.post(WEBHOOK_URL, data=body, headers={sandbox.SIGNATURE_HEADER: header})
    assert answer.status_code == 400
    assert rows(WebhookEvent) == 0
    assert rows(Payment) == 0


def test_a_body_beyond_the_limit_is_413(client, session):
    make_gateway()
    assert post_event(client, b"x" * (2 * 1024 * 1024)).status_code == 413


def test_events_left_unhandled_are_due_for_another_try(client, session):
    payment = make_payment()
    body = event_body(payment)
    event = webhooks.parse("sandbox", body, {sandbox.SIGNATURE_HEADER: sandbox.sign(body, WEBHOOK_SECRET)})
    with transaction():
        row_id = webhooks.receive("sandbox", event, body, {}).id
    assert webhooks.due_events() == []
    with time_machine.travel(clock.utc_now() + timedelta(minutes=2), tick=False):
        assert webhooks.due_events() == [row_id]
    with transaction():
        assert webhooks.handle_again(row_id) is EventOutcome.APPLIED
    with transaction():
        assert webhooks.handle_again(row_id) is None
    assert fresh(payment).status is PaymentStatus.COMPLETED


def test_an_event_that_overtakes_its_payment_is_tried_again_until_it_finds_it(client, session):
    payment = make_payment()
    body = event_body(payment, metadata=None)
    intent_id = payment.gateway_intent_id
    with transaction():
        fresh(payment).gateway_intent_id = "not attached yet"
    assert post_event(client, body).json == {"received": True, "processed": False}
    event = the_event()
    assert (event.outcome, event.handled_at) == (EventOutcome.REVIEW, None)
    with transaction():
        fresh(payment).gateway_intent_id = intent_id
    with time_machine.travel(clock.utc_now() + timedelta(minutes=2), tick=False):
        sweep.retry_webhooks()
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert (the_event().outcome, the_event().attempts) == (EventOutcome.APPLIED, 2)


def test_an_event_that_never_finds_a_payment_is_left_to_a_person(client, session):
    payment = make_payment()
    unknown = {"intent_id": "sbi_unknown", "id": "sbp_unknown", "metadata": None}
    post_event(client, event_body(payment, **unknown))
    for days in range(40):
        with time_machine.travel(clock.utc_now() + timedelta(days=days), tick=False):
            sweep.retry_webhooks()
    event = the_event()
    assert event.handled_at is not None
    assert event.outcome is EventOutcome.REVIEW
    assert event.attempts == webhooks.RETRY.retries + 1
