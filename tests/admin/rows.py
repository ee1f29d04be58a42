"""Requests written straight into the table: for lists, many and of every kind are needed, whatever made them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import delete

from app.columns import keyring
from app.db import db, transaction
from app.kit.contact import fold, name_words
from app.kit.ids import new_reference_number
from app.models import UNPAID_STATUSES, NameWord, PaymentStatus, RequestStatus, Service, ServiceRequest
from tests.pages import Page
from tests.statements import asked

URL = "/admin/requests/"


def new_request(service: Service, **changes: Any) -> ServiceRequest:
    """A row that is not stored yet; paid and waiting unless told otherwise."""
    values: dict[str, Any] = {
        "reference_number": new_reference_number(),
        "service_id": service.id,
        "service_name": service.name,
        "service_category": service.category,
        "customer_name": "Kavya Iyer",
        "customer_email": "kavya.iyer@example.org",
        "customer_phone": "+917000012345",
        "customer_requirements": "Please call me.",
        "payment_status": PaymentStatus.COMPLETED,
        "payment_gateway": "sandbox",
        "payment_completed_at": datetime(2026, 3, 1, tzinfo=UTC),
        "amount_minor": 249_900,
        "currency": "INR",
        "status": RequestStatus.PENDING_CONTACT,
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
    } | changes
    if values["payment_status"] in UNPAID_STATUSES:
        values["payment_completed_at"] = None
    if values["status"] in {RequestStatus.COMPLETED, RequestStatus.CANCELLED}:
        values.setdefault("closed_at", values["created_at"])
    values["customer_email_hash"] = keyring.hash(fold(values["customer_email"]), "email")
    values["customer_phone_hash"] = keyring.hash(values["customer_phone"], "phone")
    return ServiceRequest(**values)


def store(*requests: ServiceRequest) -> None:
    """With the words of their names, as a purchase stores them."""
    with transaction():
        db.session.add_all(requests)
        db.session.flush()
        db.session.add_all(
            NameWord(word_hash=keyring.hash(word, "name"), created_at=each.created_at, service_request_id=each.id)
            for each in requests
            for word in name_words(each.customer_name)
        )


def add_request(service: Service, **changes: Any) -> ServiceRequest:
    row = new_request(service, **changes)
    store(row)
    return row


def clear() -> None:
    with transaction() as session:
        session.execute(delete(NameWord))
        session.execute(delete(ServiceRequest))


def listed(client: Any, **arguments: Any) -> list[str]:
    """The reference numbers of the page, in order."""
    answer = client.get(f"{URL}?{urlencode(arguments)}")
    assert answer.status_code == 200
    boxes = Page(answer.text).find("input", name="rowid")
    return [str(box["aria-label"]).removeprefix("Select ") for box in boxes]


def count_queries(client: Any, address: str) -> int:
    """How often a page asks the database."""
    return len(statements_of(lambda: client.get(address)))


def statements_of(send: Callable[[], Any]) -> list[str]:
    """What a request has the database do, without where a transaction begins and ends; its answer has to be right."""
    with asked(without=["BEGIN"]) as statements:
        assert send().status_code == 200
    return statements
