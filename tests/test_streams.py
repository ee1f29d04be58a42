"""Long answers read as they come: the rows that a cursor would give, and a connection that is none the worse for it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.columns import keyring
from app.db import db
from app.models import PaymentStatus, RequestStatus, ServiceRequest
from app.streams import CHUNK, stream
from tests.admin.rows import new_request, store
from tests.factories import make_service

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def numbers(last):
    counting = f"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {last}) SELECT n FROM r"
    return select(text("n")).select_from(text(f"({counting}) AS numbers"))


@pytest.fixture
def some(session):
    service = make_service()
    rows = [
        new_request(service, status=status, payment_status=paid, created_at=BEGIN + timedelta(days=number))
        for status in RequestStatus
        for number, paid in enumerate(PaymentStatus)
    ]
    store(*rows)
    return rows


@pytest.mark.parametrize(
    "wanted",
    [
        lambda row: (),
        lambda row: (ServiceRequest.status == RequestStatus.COMPLETED,),
        lambda row: (ServiceRequest.payment_status.not_in((PaymentStatus.PENDING, PaymentStatus.FAILED)),),
        lambda row: (ServiceRequest.payment_status.in_(()),),
        lambda row: (ServiceRequest.created_at > BEGIN, ServiceRequest.service_id == row.service_id),
        lambda row: (ServiceRequest.customer_phone_hash.in_(keyring.hashes(row.customer_phone, "phone")),),
        lambda row: (ServiceRequest.reference_number.startswith("SR-"), ServiceRequest.id != row.id),
        lambda row: (ServiceRequest.customer_name != "%(name)s", ServiceRequest.assigned_provider_id.is_(None)),
    ],
)
def test_every_kind_of_condition_means_what_it_means_elsewhere(session, some, wanted):
    query = select(ServiceRequest.reference_number, ServiceRequest.amount_minor).where(*wanted(some[0]))
    ordered = query.order_by(ServiceRequest.id)
    assert [tuple(row) for row in stream(ordered)] == [tuple(row) for row in session.execute(ordered)]


def test_rows_come_though_there_are_many(session):
    assert [number for (number,) in stream(numbers(5000))] == list(range(1, 5001))


@pytest.mark.parametrize("last", [CHUNK + 2, 2_000_000])
def test_whoever_stops_early_leaves_the_connection_as_it_was(session, last):
    rows = stream(numbers(last))
    assert [next(rows)[0] for _ in range(CHUNK + 1)][-1] == CHUNK + 1
    rows.close()
    assert session.scalar(select(text("1"))) == 1
    db.session.rollback()
    assert session.scalar(select(text("2"))) == 2
