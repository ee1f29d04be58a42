"""CSV files of services: checked line by line, saved as checked."""

import json

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import (
    AuditEntry,
    Category,
    CsvImport,
    Service,
    ServiceTier,
)
from tests.admin.csv_files import (
    HEADINGS,
    NEW,
    PROVIDERS,
    TIER,
    URL,
    check,
    lines,
    refusal,
    save,
    services,
    words,
)
from tests.factories import make_request, make_service
from tests.sign_in import sign_in


@pytest.fixture(autouse=True)
def admin(client, session):
    return sign_in(client)


def test_nothing_is_saved_before_it_is_confirmed_and_then_all_of_it(client, session, admin):
    page = check(client, f"{HEADINGS}\n{NEW}\n{TIER}\n")
    told = words(client, page)
    assert "2 of 2 lines would change something" in told
    assert "Line 2 GST registration New New service: Category Legal, Currency inr, Price 2,499.00" in told
    assert "Line 3 GST registration – Express New New tier: Price 4499" in told
    assert services(session) == []
    assert "2 saved, 0 refused" in save(client, page)
    [service] = services(session)
    assert (service.name, service.category, service.price_minor) == ("GST registration", Category.LEGAL, 249_900)
    assert (service.currency, service.is_active, service.features) == ("INR", True, ["Filed", "Certificate"])
    [tier] = service.tiers
    assert (tier.name, tier.price_minor, tier.is_active) == ("Express", 449_900, False)
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.actor_user_id == admin.id)).all()
    assert {"import.confirmed", "service.created", "tier.created"} <= set(actions)


def test_confirmed_twice_is_once(client, session):
    page = check(client, f"{HEADINGS}\n{NEW}\n{TIER}\n")
    for _ in range(3):
        assert "2 saved, 0 refused" in save(client, page)
    assert (len(services(session)), len(session.scalars(select(ServiceTier)).all())) == (1, 1)
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "import.confirmed")).all()) == 1


def test_a_change_is_told_from_old_to_new_and_audited(client, session):
    service = make_service(name="GST registration", price_minor=249_900, tiers=1)
    make_request(service)
    page = check(client, "Service;Tier;Price\nGST registration;;2999,50\ngst Registration;Tier 1;1000\n")
    told = words(client, page)
    assert "GST registration Changed Price 2499.00 → becomes 2999.50" in told.replace("2999,50", "2999.50")
    assert "Unchanged As it is" in told
    assert "1 saved, 0 refused" in save(client, page)
    assert services(session)[0].price_minor == 299_950
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "service.changed"))
    assert json.loads(entry.changes) == {"before": {"price_minor": 249_900}, "after": {"price_minor": 299_950}}


def test_what_somebody_changed_since_the_check_is_refused_and_stops_no_other(client, session):
    first, second = make_service(name="First"), make_service(name="Second")
    page = check(client, "Service,Price\nFirst,10\nSecond,20\nThird,30\n")
    with transaction():
        session.get_one(Service, first.id).price_minor = 777
    told = save(client, page)
    assert "1 saved, 2 refused" in told
    assert "Somebody changed it since the check, so this line was not saved." in told
    session.expire_all()
    assert [session.get_one(Service, each.id).price_minor for each in (first, second)] == [777, 2_000]


