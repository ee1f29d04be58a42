"""One customer's data is handed out as a file, and erased while the accounts stay as they were."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from app.columns import keyring
from app.db import Model, db, transaction
from app.extensions import limiter
from app.jobs import audit as audit_job
from app.models import (
    AuditEntry,
    CommissionEntry,
    Notification,
    NotificationStatus,
    Payment,
    Refund,
    RequestStatus,
    Role,
    ServiceRequest,
)
from app.workflows import deliveries, keys, locked_payments, payments, refunds, requests, status
from app.workflows.audit import SYSTEM
from app.workflows.deliveries import SentCopy
from app.workflows.refunds import Wish
from tests.auditing import problem, tamper
from tests.commissions import give_back, make_affiliate, sell
from tests.factories import make_customer, make_request, make_user, snapshot_of
from tests.outbox import deliver, everything
from tests.test_stolen_database import handle_it_all, make_distinct_customer, word, words_of
from tests.traces import found_in

EMAIL = "kavya.iyer@example.org"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(autouse=True)
def _unlimited():
    limiter.enabled = False
    yield
    limiter.enabled = True


def run(app, command, *arguments):
    result = app.test_cli_runner().invoke(args=[command, *arguments])
    db.session.rollback()
    db.session.expire_all()
    return result


def finished(**changes):
    request = make_request(**changes)
    with transaction():
        locked = requests.get_locked(request.id)
        status.change_status(locked, RequestStatus.IN_PROGRESS, actor=SYSTEM, note="Called Kavya")
        status.change_status(locked, RequestStatus.COMPLETED, actor=SYSTEM)
    return request


def everything_opened() -> bytes:
    """All values of all tables as we can read them with our keys."""
    tables = Model.metadata.sorted_tables
    rows = (row for table in tables for row in db.session.execute(select(table)))
    return "\n".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
    ).encode()


def test_of_an_erased_customer_nothing_is_left_even_for_those_who_have_the_keys(app, client, session, smtp):
    customer, notes = make_distinct_customer(), [f"{word()} {word()}" for _ in range(4)]
    made = handle_it_all(client, smtp, customer, notes)
    kept = make_request(customer=make_customer(full_name="Anand Rao", email="anand@example.org"))
    audit_job.chain()
    wanted = {*words_of(customer), *(each for note in notes for each in note.split())}
    assert found_in(everything_opened(), wanted)
    refused = run(app, "erase-customer", customer.email)
    assert refused.exit_code == 1
    assert "has a refund under way. Use --force" in refused.output
    amounts = [payment.amount for payment in made]
    done = run(app, "erase-customer", customer.email.upper(), "--force")
    assert done.exit_code == 0, done.output
    assert found_in(everything_opened(), wanted) == set()
    assert [payment.amount for payment in made] == amounts
    assert session.get_one(ServiceRequest, kept.id).customer_name == "Anand Rao"
    assert problem(app) is None
    again = run(app, "erase-customer", customer.email)
    assert (again.exit_code, again.output) == (0, f"Nothing is kept about {customer.email}.\n")


def test_accounts_and_figures_stay(app, session):
    profile = make_affiliate()
    payment = sell(profile)
    give_back(payment, 30_000)
    with transaction():
        locked = requests.get_locked(payment.service_request_id)
        status.change_status(locked, RequestStatus.CANCELLED, actor=SYSTEM)

    def books():
        sums = (Payment.amount_minor, Payment.refunded_minor, Refund.amount_minor, CommissionEntry.amount_minor)
        session.rollback()
        return [session.scalar(select(func.sum(column))) for column in sums]

    before = books()
    assert run(app, "erase-customer", EMAIL).exit_code == 0
    assert books() == before
    row = session.get_one(ServiceRequest, payment.service_request_id)
    assert (row.customer_name, row.affiliate_id) == ("Erased customer", profile.user_id)
    assert row.reference_number


@pytest.mark.parametrize(
    ("is_paid", "why"), [(True, "is paid, and the work is not finished"), (False, "waits for its payment")]
)
def test_what_is_still_needed_is_refused_with_the_reason(app, session, is_paid, why):
    request = make_request(is_paid=is_paid)
    result = run(app, "erase-customer", EMAIL)
    assert result.exit_code == 1
    assert f"{request.reference_number} {why}" in result.output
    assert session.get_one(ServiceRequest, request.id).customer_name == "Kavya Iyer"


def test_whoever_is_to_get_money_back_is_still_needed(app, session):
    request = make_request(is_paid=False)
    payment = session.scalars(select(Payment)).one()
    with transaction():
        status.change_status(requests.get_locked(request.id), RequestStatus.CANCELLED, actor=SYSTEM)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    result = run(app, "erase-customer", EMAIL)
    assert result.exit_code == 1
    assert "has a payment that a person has to look at" in result.output


@pytest.mark.postgres
def test_a_refund_asked_for_at_that_very_moment_is_still_needed(app, session):
    request = finished()
    payment_id = session.scalars(select(Payment.id)).one()
    session.rollback()
    with ThreadPoolExecutor(1) as aside, db.engine.connect() as watcher:
        with transaction():
            locked = locked_payments.get_locked(payment_id)
            left = refunds.refundable(locked)
            refunds.open_refund(locked, Wish(left, left, "A reason"), actor=SYSTEM)
            erasing = aside.submit(app.test_cli_runner().invoke, args=["erase-customer", EMAIL])
            while not watcher.scalar(text(WAITING)):
                watcher.rollback()
        result = erasing.result()
    assert result.exit_code == 1
    assert "has a refund under way" in result.output
    session.expire_all()
    assert session.get_one(ServiceRequest, request.id).customer_name == "Kavya Iyer"


def test_the_log_still_tells_what_was_done_and_no_forgery_passes_for_an_erasure(app, session):
    request = finished()
    with transaction():
        requests.add_note(requests.get_locked(request.id), "Kavya wants Mondays", actor=SYSTEM)
    audit_job.chain()
    assert run(app, "erase-customer", EMAIL).exit_code == 0
    assert problem(app) is None
    erasing = session.scalars(select(AuditEntry).where(AuditEntry.action == "customer.erased")).one()
    erased = session.scalars(select(AuditEntry).where(AuditEntry.erased_by == erasing.id)).all()
    for entry in erased:
        assert "Kavya" not in entry.changes
    steps = session.scalars(select(AuditEntry).where(AuditEntry.action == "request.status_changed")).all()
    assert any('"status": "completed"' in entry.changes for entry in steps)
    # Somebody without the keys passes another text off as an erased one.
    victim, other = steps[0], next(entry for entry in session.scalars(select(AuditEntry)) if entry.id != steps[0].id)
    tamper(
        "UPDATE audit_entries SET erased_by = :by, changes_sealed = :text WHERE position = :position",
        by=erasing.id.hex if db.engine.dialect.name == "sqlite" else erasing.id,
        text=session.execute(
            db.text(f"SELECT changes_sealed FROM audit_entries WHERE position = {other.position}")
        ).scalar(),
        position=victim.position,
    )
    assert "the erasure of a customer left" in problem(app)


def test_nobody_writes_to_an_erased_customer(app, session):
    request = finished()
    assert run(app, "erase-customer", EMAIL).exit_code == 0
    letters = session.scalars(select(Notification).where(Notification.recipient_user_id.is_(None))).all()
    assert {letter.status for letter in letters} == {NotificationStatus.DROPPED}
    with transaction():
        locked = requests.get_locked(request.id)
        status.change_status(locked, RequestStatus.IN_PROGRESS, actor=SYSTEM, note="Again")
    mine = select(func.count()).select_from(Notification).where(Notification.recipient_user_id.is_(None))
    assert session.scalar(mine) == len(letters)


def test_a_message_that_was_on_its_way_leaves_no_copy_of_itself(app, session):
    make_user(Role.ADMIN)
    finished()
    with transaction():
        taken = deliveries.claim(50)
    assert run(app, "erase-customer", EMAIL).exit_code == 0
    with transaction():
        deliveries.mark_sent(taken, [(key, SentCopy("For Kavya Iyer", "", "")) for key in taken.ids])
    letters = everything()
    assert [letter.sent_copy for letter in letters] == [None] * len(letters)
    # Whether it was sent nobody knows: for us it is written anew, for a customer it is not.
    assert {(letter.status, letter.recipient_user_id is None) for letter in letters} == {
        ("dropped", True),
        ("pending", False),
    }


def test_all_that_is_kept_about_one_customer_is_a_file_that_people_can_read(app, session, smtp, tmp_path):
    request = finished()
    deliver()
    make_request(customer=make_customer(full_name="Anand Rao", email="anand@example.org"))
    result = run(app, "export-customer", EMAIL)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    [only] = found["requests"]
    assert only["reference"] == request.reference_number
    assert only["customer"] == {
        "name": "Kavya Iyer",
        "email": EMAIL,
        "phone": "+91 70000 12345",
        "requirements": "Please call me after 4 pm.",
    }
    assert "Called Kavya" in json.dumps(only["history"])
    assert (only["amount"], only["currency"]) == (request.amount_minor, request.currency)
    assert only["payments"][0]["amount"] == request.amount_minor
    assert any("Kavya" in (letter["text"] or "") for letter in only["messages"])
    assert "Anand" not in result.output
    path = tmp_path / "kavya.json"
    assert run(app, "export-customer", EMAIL, "--output", str(path)).exit_code == 0
    assert json.loads(path.read_text())["requests"] == found["requests"]
    assert path.stat().st_mode & 0o077 == 0
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "customer.exported")).all()
    assert [entry.subject_id for entry in entries] == [request.id] * 2


def test_a_file_that_cannot_be_written_is_said_in_one_line(app, session, tmp_path):
    make_request()
    result = run(app, "export-customer", EMAIL, "--output", str(tmp_path / "nowhere" / "kavya.json"))
    assert result.output.strip().splitlines() == [
        f"Error: cannot write to {tmp_path}/nowhere/kavya.json: No such file or directory"
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["export-customer", EMAIL],
        ["erase-customer", EMAIL, "--yes"],
        ["verify-audit"],
        ["create-token", EMAIL],
        ["set-gateway", "stripe", "--api-secret", "sk_test_1"],
        ["load-sample", "--requests", "1"],
    ],
)
def test_with_a_key_lost_nothing_is_told_or_written(app, session, settings, make_app, command):
    make_request()
    audit_job.chain()
    with transaction():
        keys.ensure_known()
    other = make_app(replace(settings, encryption_keys=("another-key-0123456789-abcdefghijklmnop",)))
    try:
        result = run(other, *command)
    finally:
        keyring.use(settings.encryption_keys)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert "ENCRYPTION_KEYS" in result.output


def test_who_is_not_known_is_said_in_one_line(app, session):
    result = run(app, "export-customer", "nobody@example.org")
    assert result.exit_code == 1
    assert "Nothing is kept about nobody@example.org" in result.output
