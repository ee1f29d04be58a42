"""Sends what the outbox owes. Rung by `queue.ring_deliveries` and by the sweep; safe to run many times at once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask_mail import Message
from rq.timeouts import JobTimeoutException
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import joinedload

from app.db import db, transaction
from app.extensions import settings
from app.jobs import queue, smtp
from app.jobs.smtp import AddressRefused, DeliveryFailed, MailServer, ServerBusy
from app.jobs.turn import Turn
from app.kit import clock
from app.models import Notification
from app.stationery import stationery
from app.workflows import deliveries, letters, notifications
from app.workflows.deliveries import Claim, SentCopy
from app.workflows.letters import Letter

logger = logging.getLogger(__name__)

BATCH = 50
MARKED_TOGETHER = 10
LONGEST_RUN = 10
"""Seconds, for which other work has to wait."""

_LEAST_LEASE = timedelta(minutes=2)
_BUSY_DELAY = timedelta(minutes=1)
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
_WITH_ITS_ROWS = (joinedload(Notification.service_request), joinedload(Notification.recipient_user))
_KEPT = "Not sent: no mail server is set, so mail is kept readable in the console."


def deliver_due() -> None:
    """Send until nothing is due, the server wants us to wait, or the time is up; then ring for the rest."""
    queue.answer_bell()
    turn = Turn(seconds=LONGEST_RUN)
    with MailServer() as server:
        while not turn.is_over:
            taken = _claim()
            if taken is None or not _deliver_batch(taken, server, turn):
                return
    with transaction():
        if deliveries.is_anything_due():
            queue.ring_deliveries()


def _claim() -> Claim | None:
    with transaction():
        return deliveries.claim(BATCH)


def _deliver_batch(taken: Claim, server: MailServer, turn: Turn) -> bool:
    """False when the server wants to be left alone."""
    ready = _write_all(taken)
    outbox = _Outbox(taken)
    try:
        for position, each in enumerate(ready):
            rest = [waiting.id for waiting in ready[position:]]
            if turn.is_over or taken.until - clock.utc_now() < _LEAST_LEASE:
                _release(taken, rest)
                break
            try:
                _deliver(each, outbox, server)
            except ServerBusy as error:
                _put_off(taken, rest if error.for_all else rest[:1], error)
                if error.for_all:
                    return False
    finally:
        outbox.mark()
    return True


@dataclass(frozen=True, slots=True)
class _Ready:
    """A finished mail, with no database connection held any more."""

    id: UUID
    message: Message
    copy: SentCopy


class _Outbox:
    """What the server has taken over and is not marked yet.

    A commit for each mail would halve the rate. What a killed worker had not marked goes out a second time, under
    the same Message-ID, so few are left unmarked at any moment.
    """

    def __init__(self, taken: Claim) -> None:
        self.taken = taken
        self._sent: list[tuple[UUID, SentCopy]] = []

    def add(self, sent: _Ready) -> None:
        self._sent.append((sent.id, sent.copy))
        if len(self._sent) >= MARKED_TOGETHER:
            self.mark()

    def mark(self) -> None:
        if self._sent:
            with transaction():
                deliveries.mark_sent(self.taken, self._sent)
            self._sent.clear()


def _deliver(each: _Ready, outbox: _Outbox, server: MailServer) -> None:
    """Raises ServerBusy; every other end is marked on the row."""
    try:
        if settings().mail.server is not None:
            server.send(each.message)
    except AddressRefused as error:
        with transaction():
            deliveries.mark_dead(each.id, outbox.taken, str(error))
    except ServerBusy:
        raise
    except DeliveryFailed as error:
        with transaction():
            deliveries.mark_failed(each.id, outbox.taken, str(error))
        logger.warning("mail was not delivered", extra={"notification": each.id, "reason": str(error)})
    else:
        outbox.add(each)


def _write_all(taken: Claim) -> list[_Ready]:
    """What there is to send of a claim; what is not true any more, or cannot be written, is marked so."""
    ready: list[_Ready] = []
    broken: list[tuple[UUID, Exception]] = []
    untrue: list[UUID] = []
    held = _read_all(taken.ids)
    for key in taken.ids:
        try:
            written = _write(key)
        except (*_DATABASE_AWAY, JobTimeoutException):
            raise
        except Exception as error:
            logger.exception("a mail could not be written", extra={"notification": key})
            broken.append((key, error))
            db.session.rollback()
        else:
            if written is None:
                untrue.append(key)
            else:
                ready.append(_Ready(key, *written))
    held.clear()
    db.session.close()
    for key in untrue:
        with transaction():
            deliveries.mark_dropped(key, taken)
    for key, reason in broken:
        _bury(key, taken, reason)
    return ready


def _read_all(ids: Sequence[UUID]) -> list[object]:
    """Read what these letters speak of at once; the session keeps it only as long as somebody holds it.

    One that cannot be opened is met again when it is written.
    """
    try:
        rows = db.session.scalars(select(Notification).where(Notification.id.in_(ids)).options(*_WITH_ITS_ROWS)).all()
        return [*rows, *letters.read_subjects(rows)]
    except _DATABASE_AWAY:
        raise
    except Exception:
        logger.warning("a batch of mail could not be read at once", exc_info=True)
        db.session.rollback()
        return []


def _write(notification_id: UUID) -> tuple[Message, SentCopy] | None:
    notification = db.session.get_one(Notification, notification_id, options=_WITH_ITS_ROWS)
    if not letters.is_still_true(notification, stationery()):
        return None
    letter = letters.compose(notification, stationery())
    message = smtp.address(
        letter,
        recipient=notification.recipient,
        message_id=notification.message_id,
        reply_to=settings().support_email,
    )
    return message, _copy(_kept(notification) or letter)


def _kept(notification: Notification) -> Letter | None:
    # Where nothing is sent, the copy is all there is, and the link in it has to work.
    if settings().mail.server is None:
        return None
    return letters.for_our_records(notification, stationery())


def _copy(letter: Letter) -> SentCopy:
    names = tuple(part.filename for part in letter.attachments)
    note = _KEPT if settings().mail.server is None else None
    return SentCopy(letter.subject, letter.text, letter.html, names, note)


def _bury(notification_id: UUID, taken: Claim, error: Exception) -> None:
    """A broken template stays broken: no retry, but a person is told."""
    # The type only: a message may quote what the customer wrote.
    reason = f"{deliveries.UNWRITABLE} ({type(error).__name__})."
    with transaction() as session:
        deliveries.mark_dead(notification_id, taken, reason)
        kind = session.scalar(db.select(Notification.kind).where(Notification.id == notification_id))
        if kind != "alert":
            notifications.alert("template_broken", f"Messages of the kind {kind} cannot be written.", fold=str(kind))


def _put_off(taken: Claim, waiting: Sequence[UUID], error: ServerBusy) -> None:
    logger.warning("mail has to wait", extra={"messages": len(waiting)})
    with transaction():
        deliveries.put_off(taken, waiting, str(error), delay=_BUSY_DELAY)


def _release(taken: Claim, rest: Sequence[UUID]) -> None:
    with transaction():
        deliveries.release(taken, rest)
