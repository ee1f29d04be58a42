"""Downloads: complete, streamed, and harmless in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from app.admin import request_export
from app.admin.export import stream_csv
from app.ages import exact
from app.db import transaction
from app.kit.crypto import CannotOpen
from app.kit.spreadsheet import harmless
from app.models import AuditEntry, PaymentStatus, RequestStatus, Role, Service, ServiceRequest, User
from app.streams import CHUNK
from tests import strategies
from tests.admin.rows import add_request, clear, new_request, store
from tests.factories import make_provider, make_request, make_service
from tests.sign_in import sign_in

URL = "/admin/requests/export/csv/"
ODD_NAME = 'Priya "PR" Raman, CA'


@pytest.fixture
def finance(client, session):
    return sign_in(client, Role.FINANCE)


def read(client, address=URL):
    answer = client.get(address, buffered=True)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.data.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_the_download_has_what_the_list_has_on_all_its_pages(client, finance, service):
    store(*(new_request(service) for _ in range(CHUNK + 20)))
    add_request(service, payment_status=PaymentStatus.PENDING)
    assert len(read(client)) == CHUNK + 20
    assert len(read(client, f"{URL}?view=all")) == CHUNK + 21
    assert len(read(client, f"{URL}?view=unpaid")) == 1
    assert read(client, f"{URL}?status=completed") == []


def test_it_says_all_there_is_to_know(client, finance, service):
    provider = make_provider(name="Priya Raman")
    row = add_request(service, assigned_provider_id=provider.id, tier_name="Express", affiliate_code="PARTNER")
    [line] = read(client)
    assert line["Reference"] == row.reference_number
    assert (line["Customer"], line["Email"]) == ("Kavya Iyer", "kavya.iyer@example.org")
    assert (line["Amount"], line["Currency"]) == ("2499.00", "INR")
    assert (line["Status"], line["Payment"], line["Provider"]) == ("Awaiting first contact", "Paid", "Priya Raman")
    assert (line["Tier"], line["Affiliate"], line["Bought"]) == ("Express", "PARTNER", "1 Mar 2026, 05:30 IST")


def test_a_customer_cannot_put_a_formula_into_a_sheet(client, finance, service):
    add_request(service, customer_name='=HYPERLINK("https://evil.example","Refund")', affiliate_code="@SUM(1)")
    [line] = read(client)
    assert line["Customer"].startswith("'=")
    assert line["Affiliate"] == "'@SUM(1)"
    assert line["Phone"] == "'+917000012345"


@given(st.text(max_size=20), st.sampled_from(["", " ", "   "]))
def test_no_cell_begins_like_a_formula(text, before):
    cell = harmless(before + text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert "\0" not in cell


def test_letters_of_every_script_arrive(client, finance, service):
    add_request(service, customer_name="कविता अय्यर, 王小明")
    assert read(client)[0]["Customer"] == "कविता अय्यर, 王小明"


WORDS = st.text(st.sampled_from("aé王 ,;\"'=+-@\t\r\n\\"), min_size=1, max_size=12)
CODES = st.none() | WORDS


@st.composite
def sold(draw):
    """What stands in a row of the list, as strange as it may be."""
    return {
        "created_at": datetime(2000, 1, 1, tzinfo=UTC) + draw(st.timedeltas(timedelta(0), timedelta(days=36_000))),
        "service_name": draw(WORDS),
        "tier_name": draw(CODES),
        "customer_name": draw(strategies.names() | WORDS),
        "customer_email": draw(strategies.emails()),
        "customer_phone": draw(strategies.phones() | WORDS),
        "amount_minor": draw(strategies.prices()),
        "currency": draw(strategies.currencies()),
        "payment_status": draw(st.sampled_from(PaymentStatus)),
        "status": draw(st.sampled_from(RequestStatus)),
        "payment_gateway": draw(CODES),
        "affiliate_code": draw(CODES),
    }


def cells(row):
    """As the model tells them, opened by its columns."""
    return [
        row.reference_number,
        exact(row.created_at),
        row.service_name,
        row.tier_name,
        row.customer_name,
        row.customer_email,
        row.customer_phone,
        row.amount.decimal,
        row.currency,
        row.payment_status.label,
        row.status.label,
        row.provider.name if row.provider else None,
        row.payment_gateway,
        row.affiliate_code,
    ]


@settings(max_examples=40)
@given(st.lists(sold(), max_size=4), st.booleans())
def test_it_says_of_each_row_what_the_models_and_the_standard_library_would(app, session, rows, has_provider):
    clear()
    service = session.scalar(select(Service)) or make_service()
    provider = session.scalar(select(User).where(User.name == ODD_NAME)) or make_provider(name=ODD_NAME)
    provider_id = provider.id if has_provider else None
    store(*(new_request(service, **row, assigned_provider_id=provider_id) for row in rows))
    session.expire_all()
    newest_first = (ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    wanted = io.StringIO(newline="")
    writer = csv.writer(wanted)
    writer.writerow(request_export.HEADINGS)
    writer.writerows(
        map(harmless, cells(row)) for row in session.scalars(select(ServiceRequest).order_by(*newest_first))
    )
    with app.test_request_context():
        answer = request_export.stream_requests(select(ServiceRequest))
        assert answer.get_data(as_text=True) == "\ufeff" + wanted.getvalue()


def test_it_streams(app):
    read_so_far = []

    def chunks():
        for number in range(3):
            read_so_far.append(number)
            yield [number] * 1000

    with app.test_request_context():
        answer = stream_csv("numbers.csv", [("Number", str)], chunks())
        lines = iter(answer.response)
        assert answer.is_streamed
        assert next(lines) == "\ufeffNumber\r\n"
        assert read_so_far == []
        assert next(lines).count("\r\n") == 1000
        assert read_so_far == [0]
        answer.close()


def test_whoever_breaks_off_a_download_leaves_nothing_locked(app, session, service):
    store(*(new_request(service) for _ in range(3)))
    for _ in range(2):
        with app.test_request_context():
            answer = request_export.stream_requests(select(ServiceRequest))
        begun = iter(answer.response)
        assert [next(begun).count("\n") for _ in range(2)] == [1, 3]
        answer.close()
    assert session.scalar(select(func.count(ServiceRequest.id))) == 3


def test_a_download_that_cannot_go_on_leaves_nothing_locked(client, finance, service):
    store(*(new_request(service) for _ in range(3)))
    with transaction() as session:
        session.execute(text("UPDATE service_requests SET customer_name_sealed = customer_email_sealed"))
    with pytest.raises(CannotOpen):
        client.get(URL, buffered=True)
    assert client.get(f"{URL}?status=completed", buffered=True).status_code == 200


def test_a_download_of_customers_is_itself_on_record(client, finance, session, service):
    read(client, f"{URL}?status=completed")
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "requests.exported")).one()
    assert entry.actor_user_id == finance.id
    assert "status=completed" in entry.changes


@pytest.mark.parametrize(
    "table", ["payments", "services", "tiers", "providers", "notifications", "webhook_events", "gateways"]
)
def test_every_list_can_be_downloaded(client, finance, table):
    make_service(tiers=2)
    make_request()
    make_provider()
    lines = read(client, f"/admin/{table}/export/csv/")
    assert bool(lines) is (table != "webhook_events")
    assert "<" not in str(lines)


def test_there_is_no_other_format(client, finance):
    assert client.get("/admin/requests/export/xlsx/").status_code == 404
