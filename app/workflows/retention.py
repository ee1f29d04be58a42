"""Letting go of personal data when its time is over. Amounts, dates and numbers stay, so that accounts add up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    LargeBinary,
    Select,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from app.db import db
from app.models import AnalyticsEvent, Look, Notification, Payment, ServiceRequest, WebhookEvent
from app.workflows import attention, erasure
from app.workflows.audit import SYSTEM
from app.workflows.audit_fields import ERASED

Mark: TypeAlias = tuple[datetime, UUID]
"""The last row that was seen: when it was made, and its key."""

_EMPTY = b"{}"
_SEALED_EMPTY = len(_EMPTY) + 32
"""How long an emptied body is when it is sealed: so it is told without being opened."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is that of its period among the settings; `what` completes the sentence "... are let go"."""

    name: str
    what: str
    model: type[Any]
    is_due: Callable[[], Sequence[ColumnElement[bool]]]
    let_go: Callable[[Sequence[UUID]], int]

    def due(self, before: datetime) -> Select[UUID]:
        return select(self.model.id).where(self.model.created_at < before, *self.is_due())


def count_due(rule: Rule, before: datetime) -> int:
    return db.session.scalar(select(func.count()).select_from(rule.due(before).subquery())) or 0


def let_go_some(rule: Rule, before: datetime, limit: int, *, after: Mark | None = None) -> tuple[int, Mark | None]:
    """Let go of the oldest `limit` rows that are due, after those up to a mark; how many there were, and the new mark.

    All that was emptied long ago stands before what is due: it is passed over once, and not for each batch again.
    """
    moment, key = rule.model.created_at, rule.model.id
    query = rule.due(before).add_columns(moment).order_by(moment, key).limit(limit)
    if after is not None:
        query = query.where(tuple_(moment, key) > tuple_(*map(literal, after, (moment.type, key.type))))
    found = db.session.execute(query).all()
    if not found:
        return 0, after
    return rule.let_go([key for key, _ in found]), (found[-1][1], found[-1][0])


def _count(statement: Any) -> int:
    found = db.session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], found).rowcount


def _forget_copies(keys: Sequence[UUID]) -> int:
    empty: dict[str, Any] = {"sent_copy": None, "context": {}, "recipient": ERASED}
    return _count(update(Notification).where(Notification.id.in_(keys)).values(empty))


def _forget_bodies(keys: Sequence[UUID]) -> int:
    return _count(update(WebhookEvent).where(WebhookEvent.id.in_(keys)).values(body=_EMPTY, headers=_EMPTY))


def _unlink_visits(keys: Sequence[UUID]) -> int:
    return _count(update(AnalyticsEvent).where(AnalyticsEvent.id.in_(keys)).values(service_request_id=None))


def _forget_looks(keys: Sequence[UUID]) -> int:
    return _count(delete(Look).where(Look.id.in_(keys)))


def _erase_customers(keys: Sequence[UUID]) -> int:
    return sum(erasure.erase(key, actor=SYSTEM, action="customer.forgotten") for key in keys)


RULES: Sequence[Rule] = (
    Rule(
        "mail",
        "copies of sent mail",
        Notification,
        lambda: (Notification.sent_copy.is_not(None),),
        _forget_copies,
    ),
    Rule(
        "gateway_messages",
        "bodies of gateway messages",
        WebhookEvent,
        lambda: (
            WebhookEvent.handled_at.is_not(None),
            func.length(type_coerce(WebhookEvent.body, LargeBinary)) > _SEALED_EMPTY,
        ),
        _forget_bodies,
    ),
    Rule(
        "visits",
        "links from visits to requests",
        AnalyticsEvent,
        lambda: (AnalyticsEvent.service_request_id.is_not(None),),
        _unlink_visits,
    ),
    Rule("looks", "records of who looked at whom", Look, lambda: (), _forget_looks),
    Rule(
        "unpaid",
        "customers who never paid",
        ServiceRequest,
        lambda: (
            ServiceRequest.payment_completed_at.is_(None),
            ServiceRequest.closed_at.is_not(None),
            ServiceRequest.erased_at.is_(None),
            # Money that came too late is still to be given back.
            ~exists().where(Payment.service_request_id == ServiceRequest.id, attention.payment_is_flagged()),
        ),
        _erase_customers,
    ),
)
