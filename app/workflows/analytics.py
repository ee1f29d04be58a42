"""Steps of the public funnel, counted for each service; never a reason for a purchase to fail."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import clock, ids
from app.models import AnalyticsEvent, ServiceRequest
from app.workflows import beside, bulk_writes

logger = logging.getLogger(__name__)

_FAILURE = "analytics events were not stored"

EVENTS = (
    "service_selected",
    "checkout_started",
    "submitted",
    "paid",
    "failed",
    "confirmation_viewed",
    "tracking_viewed",
)
"""In the order in which a customer comes by them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event that happened at `at`, kept until it is convenient to store it."""

    name: str
    at: datetime
    service_id: UUID | None = None
    request_id: UUID | None = None
    visitor: str | None = None


def recording(name: str, service_request: ServiceRequest) -> beside.Step:
    """The step that stores an event of a request, of this moment, to be written with others beside a sale."""
    row = _row(Step(name, clock.utc_now(), service_request.service_id, service_request.id))
    return beside.Step(logger, _FAILURE, lambda: [(AnalyticsEvent, row)])


def record_steps(steps: Iterable[Step]) -> None:
    """Store events that were kept for a while, in one statement of the open transaction; a failure is logged, and
    undone alone."""
    rows = [_row(step) for step in steps]
    beside.store_beside(logger, _FAILURE, rows, _insert)


def _insert(rows: Sequence[dict[str, object]]) -> None:
    bulk_writes.write_now(AnalyticsEvent, rows)


def _row(step: Step) -> dict[str, object]:
    if step.name not in EVENTS:
        raise ValueError(f"unknown analytics event {step.name!r}")
    return {
        "id": ids.new_id(),
        "name": step.name,
        "created_at": step.at,
        "service_id": step.service_id,
        "service_request_id": step.request_id,
        "visitor": step.visitor,
    }
