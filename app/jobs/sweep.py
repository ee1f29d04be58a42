"""Makes up for every bell that was lost: looks into the tables for work that is due and does it."""

import logging
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Select, select, update

from app.db import db, transaction
from app.jobs.notifications import deliver_due
from app.kit import clock
from app.models import ServiceRequest
from app.workflows import deliveries, notifications, webhooks

logger = logging.getLogger(__name__)

BATCH = 100


def sweep_notifications() -> None:
    """Free what killed workers left behind, then send what is due."""
    with transaction():
        freed = deliveries.free_abandoned()
    if freed:
        logger.warning("leases had ended, so messages are sent again", extra={"messages": freed})
    deliver_due()


def retry_webhooks() -> None:
    """Events that were seen but failed inside."""
    with transaction():
        due = webhooks.due_events(BATCH)
    for event_id in due:
        _retry_webhook(event_id)


def _retry_webhook(event_id: UUID) -> None:
    try:
        with transaction():
            webhooks.handle_again(event_id)
    except Exception as error:
        # One broken event must not hold up the others; it is noted, alerted, and tried again later.
        logger.exception("a webhook event failed again", extra={"event": event_id})
        with transaction():
            webhooks.note_failure(event_id, error)


def alert_overdue() -> None:
    """One alert for each paid request that nobody contacted in time."""
    with transaction() as session:
        overdue = list(session.scalars(_overdue()))
    for request_id in overdue:
        with transaction():
            _alert(request_id)


def _overdue() -> Select[UUID]:
    now = clock.utc_now()
    return (
        select(ServiceRequest.id)
        .where(
            ServiceRequest.due_at < now,
            ServiceRequest.first_contact_at.is_(None),
            ServiceRequest.closed_at.is_(None),
            ServiceRequest.payment_completed_at.is_not(None),
            ServiceRequest.overdue_alerted_at.is_(None),
        )
        .order_by(ServiceRequest.due_at)
        .limit(BATCH)
    )


def _alert(request_id: UUID) -> None:
    mine = update(ServiceRequest).where(ServiceRequest.id == request_id, ServiceRequest.overdue_alerted_at.is_(None))
    if not cast(CursorResult[Any], db.session.execute(mine.values(overdue_alerted_at=clock.utc_now()))).rowcount:
        return
    service_request = db.session.get_one(ServiceRequest, request_id)
    text = f"{service_request.reference_number} is overdue: nobody has contacted the customer yet."
    notifications.alert("overdue", text, service_request=service_request, fold=str(request_id))
