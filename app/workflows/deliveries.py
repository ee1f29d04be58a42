"""The life of an outbox row: claimed with a lease, then sent, put off, dead or dropped.

Every step is a compare-and-set on the claim, so a worker that lost its lease changes nothing any more.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CursorResult,
    Table,
    Update,
    and_,
    bindparam,
    case,
    or_,
    select,
    update,
)

from app.db import db
from app.errors import DomainError
from app.jobs import queue
from app.kit import clock
from app.kit.backoff import Backoff
from app.models import BulkChange, BulkState, Notification, NotificationStatus
from app.workflows import audit, figure_marks
from app.workflows.audit import Actor
from app.workflows.place import here

BACKOFF = Backoff()
LEASE = timedelta(seconds=queue.JOB_TIMEOUT + 60)
"""Longer than a job may run, so nobody else takes a row while it is being sent."""
PATIENCE = timedelta(days=2)
"""How long a server may ask us to wait with a message before that counts as failing."""

UNWRITABLE = "The message could not be written"
"""How the error of a broken template begins."""

_LONGEST_ERROR = 500
_ROWS = cast(Table, Notification.__table__)
_RESENDABLE = (NotificationStatus.PENDING, NotificationStatus.SENT, NotificationStatus.DEAD)


class ResendRefused(DomainError):
    code = "resend_refused"
    message = "This message is being sent at this moment, or is not needed any more."
    suggested_action = "Look again in a minute."


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that are ours until the lease ends."""

    token: UUID
    until: datetime
    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SentCopy:
    """A message as it went out; `note` says what was special about that."""

    subject: str
    text: str
    html: str
    attachments: tuple[str, ...] = ()
    note: str | None = None

    def pack(self) -> bytes:
        return zlib.compress(json.dumps(asdict(self)).encode())

    @classmethod
    def unpack(cls, packed: bytes) -> "SentCopy":
        fields: dict[str, Any] = json.loads(zlib.decompress(packed))
        return cls(**fields | {"attachments": tuple(fields["attachments"])})


