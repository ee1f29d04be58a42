"""Messages to one administrator: the cheapest that tests of sending can have."""

import itertools
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from flask import current_app
from sqlalchemy import inspect, select, update

from app.db import db, transaction
from app.jobs import notifications as jobs
from app.kit import clock
from app.models import Notification, NotificationStatus, Role, User
from app.workflows import notifications
from tests.factories import make_user

_numbers = itertools.count(1)


def owe(count=1):
    """`count` new messages, due now, in the order they are sent."""
    db.session.rollback()
    if db.session.scalar(select(User).where(User.role == Role.ADMIN)) is None:
        make_user(Role.ADMIN)
    known = set(db.session.scalars(select(Notification.id)))
    with transaction():
        for _ in range(count):
            number = next(_numbers)
            notifications.alert("test", f"Message {number} for you.", fold=str(number))
    return [row for row in everything() if row.id not in known]


def everything():
    """All messages as they stand in the database now."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Notification).order_by(Notification.next_attempt_at, Notification.id)))


def fresh(row):
    db.session.rollback()
    return db.session.get_one(Notification, key_of(row), populate_existing=True)


def key_of(row):
    """Known also when its session is gone."""
    return inspect(row).identity[0]


@contextmanager
def plain_receipts():
    """Receipts that take no time to print, for properties that are not about them."""
    extensions = current_app.extensions
    usual = extensions["stationery"]
    extensions["stationery"] = replace(usual, print_receipt=lambda _service_request, _payment: b"%PDF-plain")
    try:
        yield
    finally:
        extensions["stationery"] = usual


def deliver():
    """As the worker does it: with a session of its own."""
    with current_app._get_current_object().app_context():
        jobs.deliver_due()


def make_due(*rows):
    """As if the time until the next try had passed."""
    _change(rows, next_attempt_at=clock.utc_now() - timedelta(seconds=1))


def end_leases():
    """As if the lease of whoever died had run out."""
    with transaction() as session:
        held = update(Notification).where(Notification.status == NotificationStatus.SENDING)
        session.execute(held.values(claimed_until=clock.utc_now() - timedelta(seconds=1)))


def _change(rows, **values):
    with transaction() as session:
        session.execute(update(Notification).where(Notification.id.in_([key_of(row) for row in rows])).values(**values))
