"""A bulk change before it begins: what is to be done, and to which requests, each with its version at that moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, literal, select
from sqlalchemy.exc import IntegrityError

from app.columns import keyring
from app.db import LOCK, db
from app.errors import InvalidInput, NotFound
from app.kit import clock
from app.models import BulkChange, BulkChangeRow, BulkRowState, BulkState, ServiceRequest
from app.workflows import audit, request_search
from app.workflows.audit import Actor
from app.workflows.bulk_steps import Step

LARGEST = 200_000
LIFE = timedelta(hours=1)


class NothingSelected(InvalidInput):
    message = "No request was selected, so nothing was done."
    suggested_action = "Tick some, or select everything that matches."


class TooMany(InvalidInput):
    message = f"More than {LARGEST:,} requests match."
    suggested_action = "Narrow the filter and do it in parts."


class PreviewGone(NotFound):
    message = "This preview is gone: one is kept for an hour. Nothing was changed."
    suggested_action = "Choose the requests again."


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change was asked for: the list (its query string, and in words), and the token of its form."""

    query: str = ""
    words: str = ""
    token: str = ""


def draft(wanted: Select[ServiceRequest], step: Step, *, actor: Actor, origin: Origin) -> BulkChange:
    """Write down what is to be done. Nothing is changed yet.

    The same form sent twice is one change, found again as far as it has come. Raises NothingSelected and TooMany.
    """
    count = request_search.count_up_to(wanted, LARGEST)
    if count > LARGEST:
        raise TooMany
    if not count:
        raise NothingSelected
    change = BulkChange(
        owner_id=actor.user_id,
        address=actor.address,
        action=step.action,
        title=step.title,
        parameters=step.parameters | {"list": origin.query, "words": origin.words},
        submission_hash=_submission_hash(step, actor, origin) if origin.token else None,
        total=count,
    )
    try:
        with db.session.begin_nested():
            db.session.add(change)
    except IntegrityError:
        return _find_submitted(change.submission_hash)
    change.total = _freeze(change, wanted)
    return change


def get_locked(change_id: UUID) -> BulkChange:
    """Raises PreviewGone: drafts are thrown away, everything else stays."""
    change = db.session.get(BulkChange, change_id, with_for_update=LOCK, populate_existing=True)
    if change is None:
        raise PreviewGone
    return change


def start(change: BulkChange, *, actor: Actor) -> bool:
    """Begin a locked draft; False when that was done before. Raises PreviewGone for one that is too old."""
    if change.state is not BulkState.DRAFT:
        return False
    now = clock.utc_now()
    if change.created_at < now - LIFE:
        raise PreviewGone
    change.state, change.started_at, change.turn = BulkState.RUNNING, now, 1
    audit.record("bulk_change.started", change, actor=actor, after={"title": change.title, "requests": change.total})
    return True


def discard_old() -> None:
    """Throw away one preview that nobody confirmed in time; the next round takes the next."""
    old = select(BulkChange.id).where(
        BulkChange.state == BulkState.DRAFT, BulkChange.created_at < clock.utc_now() - LIFE
    )
    chosen = db.session.scalar(
        old.order_by(BulkChange.created_at).limit(1).with_for_update(skip_locked=True, key_share=True)
    )
    if chosen is not None:
        db.session.execute(delete(BulkChangeRow).where(BulkChangeRow.change_id == chosen))
        db.session.execute(delete(BulkChange).where(BulkChange.id == chosen))


def _submission_hash(step: Step, actor: Actor, origin: Origin) -> bytes:
    """By form and content, so that a corrected form sent again is a new change."""
    content = (origin.token, actor.user_id, step.action, sorted(step.parameters.items()), origin.query, origin.words)
    return keyring.hash(repr(content), "bulk_submission")


def _find_submitted(submission_hash: bytes | None) -> BulkChange:
    query = select(BulkChange).where(BulkChange.submission_hash == submission_hash)
    return db.session.scalars(query.with_for_update(key_share=True)).one()


def _freeze(change: BulkChange, wanted: Select[ServiceRequest]) -> int:
    """In one statement, whatever their number; how many there are."""
    newest_first = func.row_number().over(order_by=(ServiceRequest.created_at.desc(), ServiceRequest.id.desc()))
    columns: Mapping[str, Any] = {
        "change_id": literal(change.id, BulkChangeRow.change_id.type),
        "position": newest_first,
        "request_id": ServiceRequest.id,
        "reference": ServiceRequest.reference_number,
        "state": literal(BulkRowState.WAITING.value),
        "version_before": ServiceRequest.version,
        "status_before": ServiceRequest.status,
        "provider_before": ServiceRequest.assigned_provider_id,
        "assigned_at_before": ServiceRequest.assigned_at,
        "first_contact_at_before": ServiceRequest.first_contact_at,
        "closed_at_before": ServiceRequest.closed_at,
        "due_at_before": ServiceRequest.due_at,
        "waiting_since_before": ServiceRequest.waiting_since,
        "work_left_before": ServiceRequest.work_left_seconds,
    }
    rows = wanted.with_only_columns(*columns.values()).order_by(None)
    db.session.execute(insert(BulkChangeRow).from_select(list(columns), rows, include_defaults=False))
    return db.session.scalar(select(func.count()).where(BulkChangeRow.change_id == change.id)) or 0
