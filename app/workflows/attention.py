"""What waits for a person: one definition for the lists that show it and the numbers that lead there."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.db import db
from app.kit import clock
from app.models import (
    Dispute,
    DisputeStatus,
    EventOutcome,
    GatewayConfig,
    Notification,
    NotificationStatus,
    Payment,
    PaymentStatus,
    WebhookEvent,
)

STUCK_AFTER = timedelta(hours=1)
_CHECK_IS_LATE_AFTER = timedelta(minutes=30)


def payment_is_stuck() -> ColumnElement[bool]:
    """Started a while ago, and its gateway never told how it stands, or is not asked when it should be.

    One that the gateway knows as not paid yet is not stuck: the customer has left, and it runs out by itself.
    """
    now = clock.utc_now()
    return and_(
        Payment.status == PaymentStatus.PENDING,
        Payment.created_at < now - STUCK_AFTER,
        # Only a few days long, and few: it has an index of its own.
        Payment.next_check_at.is_not(None),
        or_(Payment.checked_at.is_(None), Payment.next_check_at < now - _CHECK_IS_LATE_AFTER),
    )


def payment_is_flagged() -> ColumnElement[bool]:
    return and_(Payment.flag.is_not(None), Payment.flag_resolved_at.is_(None))


def message_needs_review() -> ColumnElement[bool]:
    return and_(WebhookEvent.outcome == EventOutcome.REVIEW, WebhookEvent.reviewed_at.is_(None))


def gateway_is_down() -> ColumnElement[bool]:
    """It failed so often in a row that others are offered first."""
    return and_(GatewayConfig.is_active, GatewayConfig.resting_until > clock.utc_now())


def mail_failed() -> ColumnElement[bool]:
    return Notification.status == NotificationStatus.DEAD


def dispute_is_open() -> ColumnElement[bool]:
    return Dispute.status == DisputeStatus.OPEN


def count_up_to(queries: Mapping[str, Select[Any]], cap: int) -> dict[str, int]:
    """How many rows each finds, looked at no further than one beyond the cap; in one question to the database."""
    counts = {
        name: select(func.count()).select_from(query.order_by(None).limit(cap + 1).subquery()).scalar_subquery()
        for name, query in queries.items()
    }
    row = db.session.execute(select(*(count.label(name) for name, count in counts.items()))).one()
    return {name: getattr(row, name) for name in counts}


def next_deadline() -> datetime | None:
    """When the first open dispute has to be answered."""
    return db.session.scalar(select(func.min(Dispute.evidence_due_at)).where(dispute_is_open()))
