"""One search field finds a request by whatever a customer says on the phone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.columns import keyring
from app.db import db, transaction
from app.kit.contact import name_words
from app.kit.ids import check_character, format_reference, parse_reference_number
from app.models import NameWord, Payment, ServiceRequest
from app.workflows.request_search import (
    RequestFilters,
    select_requests,
)
from tests import strategies
from tests.admin.rows import add_request, clear, new_request, store
from tests.factories import make_customer, make_payment, make_request, make_service, snapshot_of
from tests.servers.worker import ENCRYPTION_KEY
from tests.statements import asked_with_values

TABLES = {Payment.__tablename__, ServiceRequest.__tablename__, NameWord.__tablename__}
ZONE = ZoneInfo("Asia/Kolkata")
NEW_KEY = "a-newer-key-for-tests-0123456789-abcdefghij"


def found(text="", **filters):
    query = select_requests(RequestFilters(text=text, **filters), zone=ZONE)
    return set(db.session.scalars(query.with_only_columns(ServiceRequest.reference_number)))


@pytest.fixture
def wanted(session):
    """The request to be found, and another beside it."""
    make_request(customer=make_customer(full_name="Uma Rao", email="uma@example.org", phone="+917000054321"))
    customer = make_customer(full_name="Kavya D'Souza Iyer", email="Kavya.Iyer@example.org", phone="+919876543210")
    return make_request(customer=customer)


def test_a_reference_is_found_however_it_is_written(wanted):
    reference = wanted.reference_number
    compact = reference.replace("-", "")
    for text in (reference, reference.lower(), f"  {reference} ", compact, compact[2:], compact.replace("0", "O")):
        assert found(text) == {reference}


@pytest.fixture
def wanted_by_beginning(session):
    """The request whose reference begins as another one would look without its prefix: once in 32 one does."""
    reference = "SR-58JV-PE3T-F1C7"
    beginning = reference[:15].replace("-", "")
    assert beginning[-1] == check_character(beginning[:-1])
    return make_request(reference_number=reference)


def test_the_beginning_of_a_reference_is_enough(wanted_by_beginning):
    reference = wanted_by_beginning.reference_number
    for length in range(9, 17):
        assert reference in found(reference[:length].lower())


def test_a_mistyped_reference_finds_nothing(wanted):
    last = wanted.reference_number[-1]
    assert found(wanted.reference_number[:-1] + ("2" if last != "2" else "3")) == set()


@pytest.mark.parametrize("text", ["Kavya.Iyer@example.org", "kavya.iyer@EXAMPLE.ORG", " KAVYA.IYER@EXAMPLE.ORG "])
def test_an_address_is_found_in_any_case(wanted, text):
    assert found(text) == {wanted.reference_number}


@pytest.mark.parametrize("text", ["98765 43210", "+91 98765-43210", "09876543210", "919876543210", "+919876543210"])
def test_a_phone_number_is_found_in_any_form(wanted, text):
    assert found(text) == {wanted.reference_number}


@pytest.mark.parametrize(
    "text", ["kavya", "IYER", "iyer kavya", "d'souza", "Souza, Kavya", "Kàvya", "kavya d souza iyer"]
)
def test_a_name_is_found_by_any_of_its_words_in_any_order(wanted, text):
    assert found(text) == {wanted.reference_number}


@pytest.mark.parametrize(
    "text", ["kav", "kavya rao", "nobody", "kavya@example.org", "70000", "!!!", "\ufffd", "x" * 5_000]
)
def test_what_nobody_has_finds_nobody(wanted, text):
    assert found(text) == set()


def test_the_gateways_ids_and_bank_references_are_found(session):
    payment = make_payment()
    with transaction():
        kept = db.session.get_one(Payment, payment.id)
        kept.gateway_payment_id, kept.bank_reference = "pay_Nx7", "UTR12345"
    for text in (payment.gateway_intent_id, "pay_Nx7", "UTR12345", "utr12345"):
        assert found(text) == {payment.service_request.reference_number}


def test_an_earlier_attempt_finds_the_request_too(session):
    service_request = make_request(is_paid=False)
    payment = session.scalars(select(Payment)).one()
    assert found(payment.gateway_intent_id) == {service_request.reference_number}
    assert found(snapshot_of(payment).gateway_payment_id) == set()


def test_a_name_that_could_be_a_reference_by_chance_is_still_a_name(session):
    service = make_service()
    letters = (f"Ramachandr{first}{second}" for first in "abcdefgh" for second in "abcdefghjkmnpqrstvwxyz")
    name = next(each for each in letters if parse_reference_number(each) is not None)
    by_name = add_request(service, customer_name=name)
    by_reference = add_request(service, reference_number=parse_reference_number(name))
    assert found(name) == {by_name.reference_number, by_reference.reference_number}
    assert found(by_reference.reference_number) == {by_reference.reference_number}
    phone = next(
        f"91{number}" for number in range(9_876_543_210, 9_876_544_000) if parse_reference_number(f"91{number}")
    )
    assert found(phone) == set()
    by_phone = add_request(service, customer_phone=f"+{phone}")
    assert found(phone) == {by_phone.reference_number}
    assert format_reference(phone) != by_phone.reference_number


def test_after_a_rotation_of_keys_old_rows_are_found_like_new_ones(wanted):
    keyring.use([NEW_KEY, ENCRYPTION_KEY])
    try:
        newer = make_request(customer=make_customer(full_name="Kavya Menon", email="menon@example.org"))
        assert found("kavya") == {wanted.reference_number, newer.reference_number}
        assert found("98765 43210") == {wanted.reference_number}
        assert found("menon@example.org") == {newer.reference_number}
        assert wanted.customer_name == "Kavya D'Souza Iyer"
    finally:
        keyring.use([ENCRYPTION_KEY])


def test_a_text_joins_the_other_filters(wanted):
    today = datetime.now(ZONE).date()
    assert found("kavya", start=today - timedelta(days=1), end=today + timedelta(days=1)) == {wanted.reference_number}
    assert found("kavya", end=today - timedelta(days=2)) == set()
    assert found("kavya", service_id=wanted.service_id) == {wanted.reference_number}
    assert found("kavya", gateway="stripe") == set()


@pytest.mark.sqlite
@given(names=st.lists(strategies.names(), min_size=1, max_size=5), asked=strategies.names())
def test_a_search_by_name_means_all_of_its_words(session, names, asked):
    clear()
    service = make_service()
    rows = [new_request(service, customer_name=name) for name in names]
    store(*rows)
    for text in {asked, names[0], names[0].split()[-1]}:
        words = name_words(text)
        if "@" in text or not words or parse_reference_number(text) or any(character.isdigit() for character in text):
            continue
        expected = {row.reference_number for row in rows if words <= name_words(row.customer_name)}
        assert found(text) == expected


def test_days_are_those_of_the_business(session):
    service = make_service()
    late = add_request(service, created_at=datetime(2026, 3, 1, 23, 59, tzinfo=ZONE))
    early = add_request(service, created_at=datetime(2026, 3, 2, tzinfo=ZONE))
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert found(start=first, end=first) == {late.reference_number}
    assert found(start=second, end=second) == {early.reference_number}
    assert found(start=second, end=first) == set()


# --- what it costs


def plans_of(question):
    """How SQLite goes about each statement that the question asks."""
    with asked_with_values() as asked:
        question()
    connection = db.session.connection()
    return [
        [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        for statement, parameters in asked
        if statement.startswith("SELECT")
    ]


def _payment_of(request):
    values = {"amount_minor": request.amount_minor, "currency": request.currency}
    return Payment(service_request_id=request.id, gateway="sandbox", idempotency_key=request.reference_number, **values)


@pytest.mark.sqlite
@pytest.mark.parametrize("has_bank_reference", [True, False])
@pytest.mark.parametrize("text", ["pay_9A36XYWTJTESTX", "UTR0042", "+919876543210", "98765 43210", "Kavya 7"])
def test_a_number_is_looked_up_and_never_looked_for(wanted, has_bank_reference, text):
    with transaction():
        payment = db.session.scalars(select(Payment)).first()
        payment.bank_reference = "UTR0042" if has_bank_reference else None
    many = [new_request(wanted.service) for _ in range(300)]
    store(*many)
    with transaction() as session:
        session.add_all(_payment_of(each) for each in many)
    with transaction() as session:
        session.connection().exec_driver_sql("ANALYZE")
    steps = [step for plan in plans_of(lambda: found(text)) for step in plan]
    assert any(step.startswith("SEARCH") for step in steps)
    assert [step for step in steps if step.removeprefix("SCAN ").split()[0] in TABLES] == []
