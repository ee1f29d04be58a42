"""Everything that happened to a request, as one story; its money is told by `money_story`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload, load_only

from app.admin.pages import MASK
from app.db import db
from app.models import (
    ActorKind,
    AuditEntry,
    Notification,
    NotificationStatus,
    RequestNote,
    ServiceRequest,
    StatusChange,
    User,
)

_MOST = 200
_AUDITED = {
    "request.assigned": "Provider set",
    "request.unassigned": "Provider taken off",
    "request.change_undone": "Bulk change undone",
    "request.put_in_charge": "In charge",
    "request.clock_stopped": "Waiting for the customer: the clock stands still",
    "request.clock_resumed": "The customer answered: the clock runs again",
    "notification.resent": "Message sent again",
}
_LETTERS = {
    "payment_confirmed": "Confirmation",
    "payment_failed": "Payment failed, with the way to pay again",
    "status_changed": "News of the status",
    "provider_assigned": "Assignment",
    "new_request": "New request",
    "no_provider": "No provider found",
    "refund_issued": "Refund",
    "customer_awaited": "We could not reach you",
    "alert": "Alert",
    "password_reset": "Link to a new password",
    "invitation": "Invitation",
    "password_changed": "Password changed",
    "second_factor_changed": "Second factor changed",
}


# Put together once: each page of a request asks them all. Of people it shows nothing but their names.
_CHANGES = (
    select(StatusChange)
    .where(StatusChange.service_request_id == bindparam("key"))
    .options(joinedload(StatusChange.changed_by).load_only(User.name))
    .order_by(StatusChange.created_at.desc())
    .limit(_MOST)
)
_NOTES = (
    select(RequestNote)
    .where(RequestNote.service_request_id == bindparam("key"))
    .options(joinedload(RequestNote.author).load_only(User.name))
    .order_by(RequestNote.created_at.desc())
    .limit(_MOST)
)
_MAILS = (
    select(Notification)
    .where(Notification.service_request_id == bindparam("key"))
    .options(
        load_only(
            Notification.kind,
            Notification.status,
            Notification.created_at,
            Notification.sent_at,
            Notification.last_error,
        ),
        joinedload(Notification.recipient_user).load_only(User.name),
    )
    .order_by(Notification.created_at.desc())
    .limit(_MOST)
)
_ENTRIES = (
    select(AuditEntry)
    .where(
        AuditEntry.subject_type == ServiceRequest.__tablename__,
        AuditEntry.subject_id == bindparam("key"),
        AuditEntry.action.in_(_AUDITED),
    )
    .options(joinedload(AuditEntry.actor).load_only(User.name))
    .order_by(AuditEntry.created_at.desc())
    .limit(_MOST)
)
_WRITTEN = frozenset({"status", "note", "refund"})
"""Kinds whose text a person wrote."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `kind` picks its mark, `row` is what a template may look into."""

    at: datetime
    kind: str
    title: str
    text: str = ""
    who: str = ""
    row: Any = None


def without_words(entry: Entry) -> Entry:
    """As those see it who may not read what customers and staff wrote."""
    return replace(entry, text=MASK) if entry.text and entry.kind in _WRITTEN else entry


def tell(service_request: ServiceRequest, money: Iterable[Entry]) -> list[Entry]:
    """Newest first, `money` among it."""
    entries = [
        *_purchase(service_request),
        *_changes(service_request.id),
        *_notes(service_request.id),
        *_letters(service_request.id),
        *_audit(service_request.id),
        *money,
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def letter_name(kind: str) -> str:
    return _LETTERS.get(kind, kind.replace("_", " ").capitalize())


def _purchase(service_request: ServiceRequest) -> Iterator[Entry]:
    yield Entry(service_request.created_at, "order", "Ordered", service_request.title, who="Customer")


def _changes(key: UUID) -> Iterator[Entry]:
    for change in db.session.scalars(_CHANGES, {"key": key}):
        title = f"Status: {change.new_status.label}{', undone' if change.is_undone else ''}"
        yield Entry(change.created_at, "status", title, change.notes or "", _name(change.changed_by), change)


def _notes(key: UUID) -> Iterator[Entry]:
    for note in db.session.scalars(_NOTES, {"key": key}):
        yield Entry(note.created_at, "note", "Note", note.body, _name(note.author))


def _letters(key: UUID) -> Iterator[Entry]:
    for letter in db.session.scalars(_MAILS, {"key": key}):
        kind = "letter-failed" if letter.status is NotificationStatus.DEAD else "letter"
        receiver = letter.recipient_user.name if letter.recipient_user else "customer"
        title = f"Mail to {receiver}: {letter_name(letter.kind)}"
        yield Entry(letter.sent_at or letter.created_at, kind, title, letter.last_error or "", row=letter)


def _audit(key: UUID) -> Iterator[Entry]:
    for entry in db.session.scalars(_ENTRIES, {"key": key}):
        yield Entry(entry.created_at, "audit", _AUDITED[entry.action], _because(entry), who_of(entry), entry)


def _because(entry: AuditEntry) -> str:
    """Why the routing rule chose this provider."""
    reason = json.loads(entry.changes)["after"].get("because")
    return f"Chosen by rule: {reason}." if reason else ""


def who_of(entry: AuditEntry) -> str:
    return _name(entry.actor) if entry.actor_kind is not ActorKind.SYSTEM else "System"


def _name(user: User | None) -> str:
    return user.name if user else "System"


def letter_names() -> tuple[tuple[str, str], ...]:
    return tuple(_LETTERS.items())
