"""Our Stripe adapter against localstripe, a stand-in that nobody here wrote.

It knows less than Stripe and less than our simulator: it refuses what our adapter sends to open an intent, so tests
open theirs through the SDK; it ignores idempotency keys and refunds more than was paid. Where both know a thing, our
adapter has to read it alike.
"""

import time
from collections.abc import Callable

import pytest
import stripe
from sqlalchemy import select

from app import exchanges, gateways
from app.db import db, transaction
from app.errors import InvalidInput
from app.gateways.base import (
    BadCredentials,
    GatewayError,
    GatewayUnavailable,
    PaymentGatewayConfig,
    PaymentIntent,
    SnapshotStatus,
    UnknownPayment,
)
from app.kit.money import Money
from app.models import Notification, Payment, PaymentStatus, Refund, RefundStatus, WebhookEvent
from app.workflows import locked_payments, purchase, refunds
from app.workflows.audit import SYSTEM
from tests.factories import make_customer, make_gateway, make_service
from tests.gateways.wishes import to_pay, to_refund
from tests.servers import localstripe

KEY, SECRET, HOOK = "pk_test_localstripe", "sk_test_localstripe", "whsec_localstripe"
PRICE = Money(249_900, "INR")
DECLINED = "4000000000000341"
# How our books take it is tried with our own simulator, on both databases.
pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def server():
    server = localstripe.start()
    yield server
    server.stop()


@pytest.fixture
def posting_server(live_server):
    """One for a test alone: it posts its messages a second late, also to those who come after."""
    server = localstripe.start()
    yield server
    server.stop()


@pytest.fixture
def adapter(server):
    yield adapter_of(server)
    server.forget()


def adapter_of(server, **changes):
    values = {"api_key": KEY, "api_secret": SECRET, "webhook_secrets": (HOOK,), "api_base": server.url} | changes
    return gateways.create(PaymentGatewayConfig("stripe", "test", **values))


def open_intent(adapter, **changes):
    wanted = {"amount": PRICE.minor, "currency": "inr", "metadata": {"payment_id": "ours"}} | changes
    return adapter.client.v1.payment_intents.create(wanted).id


def pay(adapter, **changes):
    return open_intent(adapter, payment_method="pm_card_visa", confirm=True, **changes)


