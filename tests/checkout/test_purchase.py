"""From the filled-in form to the gateway's page: what is asked for, and that it is asked for once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.columns import keyring
from app.db import db, transaction
from app.gateways.base import BadCredentials, GatewayError, GatewayUnavailable, PaymentIntent, PaymentIntentParams
from app.gateways.sandbox import Sandbox
from app.models import FeatureFlag, FlagState, Payment, SandboxPayment, ServiceRequest
from app.workflows import flags, payments
from app.workflows.purchase import Customer
from tests.checkout.answers import right_answers
from tests.factories import ensure_gateway, make_gateway, make_service, make_tier, snapshot_of
from tests.servers.worker import ENCRYPTION_KEY
from tests.statements import CLOCKWORK, asked
from tests.strategies import customers, names, prices


class ListeningCompany:
    """The payment company, with a memory of what it was asked."""

    def __init__(self, company: Any) -> None:
        self._company = company
        self.asked: list[PaymentIntentParams] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def open(self, params: PaymentIntentParams) -> PaymentIntent:
        self.asked.append(params)
        intent: PaymentIntent = self._company.open(params)
        self.meanwhile()
        return intent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._company, name)


@pytest.fixture
def company(app: Any) -> Iterator[ListeningCompany]:
    usual = Sandbox.ledger
    listening = ListeningCompany(usual)
    Sandbox.ledger = listening
    yield listening
    Sandbox.ledger = usual


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(tiers=2)


def bought() -> list[ServiceRequest]:
    return list(db.session.scalars(select(ServiceRequest)))


@pytest.mark.sqlite
@pytest.mark.property(9)
@given(
    customer=customers(),
    offer=st.tuples(names(), prices(), st.lists(names(), max_size=3)),
    chosen=st.integers(0, 2),
)
def test_the_gateway_is_asked_for_what_was_chosen(
    session: Any,
    client: Any,
    company: ListeningCompany,
    customer: Customer,
    offer: tuple[str, int, list[str]],
    chosen: int,
) -> None:
    ensure_gateway()
    name, price, tier_names = offer
    service = make_service(name=name, price_minor=price)
    tiers = [make_tier(service, name=tier, price_minor=price + number) for number, tier in enumerate(tier_names)]
    tier = tiers[chosen % len(tiers)] if tiers else None
    fields = {
        "full_name": customer.full_name,
        "email": customer.email,
        "phone": customer.phone,
        "requirements": customer.requirements,
        "submission": str(service.id),
        "tier": str(tier.id) if tier else "",
    }
    assert client.post(f"/services/{service.id}", data=fields).status_code == 303
    asked = company.asked[-1]
    assert asked.amount == (tier.price if tier else service.price)
    assert asked.description == (f"{name}, {tier.name}" if tier else name)
    assert (asked.customer_name, asked.customer_email, asked.customer_phone) == (
        customer.full_name,
        customer.email,
        customer.phone,
    )


def test_buying_leads_to_the_gateways_page_with_the_price_of_the_tier(client: Any, service: Any) -> None:
    tier = service.active_tiers[1]
    answer = client.post(f"/services/{service.id}", data=right_answers(service, tier=str(tier.id), amount="1"))
    assert answer.status_code == 303
    assert "/sandbox/pay/" in answer.location
    (service_request,) = bought()
    assert service_request.amount == tier.price
    assert service_request.tier_name == tier.name
    assert service_request.customer_phone == "+917000012345"


def test_the_form_is_a_statement_for_each_of_its_three_steps(client: Any, service: Any) -> None:
    """Request and payment, the company's own entry, the way to pay; and a look at what is sold."""
    # That the gateway answers is noted once a minute, and read back.
    for name in ("Uma Rao", "Uma Iyer"):
        client.post(f"/services/{service.id}", data=right_answers(service, full_name=name))
    with asked(without=CLOCKWORK) as statements:
        client.post(f"/services/{service.id}", data=right_answers(service))
    # SQLite has no statement that writes to several tables.
    expected = 3 if db.engine.dialect.name == "postgresql" else 7
    assert len(statements) == expected, "\n".join(statements)


def sell_again(service: Any) -> dict[str, str]:
    """What a form says once it is answered as if nothing had ever been refused."""
    with transaction():
        service.is_active = True
    return right_answers(service)


def lower_price(service: Any) -> dict[str, str]:
    with transaction():
        service.tiers[0].price_minor = 50_000
    return right_answers(service, shown_prices=f"{service.tiers[0].id}=50000")


def add_tier(service: Any) -> dict[str, str]:
    return right_answers(service, tier=str(make_tier(service).id))


@pytest.mark.parametrize("change", [sell_again, lower_price, add_tier])
def test_what_was_changed_since_somebody_looked_counts(client: Any, service: Any, change: Any) -> None:
    """Also by another process: this one goes by what it saw last, and has to notice."""
    with transaction():
        service.is_active = change is not sell_again
    client.get(f"/services/{service.id}")
    answers = change(service)
    assert client.post(f"/services/{service.id}", data=answers).status_code == 303
    (service_request,) = bought()
    price = next(tier.price_minor for tier in service.tiers if str(tier.id) == answers["tier"])
    assert service_request.amount_minor == price


