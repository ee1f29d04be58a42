"""Where a request may go from where it is, and everything that goes with the move."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.errors import InvalidInput, TransitionRefused
from app.kit import clock, ids
from app.models import OPEN_STATUSES, RequestStatus, ServiceRequest, StatusChange
from app.workflows import audit, bulk_writes, deadlines, notifications, requests, workload
from app.workflows.audit import Actor
from app.workflows.fresh_rows import draft

ALLOWED: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PAYMENT_CONFIRMED: frozenset({RequestStatus.PENDING_CONTACT}),
    RequestStatus.PENDING_CONTACT: frozenset(
        {RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS, RequestStatus.CANCELLED}
    ),
    RequestStatus.TEAM_ASSIGNED: frozenset(
        {RequestStatus.PENDING_CONTACT, RequestStatus.IN_PROGRESS, RequestStatus.CANCELLED}
    ),
    RequestStatus.IN_PROGRESS: frozenset(
        {RequestStatus.TEAM_ASSIGNED, RequestStatus.COMPLETED, RequestStatus.CANCELLED}
    ),
    RequestStatus.COMPLETED: frozenset({RequestStatus.IN_PROGRESS}),
    RequestStatus.CANCELLED: frozenset(),
}

NEEDS_NOTE = frozenset({(RequestStatus.COMPLETED, RequestStatus.IN_PROGRESS)})
"""Moves that need a reason in words."""


class Standing(Protocol):
    """How a request stands: what decides whether something can be done to it."""

    @property
    def status(self) -> RequestStatus: ...

    @property
    def assigned_provider_id(self) -> UUID | None: ...

    @property
    def is_open(self) -> bool: ...


def change_status(
    service_request: ServiceRequest, wanted: RequestStatus, *, actor: Actor, note: str | None = None
) -> StatusChange:
    """Move a locked request, write its history, tell the customer.

    Raises TransitionRefused, with the reason for the person who tried, and InvalidInput for a missing or overlong note.
    """
    note = requests.read_note(note) or None
    ensure_allowed(service_request, wanted, note)
    change = enter_history(service_request, wanted, actor=actor, note=note)
    notifications.status_changed(service_request, change)
    return change


def enter_history(
    service_request: ServiceRequest, wanted: RequestStatus, *, actor: Actor, note: str | None = None
) -> StatusChange:
    """Set the status with its history row, its clock times and its audit entry; tells nobody."""
    old = service_request.status
    now = clock.utc_now()
    _set_status(service_request, wanted, at=now)
    change = draft(
        StatusChange,
        id=ids.new_id(),
        service_request_id=service_request.id,
        old_status=old,
        new_status=wanted,
        changed_by_user_id=actor.user_id,
        notes=note,
        created_at=now,
    )
    bulk_writes.add(change)
    audit.record(
        "request.status_changed", service_request, actor=actor, before={"status": old}, after={"status": wanted}
    )
    return change


def _set_status(service_request: ServiceRequest, wanted: RequestStatus, *, at: datetime) -> None:
    was_open = service_request.is_open
    service_request.status = wanted
    service_request.updated_at = at
    service_request.closed_at = None if wanted in OPEN_STATUSES else at
    if wanted in {RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED} and service_request.first_contact_at is None:
        deadlines.resume(service_request, at=at)
        service_request.first_contact_at = at
    if was_open != service_request.is_open and service_request.assigned_provider_id is not None:
        workload.shift(service_request.assigned_provider_id, by=1 if service_request.is_open else -1)


def ensure_allowed(standing: Standing, wanted: RequestStatus, note: str | None) -> None:
    """Raises TransitionRefused and InvalidInput, as `change_status`."""
    old = standing.status
    if wanted is old:
        raise TransitionRefused(f"The request is “{old.label}” already.")
    if wanted not in ALLOWED[old]:
        raise TransitionRefused(f"A request that is “{old.label}” cannot become “{wanted.label}”. {_ways_out(old)}")
    if (old, wanted) in NEEDS_NOTE and note is None:
        raise InvalidInput("Say in a note why it is opened again.", details={"note": "A reason is needed."})


def _ways_out(old: RequestStatus) -> str:
    labels = [f"“{status.label}”" for status in RequestStatus if status in ALLOWED[old]]
    return f"It can become {' or '.join(labels)}." if labels else "It cannot change any more."
