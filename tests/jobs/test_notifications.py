"""Sending to a real mail server, whatever that answers."""

from dataclasses import replace
from email.utils import parseaddr
from uuid import uuid4

import pytest
from hypothesis import given
from sqlalchemy import LargeBinary, select, type_coerce, update

from app.db import db, transaction
from app.jobs import notifications as jobs
from app.jobs import smtp as jobs_smtp
from app.models import Notification, NotificationStatus, User
from app.workflows import letters
from app.workflows.deliveries import SentCopy
from tests import strategies
from tests.factories import make_request, make_service
from tests.outbox import deliver, everything, fresh, key_of, make_due, owe, plain_receipts
from tests.servers.mail import Answer


def subjects(smtp):
    return [received.message["Subject"] for received in smtp.messages]


@pytest.fixture(autouse=True)
def _short_timeout(monkeypatch):
    monkeypatch.setattr(jobs_smtp, "TIMEOUT", 1)


@pytest.mark.long
@pytest.mark.property(12)
@given(customer=strategies.customers(), offer=strategies.offers())
def test_a_successful_payment_sends_the_customer_the_details_of_the_order(session, smtp, customer, offer):
    smtp.clear()
    service_request = make_request(make_service(**offer), customer)
    with plain_receipts():
        deliver()
    [received] = [received for received in smtp.messages if received.recipients == (customer.email,)]
    assert parseaddr(received.message["To"])[1] == customer.email
    for text in (service_request.reference_number, service_request.title, service_request.amount.format()):
        assert text in received.text
    assert received.message["Subject"] == f"Payment received: {service_request.reference_number}"
    assert [part.get_content_type() for part in received.message.iter_attachments()] == ["application/pdf"]


def test_the_row_says_what_was_sent(session, smtp):
    [row] = owe()
    deliver()
    row, [received] = fresh(row), smtp.messages
    copy = SentCopy.unpack(row.sent_copy)
    assert row.status is NotificationStatus.SENT
    assert received.message["Message-ID"] == row.message_id
    assert received.message["Reply-To"] == "support@example.com"
    assert received.message["Auto-Submitted"] == "auto-generated"
    assert (copy.subject, copy.note) == (received.message["Subject"], None)
    assert copy.text.strip() == received.text.strip().replace("\r\n", "\n")
    assert copy.html.strip() == received.html.strip().replace("\r\n", "\n")


def test_many_go_out_over_one_connection(session, smtp):
    owe(jobs.BATCH)
    deliver()
    assert len(smtp.messages) == jobs.BATCH
    assert smtp.connections == 1


def test_a_backlog_of_several_batches_is_sent_in_one_run(session, smtp):
    owe(jobs.BATCH + 7)
    deliver()
    deliver()
    assert len(set(subjects(smtp))) == len(smtp.messages) == jobs.BATCH + 7


