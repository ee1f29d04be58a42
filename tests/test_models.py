"""What must happen once is held by the database itself, whatever the code above it does."""

import inspect
from enum import StrEnum

import pytest
from sqlalchemy import MetaData, Table, select
from sqlalchemy.exc import IntegrityError

import app.models
from app.columns import EnumText
from app.db import Model, db, transaction
from app.kit import ids
from app.models import (
    AuditEntry,
    CommissionEntry,
    CommissionKind,
    GatewayConfig,
    Notification,
    Payment,
    PaymentStatus,
    ProviderProfile,
    Refund,
    Role,
    Service,
    ServiceRequest,
    User,
    WebhookEvent,
)
from tests.factories import make_gateway, make_payment, make_provider, make_request, make_service, make_user

ENUMS = [member for _, member in inspect.getmembers(app.models, inspect.isclass) if issubclass(member, StrEnum)]


def copy_of(row, **changes):
    """Another row like it, but for its key and what is said."""
    values = {
        attribute.key: getattr(row, attribute.key)
        for attribute in type(row).__mapper__.column_attrs
        if attribute.key != "id"
    }
    return type(row)(**values | changes)


def is_refused(*rows) -> bool:
    try:
        with transaction() as session:
            session.add_all(rows)
    except IntegrityError:
        return True
    return False


def another_payment(payment, **changes):
    mine = {"idempotency_key": str(ids.new_id()), "gateway_intent_id": None, "gateway_payment_id": None}
    return copy_of(payment, **mine | {"settles_request": False} | changes)


def settling_payment(service_request):
    query = select(Payment).where(Payment.service_request_id == service_request.id, Payment.settles_request)
    return db.session.scalars(query).one()


def test_one_payment_settles_a_request(session):
    payment = settling_payment(make_request())
    assert is_refused(another_payment(payment, settles_request=True))
    assert not is_refused(another_payment(payment))


def test_a_payment_has_its_own_key_and_its_own_ids_at_the_gateway(session):
    payment = settling_payment(make_request())
    for name in ("idempotency_key", "gateway_intent_id", "gateway_payment_id"):
        assert is_refused(another_payment(payment, **{name: getattr(payment, name)})), name
    same_words_elsewhere = {"gateway": "other", "gateway_payment_id": payment.gateway_payment_id}
    assert not is_refused(another_payment(payment, **same_words_elsewhere))


def test_a_reference_number_is_given_once(session):
    service_request = make_request(is_paid=False)
    taken = {"reference_number": service_request.reference_number, "submission_hash": None}
    assert is_refused(copy_of(service_request, **taken))
    assert not is_refused(copy_of(service_request, **taken | {"reference_number": ids.new_reference_number()}))


def test_a_form_makes_one_request(session):
    service_request = make_request(is_paid=False)
    assert is_refused(copy_of(service_request, reference_number=ids.new_reference_number()))


def test_there_is_one_default_gateway_and_it_is_active(session):
    make_gateway()
    other = {"gateway": "other", "is_active": True}
    assert is_refused(GatewayConfig(**other, is_default=True))
    assert is_refused(GatewayConfig(gateway="sandbox"))
    assert not is_refused(GatewayConfig(**other))
    with transaction():
        session.execute(db.update(GatewayConfig).values(is_default=False))
    assert is_refused(GatewayConfig(gateway="third", is_default=True, is_active=False))


def test_an_event_of_a_gateway_is_noted_once(session):
    def event(gateway):
        return WebhookEvent(gateway=gateway, event_id="evt_1", kind="paid", body=b"{}", headers=b"{}")

    assert not is_refused(event("sandbox"))
    assert is_refused(event("sandbox"))
    assert not is_refused(event("other"))


def test_a_message_is_owed_once_and_has_its_own_id(session):
    def message(occasion, message_id):
        return Notification(kind="alert", dedupe_key=occasion, message_id=message_id, recipient="a@example.com")

    assert not is_refused(message("alert:1", "<1@here>"))
    assert is_refused(message("alert:1", "<2@here>"))
    assert is_refused(message("alert:2", "<1@here>"))