def test_a_form_of_before_the_key_was_rotated_is_not_paid_where_that_does_not_hold_any_more(
    client: Any, service: Any
) -> None:
    answers = right_answers(service)
    client.post(f"/services/{service.id}", data=answers)
    keyring.use(["another-key-for-tests-0123456789-abc", ENCRYPTION_KEY])
    try:
        # In another process, as far as this one knows.
        with transaction():
            db.session.add(FeatureFlag(name=flags.PURCHASE, state=FlagState.OFF, percent=0, user_emails=[]))
        assert client.post(f"/services/{service.id}", data=answers).status_code == 409
    finally:
        keyring.use([ENCRYPTION_KEY])


def test_the_same_form_sent_again_is_the_same_request_and_the_same_payment(client: Any, service: Any) -> None:
    first = client.post(f"/services/{service.id}", data=right_answers(service))
    second = client.post(f"/services/{service.id}", data=right_answers(service))
    assert first.location == second.location
    assert len(bought()) == 1
    assert len(list(db.session.scalars(select(Payment)))) == 1


def test_the_same_form_sent_by_eight_hands_at_once_is_one_request(app: Any, service: Any) -> None:
    fields = right_answers(service)
    address = f"/services/{service.id}"

    def send(_: int) -> Any:
        return app.test_client().post(address, data=fields)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert len(bought()) == 1


def test_the_page_keeps_its_token_over_reload_and_back(client: Any, service: Any) -> None:
    tokens = {token_of(client.get(f"/services/{service.id}").text) for _ in range(3)}
    assert len(tokens) == 1


def test_other_answers_in_the_same_page_are_another_request(client: Any, service: Any) -> None:
    client.post(f"/services/{service.id}", data=right_answers(service))
    client.post(f"/services/{service.id}", data=right_answers(service, full_name="Somebody Else"))
    assert len(bought()) == 2


def test_a_form_sent_again_after_it_was_paid_leads_to_the_confirmation(client: Any, service: Any) -> None:
    client.post(f"/services/{service.id}", data=right_answers(service))
    (payment,) = db.session.scalars(select(Payment))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert answer.status_code == 303
    assert "/confirmation?key=" in answer.location
    assert len(bought()) == 1


def test_a_finished_purchase_gives_the_next_one_a_token_of_its_own(client: Any, service: Any) -> None:
    before = token_of(client.get(f"/services/{service.id}").text)
    client.post(f"/services/{service.id}", data=right_answers(service, submission=before))
    (payment,) = db.session.scalars(select(Payment))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    client.get(local(db.session.scalars(select(SandboxPayment)).one().return_url))
    after = token_of(client.get(f"/services/{service.id}").text)
    assert after != before
    client.post(f"/services/{service.id}", data=right_answers(service, submission=after))
    assert len(bought()) == 2


def test_a_gateway_that_cannot_be_reached_costs_the_customer_no_word(
    client: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(Sandbox, "ledger", None)
        answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert answer.status_code == 503
    assert "You have not been charged" in answer.text
    assert "kavya.iyer@example.org" in answer.text
    again = client.post(f"/services/{service.id}", data=right_answers(service))
    assert again.status_code == 303
    assert len(bought()) == 1


@pytest.mark.parametrize("trouble", [GatewayUnavailable, BadCredentials])
def test_where_one_gateway_is_at_fault_the_others_are_offered(
    client: Any, service: Any, monkeypatch: pytest.MonkeyPatch, trouble: type[GatewayError]
) -> None:
    make_gateway("razorpay", api_key="rzp_test_x", api_secret="x")

    def refuse(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(Sandbox, "create_payment_intent", refuse)
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert "Pay with Razorpay instead" in answer.text


def test_news_of_a_payment_whose_answer_was_lost_does_not_shut_the_customer_out(client: Any, service: Any) -> None:
    first = client.post(f"/services/{service.id}", data=right_answers(service))
    (payment,) = db.session.scalars(select(Payment))
    with transaction():
        # As if we had been killed before the answer was kept, and a webhook had named the payment since.
        payment.redirect_url = payment.client_secret = None
    again = client.post(f"/services/{service.id}", data=right_answers(service))
    assert again.location == first.location


def test_a_payment_decided_while_its_answer_was_awaited_leads_to_what_came_of_it(
    client: Any, service: Any, company: ListeningCompany
) -> None:
    company.meanwhile = settle_all
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert "/confirmation?key=" in answer.location


def test_without_any_gateway_the_form_comes_back(session: Any, client: Any) -> None:
    service = make_service()
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert answer.status_code == 503
    assert "Payments are not available right now" in answer.text
    assert not bought()


def settle_all() -> None:
    for payment in db.session.scalars(select(Payment)).all():
        with transaction():
            payments.settle(payment.id, snapshot_of(payment))


def token_of(html: str) -> str:
    return html.partition('name="submission"')[2].partition('value="')[2].partition('"')[0]


def local(url: str) -> str:
    """The address without the host, for the test client."""
    return "/" + url.split("/", 3)[3]
