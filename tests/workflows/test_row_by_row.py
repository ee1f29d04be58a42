"""Whatever happens to a sale: what is written for it together is what the session would write row by row."""

import json
import re
from collections import Counter
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from unittest import mock

import time_machine
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from app.db import db, transaction
from app.errors import DomainError
from app.exchanges import check_payment
from app.gateways.base import DisputeNews, RefundNews, SnapshotStatus
from app.kit.money import Money
from app.models import (
    AnalyticsEvent,
    AuditEntry,
    CommissionEntry,
    Dispute,
    FigureMark,
    Notification,
    Payment,
    ProviderProfile,
    Refund,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
    WebhookEvent,
)
from app.workflows import bulk_writes, disputes, locked_payments, payments, refunds, requests, status
from app.workflows.audit import SYSTEM
from app.workflows.beside import beside
from tests.commissions import make_affiliate
from tests.events import event_body, post_event
from tests.factories import make_gateway, make_payment, make_provider, make_service, make_user, snapshot_of

BEGINNING = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
PRICE = 10_001
BOOKS = (
    *(Payment, ServiceRequest, StatusChange, AuditEntry, Notification, CommissionEntry, Refund, Dispute),
    *(FigureMark, AnalyticsEvent, ProviderProfile, WebhookEvent),
)
# Drawn anew each time, made of what is, or how often a row was written.
_DRAWN = {"id", "digest", "client_secret", "redirect_url", "gateway_intent_id", "submission_hash", "body", "version"}
_NUMBER = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|\b[0-9a-f]{24}\b|SR(-\w{4}){3}")


# --- what can happen to a payment


def heard(payment, client, *, is_paid=True, **changes):
    post_event(client, event_body(payment, is_paid=is_paid, **changes))


def settled_with_refunds(payment, _client):
    news = tuple(RefundNews(f"rf_{minor}_{payment.id}", Money(minor, "INR"), "success", None) for minor in (1, 3_333))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.PAID, refunds=news))


def given_back(payment, _client, *, minor, how):
    with transaction():
        news = RefundNews(f"rf_{minor}_{payment.id}", Money(minor, "INR"), how, None)
        refunds.learn(locked_payments.get_locked(payment.id), news)


def disputed(payment, _client, *, how):
    with transaction():
        news = DisputeNews(f"dp_{payment.id}", Money(PRICE, "INR"), how, "fraudulent", None)
        disputes.learn(locked_payments.get_locked(payment.id), news)


def moved(payment, _client, *, wanted):
    with transaction():
        status.change_status(requests.get_locked(payment.service_request_id), wanted, actor=SYSTEM)


def asked_about(payment, _client):
    check_payment(payment.id)


STEPS = (
    *(heard, partial(heard, is_paid=False), partial(heard, amount=1, event_id="e"), settled_with_refunds, asked_about),
    *(partial(given_back, minor=minor, how=how) for minor in (1, PRICE) for how in ("pending", "success", "failed")),
    *(partial(disputed, how=how) for how in ("open", "won", "lost")),
    *(partial(moved, wanted=wanted) for wanted in (RequestStatus.IN_PROGRESS, RequestStatus.CANCELLED)),
)
WAITS = (timedelta(seconds=1), timedelta(hours=30))


# --- the same, row by row


def add(row):
    values = {name: value for name, value in vars(row).items() if name[0] != "_"}
    db.session.add(type(row)(**values))
    db.session.flush()


def add_once(model, values, *, by):
    db.session.flush()
    if db.session.scalar(select(model).where(getattr(model, by) == values[by])) is None:
        add(model(**values))


def add_beside(*steps):
    for step in steps:
        with beside(step.logger, step.failure, **step.facts):
            for model, values in step.rows():
                add(model(**values))


def change(statement, values):
    db.session.flush()
    db.session.connection().execute(statement, values)


def ask(wanted, values, *, then):
    db.session.flush()
    then(db.session.connection().scalar(select(wanted), values))


ROW_BY_ROW = {
    "gathered": nullcontext,
    "write_so_far": db.session.flush,
    **{function.__name__: function for function in (add, add_once, add_beside, change, ask)},
}


# --- and what is written of it


def story(client, steps, *, admins):
    """Everything in the books after these steps, in no order."""
    with time_machine.travel(BEGINNING, tick=False) as traveller:
        for number in range(admins):
            make_user(Role.ADMIN, name="Asha", email=f"admin{number}@example.com")
        make_gateway()
        provider = make_provider(name="Ravi", email="provider@example.com", capacity=1)
        service, friend = (
            make_service(name="GST", price_minor=PRICE),
            make_affiliate(code="FRIEND", name="Uma", email="friend@example.com"),
        )
        sales = [make_payment(service, affiliate_code=code, submission=str(code)) for code in (None, friend.code)]
        known = {sale.id: f"payment {at}" for at, sale in enumerate(sales)}
        known |= {sale.service_request_id: f"request {at}" for at, sale in enumerate(sales)}
        known |= {service.id: "service", provider.id: "provider", friend.user_id: "friend"}
        for step, at, wait in steps:
            traveller.shift(wait)
            db.session.rollback()
            with suppress(DomainError):
                step(db.session.get_one(Payment, sales[at].id, populate_existing=True), client)
        db.session.rollback()
        db.session.expire_all()
        names = {key.hex: name for key, name in known.items()}
        return {book: Counter(_words(row, names) for row in db.session.scalars(select(book))) for book in BOOKS}


def _words(row, names):
    columns = [each.key for each in inspect(type(row)).column_attrs if each.key not in _DRAWN]
    text = json.dumps({name: _plain(getattr(row, name)) for name in columns}, sort_keys=True, default=str)
    return _NUMBER.sub(lambda found: names.get(found[0].replace("-", ""), "one"), text)


def _plain(value):
    """What an audit entry says, without its salt."""
    salted = re.search(r"^[0-9a-f]*(\{.*\})$", value) if isinstance(value, str) else None
    return json.loads(salted[1]) if salted else value


# With fourteen to tell, what follows from a payment is more than goes in one statement.
@hypothesis_settings(max_examples=8, phases=[Phase.generate])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.sampled_from(WAITS)), min_size=4, max_size=12
    ),
    admins=st.sampled_from([0, 1, 14]),
)
def test_together_or_row_by_row_the_books_are_the_same(client, session, empty_database, steps, admins):
    written = []
    for how in (nullcontext(), mock.patch.multiple(bulk_writes, **ROW_BY_ROW)):
        empty_database()
        session.remove()
        with how:
            written.append(story(client, steps, admins=admins))
    together, row_by_row = written
    differing = {
        book.__name__: (together[book] - row_by_row[book], row_by_row[book] - together[book]) for book in BOOKS
    }
    assert not {name: found for name, found in differing.items() if any(found)}
