"""What strangers post: never believed, and never an error."""

import contextlib
import itertools
import json
import random
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.gateways import Gateway
from app.gateways.base import GatewayEvent, InvalidSignature
from app.gateways.network import certificates
from app.kit.money import Money
from app.models import GatewayConfig, Payment, PaymentStatus, WebhookEvent
from app.protection import MAXIMUM_BODY
from tests.factories import make_gateway, make_payment
from tests.gateways.wishes import to_pay
from tests.simulator import Simulator, paypal_company, razorpay_company, stripe_company

MESSAGES = 10_000
LONGEST_BODY = 20_000
CURRENCIES = {"stripe": "INR", "razorpay": "INR", "paypal": "USD"}
GATEWAYS = sorted(CURRENCIES)
ODD_TEXTS = (
    "",
    " ",
    "=",
    ",",
    "t=",
    "t=1,v1=",
    "v1=é",
    "\x00",
    "\udcff",
    "é" * 50,
    "0" * 5_000,
    "t=" + "9" * 400,
    "null",
)
ODD_BODIES = (b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 5_000, b'{"id":', "{\u2028}".encode(), b"\x00" * 99)

Message = tuple[bytes, dict[str, str]]


def a_good_message(simulator: Simulator, gateway: str) -> Message:
    intent = simulator.adapter(gateway).create_payment_intent(to_pay(Money(5_000, CURRENCIES[gateway])))
    getattr(simulator, gateway).pay(intent.gateway_intent_id)
    letter = simulator.postman.collect(gateway)[-1]
    return letter.body, letter.headers


class Stranger:
    """Starts from a good message and spoils it, or makes one up."""

    def __init__(self, good: Message, seed: int) -> None:
        self.body, self.headers = good
        self.signed = [name for name in self.headers if name != "Content-Type"]
        self.random = random.Random(seed)  # noqa: S311 - the same messages each time

    def messages(self) -> Iterator[Message]:
        ways: list[Callable[[], Message]] = [
            self.with_a_spoiled_body,
            self.with_a_spoiled_header,
            self.without_a_header,
            self.made_up,
            self.for_another_body,
        ]
        for _ in range(MESSAGES):
            yield self.random.choice(ways)()

    def with_a_spoiled_body(self) -> Message:
        body = bytearray(self.body)
        for _ in range(self.random.randint(1, 5)):
            place = self.random.randrange(len(body))
            body[place] ^= self.random.randint(1, 255)
        if bytes(body) == self.body:
            body.append(0)
        return bytes(body), self.headers

    def with_a_spoiled_header(self) -> Message:
        name = self.random.choice([name for name in self.signed if name != "x-razorpay-event-id"])
        value = self.headers[name]
        place = self.random.randrange(len(value))
        spoiled = (self.some_text(), value[:place] + self.some_text() + value[place + 2 :], value[:place])
        wrong = self.random.choice([each for each in spoiled if each != value])
        return self.body, self.headers | {name: wrong}

    def without_a_header(self) -> Message:
        name = self.random.choice([name for name in self.signed if name != "x-razorpay-event-id"])
        return self.body, {other: value for other, value in self.headers.items() if other != name}

    def for_another_body(self) -> Message:
        return self.some_body(), self.headers

    def made_up(self) -> Message:
        return self.some_body(), {name: self.some_text() for name in (*self.signed, self.some_text())}

    def some_body(self) -> bytes:
        size = self.random.choice([0, 1, 100, LONGEST_BODY])
        return self.random.choice([*ODD_BODIES, self.random.randbytes(size)])

    def some_text(self) -> str:
        drawn = "".join(chr(self.random.choice([9, 32, 61, 124, 255, 0x20AC, 0x1F600])) for _ in range(20))
        return self.random.choice([*ODD_TEXTS, drawn])


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_ten_thousand_malformed_messages_are_refused_and_nothing_else_happens(simulator, gateway):
    certificates.forget_all()
    adapter = simulator.adapter(gateway)
    good = a_good_message(simulator, gateway)
    assert adapter.verify_webhook(*good)
    for number, (body, headers) in enumerate(Stranger(good, seed=20_261_122).messages()):
        assert adapter.verify_webhook(body, headers) is False, (number, body[:80], headers)
        with pytest.raises(InvalidSignature):
            adapter.parse_webhook(body, headers)
    assert adapter.verify_webhook(*good)
    asked = [path for _, path in simulator.faults.seen if "/certs/" in path]
    assert len(asked) <= 1 + 10