def test_a_cause_enters_the_commission_ledger_once(session):
    affiliate, payment = make_user(Role.AFFILIATE), settling_payment(make_request())

    def entry(cause):
        return CommissionEntry(
            affiliate_id=affiliate.id,
            service_request_id=payment.service_request_id,
            payment_id=payment.id,
            kind=CommissionKind.EARNED,
            amount_minor=100,
            currency="INR",
            rate_basis_points=100,
            cause_key=cause,
        )

    assert not is_refused(entry("earned:1"))
    assert is_refused(entry("earned:1"))
    assert not is_refused(entry("earned:2"))


def test_a_refund_of_a_gateway_is_entered_once(session):
    payment = settling_payment(make_request())

    def refund(name):
        return Refund(payment_id=payment.id, gateway="sandbox", gateway_refund_id=name, amount_minor=1, currency="INR")

    assert not is_refused(refund("sbr_1"))
    assert is_refused(refund("sbr_1"))
    assert not is_refused(refund(None), refund(None))


def test_an_address_has_one_account_and_a_provider_one_profile(session):
    provider = make_provider()
    assert is_refused(User(email=provider.email, name="Another", role=Role.VIEWER))
    assert is_refused(ProviderProfile(user_id=provider.id))


def test_a_place_in_the_audit_chain_is_taken_once(session):
    make_request()
    first, second = db.session.scalars(select(AuditEntry).limit(2))
    with transaction():
        first.position, first.previous_hash, first.entry_hash = 1, b"a", b"b"
    with pytest.raises(IntegrityError), transaction():
        second.position, second.previous_hash, second.entry_hash = 1, b"a", b"b"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (Payment, "amount_minor", 0),
        (Payment, "refunded_minor", -1),
        (Payment, "refunded_minor", 249_901),
        (ServiceRequest, "amount_minor", -5),
        (ServiceRequest, "refunded_minor", 249_901),
        (Service, "price_minor", 0),
        (Service, "first_contact_hours", 0),
        (ProviderProfile, "open_work", -1),
        (ProviderProfile, "capacity", -1),
        (GatewayConfig, "mode", "real"),
    ],
)
def test_a_number_that_cannot_be_is_refused(session, table, column, value):
    make_provider()
    make_request()
    with pytest.raises(IntegrityError), transaction() as inner:
        inner.execute(db.update(table).values({column: value}))


def test_a_service_that_was_sold_cannot_be_deleted(session):
    service = make_payment().service_request.service
    with pytest.raises(IntegrityError), transaction() as inner:
        inner.execute(db.delete(Service).where(Service.id == service.id))


def test_every_change_of_a_request_raises_its_version(session):
    service_request = make_request(make_service(), is_paid=False)
    before = service_request.version
    with transaction():
        service_request.affiliate_code = "X"
    assert service_request.version == before + 1


@pytest.mark.parametrize("members", ENUMS, ids=lambda members: members.__name__)
def test_enums_are_small_words_and_what_people_read_has_a_label(members):
    for member in members:
        assert member.value == member.name.lower()
        assert len(member.value) <= EnumText.impl.length
        assert getattr(member, "label", "A label").strip()


def test_every_enum_column_stores_the_value(session):
    make_provider()
    make_request()
    reflected = MetaData()
    found = set()
    for table in Model.metadata.sorted_tables:
        names = [column.name for column in table.columns if isinstance(column.type, EnumText)]
        plain = Table(table.name, reflected, autoload_with=db.engine)
        for name in names:
            stored = set(session.scalars(select(plain.c[name]).where(plain.c[name].is_not(None))))
            assert stored <= {member.value for member in table.c[name].type.members}
            found |= stored
    assert {PaymentStatus.COMPLETED.value, "pending_contact", "payment_confirmed", "provider", "available"} <= found
