"""Requests in bulk: rows as their tables take them, with a history that fits their age."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import selectinload

from app.columns import keyring
from app.db import db, transaction
from app.kit import clock, ids
from app.kit.contact import fold, name_words
from app.models import (
    OPEN_STATUSES,
    NameWord,
    Payment,
    PaymentStatus,
    ProviderProfile,
    RequestStatus,
    Service,
    ServiceRequest,
    ServiceTier,
    StatusChange,
)
from app.samples.people import SampleCustomer, make_customer

logger = logging.getLogger(__name__)

BATCH = 2_000
_TABLES = (ServiceRequest, Payment, StatusChange, NameWord)

_WALKS: tuple[tuple[RequestStatus, ...], ...] = (
    (),
    (RequestStatus.TEAM_ASSIGNED,),
    (RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS),
    (RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED),
    (RequestStatus.CANCELLED,),
)
_YOUNG, _MIDDLE, _OLD = (30, 35, 25, 5, 5), (4, 10, 36, 45, 5), (0, 0, 1, 91, 8)


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a customer can have chosen."""

    service: Service
    tier: ServiceTier | None
    providers: tuple[UUID, ...]


@dataclass(slots=True)
class Rows:
    """Rows for each table, collected for one insert."""

    tables: dict[type, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in _TABLES})

    def add(self, table: type, **values: Any) -> None:
        self.tables[table].append(values)

    def insert(self) -> None:
        for table, rows in self.tables.items():
            if rows:
                db.session.execute(insert(table), rows)


@dataclass(frozen=True, slots=True)
class Period:
    """Purchases are spread evenly between the two."""

    start: datetime
    end: datetime

    def moment(self, position: float) -> datetime:
        return self.start + (self.end - self.start) * position


def load(count: int, period: Period, *, random: Random, progress: Callable[[int], None]) -> None:
    """Insert `count` requests in batches, each committed, and bring the providers' counters to the truth."""
    offers = _offers()
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        rows = Rows()
        for number in range(start, start + size):
            _add_request(rows, offers, period.moment((number + random.random()) / count), random=random)
        with transaction():
            rows.insert()
        progress(size)
    with transaction():
        count_open_work()


def count_open_work() -> None:
    """Set every provider's counter to what the requests say."""
    assigned = (
        select(func.count())
        .where(ServiceRequest.assigned_provider_id == ProviderProfile.user_id, ServiceRequest.status.in_(OPEN_STATUSES))
        .scalar_subquery()
    )
    counted = update(ProviderProfile).values(open_work=assigned)
    db.session.execute(counted.execution_options(synchronize_session=False))


def _offers() -> list[Offer]:
    services = db.session.scalars(select(Service).where(Service.is_active).options(selectinload(Service.tiers))).all()
    profiles = db.session.scalars(select(ProviderProfile).options(selectinload(ProviderProfile.skills))).all()
    return [Offer(service, tier, _skilled(service, profiles)) for service in services for tier in _tiers(service)]


def _tiers(service: Service) -> list[ServiceTier] | list[None]:
    return service.active_tiers or [None]


def _skilled(service: Service, profiles: Any) -> tuple[UUID, ...]:
    return tuple(
        profile.user_id
        for profile in profiles
        if any(skill.service_id == service.id or skill.category == service.category for skill in profile.skills)
    )


def _add_request(rows: Rows, offers: list[Offer], at: datetime, *, random: Random) -> None:
    offer = random.choice(offers)
    customer = make_customer(random, random.randrange(100_000))
    paid = random.choices((PaymentStatus.COMPLETED, PaymentStatus.FAILED, PaymentStatus.PENDING), (90, 6, 4))[0]
    if clock.utc_now() - at > timedelta(days=1) and paid is PaymentStatus.PENDING:
        paid = PaymentStatus.FAILED
    request = _request(offer, customer, at, paid=paid)
    if paid is PaymentStatus.COMPLETED:
        _walk(rows, request, offer, random=random)
    rows.add(ServiceRequest, **request)
    rows.add(Payment, **_payment(request))
    for word in name_words(customer.full_name):
        rows.add(NameWord, word_hash=keyring.hash(word, "name"), service_request_id=request["id"])


