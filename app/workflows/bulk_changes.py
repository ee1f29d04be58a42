"""A bulk change under way: a few rows at a time, each batch committed with its outcomes.

Whoever is killed leaves nothing half done, and whoever comes next goes on where the last commit was. The lock on the
change lets one carry it on at a time; `turn` sends away whoever was given up on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.errors import DomainError
from app.jobs import queue
from app.kit import clock
from app.models import ActorKind, BulkChange, BulkChangeRow, BulkRowState, BulkState, ServiceRequest
from app.models.bulk_change import UNFINISHED
from app.workflows import bulk_steps, bulk_writes, notifications, workload
from app.workflows.audit import Actor
from app.workflows.bulk_rows import Locked, describe, find_changed, lock_requests, mark_each, next_rows

SMALL = 50
"""So few are done while somebody waits for the page."""
HOLD = timedelta(minutes=2)
"""How long after its end, at the least, a change can be undone."""

_SLOWEST = 250
"""Rows a second that a busy machine gets through too: the emails of a long change wait for its end."""
_ABANDONED = timedelta(seconds=30)
_JOB = "app.jobs.bulk.carry_on"


@dataclass(slots=True)
class _Outcomes:
    """What was done in words (None: the change says it), and why the others were refused, by position."""

    done: dict[int, str | None] = field(default_factory=dict)
    refused: dict[int, str | None] = field(default_factory=dict)


def ring(change: BulkChange) -> None:
    """Have a worker carry it on once the open transaction is committed."""
    queue.enqueue(_JOB, str(change.id), str(change.turn))


def find_unfinished(change_id: UUID, turn: int) -> BulkChange | None:
    """The change, locked, if there is more to do and it is this turn's to do it."""
    query = select(BulkChange).where(
        BulkChange.id == change_id, BulkChange.turn == turn, BulkChange.state.in_(UNFINISHED)
    )
    return db.session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))


def carry_on(change: BulkChange, *, limit: int) -> None:
    """Do the next rows of a locked, running change.

    Raises RosterChanged: then nothing of it may stay, and it can be tried again.
    """
    rows = next_rows(change, BulkRowState.WAITING, limit)
    if rows:
        _carry_out(change, rows)
    advance(change, rows, is_last=len(rows) < limit)


def advance(change: BulkChange, rows: Sequence[BulkChangeRow], *, is_last: bool) -> None:
    """Note how far a change has come, and whether that is its end."""
    now = clock.utc_now()
    change.updated_at = now
    if rows:
        change.reached = rows[-1].position
    if is_last or change.handled >= change.to_handle:
        change.state = BulkState.UNDONE if change.state is BulkState.UNDOING else BulkState.DONE
        change.finished_at = now


def refuse_next(change: BulkChange, message: str) -> None:
    """Pass over a row that makes us fail, so that it does not hold up the others."""
    rows = next_rows(change, BulkRowState.WAITING, 1)
    _note(change, _Outcomes(refused={row.position: message for row in rows}))
    advance(change, rows, is_last=not rows)


def take_over_abandoned() -> int:
    """Ring for what nobody has carried on for a while, and send away whoever may still be at it; how many."""
    forgotten = select(BulkChange).where(
        BulkChange.state.in_(UNFINISHED), BulkChange.updated_at < clock.utc_now() - _ABANDONED
    )
    found = db.session.scalars(forgotten.with_for_update(skip_locked=True, key_share=True)).all()
    for change in found:
        change.turn += 1
        change.updated_at = clock.utc_now()
        ring(change)
    return len(found)


def _carry_out(change: BulkChange, rows: Sequence[BulkChangeRow]) -> None:
    if change.mails_leave_at is None:
        change.mails_leave_at = clock.utc_now() + HOLD + timedelta(seconds=change.total // _SLOWEST)
    locked = lock_requests(rows)
    held = notifications.held(change.id, until=change.mails_leave_at)
    with held as messages, bulk_writes.gathered(), workload.gathered():
        outcomes = _change_each(change, rows, locked)
        bulk_writes.write_requests(locked.values())
    change.mails += len(messages.rows)
    _note(change, outcomes)


def _change_each(change: BulkChange, rows: Sequence[BulkChangeRow], locked: Locked) -> _Outcomes:
    stale = _what_changed(rows, locked)
    outcomes = _Outcomes(refused=dict(stale))
    fresh = [row for row in rows if row.position not in stale]
    actor = Actor(ActorKind.USER, change.owner_id, change.address)
    with db.session.no_autoflush:
        try:
            step = bulk_steps.load(change.action, change.parameters)
        except DomainError as error:
            outcomes.refused |= {row.position: error.message for row in fresh}
            return outcomes
        step.prepare([row.request_id for row in fresh])
        for row in fresh:
            service_request = locked[row.request_id]
            try:
                outcomes.done[row.position] = step.carry_out(service_request, actor=actor)
            except DomainError as error:
                _ensure_untouched(service_request)
                outcomes.refused[row.position] = error.message
        step.finish()
    return outcomes


def _what_changed(rows: Sequence[BulkChangeRow], locked: Locked) -> Mapping[int, str]:
    changed = find_changed(rows, locked, {row.position: row.version_before for row in rows})
    return {
        position: f"It was changed by somebody else in the meantime, so it was left alone. {how}"
        for position, how in describe(rows, changed).items()
    }


def _ensure_untouched(service_request: ServiceRequest) -> None:
    if db.session.is_modified(service_request):
        raise RuntimeError("a step refused a request after it had begun to change it")


def _note(change: BulkChange, outcomes: _Outcomes) -> None:
    # A request is written once in a batch, so its version is the next one.
    done = {"state": BulkRowState.DONE, "version_after": BulkChangeRow.version_before + 1}
    # The change itself is written once too, at the end.
    with db.session.no_autoflush:
        mark_each(change, outcomes.done, done)
        mark_each(change, outcomes.refused, {"state": BulkRowState.REFUSED})
    change.done += len(outcomes.done)
    change.refused += len(outcomes.refused)
