"""Taking a bulk change back before anybody was told of it.

From the moment it is asked for, no worker takes an email of the change (`deliveries`). Then rows go back, those that
nobody has changed since and nobody has heard of. A row that has to stay as it is keeps its emails: it is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, select, update

from app.db import db
from app.errors import DomainError
from app.kit import clock, ids
from app.models import (
    OPEN_STATUSES,
    ActorKind,
    BulkChange,
    BulkChangeRow,
    BulkRowState,
    BulkState,
    Notification,
    NotificationStatus,
    RequestStatus,
    ServiceRequest,
    StatusChange,
)
from app.workflows import audit, bulk_changes, bulk_writes, figure_marks, workload
from app.workflows.audit import Actor
from app.workflows.bulk_rows import Locked, describe, find_changed, lock_requests, mark_each, next_rows

_GONE = (NotificationStatus.SENDING, NotificationStatus.SENT)
_NOTE = "Undone with the rest of a bulk change, before anybody was told."


class UndoRefused(DomainError):
    code = "undo_refused"
    message = "This change cannot be undone any more: its emails have left."
    suggested_action = "Change the requests one by one, or all together by a new bulk change."


def ensure_undoable(change: BulkChange) -> None:
    """Raises UndoRefused with the reason."""
    if change.state in {BulkState.UNDOING, BulkState.UNDONE}:
        raise UndoRefused("This change is being undone already, or was.")
    if change.state is BulkState.DRAFT:
        raise UndoRefused("This change has not begun, so there is nothing to undo.")
    if change.state is BulkState.DONE and not change.done:
        raise UndoRefused("Nothing was changed, so there is nothing to undo.")
    if change.mails_leave_at is not None and change.mails_leave_at <= clock.utc_now():
        raise UndoRefused


def ask(change: BulkChange, *, actor: Actor) -> None:
    """Begin to take a locked change back; one that still runs stops here. Raises UndoRefused."""
    ensure_undoable(change)
    now = clock.utc_now()
    change.state, change.undo_asked_at, change.finished_at = BulkState.UNDOING, now, None
    change.undone_by_id, change.undone_from = actor.user_id, actor.address
    change.turn += 1
    change.reached = 0
    change.updated_at = now
    audit.record("bulk_change.undo_asked", change, actor=actor, after={"title": change.title, "requests": change.done})


def carry_on(change: BulkChange, *, limit: int) -> None:
    """Take the next rows of a locked change back."""
    rows = next_rows(change, BulkRowState.DONE, limit)
    if rows:
        _take_back(change, rows)
    bulk_changes.advance(change, rows, is_last=len(rows) < limit)


def keep_next(change: BulkChange, message: str) -> None:
    """Pass over a row that makes us fail: it stays as it was changed."""
    rows = next_rows(change, BulkRowState.DONE, 1)
    _note_kept(change, {row.position: message for row in rows})
    bulk_changes.advance(change, rows, is_last=not rows)


def _take_back(change: BulkChange, rows: Sequence[BulkChangeRow]) -> None:
    locked = lock_requests(rows)
    kept = _why_kept(change, rows, locked)
    going_back = [row for row in rows if row.position not in kept]
    _drop_mails(change, going_back)
    _note_kept(change, kept)
    with bulk_writes.gathered(), workload.gathered():
        _restore_all(change, going_back, locked)
        bulk_writes.write_requests(locked.values())
    mark_each(change, dict.fromkeys((row.position for row in going_back), None), {"state": BulkRowState.UNDONE})
    change.done -= len(going_back)
    change.undone += len(going_back)


def _why_kept(change: BulkChange, rows: Sequence[BulkChangeRow], locked: Locked) -> dict[int, str]:
    changed = find_changed(rows, locked, {row.position: row.version_after for row in rows})
    told = _told(change, [row.request_id for row in rows])
    why = {row.position: "An email about it has left already." for row in rows if row.request_id in told}
    return why | {at: f"It was changed again since. {how}" for at, how in describe(rows, changed).items()}


def _told(change: BulkChange, request_ids: Sequence[UUID]) -> set[UUID | None]:
    """Requests of which somebody has heard, or is hearing at this moment."""
    query = (
        select(Notification.service_request_id, Notification.status)
        .where(_of(change), Notification.service_request_id.in_(request_ids))
        .order_by(Notification.id)
        .with_for_update(key_share=True)
    )
    return {request_id for request_id, status in db.session.execute(query).all() if status in _GONE}


def _drop_mails(change: BulkChange, rows: Sequence[BulkChangeRow]) -> None:
    mine = update(Notification).where(
        _of(change),
        Notification.service_request_id.in_([row.request_id for row in rows]),
        # One that could not be delivered must not be sent again either.
        Notification.status.in_((NotificationStatus.PENDING, NotificationStatus.DEAD)),
    )
    _change(mine, {"status": NotificationStatus.DROPPED, "next_attempt_at": None})


def _restore_all(change: BulkChange, rows: Sequence[BulkChangeRow], locked: Locked) -> None:
    actor = Actor(ActorKind.USER, change.undone_by_id, change.undone_from)
    moved = [row.request_id for row in rows if locked[row.request_id].status is not row.status_before]
    if moved:
        _hide_last_step(moved)
    with db.session.no_autoflush:
        for row in rows:
            _restore(locked[row.request_id], row, actor=actor)


def _mark_figures(service_request: ServiceRequest) -> None:
    """What counted on a day that is over is taken back."""
    for at in filter(None, (service_request.first_contact_at, service_request.due_at)):
        figure_marks.mark(at)


def _restore(service_request: ServiceRequest, row: BulkChangeRow, *, actor: Actor) -> None:
    old_status, old_provider = service_request.status, service_request.assigned_provider_id
    _count_work(service_request, by=-1)
    _mark_figures(service_request)
    service_request.status, service_request.assigned_provider_id = row.status_before, row.provider_before
    service_request.assigned_at, service_request.closed_at = row.assigned_at_before, row.closed_at_before
    service_request.first_contact_at, service_request.due_at = row.first_contact_at_before, row.due_at_before
    service_request.waiting_since, service_request.work_left_seconds = row.waiting_since_before, row.work_left_before
    service_request.updated_at = clock.utc_now()
    _count_work(service_request, by=1)
    if old_status is not row.status_before:
        _enter_step_back(service_request, old_status, actor=actor)
    audit.record(
        "request.change_undone",
        service_request,
        actor=actor,
        before={"status": old_status, "provider": old_provider},
        after={"status": row.status_before, "provider": row.provider_before, "bulk_change": row.change_id},
    )


def _count_work(service_request: ServiceRequest, *, by: int) -> None:
    if service_request.assigned_provider_id is not None and service_request.status in OPEN_STATUSES:
        workload.shift(service_request.assigned_provider_id, by=by)


def _enter_step_back(service_request: ServiceRequest, old_status: RequestStatus, *, actor: Actor) -> None:
    step = StatusChange(
        id=ids.new_id(),
        service_request_id=service_request.id,
        old_status=old_status,
        new_status=service_request.status,
        changed_by_user_id=actor.user_id,
        notes=_NOTE,
        is_undone=True,
        created_at=clock.utc_now(),
    )
    bulk_writes.add(step)


def _hide_last_step(request_ids: Sequence[UUID]) -> None:
    """The one that is taken back: nobody has changed these requests since, so it is their last."""
    query = (
        select(StatusChange.service_request_id, StatusChange.id)
        .where(StatusChange.service_request_id.in_(request_ids))
        .order_by(StatusChange.created_at, StatusChange.id)
    )
    last = dict(db.session.execute(query).all())
    _change(update(StatusChange).where(StatusChange.id.in_(list(last.values()))), {"is_undone": True})


def _note_kept(change: BulkChange, kept: Mapping[int, str]) -> None:
    mark_each(change, kept, {"state": BulkRowState.KEPT})
    change.done -= len(kept)
    change.kept += len(kept)


def _of(change: BulkChange) -> ColumnElement[bool]:
    return Notification.bulk_change_id == change.id


def _change(statement: Update, values: Mapping[str, Any]) -> None:
    db.session.execute(statement.values(**values), execution_options={"synchronize_session": False})
