"""A stolen database shows no customer and no secret, in no encoding, whatever was done before."""

import base64
import json
import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.extensions import limiter, links
from app.gateways.base import SnapshotStatus
from app.kit.contact import fold, name_words
from app.kit.money import Money
from app.models import NotificationStatus, Payment, RequestStatus, Role, WebhookEvent
from app.workflows import assignment, locked_payments, payments, purchase, refunds, requests, status
from app.workflows.purchase import Customer
from tests import traces
from tests.events import event_body, post_event
from tests.factories import acting, attach, make_gateway, make_provider, make_service, make_user, snapshot_of
from tests.outbox import deliver, everything
from tests.traces import found_in, raw_bytes

LETTERS = str.maketrans("0123456789", "ghijklmnop")
WEBHOOK_SECRET = f"whsec-{uuid4().hex}"
SECRETS = {
    "api_key": f"key-{uuid4().hex}",
    "api_secret": f"secret-{uuid4().hex}",
    "webhook_secret": WEBHOOK_SECRET,
    "previous_webhook_secret": f"whsec-{uuid4().hex}",
}


def word() -> str:
    """One that is nowhere else."""
    return uuid4().hex[:24].translate(LETTERS)


def make_distinct_customer() -> Customer:
    return Customer(
        full_name=f"Żofia {word().title()} {word().upper()}-O'{word()}",
        email=f"{word()}.{word()}@{word()}.example.org",
        phone="+917019283746",
        requirements=f"{word()}\n{word()} — ключ {word()}",
    )


def words_of(customer: Customer) -> set[str]:
    name = {*customer.full_name.split(), *name_words(customer.full_name), customer.full_name, fold(customer.full_name)}
    phone = {customer.phone, "917019283746", "7019283746", "70192 83746", "070192-83746"}
    email = {customer.email, *re.split(r"[.@]", customer.email)}
    # Short ones are part of ours too: the country's ending, an initial.
    return {each for each in {*name, *phone, *email, *customer.requirements.split()} if len(each) > 7}


@pytest.fixture(autouse=True)
def _afresh(session):
    traces.forget_older_tests()


@pytest.fixture(autouse=True)
def _unlimited():
    limiter.enabled = False
    yield
    limiter.enabled = True


def buy(client, service, customer) -> Payment:
    fields = {
        "full_name": customer.full_name,
        "email": customer.email.upper(),
        "phone": "070192-83746",
        "requirements": customer.requirements,
        "submission": "a-page",
    }
    assert client.post(f"/services/{service.id}", data=fields).status_code == 303
    return db.session.scalars(select(Payment)).one()


def talkative_body(payment, customer, **changes) -> bytes:
    """Gateways repeat what they know of the payer."""
    event = json.loads(event_body(payment, **changes))
    event["customer"] = {"name": customer.full_name, "email": customer.email, "phone": customer.phone}
    event["payment"]["client_secret"] = payment.client_secret
    return json.dumps(event, ensure_ascii=False).encode()


def handle_it_all(client, smtp, customer, notes) -> list[Payment]:
    """A failed payment, a second that succeeds, and everything staff can do with the request."""
    operator = acting(make_user(Role.OPERATOR))
    make_user(Role.ADMIN)
    provider = make_provider()
    make_gateway(**SECRETS)
    first = buy(client, make_service(), customer)
    body = talkative_body(first, customer, is_paid=False)
    assert post_event(client, body, secret=SECRETS["previous_webhook_secret"]).status_code == 200
    deliver()
    with transaction():
        second = purchase.open_payment(first.service_request)
    attach(second)
    for changes in ({}, {"event_id": "stray", "intent_id": "x", "id": "y", "metadata": {"payment_id": "z"}}):
        assert post_event(client, talkative_body(second, customer, **changes), secret=WEBHOOK_SECRET).status_code == 200
    deliver()
    smtp.unknown_recipients.add(second.service_request.customer_email)
    work_on(second, operator, provider, notes)
    deliver()
    with transaction():
        locked = requests.get_locked(second.service_request_id)
        status.change_status(locked, RequestStatus.IN_PROGRESS, actor=operator, note=notes[3])
    return [first, second]


def work_on(payment, operator, provider, notes) -> None:
    with transaction():
        locked = requests.get_locked(payment.service_request_id)
        requests.add_note(locked, notes[0], actor=operator)
        assignment.unassign(locked, actor=operator)
        assignment.assign(locked, provider, actor=operator)
        status.change_status(locked, RequestStatus.IN_PROGRESS, actor=operator, note=notes[1])
        status.change_status(locked, RequestStatus.COMPLETED, actor=operator)
    with transaction():
        paid = locked_payments.get_locked(payment.id)
        wish = refunds.Wish(Money(100, "INR"), refunds.refundable(paid), notes[2])
        refunds.open_refund(paid, wish, actor=operator)


def secrets_of(payments_made) -> set[str]:
    client_secrets = {payment.client_secret.partition("_secret_")[2] for payment in payments_made}
    keys = {links().key(payment.service_request.reference_number) for payment in payments_made}
    return {*SECRETS.values(), *client_secrets, *keys}


def test_no_customer_and_no_secret_is_found_in_the_bytes_of_the_database(client, session, smtp):
    customer, notes = make_distinct_customer(), [f"{word()} {word()}" for _ in range(4)]
    made = handle_it_all(client, smtp, customer, notes)
    states = {notification.status for notification in everything()}
    assert {NotificationStatus.SENT, NotificationStatus.DEAD, NotificationStatus.PENDING} <= states
    assert len(db.session.scalars(select(WebhookEvent)).all()) == 3
    assert made[1].service_request.customer_name == customer.full_name

    wanted = {*words_of(customer), *secrets_of(made), *(each for note in notes for each in (note, *note.split()))}
    stolen = raw_bytes()
    assert made[1].service_request.reference_number.encode() in stolen
    assert found_in(stolen, wanted) == set()


def test_an_event_that_could_not_be_handled_shows_nobody_either(app, client, session):
    customer = make_distinct_customer()
    make_gateway(**SECRETS)
    payment = buy(client, make_service(), customer)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    with transaction():
        session.execute(db.text("ALTER TABLE service_request_status_history RENAME TO mislaid"))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        assert post_event(client, talkative_body(payment, customer), secret=WEBHOOK_SECRET).status_code >= 500
        assert db.session.scalars(select(WebhookEvent.handled_at)).one() is None
    finally:
        with transaction():
            session.execute(db.text("ALTER TABLE mislaid RENAME TO service_request_status_history"))
    assert found_in(raw_bytes(), {*words_of(customer), *SECRETS.values()}) == set()


@pytest.mark.parametrize("form", [str, lambda text: text.encode().hex(), str.upper])
def test_the_search_finds_what_is_not_sealed(session, form):
    hidden = [word() for _ in range(3)]
    make_service(description=form(" ".join(hidden)), features=[f"naïve-{hidden[0]}"])
    assert found_in(raw_bytes(), [*hidden, f"naïve-{hidden[0]}"]) == {*hidden, f"naïve-{hidden[0]}"}


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_the_search_finds_base_64_at_any_place(session, before):
    hidden = word()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert found_in(encode(f"{before}{hidden}~~".encode()), [hidden]) == {hidden}