def claim(limit: int) -> Claim | None:
    """Take what is due, the most urgent first; None when nothing is. Other workers' rows are passed over."""
    now = clock.utc_now()
    due = (
        select(Notification.id)
        .where(*_is_due(now))
        .order_by(Notification.priority, Notification.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    found = tuple(db.session.scalars(due))
    if not found:
        return None
    taken = Claim(uuid4(), now + LEASE, found)
    _change(
        update(Notification).where(Notification.id.in_(found)),
        {"status": NotificationStatus.SENDING, "claimed_by": taken.token, "claimed_until": taken.until},
    )
    return taken


def release(taken: Claim, ids: Sequence[UUID]) -> None:
    """Give rows back untried."""
    if ids:
        _change(_ours(taken).where(Notification.id.in_(ids)), _free(NotificationStatus.PENDING))


def mark_sent(taken: Claim, sent: Sequence[tuple[UUID, SentCopy]]) -> None:
    """Rows that are ours no longer stay as they are: somebody else has sent them too, or will."""
    if not sent:
        return
    values: dict[str, Any] = {"token": taken.token, "now": clock.utc_now()}
    for number, (key, copy) in enumerate(sent):
        values |= {f"key_{number}": key, f"copy_{number}": copy.pack()}
    db.session.connection().execute(_marking(len(sent)), values)


@lru_cache(maxsize=32)
def _marking(count: int) -> Update:
    """One statement for so many rows; one for each row costs half as much again."""
    columns = _ROWS.c
    kept = [(_parameter(f"key_{number}", columns.id), f"copy_{number}") for number in range(count)]
    copies = [(columns.id == key, _parameter(copy, columns.sent_copy_sealed)) for key, copy in kept]
    done = {"sent_at": _parameter("now", columns.sent_at), "last_error": None, "next_attempt_at": None}
    return (
        update(_ROWS)
        .where(
            columns.id.in_([key for key, _ in kept]),
            columns.claimed_by == _parameter("token", columns.claimed_by),
            columns.status == NotificationStatus.SENDING,
        )
        .values(_free(NotificationStatus.SENT) | done | {"sent_copy_sealed": case(*copies)})
    )


def _parameter(name: str, column: ColumnElement[Any]) -> BindParameter[Any]:
    return bindparam(name, type_=column.type)


def mark_dropped(notification_id: UUID, taken: Claim) -> bool:
    """It is no longer true, so nobody needs to hear it."""
    return _finish(notification_id, taken, _free(NotificationStatus.DROPPED) | {"next_attempt_at": None})


def mark_failed(notification_id: UUID, taken: Claim, error: str) -> bool:
    """One more failure: tried again after 1, 5 and 25 minutes, then dead."""
    attempts = db.session.scalar(select(Notification.attempts).where(Notification.id == notification_id)) or 0
    delay = BACKOFF.delay(attempts + 1)
    if delay is None:
        return mark_dead(notification_id, taken, error)
    again = clock.utc_now() + delay
    return _finish(
        notification_id, taken, _free(NotificationStatus.PENDING) | _failure(error) | {"next_attempt_at": again}
    )


def mark_dead(notification_id: UUID, taken: Claim, error: str) -> bool:
    """Not to be tried again but by a person."""
    return _finish(notification_id, taken, _free(NotificationStatus.DEAD) | _failure(error) | {"next_attempt_at": None})


def put_off(taken: Claim, ids: Sequence[UUID], error: str, *, delay: timedelta) -> None:
    """The server wants us to wait: no failure of these messages, so no attempt is used up.

    A server that says so for days means no; from then on it counts.
    """
    now = clock.utc_now()
    overlong = select(Notification.id).where(Notification.id.in_(ids), Notification.created_at < now - PATIENCE)
    for notification_id in db.session.scalars(overlong).all():
        mark_failed(notification_id, taken, error)
    waiting = _free(NotificationStatus.PENDING) | {"last_error": error[:_LONGEST_ERROR], "next_attempt_at": now + delay}
    _change(_ours(taken).where(Notification.id.in_(ids)), waiting)


def resend(notification: Notification, *, actor: Actor) -> None:
    """Start over now, under the old Message-ID. Raises ResendRefused for one that is being sent or not needed."""
    before = notification.status
    again = update(Notification).where(Notification.id == notification.id, Notification.status.in_(_RESENDABLE))
    if not _change(again, {"status": NotificationStatus.PENDING, "attempts": 0, "next_attempt_at": clock.utc_now()}):
        raise ResendRefused
    db.session.refresh(notification)
    figure_marks.mark(notification.created_at)
    audit.record("notification.resent", notification, actor=actor, before={"status": before})
    queue.ring_deliveries()


def resend_unanswered(*, actor: Actor) -> int:
    """Start over all that failed and may succeed now, as after a mail server was away; how many.

    Whether each is still true is looked at when it is sent.
    """
    owed = db.session.scalars(select(Notification.created_at).where(is_unanswered()))
    for at in {at.astimezone(here.zone).date(): at for at in owed}.values():
        figure_marks.mark(at)
    again = {"status": NotificationStatus.PENDING, "attempts": 0, "next_attempt_at": clock.utc_now()}
    count = _change(update(Notification).where(is_unanswered()), again)
    audit.record("notification.all_resent", None, actor=actor, after={"count": count})
    queue.ring_deliveries()
    return count


def is_unanswered() -> ColumnElement[bool]:
    """Dead, but not because its address was refused: that will not be better next time."""
    is_worth_it = or_(Notification.attempts > BACKOFF.retries, Notification.last_error.startswith(UNWRITABLE))
    return and_(Notification.status == NotificationStatus.DEAD, is_worth_it)


def oldest_unsent() -> datetime | None:
    """Since when the message is owed that has been owed for longest; None when all have gone out.

    Those that a bulk change holds back for its undoing count too: that is two minutes.
    """
    owed = [_owed_since(status) for status in (NotificationStatus.PENDING, NotificationStatus.SENDING)]
    return min((at for at in owed if at is not None), default=None)


def _owed_since(status: NotificationStatus) -> datetime | None:
    # In the order of the index, so that only its first entry is looked at.
    query = select(Notification.created_at).where(Notification.status == status)
    return db.session.scalar(query.order_by(Notification.created_at, Notification.id).limit(1))


def free_abandoned() -> int:
    """Rows whose lease has ended, left behind by a killed worker, are due again; how many there were."""
    ended = update(Notification).where(
        Notification.status == NotificationStatus.SENDING, Notification.claimed_until < clock.utc_now()
    )
    return _change(ended, _free(NotificationStatus.PENDING))


def is_anything_due() -> bool:
    # In the order of the index, or many that are held would all be looked at.
    order = (Notification.priority, Notification.next_attempt_at)
    due = select(Notification.id).where(*_is_due(clock.utc_now())).order_by(*order)
    return db.session.scalar(due.limit(1)) is not None


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # From the moment that a bulk change is being undone, nobody hears of it until that is through.
    undoing = select(BulkChange.id).where(BulkChange.state == BulkState.UNDOING)
    is_told = or_(Notification.bulk_change_id.is_(None), Notification.bulk_change_id.not_in(undoing))
    return Notification.status == NotificationStatus.PENDING, Notification.next_attempt_at <= now, is_told


def _ours(taken: Claim) -> Update:
    return update(Notification).where(
        Notification.claimed_by == taken.token, Notification.status == NotificationStatus.SENDING
    )


def _finish(notification_id: UUID, taken: Claim, values: dict[str, Any]) -> bool:
    return _change(_ours(taken).where(Notification.id == notification_id), values) == 1


def _free(status: NotificationStatus) -> dict[str, Any]:
    return {"status": status, "claimed_by": None, "claimed_until": None}


def _failure(error: str) -> dict[str, Any]:
    return {"attempts": Notification.attempts + 1, "last_error": error[:_LONGEST_ERROR]}


def _change(statement: Update, values: dict[str, Any]) -> int:
    # Rows in the session are read afresh by whoever needs them: `transaction()` expires everything.
    result = db.session.execute(statement.values(values), execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], result).rowcount
