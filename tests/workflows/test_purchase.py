"""Opening a request: at the catalogue's price, once for each form, with as many attempts to pay as it takes."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from sqlalchemy import func, select

from app.columns import keyring
from app.db import db, transaction
from app.errors import AlreadyPaid, InvalidInput, NoGateway, NotFound, ServiceNotForSale
from app.extensions import links
from app.gateways.base import SnapshotStatus
from app.kit import ids
from app.kit.contact import name_words
from app.models import (
    AuditEntry,
    GatewayConfig,
    NameWord,
    Payment,
    PaymentStatus,
    RequestStatus,
    SandboxPayment,
    Service,
    ServiceRequest,
)
from app.workflows import payments, purchase
from app.workflows.purchase import Choice, Origin
from tests import strategies
from tests.factories import (
    attach,
    ensure_gateway,
    make_customer,
    make_service,
    make_tier,
    snapshot_of,
)
from tests.threads import at_once


def buy(choice, customer=None, **origin):
    origin.setdefault("submission", "page-1")
    with transaction():
        return purchase.open_request(choice, customer or make_customer(), Origin(**origin))


def settle(payment, kind=SnapshotStatus.PAID):
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, kind))


def attach_again(payment, intent):
    with transaction():
        purchase.attach_intent(payment.id, intent)
    return payment


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def service(session):
    ensure_gateway()
    return make_service(tiers=2)


# --- what is kept


@pytest.mark.postgres
@pytest.mark.property(15, 19)
@given(customer=strategies.customers(), price=strategies.prices(), name=strategies.names())
def test_a_purchase_starts_awaiting_contact_and_once_paid_has_all_that_is_needed(session, customer, price, name):
    ensure_gateway()
    service = make_service(name=name, price_minor=price)
    payment = buy(Choice(service.id), customer, submission=str(service.id))
    service_request = payment.service_request
    assert (service_request.status, service_request.payment_status) == (
        RequestStatus.PENDING_CONTACT,
        PaymentStatus.PENDING,
    )

    settle(payment)
    db.session.expire_all()
    kept = db.session.get_one(ServiceRequest, service_request.id)
    assert ids.parse_reference_number(kept.reference_number) == kept.reference_number
    assert (kept.service_id, kept.service_name, kept.service_category) == (service.id, name, service.category)
    assert (kept.customer_name, kept.customer_email) == (customer.full_name, customer.email)
    assert (kept.customer_phone, kept.customer_requirements) == (customer.phone, customer.requirements)
    assert (kept.amount_minor, kept.currency) == (price, "INR")
    assert (kept.status, kept.payment_status) == (RequestStatus.PENDING_CONTACT, PaymentStatus.COMPLETED)
    assert (kept.payment_gateway, kept.payment_transaction_id) == ("sandbox", payment.gateway_payment_id)
    assert kept.payment_completed_at
    assert kept.due_at > kept.created_at


@pytest.mark.property(23)
@given(customer=strategies.customers())
def test_no_two_purchases_share_a_reference_number(session, customer):
    ensure_gateway()
    service = session.scalars(select(Service)).first() or make_service()
    before = set(session.scalars(select(ServiceRequest.reference_number)))
    bought = buy(Choice(service.id), customer, submission=str(ids.new_id())).service_request
    assert bought.reference_number not in before
    assert set(session.scalars(select(ServiceRequest.reference_number))) == {*before, bought.reference_number}


def test_a_taken_reference_number_is_drawn_again(session, service, monkeypatch):
    taken = buy(Choice(service.id, service.tiers[0].id)).service_request.reference_number
    symbols = taken.removeprefix("SR").replace("-", "")[:11]
    numbers = [sum(ids.ALPHABET.index(symbol) << 5 * place for place, symbol in enumerate(symbols)), 0]
    monkeypatch.setattr(secrets, "randbits", lambda _bits: numbers.pop(0))
    other = buy(Choice(service.id, service.tiers[0].id), submission="page-2").service_request.reference_number
    assert other.startswith("SR-0000-0000-000")


def test_the_price_is_the_catalogues_and_stays_what_it_was_when_sold(session, service):
    tier = service.tiers[1]
    service_request = buy(Choice(service.id, tier.id)).service_request
    sold = service_request.amount
    with transaction():
        service.name, tier.name, tier.price_minor, service.price_minor = "Renamed", "Renamed", 1, 1
    db.session.expire_all()
    assert service_request.amount == sold
    assert service_request.title == f"{service_request.service_name}, Tier 2"


def test_a_name_address_and_phone_can_be_found_by_hash(session, service):
    customer = make_customer(full_name="Kavya D'Souza", email="Kavya@example.org")
    service_request = buy(Choice(service.id, service.tiers[0].id), customer).service_request
    assert service_request.customer_email_hash == keyring.hash("kavya@example.org", "email")
    assert service_request.customer_phone_hash == keyring.hash(customer.phone, "phone")
    words = {keyring.hash(word, "name") for word in name_words(customer.full_name)}
    assert set(db.session.scalars(select(NameWord.word_hash))) == words


# --- what is refused


def test_a_retired_service_is_not_sold(session, service):
    with transaction():
        service.is_active = False
    with pytest.raises(ServiceNotForSale):
        buy(Choice(service.id, service.tiers[0].id))
    assert count(ServiceRequest) == 0


def test_an_unknown_service_is_not_sold(session, service):
    with pytest.raises(NotFound):
        buy(Choice(ids.new_id()))


def test_only_a_tier_that_is_on_sale_with_the_service_can_be_chosen(session, service):
    elsewhere = make_tier(make_service())
    retired = make_tier(service, is_active=False)
    for tier_id in (None, elsewhere.id, retired.id, ids.new_id()):
        with pytest.raises(InvalidInput):
            buy(Choice(service.id, tier_id))
    with pytest.raises(InvalidInput):
        buy(Choice(make_service().id, service.tiers[0].id))
    assert count(ServiceRequest) == 0


@pytest.mark.parametrize("change", [{"is_active": False, "is_default": False}, {"gateway": "unheard-of"}])
def test_without_a_gateway_that_can_take_it_nothing_is_opened(session, service, change):
    with transaction():
        config = db.session.scalars(select(GatewayConfig)).one()
        for name, value in change.items():
            setattr(config, name, value)
    with pytest.raises(NoGateway):
        buy(Choice(service.id, service.tiers[0].id))
    assert (count(ServiceRequest), count(Payment), count(NameWord), count(AuditEntry)) == (0, 0, 0, 0)


# --- once


def test_the_same_form_sent_again_is_the_same_request_and_payment(session, service):
    choice = Choice(service.id, service.tiers[0].id)
    first, again = buy(choice), buy(choice)
    assert again.id == first.id
    assert (count(ServiceRequest), count(Payment)) == (1, 1)


def test_the_same_form_sent_many_times_at_once_is_one_request(app, session, service):
    choice = Choice(service.id, service.tiers[0].id)
    answers = at_once(app, [lambda: buy(choice).id] * 6)
    assert len(set(answers)) == 1, answers
    assert (count(ServiceRequest), count(Payment)) == (1, 1)


def test_different_forms_sent_at_once_are_different_requests(app, session, service):
    choice = Choice(service.id, service.tiers[0].id)
    pages = [f"page-{number}" for number in range(6)]
    answers = at_once(app, [lambda page=page: buy(choice, submission=page).id for page in pages])
    assert len(set(answers)) == count(ServiceRequest) == 6


@pytest.mark.parametrize(
    "change",
    [{"full_name": "Uma Rao"}, {"email": "uma@example.org"}, {"phone": "+917000054321"}, {"requirements": "Not now."}],
)
def test_a_form_corrected_and_sent_again_is_another_request(session, service, change):
    choice = Choice(service.id, service.tiers[0].id)
    assert buy(choice).service_request_id != buy(choice, make_customer(**change)).service_request_id


def test_another_tier_or_page_is_another_request(session, service):
    first, second = service.tiers
    bought = {
        buy(Choice(service.id, first.id)).service_request_id,
        buy(Choice(service.id, second.id)).service_request_id,
        buy(Choice(service.id, first.id), submission="page-2").service_request_id,
    }
    assert len(bought) == 3


def test_a_form_sent_again_after_the_service_was_retired_is_still_the_request_it_made(session, service):
    choice = Choice(service.id, service.tiers[0].id)
    first = buy(choice)
    with transaction():
        service.is_active = False
    assert buy(choice).id == first.id


def test_a_form_sent_again_after_it_was_paid_says_so(session, service):
    choice = Choice(service.id, service.tiers[0].id)
    payment = buy(choice)
    settle(payment)
    with pytest.raises(AlreadyPaid) as raised:
        buy(choice)
    assert raised.value.details == {"reference": payment.service_request.reference_number}
    assert count(Payment) == 1


# --- the gateway's answer


def test_a_lost_answer_is_asked_for_again_and_gives_the_same_intent(session, service):
    payment = buy(Choice(service.id, service.tiers[0].id))
    lost, found = (purchase.create_intent(payment, links()) for _ in range(2))
    assert lost == found
    assert count(SandboxPayment) == 1


def test_the_first_answer_kept_stays(session, service):
    payment = buy(Choice(service.id, service.tiers[0].id))
    intent = attach(payment)
    another = replace(intent, gateway_intent_id="another", client_secret="another", redirect_url=None)
    kept = attach_again(payment, another)
    assert (kept.gateway_intent_id, kept.client_secret) == (intent.gateway_intent_id, intent.client_secret)
    assert kept.redirect_url == intent.redirect_url
    assert kept.next_check_at is not None


def test_news_that_overtakes_the_answer_leaves_the_way_to_pay(session, service):
    payment = buy(Choice(service.id, service.tiers[0].id))
    intent = purchase.create_intent(payment, links())
    with transaction():
        # Some gateways name one purchase twice: the session, and the intent within it.
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.PENDING, gateway_intent_id="its other name"))
    kept = attach_again(payment, intent)
    assert (kept.gateway_intent_id, kept.redirect_url) == (intent.gateway_intent_id, intent.redirect_url)
    assert kept.next_check_at is not None


def test_an_answer_that_comes_when_all_is_settled_changes_nothing(session, service):
    payment = buy(Choice(service.id, service.tiers[0].id))
    intent = purchase.create_intent(payment, links())
    settle(payment)
    kept = attach_again(payment, intent)
    assert (kept.status, kept.next_check_at) == (PaymentStatus.COMPLETED, None)
