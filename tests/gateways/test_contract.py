"""One contract for every payment company: adapters can take each other's place.

Runs over whatever is registered. A new adapter joins with a module in `counterparties/`.
"""

from collections.abc import Iterator
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import gateways
from app.gateways import Gateway, PaymentGatewayConfig
from app.gateways.base import (
    EventKind,
    GatewayError,
    InvalidSignature,
    PaymentIntent,
    PaymentIntentParams,
    RefundParams,
    SnapshotStatus,
    UnsupportedGateway,
)
from app.kit.money import Money
from tests import strategies
from tests.gateways.counterparties import Counterparty

# The database is of no account here; the Sandbox's own books are tried on both in test_sandbox.py.
pytestmark = pytest.mark.sqlite

_numbers = count(1)


@pytest.fixture(params=sorted(Counterparty.registry))
def company(request: pytest.FixtureRequest, session) -> Iterator[Counterparty]:
    company = Counterparty.registry[request.param]()
    yield company
    company.close()


def make_params(company: Counterparty, **changes) -> PaymentIntentParams:
    number = next(_numbers)
    values = {
        "amount": Money(249_900, company.currency),
        "description": "GST registration, Express",
        "customer_name": "Kavya Iyer",
        "customer_email": "kavya.iyer@example.org",
        "customer_phone": "+917000012345",
        "idempotency_key": f"key-{uuid4()}",
        "return_url": "https://shop.example.com/back",
        "cancel_url": "https://shop.example.com/pay",
        "metadata": {"payment_id": f"payment-{number}", "reference_number": "SR-7K3M-9QXW-2HTB"},
    }
    return PaymentIntentParams(**values | changes)


def refund_params(intent: PaymentIntent, adapter: Gateway, minor: int) -> RefundParams:
    """Each time with a new key, as each refund has its own."""
    snapshot = adapter.fetch_payment(intent.gateway_intent_id)
    return RefundParams(
        gateway_payment_id=snapshot.gateway_payment_id,
        gateway_intent_id=intent.gateway_intent_id,
        amount=Money(minor, intent.amount.currency),
        idempotency_key=f"refund-{uuid4()}",
    )


def test_every_gateway_has_a_counterparty_and_is_tried_here():
    assert set(Counterparty.registry) == {gateway.name for gateway in gateways.registered()}


@pytest.mark.parametrize("gateway", gateways.registered(), ids=lambda gateway: gateway.name)
def test_a_gateway_says_who_it_is_and_what_it_needs(gateway):
    assert issubclass(gateway, Gateway)
    assert not getattr(gateway, "__abstractmethods__", None)
    assert gateway.name == gateway.name.lower()
    assert len(gateway.name) <= 32
    assert gateway.label
    assert gateway.signature_header
    config = PaymentGatewayConfig(gateway.name, "test")
    assert all(hasattr(config, field.name) or field.name == "webhook_secret" for field in gateway.credentials)
    assert gateway.takes("INR") == (gateway.currencies is None or "INR" in gateway.currencies)


def test_no_two_gateways_are_told_by_the_same_header():
    headers = [gateway.signature_header.lower() for gateway in gateways.registered()]
    assert len(set(headers)) == len(headers)


def test_the_factory_makes_each_adapter_from_its_config_and_refuses_others():
    for gateway in gateways.registered():
        config = PaymentGatewayConfig(gateway.name, "test")
        assert type(gateways.create(config)) is gateway
    with pytest.raises(UnsupportedGateway):
        gateways.create(PaymentGatewayConfig("nobody", "test"))


def test_two_gateways_of_one_name_are_an_error_at_once():
    with pytest.raises(TypeError, match="two gateways are called 'sandbox'"):
        type("Another", (Gateway,), {"name": "sandbox"})


def test_secrets_are_not_in_the_picture_of_a_config(company):
    shown = repr(company.config)
    for secret in (company.config.api_secret, *company.config.webhook_secrets):
        assert not secret or secret not in shown


@pytest.mark.property(10)
@given(customer=strategies.customers(), minor=strategies.prices(), is_paid=st.booleans(), is_hosted=st.booleans())
def test_a_payment_goes_the_same_way_through_every_adapter(company, customer, minor, is_paid, is_hosted):
    adapter = company.adapter()
    params = make_params(
        company,
        amount=Money(minor, company.currency),
        customer_name=customer.full_name,
        customer_email=customer.email,
        customer_phone=customer.phone,
        is_hosted=is_hosted,
    )

    intent = adapter.create_payment_intent(params)
    assert (intent.gateway, intent.amount) == (adapter.name, params.amount)
    assert 0 < len(intent.gateway_intent_id) <= 255
    assert intent.redirect_url or intent.client_secret or intent.client
    before = adapter.fetch_payment(intent.gateway_intent_id)
    assert (before.status, before.refunds) == (SnapshotStatus.PENDING, ())

    (company.approve if is_paid else company.decline)(intent)
    for snapshot in (adapter.fetch_payment(intent.gateway_intent_id), event_of(company, intent).snapshot):
        assert snapshot.status is (SnapshotStatus.PAID if is_paid else SnapshotStatus.FAILED)
        assert intent.gateway_intent_id in {snapshot.gateway_intent_id, snapshot.gateway_payment_id} or (
            snapshot.metadata["payment_id"] == params.metadata["payment_id"]
        )
        assert snapshot.amount == params.amount
        assert (snapshot.failure is None) == is_paid
        if is_paid:
            assert snapshot.gateway_payment_id
        else:
            assert all((snapshot.failure.code, snapshot.failure.message, snapshot.failure.next_step))