def test_a_run_that_takes_too_long_leaves_the_rest_to_the_next(session, smtp, monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_RUN", 0)
    owe(3)
    deliver()
    assert smtp.messages == []
    assert {row.status for row in everything()} == {NotificationStatus.PENDING}


def test_a_lease_without_time_left_is_given_back(session, smtp, monkeypatch):
    monkeypatch.setattr("app.workflows.deliveries.LEASE", jobs._LEAST_LEASE / 2)
    monkeypatch.setattr(jobs, "LONGEST_RUN", 0.5)
    owe(2)
    deliver()
    assert smtp.messages == []
    assert {(row.status, row.claimed_by) for row in everything()} == {(NotificationStatus.PENDING, None)}


def test_a_temporary_failure_is_tried_again_later(session, smtp):
    smtp.answer(Answer.TRY_LATER)
    first, second = owe(2)
    deliver()
    assert (fresh(first).status, fresh(first).attempts) == (NotificationStatus.PENDING, 1)
    assert fresh(first).last_error.startswith("451")
    assert fresh(second).status is NotificationStatus.SENT
    deliver()
    assert len(smtp.attempts) == 2
    make_due(first)
    deliver()
    assert fresh(first).status is NotificationStatus.SENT
    assert fresh(first).last_error is None
    assert len({received.message["Message-ID"] for received in smtp.attempts}) == 2


def test_after_four_failures_it_is_dead(session, smtp):
    smtp.answer(*[Answer.TRY_LATER] * 4)
    [row] = owe()
    for _ in range(6):
        deliver()
        if fresh(row).next_attempt_at is not None:
            make_due(row)
    assert (fresh(row).status, fresh(row).attempts, len(smtp.attempts)) == (NotificationStatus.DEAD, 4, 4)


def test_a_refused_address_is_dead_at_once_and_its_error_names_nobody(session, smtp):
    [row] = owe()
    smtp.unknown_recipients.add(row.recipient)
    deliver()
    row = fresh(row)
    assert (row.status, row.attempts) == (NotificationStatus.DEAD, 1)
    assert row.last_error == "550 5.1.1 <[address]>: no such mailbox here"
    assert row.next_attempt_at is None


def test_a_server_that_hangs_up_on_a_refused_address_gets_the_rest_over_another_line(session, smtp):
    first, second = owe(2)
    with transaction() as opened:
        opened.get_one(Notification, key_of(first)).recipient = "nobody@example.org"
    smtp.unknown_recipients.add("nobody@example.org")
    smtp.hangs_up = True
    deliver()
    assert fresh(first).last_error == "550 5.1.1 <[address]>: no such mailbox here"
    assert [(fresh(row).status, fresh(row).attempts) for row in (first, second)] == [("dead", 1), ("sent", 0)]


def test_an_address_that_mail_cannot_be_sent_to_is_dead_and_holds_up_nobody(session, smtp):
    first, second = owe(2)
    with transaction() as opened:
        opened.get_one(Notification, key_of(first)).recipient = "ü.müller@example.com"
    deliver()
    assert (fresh(first).status, fresh(first).attempts) == (NotificationStatus.DEAD, 1)
    assert "ü" not in fresh(first).last_error
    assert fresh(second).status is NotificationStatus.SENT


def test_an_address_refused_only_after_the_message_is_dead_too(session, smtp):
    smtp.answer(Answer.REFUSE)
    [row] = owe()
    deliver()
    assert fresh(row).status is NotificationStatus.DEAD


def test_a_server_with_too_much_to_do_is_left_alone_and_nothing_fails(session, smtp):
    smtp.answer(Answer.BUSY)
    rows = owe(3)
    deliver()
    assert len(smtp.attempts) == 1
    assert {(fresh(row).status, fresh(row).attempts) for row in rows} == {(NotificationStatus.PENDING, 0)}
    deliver()
    assert len(smtp.attempts) == 1
    make_due(*rows)
    deliver()
    assert {fresh(row).status for row in rows} == {NotificationStatus.SENT}


def test_a_server_that_takes_a_few_a_connection_gets_another_connection(session, smtp):
    smtp.answer(Answer.ACCEPT, Answer.BUSY)
    rows = owe(3)
    deliver()
    assert {fresh(row).status for row in rows} == {NotificationStatus.SENT}
    assert smtp.connections == 2


def test_one_busy_mailbox_does_not_hold_up_the_others(session, smtp):
    smtp.answer(Answer.WAIT, Answer.ACCEPT)
    first, second = owe(2)
    deliver()
    assert (fresh(first).status, fresh(first).attempts) == (NotificationStatus.PENDING, 0)
    assert fresh(second).status is NotificationStatus.SENT


@pytest.mark.parametrize("answer", [Answer.DROP, Answer.STALL])
def test_a_lost_connection_is_made_anew_for_the_rest(session, smtp, answer):
    smtp.answer(answer)
    first, second = owe(2)
    deliver()
    assert (fresh(first).status, fresh(first).attempts) == (NotificationStatus.PENDING, 1)
    assert fresh(second).status is NotificationStatus.SENT
    assert smtp.connections == 2


def test_a_server_that_is_not_there_is_a_failure_of_each(session, smtp):
    rows = owe(2)
    server = jobs_smtp.mail_settings()
    usual, server.port = server.port, 1
    try:
        deliver()
    finally:
        server.port = usual
    assert {(fresh(row).status, fresh(row).attempts) for row in rows} == {(NotificationStatus.PENDING, 1)}
    assert "ConnectionRefusedError" in fresh(rows[0]).last_error


def test_what_is_not_true_any_more_is_not_sent(session, smtp):
    owe()
    with transaction() as opened:
        opened.execute(update(User).values(is_enabled=False))
    deliver()
    assert smtp.attempts == []
    assert [row.status for row in everything()] == [NotificationStatus.DROPPED]


def test_a_letter_that_cannot_be_written_is_dead_alerts_once_and_stops_nobody(session, smtp, monkeypatch):
    make_request(make_service())
    [admin_row] = owe()
    broken = replace(letters.KINDS["payment_confirmed"], build=lambda case: {})
    monkeypatch.setitem(letters.KINDS, "payment_confirmed", broken)
    deliver()
    [dead] = [row for row in everything() if row.status is NotificationStatus.DEAD]
    assert (dead.kind, dead.attempts) == ("payment_confirmed", 1)
    assert dead.last_error == "The message could not be written (UndefinedError)."
    assert fresh(admin_row).status is NotificationStatus.SENT
    alerts = [received.text for received in smtp.messages if "cannot be written" in received.text]
    assert len(alerts) == 1
    assert "payment_confirmed" in alerts[0]


def test_a_broken_alert_does_not_cause_another(session, smtp, monkeypatch):
    owe(2)
    monkeypatch.setitem(letters.KINDS, "alert", replace(letters.KINDS["alert"], build=lambda case: {}))
    deliver()
    assert [row.status for row in everything()] == [NotificationStatus.DEAD] * 2


def test_a_row_that_cannot_be_opened_holds_up_nobody(session, smtp):
    first, second = owe(2)
    with transaction() as opened:
        # Sealed for another column, so it does not open as this one.
        table = Notification.__table__.c
        swapped = update(Notification.__table__).where(table.id == key_of(first))
        opened.execute(swapped.values(context_sealed=type_coerce(table.recipient_sealed, LargeBinary)))
    deliver()
    assert fresh(second).status is NotificationStatus.SENT
    query = select(Notification.status, Notification.last_error).where(Notification.id == key_of(first))
    assert db.session.execute(query).one() == (
        NotificationStatus.DEAD,
        "The message could not be written (CannotOpen).",
    )


def test_a_letter_about_a_row_that_is_gone_holds_up_nobody(session, smtp):
    first, second = owe(2)
    with transaction() as opened:
        gone = update(Notification).where(Notification.id == key_of(first))
        opened.execute(gone.values(kind="payment_confirmed", subject_id=uuid4()))
    deliver()
    assert fresh(first).status is NotificationStatus.DEAD
    assert fresh(second).status is NotificationStatus.SENT


def test_without_a_mail_server_the_mail_is_kept_readable(make_app, settings, smtp):
    app = make_app(replace(settings, mail=replace(settings.mail, server=None)))
    with app.app_context():
        [row] = owe()
        deliver()
        row = fresh(row)
        assert row.status is NotificationStatus.SENT
        assert "kept readable in the console" in SentCopy.unpack(row.sent_copy).note
        db.session.remove()
    assert smtp.attempts == []


def test_no_database_connection_is_held_while_the_server_is_talked_to(app, session, smtp, monkeypatch):
    owe()
    held = []
    send = jobs_smtp.MailServer.send

    def spying(self, message):
        held.append(db.engine.pool.checkedout())
        send(self, message)

    monkeypatch.setattr(jobs_smtp.MailServer, "send", spying)
    everything()
    db.session.remove()
    deliver()
    assert held == [0]