@pytest.mark.sqlite
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_at_the_door_they_get_400_or_413_and_leave_no_row(simulator, client, session, gateway):
    config = simulator.config(gateway)
    secret = config.webhook_secrets[0]
    make_gateway(gateway, webhook_secret=secret, api_base=config.api_base, options=dict(config.options))
    address = f"/api/services/payment/webhook/{gateway}"
    good = a_good_message(simulator, gateway)
    for body, headers in itertools.islice(Stranger(good, seed=413).messages(), 500):
        told = {name: value for name, value in headers.items() if can_be_sent(name, value)}
        if told != good[1] or body != good[0]:
            assert client.post(address, data=body, headers=told).status_code == 400
    assert client.post(address, data=b"x" * (MAXIMUM_BODY + 1), headers=good[1]).status_code == 413
    assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 0
    assert client.post(address, data=good[0], headers=good[1]).status_code == 200


def can_be_sent(name: str, value: str) -> bool:
    """Some headers no server would hand on."""
    return name.isascii() and name.replace("-", "").isalnum() and value.isprintable() and value.isascii()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
NAMES = {
    "stripe": ["payment_intent.succeeded", "checkout.session.completed", "refund.created", "charge.dispute.created"],
    "razorpay": ["payment.captured", "order.paid", "refund.processed", "payment.dispute.created"],
    "paypal": [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
        "CUSTOMER.DISPUTE.X",
    ],
}


def signed(simulator: Simulator, gateway: str, body: bytes) -> dict[str, str]:
    if gateway == "stripe":
        return dict(stripe_company.sign(body, secret=stripe_company.WEBHOOK_SECRET))
    if gateway == "razorpay":
        return dict(razorpay_company.sign(body, secret=razorpay_company.WEBHOOK_SECRET, event_id="1"))
    return dict(paypal_company.sign(body, by=simulator.paypal.signer, certificate=simulator.paypal.url_of()))


def event_or_refusal(adapter: Gateway, body: bytes, headers: dict[str, str]) -> None:
    with contextlib.suppress(InvalidSignature):
        assert isinstance(adapter.parse_webhook(body, headers), GatewayEvent)


@pytest.mark.parametrize(
    "names",
    [{"id": "e" * 3_000}, {"id": "evt_\0"}, {"type": "charge.\udcff"}, {"type": "c" * 300}],
    ids=["long id", "NUL", "half a character", "long name"],
)
def test_who_has_the_secret_may_use_no_name_that_cannot_be_kept(simulator, client, session, names):
    assert post_of_stripe(simulator, client, "charge.updated", {}, **names) == 400


UNKEPT = {"too long": "p" * 256, "NUL": "p\0", "half a character": "\udcff", "a number": 5, "a list": ["p"]}


@pytest.mark.parametrize("odd", UNKEPT.values(), ids=UNKEPT.keys())
def test_nor_an_id_or_word_about_a_payment_of_ours(simulator, client, session, odd):
    payment = a_payment_at_stripe("cs_1")
    money = {"amount": 500, "currency": "inr"}
    session_paid = {"object": "checkout.session", "id": "cs_1", "status": "complete", "payment_status": "paid"}
    refund = {"object": "refund", "id": "re_1", "payment_intent": "cs_1", "status": "succeeded", **money}
    dispute = {"id": "dp_1", "payment_intent": "cs_1", "status": "needs_response", "reason": "fraudulent", **money}
    told = [
        (
            "checkout.session.completed",
            session_paid | {"amount_total": payment.amount_minor, "currency": "inr", "payment_intent": odd},
        ),
        ("refund.created", refund | {"id": odd}),
        ("refund.created", refund | {"metadata": {"refund_key": odd}}),
        ("charge.dispute.created", dispute | {"id": odd}),
        ("charge.dispute.created", dispute | {"reason": odd}),
    ]
    assert {post_of_stripe(simulator, client, *each) for each in told} == {400}
    assert db.session.get_one(Payment, payment.id, populate_existing=True).status is PaymentStatus.PENDING