def _request(offer: Offer, customer: SampleCustomer, at: datetime, *, paid: PaymentStatus) -> dict[str, Any]:
    price = offer.tier.price if offer.tier else offer.service.price
    is_paid = paid is PaymentStatus.COMPLETED
    paid_at = at + timedelta(minutes=2)
    return {
        "id": ids.new_id(),
        "created_at": at,
        "updated_at": paid_at,
        "reference_number": ids.new_reference_number(),
        "service_id": offer.service.id,
        "service_tier_id": offer.tier.id if offer.tier else None,
        "service_name": offer.service.name,
        "service_category": offer.service.category,
        "tier_name": offer.tier.name if offer.tier else None,
        "customer_name": customer.full_name,
        "customer_email": customer.email,
        "customer_phone": customer.phone,
        "customer_requirements": customer.requirements,
        "customer_email_hash": keyring.hash(fold(customer.email), "email"),
        "customer_phone_hash": keyring.hash(customer.phone, "phone"),
        "payment_status": paid,
        "payment_gateway": "sandbox",
        "payment_transaction_id": f"sbp_{ids.new_id().hex}" if is_paid else None,
        "amount_minor": price.minor,
        "currency": price.currency,
        "payment_completed_at": paid_at if is_paid else None,
        "status": RequestStatus.PENDING_CONTACT,
        "assigned_provider_id": None,
        "assigned_at": None,
        "due_at": paid_at + timedelta(hours=offer.service.first_contact_hours) if is_paid else None,
        "first_contact_at": None,
        "closed_at": None,
    }


def _walk(rows: Rows, request: dict[str, Any], offer: Offer, *, random: Random) -> None:
    """Move the request as far as one of its age has come."""
    at = request["payment_completed_at"]
    _change(rows, request, RequestStatus.PAYMENT_CONFIRMED, at)
    _change(rows, request, RequestStatus.PENDING_CONTACT, at + timedelta(milliseconds=1))
    age = clock.utc_now() - at
    weights = _YOUNG if age < timedelta(days=2) else _MIDDLE if age < timedelta(days=10) else _OLD
    for status in _steps(offer, random.choices(_WALKS, weights)[0]):
        at += min(timedelta(hours=random.uniform(0.5, 20)), (clock.utc_now() - at) / 2)
        if request["assigned_provider_id"] is None and status is not RequestStatus.CANCELLED:
            request |= {"assigned_provider_id": random.choice(offer.providers), "assigned_at": at}
        if status is RequestStatus.IN_PROGRESS:
            request["first_contact_at"] = at
        _change(rows, request, status, at)
    if request["status"] not in OPEN_STATUSES:
        request["closed_at"] = at


def _steps(offer: Offer, walk: tuple[RequestStatus, ...]) -> Iterator[RequestStatus]:
    """The whole walk, or none of it where nobody could be assigned."""
    if offer.providers or RequestStatus.TEAM_ASSIGNED not in walk:
        yield from walk


def _change(rows: Rows, request: dict[str, Any], status: RequestStatus, at: datetime) -> None:
    rows.add(
        StatusChange,
        service_request_id=request["id"],
        old_status=request["status"],
        new_status=status,
        created_at=at,
    )
    request |= {"status": status, "updated_at": at}


def _payment(request: dict[str, Any]) -> dict[str, Any]:
    payment_id = ids.new_id()
    is_paid = request["payment_status"] is PaymentStatus.COMPLETED
    failed = request["payment_status"] is PaymentStatus.FAILED
    return {
        "id": payment_id,
        "created_at": request["created_at"],
        "updated_at": request["payment_completed_at"] or request["created_at"],
        "service_request_id": request["id"],
        "gateway": "sandbox",
        "amount_minor": request["amount_minor"],
        "currency": request["currency"],
        "status": request["payment_status"],
        "settles_request": is_paid,
        "idempotency_key": str(payment_id),
        "gateway_intent_id": f"sbi_{payment_id.hex}",
        "gateway_payment_id": request["payment_transaction_id"],
        "error_code": "card_declined" if failed else None,
        "completed_at": request["payment_completed_at"],
        "failed_at": request["created_at"] if failed else None,
    }
