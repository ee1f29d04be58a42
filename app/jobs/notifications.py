"""Sends what the outbox owes. Rung by `queue.ring_deliveries` and by the sweep; safe to run many times at once."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from flask_mail import Message
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import joinedload

from app.db import db, transaction
from app.extensions import settings
from app.jobs import queue, smtp
from app.jobs.smtp import AddressRefused, DeliveryFailed, MailServer, ServerBusy
from app.kit import clock
from app.models import Notification
from app.stationery import stationery
from app.workflows import deliveries, letters, notifications
from app.workflows.deliveries import Claim, SentCopy
from app.workflows.letters import Letter

logger = logging.getLogger(__name__)

BATCH = 50
LONGEST_RUN = 60
"""Seconds: well within the time a job may take, so that a run ends by itself."""

_LEAST_LEASE = timedelta(minutes=2)
_BUSY_DELAY = timedelta(minutes=1)
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
_WITH_ITS_ROWS = (joinedload(Notification.service_request), joinedload(Notification.recipient_user))
_KEPT = "Not sent: no mail server is set, so mail is kept readable in the console."


def deliver_due() -> None:
    """Send until nothing is due or the time is up; then ring for the rest."""
    queue.answer_bell()
    end = time.monotonic() + LONGEST_RUN
    while time.monotonic() < end:
        taken = _claim()
        if taken is None:
            return
        with MailServer() as server:
            _deliver_batch(taken, server, end)
    with transaction():
        if deliveries.is_anything_due():
            queue.ring_deliveries()


def _claim() -> Claim | None:
    with transaction():
        return deliveries.claim(BATCH)


def _deliver_batch(taken: Claim, server: MailServer, end: float) -> None:
    for position, notification_id in enumerate(taken.ids):
        if time.monotonic() > end or taken.until - clock.utc_now() < _LEAST_LEASE:
            _release(taken, taken.ids[position:])
            return
        try:
            _deliver(notification_id, taken, server)
        except ServerBusy as error:
            waiting = taken.ids[position:] if error.for_all else taken.ids[position : position + 1]
            _put_off(taken, waiting, error)
            if error.for_all:
                return


def _deliver(notification_id: UUID, taken: Claim, server: MailServer) -> None:
    """Raises ServerBusy; every other end is marked on the row."""
    prepared = _prepare(notification_id, taken)
    if prepared is None:
        return
    message, copy = prepared
    try:
        _hand_over(message, server)
    except AddressRefused as error:
        logger.warning("an address was refused", extra={"notification": notification_id})
        with transaction():
            deliveries.mark_dead(notification_id, taken, str(error))
    except ServerBusy:
        raise
    except DeliveryFailed as error:
        with transaction():
            deliveries.mark_failed(notification_id, taken, str(error))
        logger.warning("mail was not delivered", extra={"notification": notification_id, "reason": str(error)})
    else:
        with transaction():
            deliveries.mark_sent(notification_id, taken, copy)


def _hand_over(message: Message, server: MailServer) -> None:
    if settings().mail.server is not None:
        server.send(message)


def _prepare(notification_id: UUID, taken: Claim) -> tuple[Message, SentCopy] | None:
    """The finished mail, with no database connection held any more; None when there is nothing to send."""
    try:
        prepared = _write(notification_id)
    except (*_DATABASE_AWAY, JobTimeoutException):
        raise
    except Exception as error:
        logger.exception("a mail could not be written", extra={"notification": notification_id})
        _bury(notification_id, taken, error)
        return None
    finally:
        db.session.close()
    if prepared is None:
        with transaction():
            deliveries.mark_dropped(notification_id, taken)
    return prepared


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
    return message, _copy(letter)


def _copy(letter: Letter) -> SentCopy:
    names = tuple(part.filename for part in letter.attachments)
    note = _KEPT if settings().mail.server is None else None
    return SentCopy(letter.subject, letter.text, letter.html, names, note)


def _bury(notification_id: UUID, taken: Claim, error: Exception) -> None:
    """A broken template stays broken: no retry, but a person is told."""
    # The type only: a message may quote what the customer wrote.
    reason = f"The message could not be written ({type(error).__name__})."
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