def decline(adapter, intent_id):
    client = adapter.client.v1
    card = {"number": DECLINED, "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    method = client.payment_methods.create({"type": "card", "card": card}).id
    client.payment_methods.attach(method, {"customer": client.customers.create({}).id})
    client.payment_intents.update(intent_id, {"payment_method": method})
    with pytest.raises(stripe.CardError):
        client.payment_intents.confirm(intent_id)


def test_its_keys_are_accepted_and_others_are_not(adapter, server):
    adapter.check_credentials()
    with pytest.raises(BadCredentials, match="does not accept the secret key"):
        # It knows no restricted keys.
        adapter_of(server, api_secret="rk_test_localstripe").check_credentials()


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({}, SnapshotStatus.PENDING),
        ({"payment_method": "pm_card_visa"}, SnapshotStatus.PENDING),
        ({"payment_method": "pm_card_visa", "confirm": True}, SnapshotStatus.PAID),
        ({"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}, SnapshotStatus.AUTHORIZED),
    ],
)
def test_a_payment_is_read_as_it_stands(adapter, how, status):
    intent_id = open_intent(adapter, **how)
    snapshot = adapter.fetch_payment(intent_id)
    assert (snapshot.status, snapshot.amount, snapshot.failure) == (status, PRICE, None)
    assert (snapshot.gateway_intent_id, snapshot.metadata) == (intent_id, {"payment_id": "ours"})


def test_a_payment_that_was_given_up_has_failed(adapter):
    intent_id = open_intent(adapter)
    adapter.client.v1.payment_intents.cancel(intent_id)
    assert adapter.fetch_payment(intent_id).status is SnapshotStatus.FAILED


def test_a_bank_that_wants_to_see_the_customer_is_waited_for(adapter):
    card = {"number": "4000002500003155", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    method = adapter.client.v1.payment_methods.create({"type": "card", "card": card}).id
    intent_id = open_intent(adapter, payment_method=method, confirm=True)
    assert adapter.fetch_payment(intent_id).status is SnapshotStatus.PENDING


def test_a_declined_card_is_told_in_our_words_and_may_be_followed_by_a_good_one(adapter):
    intent_id = open_intent(adapter)
    decline(adapter, intent_id)
    snapshot = adapter.fetch_payment(intent_id)
    assert (snapshot.status, snapshot.failure.code) == (SnapshotStatus.FAILED, "card_declined")
    assert "declined" in snapshot.failure.message
    assert snapshot.failure.next_step


def test_a_refund_in_two_parts_is_told_with_our_keys(adapter):
    snapshot = adapter.fetch_payment(pay(adapter))
    first = adapter.refund(to_refund(snapshot, 99_900, "first"))
    second = adapter.refund(to_refund(snapshot, 150_000, "second"))
    assert [made.status for made in (first, second)] == ["success", "success"]
    told = adapter.fetch_payment(snapshot.gateway_intent_id)
    assert told.status is SnapshotStatus.PAID
    assert {(news.gateway_refund_id, news.amount.minor, news.idempotency_key) for news in told.refunds} == {
        (first.gateway_refund_id, 99_900, "first"),
        (second.gateway_refund_id, 150_000, "second"),
    }


def test_more_refunds_than_come_with_their_charge_are_all_told(adapter):
    snapshot = adapter.fetch_payment(pay(adapter))
    for number in range(12):
        adapter.refund(to_refund(snapshot, 100, f"key-{number}"))
    assert len(adapter.fetch_payment(snapshot.gateway_intent_id).refunds) == 12


def test_a_refund_of_what_was_never_paid_is_refused_with_the_reason_for_staff(adapter):
    snapshot = adapter.fetch_payment(open_intent(adapter))
    with pytest.raises(GatewayError, match=r"Stripe refused the refund\. Cannot refund a failed payment") as refused:
        adapter.refund(to_refund(snapshot, 1))
    assert not refused.value.retryable


def test_what_it_does_not_know_is_unknown_and_what_it_refuses_is_no_news_for_customers(adapter):
    with pytest.raises(UnknownPayment):
        adapter.fetch_payment("pi_of_somebody_else")
    with pytest.raises(GatewayError) as refused:
        adapter.create_payment_intent(to_pay(PRICE))
    assert "Unexpected" in refused.value.details["reason"]
    assert "Unexpected" not in refused.value.message


def test_nobody_there_is_said_after_three_tries(waits):
    server = localstripe.start()
    server.stop()
    with pytest.raises(GatewayUnavailable):
        adapter_of(server).fetch_payment("pi_1")
    assert len(waits) == 2


# Through the shop.


@pytest.fixture
def payment(session, server) -> Payment:
    return sell(server)


def sell(server) -> Payment:
    make_gateway("stripe", is_default=True, api_key=KEY, api_secret=SECRET, webhook_secret=HOOK, api_base=server.url)
    choice = purchase.Choice(make_service(price_minor=PRICE.minor).id, None)
    with transaction():
        payment = purchase.open_request(choice, make_customer(), purchase.Origin(submission="localstripe"))
    intent_id = open_intent(adapter_of(server), metadata={"payment_id": str(payment.id)})
    with transaction():
        purchase.attach_intent(payment.id, PaymentIntent("stripe", intent_id, "", PRICE))
    return payment


def confirm(server, payment):
    client = adapter_of(server).client.v1.payment_intents
    client.update(payment.gateway_intent_id, {"payment_method": "pm_card_visa"})
    client.confirm(payment.gateway_intent_id)


def ask_for(payment, minor):
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = refunds.Wish(Money(minor, "INR"), refunds.refundable(locked), "A reason")
        return refunds.open_refund(locked, wish, actor=SYSTEM)


def made_at(server, payment):
    snapshot = adapter_of(server).fetch_payment(payment.gateway_intent_id)
    return sorted(news.amount.minor for news in snapshot.refunds)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "no message came"
        db.session.rollback()
        time.sleep(0.05)


def handled() -> list[str]:
    return list(db.session.scalars(select(WebhookEvent.kind).where(WebhookEvent.handled_at.is_not(None))))


def test_its_signed_message_completes_the_payment_and_another_secrets_does_not(posting_server, live_server, session):
    payment = sell(posting_server)
    address = f"{live_server.url}/api/services/payment/webhook"
    posting_server.post_to(f"{address}/stripe", "whsec_of_a_stranger", name="first")
    # This one comes without a name in its address.
    posting_server.post_to(address, HOOK, name="second")
    confirm(posting_server, payment)
    wait_until(lambda: bool(handled()))
    assert handled() == ["payment_intent.succeeded"]
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert payment.service_request.is_paid
    assert db.session.scalars(select(Notification.kind)).all().count("payment_confirmed") == 1


def test_its_message_of_a_declined_card_reaches_the_customer_once(posting_server, live_server, session):
    payment = sell(posting_server)
    posting_server.post_to(f"{live_server.url}/api/services/payment/webhook/stripe", HOOK)
    decline(adapter_of(posting_server), payment.gateway_intent_id)
    wait_until(lambda: "payment_intent.payment_failed" in handled())
    assert (fresh(payment).status, payment.error_code) == (PaymentStatus.FAILED, "card_declined")
    assert exchanges.check_payment(payment.id)
    assert db.session.scalars(select(Notification.kind)).all() == ["payment_failed"]


def test_part_and_rest_are_refunded_and_more_than_that_does_not_leave_the_house(server, payment):
    confirm(server, payment)
    assert exchanges.check_payment(payment.id)
    exchanges.send_refund(ask_for(payment, 99_900).id)
    # It would refund it.
    with pytest.raises(InvalidInput, match="Enter an amount up to"):
        ask_for(payment, 150_001)
    exchanges.send_refund(ask_for(payment, 150_000).id)
    assert made_at(server, payment) == [99_900, 150_000]
    assert (fresh(payment).status, payment.refunded_minor) == (PaymentStatus.REFUNDED, PRICE.minor)


def test_a_refund_whose_answer_was_lost_is_made_once_though_it_ignores_keys(server, payment):
    confirm(server, payment)
    exchanges.check_payment(payment.id)
    refund = ask_for(payment, 99_900)
    # The worker died after the work was done, before the answer was kept.
    refunds.send(refund)
    exchanges.check_refund(refund.id)
    assert made_at(server, payment) == [99_900]
    assert (fresh(refund).status, payment.refunded_minor) == (RefundStatus.COMPLETED, 99_900)


def test_what_it_refunds_twice_under_one_key_is_in_our_books_twice(server, payment):
    confirm(server, payment)
    exchanges.check_payment(payment.id)
    refund = ask_for(payment, 99_900)
    exchanges.send_refund(refund.id)
    refunds.send(fresh(refund))
    exchanges.check_payment(payment.id)
    assert fresh(payment).refunded_minor == 2 * 99_900 == sum(made_at(server, payment))


def test_a_refund_made_without_us_is_taken_in(server, payment):
    confirm(server, payment)
    exchanges.check_payment(payment.id)
    adapter_of(server).client.v1.refunds.create({"payment_intent": payment.gateway_intent_id, "amount": 500})
    exchanges.check_payment(payment.id)
    (refund,) = db.session.scalars(select(Refund))
    assert (refund.is_external, refund.amount_minor, fresh(payment).refunded_minor) == (True, 500, 500)
