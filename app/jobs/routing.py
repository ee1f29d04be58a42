"""Hands requests that wait for a provider to whoever has become free, the oldest first."""

import logging
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, Select, select

from app.db import db, transaction
from app.errors import NotFound
from app.jobs.turn import Turn
from app.models import Decline, PaymentStatus, ServiceRequest
from app.workflows import assignment, requests

logger = logging.getLogger(__name__)

BATCH = 100
LONGEST_RUN = 10
"""Seconds, for which other work has to wait."""


def hand_out_waiting() -> None:
    """Until nobody can take anything more, or the time is up; the next round goes on."""
    turn = Turn(seconds=LONGEST_RUN)
    nobody_for: set[UUID] = set()
    tried: set[UUID] = set()
    while waiting := _next_waiting(nobody_for, tried):
        for request_id, service_id in waiting:
            if turn.is_over:
                return
            tried.add(request_id)
            if service_id not in nobody_for and not _hand_out(request_id):
                _give_up(request_id, service_id, nobody_for)


def _next_waiting(nobody_for: set[UUID], tried: set[UUID]) -> Sequence[Row[UUID, UUID]]:
    """The oldest whose service somebody may still have room for."""
    with transaction() as session:
        return session.execute(_waiting(nobody_for, tried)).all()


def _waiting(nobody_for: set[UUID], tried: set[UUID]) -> Select[UUID, UUID]:
    return (
        select(ServiceRequest.id, ServiceRequest.service_id)
        .where(
            ServiceRequest.assigned_provider_id.is_(None),
            ServiceRequest.closed_at.is_(None),
            ServiceRequest.payment_status == PaymentStatus.COMPLETED,
            ServiceRequest.service_id.not_in(nobody_for),
            ServiceRequest.id.not_in(tried),
        )
        .order_by(ServiceRequest.created_at, ServiceRequest.id)
        .limit(BATCH)
    )


def _hand_out(request_id: UUID) -> bool:
    """False when the rule finds nobody for it."""
    with transaction():
        try:
            service_request = requests.get_locked(request_id)
        except NotFound:
            return True
        if service_request.assigned_provider_id is not None or not service_request.is_open:
            return True
        provider = assignment.route(service_request)
    if provider is not None:
        logger.info("a waiting request was handed out", extra={"request": request_id, "provider": provider.id})
    return provider is not None


def _give_up(request_id: UUID, service_id: UUID, nobody_for: set[UUID]) -> None:
    """Nobody for one means nobody for the service, unless those who could have given this very one back."""
    declined = db.session.scalar(select(Decline.id).where(Decline.service_request_id == request_id).limit(1))
    if declined is None:
        nobody_for.add(service_id)