def event_of(company, intent, **changes):
    body, headers = company.news(intent)
    return company.adapter(**changes).parse_webhook(body, headers)


def test_asking_again_with_the_same_key_makes_no_second_intent(company):
    params = make_params(company)
    first, second = (company.adapter().create_payment_intent(params) for _ in range(2))
    assert first == second
    other = company.adapter().create_payment_intent(make_params(company))
    assert other.gateway_intent_id != first.gateway_intent_id


def test_a_payment_nobody_made_is_an_error_of_ours(company):
    intent = company.adapter().create_payment_intent(make_params(company))
    unknown = intent.gateway_intent_id[:-4] + "zzzz"
    with pytest.raises(GatewayError):
        company.adapter().fetch_payment(unknown)


def test_good_credentials_pass_the_check(company):
    company.adapter().check_credentials()


@pytest.fixture
def paid(company) -> PaymentIntent:
    intent = company.adapter().create_payment_intent(make_params(company))
    company.approve(intent)
    return intent


def test_an_event_has_one_id_however_often_it_is_delivered(company, paid):
    first, second = event_of(company, paid), event_of(company, paid)
    assert first.event_id == second.event_id
    assert len(first.event_id) <= 255
    assert first.kind is EventKind.PAID
    assert first.name


def test_header_names_may_be_written_in_any_case(company, paid):
    body, headers = company.news(paid)
    for spell in (str.lower, str.upper, str.title):
        assert company.adapter().verify_webhook(body, {spell(name): value for name, value in headers.items()})


def test_a_body_changed_in_one_byte_is_not_signed(company, paid):
    body, headers = company.news(paid)
    adapter = company.adapter()
    assert adapter.verify_webhook(body, headers)
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert not adapter.verify_webhook(changed, headers)
    assert not adapter.verify_webhook(body + b" ", headers)
    assert not adapter.verify_webhook(b"", headers)


def test_a_message_without_its_signature_is_not_signed(company, paid):
    body, headers = company.news(paid)
    unsigned = {
        name: value for name, value in headers.items() if name.lower() != company.adapter().signature_header.lower()
    }
    assert len(unsigned) == len(headers) - 1
    for left in (unsigned, unsigned | {company.adapter().signature_header: ""}, {}):
        assert not company.adapter().verify_webhook(body, left)
        with pytest.raises(InvalidSignature):
            company.adapter().parse_webhook(body, left)


def test_the_headers_of_its_family_are_all_that_a_message_is_read_by(company, paid):
    """The inbox keeps these, to read it again."""
    body, headers = company.news(paid)
    adapter = company.adapter()
    family = {name: value for name, value in headers.items() if name.lower().startswith(adapter.header_family())}
    noise = {"Host": "shop.example", "X-Forwarded-For": "192.0.2.1"}
    assert adapter.verify_webhook(body, family)
    assert adapter.process_webhook(body, family) == adapter.process_webhook(body, headers | noise)


def test_another_secret_does_not_verify_but_one_of_two_does(company, paid):
    body, headers = company.news(paid)
    (secret,) = company.config.webhook_secrets
    for secrets, expected in ((("not-ours",), False), (("not-ours", secret), True), ((secret, "not-ours"), True)):
        assert company.adapter(webhook_secrets=secrets).verify_webhook(body, headers) is expected


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_without_a_secret_nothing_is_believed(company, paid, secrets):
    body, headers = company.news(paid)
    with pytest.raises(InvalidSignature):
        company.adapter(webhook_secrets=secrets).parse_webhook(body, headers)


@given(body=st.binary(max_size=200), value=st.text(st.characters(), max_size=100), names=st.sets(st.text(max_size=20)))
def test_whatever_a_stranger_sends_is_not_signed_and_no_error(company, body, value, names):
    adapter = company.adapter()
    headers = dict.fromkeys({*names, adapter.signature_header}, value)
    assert adapter.verify_webhook(body, headers) is False


def test_a_refund_is_made_once_for_each_key(company, paid):
    adapter = company.adapter()
    params = refund_params(paid, adapter, 50_000)
    first, second = adapter.refund(params), adapter.refund(params)
    assert first == second
    assert first.amount == params.amount
    assert first.status in {"success", "pending"}
    assert 0 < len(first.gateway_refund_id) <= 255
    (news,) = adapter.fetch_payment(paid.gateway_intent_id).refunds
    assert (news.gateway_refund_id, news.amount) == (first.gateway_refund_id, first.amount)
    assert news.idempotency_key in {None, params.idempotency_key}


def test_no_more_than_was_paid_is_refunded(company, paid):
    adapter = company.adapter()
    adapter.refund(refund_params(paid, adapter, 200_000))
    with pytest.raises(GatewayError):
        adapter.refund(refund_params(paid, adapter, 49_901))
    adapter.refund(refund_params(paid, adapter, 49_900))
    refunded = [news.amount.minor for news in adapter.fetch_payment(paid.gateway_intent_id).refunds]
    assert sorted(refunded) == [49_900, 200_000]


def test_what_was_never_paid_is_not_refunded(company):
    adapter = company.adapter()
    intent = adapter.create_payment_intent(make_params(company))
    with pytest.raises(GatewayError):
        adapter.refund(RefundParams("", intent.gateway_intent_id, Money(1, company.currency), "refund-1"))
