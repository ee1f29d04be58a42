"""What letters say, and when they had better not be sent."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from jinja2 import UndefinedError
from sqlalchemy import select

from app.db import db, transaction
from app.extensions import links
from app.gateways.base import PaymentFailure, SnapshotStatus
from app.kit.contact import format_phone
from app.models import Notification, Payment, Refund, RequestStatus, Role
from app.stationery import stationery
from app.workflows import (
    account_letters,
    assignment,
    letters,
    notifications,
    payments,
    requests,
    status,
    tracking,
)
from app.workflows.audit import SYSTEM
from tests import strategies
from tests.factories import (
    make_customer,
    make_payment,
    make_provider,
    make_request,
    make_service,
    make_user,
    snapshot_of,
)
from tests.outbox import plain_receipts

TEMPLATES = Path(__file__).parents[2] / "templates" / "email"
DECLINED = PaymentFailure("card_declined", "Your bank declined the payment.", "Try another card.")


def owed(kind, **about):
    return db.session.scalars(select(Notification).filter_by(kind=kind, **about)).one()


def compose(kind, **about):
    return letters.compose(owed(kind, **about), stationery())


def is_still_true(kind):
    db.session.expire_all()
    return letters.is_still_true(owed(kind), stationery())


def shown(html):
    """The text a reader of the HTML part sees, with single spaces."""
    pieces = []
    parser = HTMLParser()
    parser.handle_data = pieces.append
    parser.feed(html.partition("<body")[2].partition(">")[2])
    return " ".join(" ".join(pieces).split())


def everything_happens():
    """One notification of every kind there is."""
    make_user(Role.ADMIN)
    make_request(make_service())
    provider = make_provider()
    service_request = make_request()
    with transaction():
        status.change_status(requests.get_locked(service_request.id), RequestStatus.IN_PROGRESS, actor=SYSTEM)
    failed = make_payment()
    with transaction():
        payments.settle(failed.id, snapshot_of(failed, SnapshotStatus.FAILED, failure=DECLINED))
        _refund(service_request)
        notifications.customer_awaited(service_request)
        notifications.alert("test", "Something needs a look.", service_request=service_request, fold="1")
        notifications.alert("test", "Something else does.", fold="2")
        account_letters.password_reset(provider, provider.email)
        account_letters.invitation(provider)
        account_letters.password_changed(provider)
        account_letters.second_factor_changed(provider, "enabled")
    return provider


def _refund(service_request):
    payment = db.session.scalars(select(Payment).where(Payment.service_request_id == service_request.id)).one()
    refund = Refund(payment_id=payment.id, gateway=payment.gateway, amount_minor=100, currency=payment.currency)
    db.session.add(refund)
    db.session.flush()
    notifications.refund_issued(service_request, refund)


def test_every_kind_has_its_three_templates_and_every_folder_its_kind():
    folders = {folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()}
    assert folders == set(letters.KINDS)
    for folder in folders:
        assert {part.name for part in (TEMPLATES / folder).iterdir()} == {"subject.txt", "body.txt", "body.html"}


def test_every_kind_can_be_written(session):
    everything_happens()
    rows = db.session.scalars(select(Notification)).all()
    assert {row.kind for row in rows} == set(letters.KINDS), "everything_happens() has to cause the new kind too"
    for row in rows:
        letter = letters.compose(row, stationery())
        for text in (letter.subject, letter.text, shown(letter.html)):
            assert text.strip()
            assert "None" not in text
            assert "{" not in text
        if row.service_request is not None:
            assert row.service_request.reference_number in letter.subject
            assert row.service_request.reference_number in letter.text
            assert row.service_request.reference_number in shown(letter.html)


def test_a_hole_in_a_letter_is_an_error(session):
    make_request()
    template = stationery().templates.from_string("Hello {{ nobody.name }}")
    with pytest.raises(UndefinedError):
        template.render()


@pytest.mark.sqlite
@pytest.mark.property(13)
@given(customer=strategies.customers(), offer=strategies.offers())
def test_a_confirmation_has_reference_service_amount_and_next_steps(session, customer, offer):
    service_request = make_request(make_service(**offer), customer)
    with plain_receipts():
        letter = compose("payment_confirmed", service_request_id=service_request.id)
    step = tracking.next_step(service_request)
    wanted = [
        service_request.reference_number,
        service_request.title,
        service_request.amount.format(),
        customer.full_name,
        step.text,
    ]
    for part in (letter.text, shown(letter.html)):
        assert [text for text in wanted if " ".join(text.split()) not in " ".join(part.split())] == []
    assert letter.subject == f"Payment received: {service_request.reference_number}"
    assert links().tracking(service_request.reference_number) in letter.text
    [receipt] = letter.attachments
    assert (receipt.filename, receipt.content) == (f"receipt-{service_request.reference_number}.pdf", b"%PDF-plain")


@pytest.fixture
def provider(session):
    """One who never has too much to do."""
    return make_provider(capacity=10_000)


@pytest.mark.sqlite
@pytest.mark.property(17)
@given(customer=strategies.customers(), offer=strategies.offers())
def test_a_provider_is_told_customer_service_requirements_and_payment(provider, customer, offer):
    service_request = make_request(make_service(**offer), customer)
    letter = compose("provider_assigned", service_request_id=service_request.id)
    wanted = [
        customer.full_name,
        customer.email,
        format_phone(customer.phone),
        customer.requirements,
        service_request.title,
        service_request.service_category.label,
        service_request.amount.format(),
        service_request.payment_transaction_id,
        "Confirmed",
    ]
    for part in (letter.text, shown(letter.html)):
        assert [text for text in wanted if " ".join(text.split()) not in " ".join(part.split())] == []
    assert links().provider_request(service_request.id) in letter.text


def test_the_receipt_is_attached(session):
    make_request()
    [receipt] = compose("payment_confirmed").attachments
    assert receipt.content_type == "application/pdf"
    assert receipt.content.startswith(b"%PDF-1")


def test_a_status_letter_says_where_from_where_to_why_and_what_next(session):
    service_request = make_request()
    with transaction():
        row = requests.get_locked(service_request.id)
        status.change_status(row, RequestStatus.IN_PROGRESS, actor=SYSTEM, note="We talked today.")
    letter = compose("status_changed")
    for part in (letter.text, shown(letter.html)):
        assert "Awaiting first contact" in part
        assert "In progress" in part
        assert "We talked today." in part
        assert tracking.NEXT_STEPS[RequestStatus.IN_PROGRESS] in part
    assert letter.subject == f"In progress: {service_request.reference_number}"


def test_a_status_letter_of_a_specialist_who_is_not_on_our_books_names_nobody(session):
    service_request = make_request()
    with transaction():
        status.change_status(requests.get_locked(service_request.id), RequestStatus.TEAM_ASSIGNED, actor=SYSTEM)
    letter = compose("status_changed")
    assert tracking.NEXT_STEPS[RequestStatus.TEAM_ASSIGNED] in letter.text
    assert "None" not in letter.text


def test_a_failure_letter_gives_the_reason_and_the_way_to_pay(session):
    payment = make_payment()
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED, failure=DECLINED))
    letter = compose("payment_failed")
    assert "Your bank declined the payment. Try another card." in letter.text
    assert links().pay(payment.service_request.reference_number) in letter.text


def test_what_a_customer_writes_is_text_and_not_markup(session):
    make_provider()
    make_request(customer=make_customer(full_name="<b>Eve</b>", requirements='<script>alert("1")</script> & more'))
    letter = compose("provider_assigned")
    assert "<script>" not in letter.html
    assert "<b>Eve" not in letter.html
    assert '<script>alert("1")</script> & more' in letter.text


def test_no_header_can_be_smuggled_in(session):
    make_user(Role.ADMIN)
    with transaction():
        notifications.alert("test", "Look\r\nBcc: everybody@example.org", fold="1")
    assert "\n" not in compose("alert").subject
    assert "\r" not in compose("alert").subject


class TestStillTrue:
    def test_no_call_to_pay_after_the_payment(self, session):
        payment = make_payment()
        with transaction():
            payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
        assert is_still_true("payment_failed")
        with transaction():
            payments.settle(payment.id, snapshot_of(payment))
        assert not is_still_true("payment_failed")
        assert is_still_true("payment_confirmed")

    def test_no_call_to_pay_for_a_cancelled_request(self, session):
        payment = make_payment()
        with transaction():
            payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
        with transaction():
            row = requests.get_locked(payment.service_request_id)
            status.change_status(row, RequestStatus.CANCELLED, actor=SYSTEM)
        assert not is_still_true("payment_failed")

    def test_a_provider_hears_only_of_what_is_still_theirs(self, session):
        make_provider()
        service_request = make_request()
        assert is_still_true("provider_assigned")
        with transaction():
            assignment.unassign(requests.get_locked(service_request.id), actor=SYSTEM)
        assert not is_still_true("provider_assigned")

    def test_nobody_is_free_until_somebody_is_assigned(self, session):
        make_user(Role.ADMIN)
        service_request = make_request()
        assert is_still_true("no_provider")
        provider = make_provider()
        with transaction():
            assignment.assign(requests.get_locked(service_request.id), provider, actor=SYSTEM)
        assert not is_still_true("no_provider")

    def test_a_disabled_account_gets_no_mail(self, session):
        provider = make_provider()
        make_request()
        with transaction():
            provider.is_enabled = False
        assert not is_still_true("provider_assigned")

    def test_an_erased_customer_gets_no_mail(self, session):
        service_request = make_request()
        with transaction():
            service_request.erased_at = service_request.created_at
        assert not is_still_true("payment_confirmed")
