"""Which requests a set of filters means: one answer for lists, counts, exports, bulk changes and the API."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Select, func, null, select

from app.db import db
from app.kit import clock
from app.models import OPEN_STATUSES, REQUESTS, UNPAID_STATUSES, Category, PaymentStatus, RequestStatus, ServiceRequest
from app.workflows import request_words

_OVER = frozenset(RequestStatus) - OPEN_STATUSES


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
    limited = query.with_only_columns(REQUESTS.id).order_by(None).limit(cap + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(limited)) or 0


def _conditions(filters: RequestFilters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    return [*_equalities(filters), *_dates(filters, zone), *_states(filters), *request_words.conditions(filters.text)]


def _wanted(filters: RequestFilters) -> tuple[tuple[Column[Any], Any], ...]:
    return (
        (REQUESTS.service_id, filters.service_id),
        (REQUESTS.service_category, filters.category),
        (REQUESTS.status, filters.status),
        (REQUESTS.payment_status, filters.payment_status),
        (REQUESTS.payment_gateway, filters.gateway),
        (REQUESTS.affiliate_id, filters.affiliate_id),
        (REQUESTS.assigned_provider_id, null() if filters.provider == "none" else filters.provider),
        (REQUESTS.operator_id, null() if filters.operator == "none" else filters.operator),
    )


def _equalities(filters: RequestFilters) -> list[ColumnElement[bool]]:
    return [column == value for column, value in _wanted(filters) if value is not None]


def _dates(filters: RequestFilters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.start is not None:
        conditions.append(REQUESTS.created_at >= clock.start_of_day(filters.start, zone))
    if filters.end is not None:
        conditions.append(REQUESTS.created_at < clock.end_of_day(filters.end, zone))
    return conditions


def _states(filters: RequestFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.is_open or filters.is_overdue:
        conditions.append(REQUESTS.closed_at.is_(None))
    if filters.is_overdue:
        conditions += [REQUESTS.first_contact_at.is_(None), REQUESTS.due_at < clock.utc_now()]
    if filters.provider == "none" and filters.status in _OVER:
        # True of all of them, and it leads to a short index.
        conditions.append(REQUESTS.closed_at.is_not(None))
    if filters.is_unpaid:
        # One of two ways to say so, and the one that a short index is made of.
        conditions.append(REQUESTS.payment_completed_at.is_(None))
    elif not (filters.include_unpaid or filters.payment_status or filters.text.strip()):
        conditions.append(REQUESTS.payment_status.not_in(UNPAID_STATUSES))
    return conditions
