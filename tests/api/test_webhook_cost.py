"""What a webhook may cost: gateways wait for it, and a busy hour is made of them."""

import threading
from datetime import date

import pytest
from sqlalchemy import func, select, text

from app.db import db, one_statement, transaction
from app.gateways import sandbox
from app.models import AuditEntry, CommissionEntry, DayOff, Notification, PaymentStatus, Role, StatusChange
from app.workflows import webhooks
from tests.commissions import make_affiliate
from tests.events import event_body, post_event
from tests.factories import WEBHOOK_SECRET, make_gateway, make_payment, make_provider, make_service, make_user
from tests.statements import CLOCKWORK, asked

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def crowd(session):
    """Several of everybody whom a sale may concern, and hours that were set."""
    for _ in range(3):
        make_user(Role.ADMIN)
        make_provider()
    with transaction():
        session.add(DayOff(day=date(2020, 1, 26), name="Long ago"))


def buy():
    """Through an affiliate's link."""
    return make_payment(make_service(), affiliate_code=make_affiliate().code)


def rows(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_paid_webhook_with_all_that_follows_is_a_handful_of_statements(client, session, crowd):
    # What is kept in the process is there from the second one on.
    first, body = event_body(buy()), event_body(buy())
    post_event(client, first)
    before = [rows(model) for model in (AuditEntry, StatusChange, Notification, CommissionEntry)]
    with asked(without=CLOCKWORK) as statements:
        assert post_event(client, body).json["processed"]
    after = [rows(model) for model in (AuditEntry, StatusChange, Notification, CommissionEntry)]
    # Paid, two steps, assigned; the customer, three administrators and the provider.
    assert [new - old for new, old in zip(after, before, strict=True)] == [4, 2, 5, 1]
    # Where one statement can write to several tables, all that follows is one.
    assert len(statements) == (5 if db.engine.dialect.name == "postgresql" else 14), "\n".join(statements)


def test_a_duplicate_is_one_statement_that_makes_sure_of_the_settings_too(client, session):
    body = event_body(make_payment())
    post_event(client, body)
    with asked(without=["BEGIN"]) as statements:
        assert not post_event(client, body).json["processed"]
    assert len(statements) == 1, "\n".join(statements)


def test_it_is_as_many_however_many_people_it_concerns(client, session):
    def cost():
        body = event_body(buy())
        with asked(without=CLOCKWORK) as statements:
            post_event(client, body)
        return len(statements)

    make_user(Role.ADMIN)
    make_provider()
    make_gateway()
    cost()
    few = cost()
    for _ in range(8):
        make_user(Role.ADMIN)
        make_provider()
    assert cost() == few


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("held", "free"), [("service_requests", ["payments"]), ("webhook_events", ["service_requests", "payments"])]
)
def test_the_message_is_locked_before_the_request_and_that_before_its_payment(app, session, held, free):
    """As everywhere: two who lock in another order would wait for each other for ever."""
    payment = make_payment()
    body = event_body(payment)
    headers = {sandbox.SIGNATURE_HEADER: sandbox.sign(body, WEBHOOK_SECRET)}
    event = webhooks.parse("sandbox", body, headers)
    with transaction():
        seen = webhooks.receive("sandbox", event, body, headers)
    is_locking = threading.Event()

    def handle():
        with app.app_context(), transaction():
            is_locking.set()
            webhooks.handle(seen.id, "sandbox", event)

    with db.engine.connect() as first, db.engine.connect() as second:
        first.execute(text(f"SELECT 1 FROM {held} FOR NO KEY UPDATE"))
        thread = threading.Thread(target=handle)
        thread.start()
        is_locking.wait()
        while not second.scalar(text(_WAITING)):
            second.rollback()
        # Whoever waits for the one holds nothing of the others yet.
        for table in free:
            second.execute(text(f"SELECT 1 FROM {table} FOR NO KEY UPDATE NOWAIT"))
        second.rollback()
        first.rollback()
        thread.join()
    db.session.expire_all()
    assert payment.status is PaymentStatus.COMPLETED


@pytest.mark.postgres
def test_a_first_step_need_not_wait_for_the_disk_and_the_next_one_does(session):
    def who_says():
        return db.session.scalar(text("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"))

    with transaction(is_synced=False):
        assert (who_says(), db.session.scalar(text("SHOW synchronous_commit"))) == ("session", "off")
    with transaction():
        assert who_says() != "session"


@pytest.mark.postgres
def test_storing_a_message_waits_for_no_disk_and_begins_no_transaction(client, session):
    body = event_body(make_payment())
    headers = {sandbox.SIGNATURE_HEADER: sandbox.sign(body, WEBHOOK_SECRET)}
    event = webhooks.parse("sandbox", body, headers)
    with one_statement(is_synced=False):
        assert session.connection().connection.driver_connection.info.transaction_status.name == "IDLE"
    event = webhooks.parse("sandbox", body, headers)
    with transaction():
        webhooks.receive("sandbox", event, body, headers)
        assert session.scalar(text("SHOW synchronous_commit")) == "off"


@pytest.mark.sqlite
def test_on_sqlite_too_a_first_step_need_not_wait_for_the_disk_and_the_next_one_does(session):
    def level():
        return db.session.scalar(text("PRAGMA synchronous"))

    with transaction(is_synced=False):
        assert level() == 1
    with transaction():
        assert level() == 2
