"""What goes wrong in any shop, so that the demo shows where one sees it: errors, a dispute, lost mail."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from app.db import db
from app.gateways.base import DisputeNews
from app.kit import clock
from app.models import ErrorCategory, ErrorTally, Notification, NotificationStatus, Payment, PaymentStatus
from app.workflows import disputes, locked_payments

_DAILY = {
    ErrorCategory.VALIDATION: (2, 9),
    ErrorCategory.GATEWAY: (0, 2),
    ErrorCategory.EMAIL: (0, 1),
    ErrorCategory.INTEGRATION: (0, 1),
}
"""The fewest and the most of a day."""

_TIME_TO_ANSWER = timedelta(days=5)
_LOST = 2


def add_trouble(start: datetime, *, random: Random) -> None:
    """In the caller's transaction, between `start` and now."""
    _add_errors(start, random)
    _dispute()
    _lose_mail()


def _add_errors(start: datetime, random: Random) -> None:
    day = start.replace(hour=6, minute=0, second=0, microsecond=0)
    while day < clock.utc_now() - timedelta(hours=12):
        for category, (fewest, most) in _DAILY.items():
            count = random.randint(fewest, most)
            if count:
                db.session.add(ErrorTally(slot=day, category=category, count=count))
        day += timedelta(days=1)


def _dispute() -> None:
    query = select(Payment).where(Payment.settles_request, Payment.status == PaymentStatus.COMPLETED)
    payment = db.session.scalar(query.order_by(Payment.created_at).limit(1))
    if payment is not None:
        due = clock.utc_now() + _TIME_TO_ANSWER
        news = DisputeNews("sbd_1", payment.amount, "open", reason="product_not_received", evidence_due_at=due)
        disputes.learn(locked_payments.get_locked(payment.id), news)


def _lose_mail() -> None:
    query = select(Notification).where(
        Notification.status == NotificationStatus.SENT, Notification.recipient_user_id.is_(None)
    )
    for row in db.session.scalars(query.order_by(Notification.created_at.desc()).limit(_LOST)):
        row.status, row.sent_at, row.sent_copy = NotificationStatus.DEAD, None, None
        row.attempts, row.last_error = 1, "The address was refused (550 mailbox unavailable)."