@pytest.mark.parametrize("amount", [0, 2**63, 10**30])
def test_nor_give_back_or_dispute_what_is_no_amount(simulator, client, session, amount):
    a_payment_at_stripe("pi_1")
    told = {"id": "x_1", "payment_intent": "pi_1", "amount": amount, "currency": "inr", "status": "lost"}
    assert post_of_stripe(simulator, client, "refund.created", told | {"object": "refund"}) == 400
    assert post_of_stripe(simulator, client, "charge.dispute.closed", told) == 400


def test_nor_a_deadline_beyond_all_calendars(simulator, client, session):
    a_payment_at_stripe("pi_1")
    dispute = {"id": "dp_1", "payment_intent": "pi_1", "amount": 500, "currency": "inr", "status": "needs_response"}
    told = dispute | {"evidence_details": {"due_by": 10**18}}
    assert post_of_stripe(simulator, client, "charge.dispute.created", told) == 400


def a_payment_at_stripe(intent_id: str) -> Payment:
    payment = make_payment()
    with transaction():
        payment.gateway, payment.gateway_intent_id = "stripe", intent_id
    return payment


def post_of_stripe(simulator, client, name, told, **names) -> int:
    """How a signed event that says this is answered."""
    config = simulator.config("stripe")
    if db.session.scalar(select(GatewayConfig).filter_by(gateway="stripe")) is None:
        make_gateway("stripe", webhook_secret=config.webhook_secrets[0], api_base=config.api_base)
    event = {"id": f"evt_{uuid4().hex}", "object": "event", "type": name, "data": {"object": told}} | names
    body = json.dumps(event).encode()
    answer = client.post("/api/services/payment/webhook/stripe", data=body, headers=signed(simulator, "stripe", body))
    return int(answer.status_code)


@pytest.mark.parametrize("gateway", GATEWAYS)
@given(told=JSON, data=st.data())
def test_signed_nonsense_is_an_event_or_refused(simulator, gateway, told, data):
    name = data.draw(st.sampled_from(NAMES[gateway]))
    bodies = [
        told,
        {"id": "1", "type": name, "data": {"object": told}},
        {"event": name, "payload": told},
        {"event": name, "payload": {kind: {"entity": told} for kind in ("payment", "refund", "dispute", "order")}},
        {"id": "1", "event_type": name, "resource": told},
    ]
    for body in (json.dumps(each).encode() for each in bodies):
        event_or_refusal(simulator.adapter(gateway), body, signed(simulator, gateway, body))


@pytest.mark.parametrize("gateway", GATEWAYS)
@given(data=st.data())
def test_a_signed_message_with_one_value_gone_wrong_is_an_event_or_refused(simulator, gateway, data):
    if not simulator.postman.collect(gateway):
        fill(simulator, gateway)
    letter = data.draw(st.sampled_from(simulator.postman.collect(gateway)))
    tree = json.loads(letter.body)
    *way, last = data.draw(st.sampled_from(list(ways_through(tree))))
    branch = tree
    for step in way:
        branch = branch[step]
    branch[last] = data.draw(JSON | st.sampled_from([10**400, -1, "NaN", "1e999", [], {}, "9999-99-99"]))
    body = json.dumps(tree).encode()
    event_or_refusal(simulator.adapter(gateway), body, signed(simulator, gateway, body))


def fill(simulator: Simulator, gateway: str) -> None:
    """Some events of each sort."""
    adapter = simulator.adapter(gateway)
    company = getattr(simulator, gateway)
    intent = adapter.create_payment_intent(to_pay(Money(5_000, CURRENCIES[gateway])))
    company.pay(intent.gateway_intent_id)
    snapshot = adapter.fetch_payment(intent.gateway_intent_id)
    payment_id = snapshot.gateway_payment_id
    company.refund(payment_id, 1_000)
    company.dispute(payment_id)


def ways_through(tree, way=()) -> Iterator[tuple]:
    branches = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, branch in branches:
        yield (*way, step)
        yield from ways_through(branch, (*way, step))
