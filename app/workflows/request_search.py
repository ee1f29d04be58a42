"""Which requests a set of filters means: one answer for lists, counts, exports, bulk changes and the API."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select

from app.columns import keyring
from app.db import db
from app.kit import clock
from app.kit.contact import InvalidContact, fold, name_words, parse_phone
from app.kit.ids import parse_reference_number
from app.models import Category, NameWord, Payment, PaymentStatus, RequestStatus, ServiceRequest

UNPAID = (PaymentStatus.PENDING, PaymentStatus.FAILED)
_SHORTEST_PREFIX = 5
_LONGEST_SEARCH = 200


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class RequestFilters:
    """Every criterion that is set must hold. `start` and `end` are days of the business's time zone, both included.

    `provider` and `operator` are a user's id, or "none". Unpaid requests are left out unless `include_unpaid`, or a
    payment status is asked for, or a text is searched: who looks for a reference wants to find it.
    """

    service_id: UUID | None = None
    category: Category | None = None
    status: RequestStatus | None = None
    payment_status: PaymentStatus | None = None
    provider: UUID | Literal["none"] | None = None
    operator: UUID | Literal["none"] | None = None
    gateway: str | None = None
    affiliate_id: UUID | None = None
    start: date | None = None
    end: date | None = None
    is_overdue: bool = False
    is_open: bool = False
    is_unpaid: bool = False
    include_unpaid: bool = False
    text: str = ""
    sort: Sort = Sort.NEWEST


def select_requests(filters: RequestFilters, *, zone: ZoneInfo) -> Select[ServiceRequest]:
    """The matching requests in no order yet; count them with `count_up_to`."""
    return select(ServiceRequest).where(*_conditions(filters, zone))


def count_up_to(query: Select[ServiceRequest], cap: int) -> int:
    """How many rows, but no more than `cap` + 1 are looked at: beyond it "10,000+" says enough."""
    limited = query.with_only_columns(ServiceRequest.id).order_by(None).limit(cap + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(limited)) or 0


def _conditions(filters: RequestFilters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    return [*_equalities(filters), *_dates(filters, zone), *_states(filters), *_text(filters.text)]


def _equalities(filters: RequestFilters) -> list[ColumnElement[bool]]:
    wanted = (
        (ServiceRequest.service_id, filters.service_id),
        (ServiceRequest.service_category, filters.category),
        (ServiceRequest.status, filters.status),
        (ServiceRequest.payment_status, filters.payment_status),
        (ServiceRequest.payment_gateway, filters.gateway),
        (ServiceRequest.affiliate_id, filters.affiliate_id),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in wanted if value is not None]
    people = (
        (ServiceRequest.assigned_provider_id, filters.provider),
        (ServiceRequest.operator_id, filters.operator),
    )
    conditions += [column == (None if who == "none" else who) for column, who in people if who is not None]
    return conditions


def _dates(filters: RequestFilters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.start is not None:
        conditions.append(ServiceRequest.created_at >= clock.start_of_day(filters.start, zone))
    if filters.end is not None:
        conditions.append(ServiceRequest.created_at < clock.end_of_day(filters.end, zone))
    return conditions


def _states(filters: RequestFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.is_open or filters.is_overdue:
        conditions.append(ServiceRequest.closed_at.is_(None))
    if filters.is_overdue:
        conditions += [ServiceRequest.first_contact_at.is_(None), ServiceRequest.due_at < clock.utc_now()]
    if filters.is_unpaid:
        conditions.append(ServiceRequest.payment_status.in_(UNPAID))
    elif not (filters.include_unpaid or filters.payment_status or filters.text.strip()):
        conditions.append(ServiceRequest.payment_status.not_in(UNPAID))
    return conditions


def _text(text: str) -> list[ColumnElement[bool]]:
    """What the words may be: a reference or its beginning, an address, a phone number, a gateway's id, a name."""
    term = text.replace("\0", "").strip()[:_LONGEST_SEARCH]
    if not term:
        return []
    reference = parse_reference_number(term)
    is_reference = ServiceRequest.reference_number == reference
    if reference is not None and term.upper().startswith("SR-"):
        return [is_reference]
    if "@" in term:
        return [ServiceRequest.customer_email_hash.in_(keyring.hashes(fold(term), "email"))]
    # A name or number of twelve characters may be a reference by chance: once in 32 its check character fits.
    chance = [is_reference] if reference is not None else []
    return [or_(*_other_readings(term), *chance)]


def _other_readings(term: str) -> list[ColumnElement[bool]]:
    at_gateway = or_(
        Payment.gateway_payment_id == term,
        Payment.gateway_intent_id == term,
        Payment.bank_reference == term.upper(),
    )
    ids_at_gateway = select(Payment.service_request_id).where(at_gateway)
    readings: list[ColumnElement[bool]] = [ServiceRequest.id.in_(ids_at_gateway)]
    if term.upper().startswith("SR-") and len(term) >= _SHORTEST_PREFIX:
        beginning = term.upper()
        readings.append(ServiceRequest.reference_number.between(beginning, beginning + "~"))
    phone = _phone(term)
    if phone is not None:
        readings.append(ServiceRequest.customer_phone_hash.in_(keyring.hashes(phone, "phone")))
    words = name_words(term)
    if words:
        readings.append(_has_words(words))
    return readings


def _has_words(words: set[str]) -> ColumnElement[bool]:
    """Requests whose customer's name has all the words."""
    query = select(ServiceRequest.id)
    for word in sorted(words):
        hashes = keyring.hashes(word, "name")
        query = query.where(
            ServiceRequest.id.in_(select(NameWord.service_request_id).where(NameWord.word_hash.in_(hashes)))
        )
    return ServiceRequest.id.in_(query)


def _phone(term: str) -> str | None:
    try:
        return parse_phone(term)
    except InvalidContact:
        return None