def test_what_was_deleted_or_made_since_the_check_is_refused(client, session):
    gone = make_service(name="Gone")
    page = check(client, f"{HEADINGS}\n{NEW}\n{TIER}\n,Gone,,ca,5,INR,no,1,x,x,\n")
    with transaction():
        session.delete(session.get_one(Service, gone.id))
    make_service(name="gst Registration")
    told = save(client, page)
    assert "0 saved, 3 refused" in told
    for reason in ("It was deleted since the check.", "made a service of this name", "Its service was not saved."):
        assert reason in told


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (",GST,,zzz,1,INR,no,1,x,x,", "Category", "Use one of"),
        (",GST,,ca,zzz,INR,no,1,x,x,", "Price", "Write an amount in INR"),
        (",GST,,ca,0,INR,no,1,x,x,", "Price", "more than nothing"),
        (",GST,,ca,1.001,INR,no,1,x,x,", "Price", "Write an amount"),
        (",GST,,ca,1,QQQ,no,1,x,x,", "Currency", "no such currency"),
        (",GST,,ca,1,INR,perhaps,1,x,x,", "On sale", "yes or no"),
        (",GST,,ca,1,INR,no,0,x,x,", "Hours to first contact", "between 1 and"),
        (",GST,,ca,1,INR,no,1,,x,", "In one sentence", "A new service needs this"),
        (",,,ca,1,INR,no,1,x,x,", "Service", "A new service needs this"),
        (f",{'x' * 201},,ca,1,INR,no,1,x,x,", "Service", "up to 200 characters"),
        (",Nobody,Express,,1,,no,,,,", "Service", "We know no such service"),
        (",Known,New tier,ca,1,,no,,,,", "Category", "belongs to the service"),
        (",Known,New tier,,,,no,,,,", "Price", "A new tier needs this"),
        (",Known,,ca,1,USD,no,1,x,x,", "Currency", "Its tiers are priced in INR"),
        ("zzz,Known,,ca,1,INR,no,1,x,x,", "Id", "No service has this id"),
        (",Known,,ca,1,INR,no,1,x,x,,,too,many", "", "more cells than there are headings"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_with_the_column_and_the_reason(client, session, line, column, reason):
    make_service(name="Known", tiers=1)
    page = check(client, f"{HEADINGS}\n{line}\n{NEW}\n")
    told = lines(client, page, "refused")
    assert told.startswith("Line 2 ")
    assert f"Refused {column} : " in told if column else "Refused " in told
    assert reason in told
    assert "1 saved, 1 refused" in save(client, page)
    assert len(services(session)) == 2


def test_two_lines_about_the_same_are_one_too_many(client, session):
    service = make_service(name="Known", tiers=1)
    told = words(client, check(client, f"Id,Service,Price\n,Known,1\n{service.id},Known,2\n,New,3\n"), "refused")
    assert "Line 2 is about the same." in told


def test_a_name_that_several_have_needs_the_id(client, session):
    first, _ = make_service(name="Twin"), make_service(name="Twin")
    page = check(client, f"Id,Service,Price\n,Twin,1\n{first.id},Other name,2\n")
    assert "Several services have this name: give the id." in words(client, page, "refused")
    save(client, page)
    session.expire_all()
    renamed = session.get_one(Service, first.id)
    assert (renamed.name, renamed.price_minor) == ("Other name", 200)


def test_the_same_digits_in_another_currency_are_another_price(client, session):
    make_service(name="Known", price_minor=500_000, currency="INR")
    save(client, check(client, "Service,Price,Currency\nKnown,5000.00,JPY\n"))
    [service] = services(session)
    assert (service.price_minor, service.currency) == (5_000, "JPY")


def test_a_comma_that_could_mean_two_things_is_asked_about(client, session):
    make_service(name="Known", price_minor=100)
    told = words(client, check(client, "Service;Price\nKnown;4,999\n"), "refused")
    assert "here a comma could mean two things" in told
    assert "Changed" in lines(client, check(client, "Service;Price\nKnown;4.999,00\n"), "changed")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_dialect_of_spreadsheets_is_read(client, session, encoding, delimiter):
    page = check(
        client,
        delimiter.join(["Service", "Price"]).encode(encoding)[:0]
        + (f"{delimiter.join(['service ', 'PRICE'])}\r\n{delimiter.join(['कविता & Söhne', '5'])}\r\n".encode(encoding)),
    )
    assert "कविता & Söhne" in words(client, page)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Choose a file, or paste the lines."),
        (b"\n \n", "Choose a file"),
        (b"Service,Price\n", "no lines below them"),
        (b"Name,Cost\nA,1\n", "at least “Service” and “Price”"),
        (b"Service,Price,Price\nA,1,2\n", "Two columns are headed"),
        (b"PK\x03\x04\xff\xfe\xae", "CSV UTF-8"),
        (b"Service,Price\n" + b"A,1\n" * 5_001, "Import up to 5,000 at once"),
        (b"\0\0\0", "The file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(client, session, content, reason):
    assert reason in refusal(client, content)
    assert session.scalars(select(CsvImport)).all() == []


def test_a_file_that_is_too_large_is_refused(client):
    content = b"Service,Price\n" + b"x" * 1_100_000
    assert client.post(URL, data=content, content_type="multipart/form-data; boundary=x").status_code == 413


def test_lines_may_be_pasted_and_unknown_columns_are_told(client, session):
    make_service(name="Known", price_minor=100)
    answer = client.post(URL, data={"text": "Service\tColour\tPrice\nKnown\tred\t2"})
    told = words(client, answer.location)
    assert "These columns are not known and were passed over: Colour." in told
    assert "Price 1.00 → becomes 2" in told


def test_the_template_can_be_imported_as_it_is(client, session):
    for url, count in ((URL, 2), (PROVIDERS, 1)):
        template = client.get(f"{url}template.csv", buffered=True).data
        page = check(client, template, url)
        assert f"{count} of {count} lines would change something" in words(client, page)
        assert f"{count} saved, 0 refused" in save(client, page)
