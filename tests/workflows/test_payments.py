"""The payment state machine: once, in any order, from any source."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.gateways.base import PaymentFailure, SnapshotStatus
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    CommissionEntry,
    EventOutcome,
    Notification,
    Payment,
    PaymentFlag,
    PaymentStatus,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
)
from app.workflows import locked_payments, payments, purchase, status
from app.workflows.audit import SYSTEM
from tests.factories import (
    attach,
    make_customer,
    make_payment,
    make_provider,
    make_service,
    make_user,
    snapshot_of,
)

DECLINED = PaymentFailure("card_declined", "Your bank declined the payment.", "Try another card.")


@pytest.fixture(autouse=True)
def _staff(session):
    make_user(Role.ADMIN)


def settle(payment, kind=SnapshotStatus.PAID, **changes):
    if kind is SnapshotStatus.FAILED:
        changes.setdefault("failure", DECLINED)
    with transaction():
        return payments.settle(payment.id, snapshot_of(payment, kind, **changes))


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def kinds(service_request):
    query = select(Notification.kind).where(Notification.service_request_id == service_request.id)
    return sorted(db.session.scalars(query))


def history(service_request):
    query = (
        select(StatusChange.new_status)
        .where(StatusChange.service_request_id == service_request.id)
        .order_by(StatusChange.created_at, StatusChange.id)
    )
    return list(db.session.scalars(query))


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_confirmed_payment_brings_everything_that_follows_in_one_step(session):
    provider = make_provider()
    service = make_service(first_contact_hours=8)
    payment = make_payment(service)

    assert settle(payment, bank_reference="UTR123") is EventOutcome.APPLIED

    service_request = fresh(payment).service_request
    assert payment.status is PaymentStatus.COMPLETED
    assert payment.settles_request
    assert payment.bank_reference == "UTR123"
    assert service_request.payment_status is PaymentStatus.COMPLETED
    assert service_request.payment_transaction_id == f"sbp_{payment.id.hex}"
    assert service_request.due_at == service_request.payment_completed_at + timedelta(hours=8)
    assert history(service_request) == [RequestStatus.PAYMENT_CONFIRMED, RequestStatus.PENDING_CONTACT]
    assert service_request.status is RequestStatus.PENDING_CONTACT
    assert service_request.assigned_provider_id == provider.id
    assert kinds(service_request) == ["new_request", "payment_confirmed", "provider_assigned"]


def test_without_an_eligible_provider_administrators_are_told(session):
    payment = make_payment()
    settle(payment)
    assert fresh(payment).service_request.provider is None
    assert kinds(payment.service_request) == ["new_request", "no_provider", "payment_confirmed"]


@pytest.mark.parametrize("amount", [Money(1, "INR"), Money(249_900, "USD"), None])
def test_another_amount_or_currency_completes_nothing_and_is_put_before_a_person_once(session, amount):
    payment = make_payment()
    for _ in range(3):
        assert settle(payment, amount=amount) is EventOutcome.REVIEW
    assert fresh(payment).status is PaymentStatus.PENDING
    assert payment.flag is PaymentFlag.AMOUNT_MISMATCH
    assert history(payment.service_request) == []
    assert kinds(payment.service_request) == ["alert"]


def test_the_right_amount_after_a_wrong_one_completes_and_settles_the_flag(session):
    payment = make_payment()
    settle(payment, amount=Money(1, "INR"))
    assert settle(payment) is EventOutcome.APPLIED
    assert fresh(payment).flag_resolved_at is not None


def test_a_success_after_cancellation_is_kept_and_flagged_for_refund(session):
    payment = make_payment()
    with transaction():
        status.change_status(payment.service_request, RequestStatus.CANCELLED, actor=SYSTEM)
    settle(payment)
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert payment.flag is PaymentFlag.LATE
    assert not payment.settles_request
    assert payment.service_request.status is RequestStatus.CANCELLED
    assert "payment_confirmed" not in kinds(payment.service_request)


def second_attempt(payment):
    """The customer pays again on the same request, after the first attempt failed."""
    with transaction():
        again = purchase.open_payment(db.session.get_one(ServiceRequest, payment.service_request_id))
    attach(again)
    return again


def test_a_second_success_on_a_paid_request_is_kept_and_flagged_for_refund(session):
    first = make_payment()
    settle(first, SnapshotStatus.FAILED)
    second = second_attempt(first)
    assert second.id != first.id
    settle(second)
    assert settle(first) is EventOutcome.APPLIED

    assert fresh(first).flag is PaymentFlag.DUPLICATE
    assert first.status is PaymentStatus.COMPLETED
    assert not first.settles_request
    assert fresh(second).settles_request
    assert kinds(first.service_request).count("payment_confirmed") == 1


def test_a_failure_tells_the_customer_what_to_do_and_leaves_the_request_open(session):
    payment = make_payment()
    settle(payment, SnapshotStatus.FAILED)
    assert fresh(payment).status is PaymentStatus.FAILED
    assert payment.error_code == "card_declined"
    assert payment.customer_message == "Your bank declined the payment. Try another card."
    assert payment.service_request.payment_status is PaymentStatus.FAILED
    assert kinds(payment.service_request) == ["payment_failed"]


def test_failed_is_not_final(session):
    payment = make_payment()
    settle(payment, SnapshotStatus.FAILED)
    assert settle(payment) is EventOutcome.APPLIED
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert payment.error_code is None
    assert payment.service_request.is_paid


def test_a_failure_heard_of_after_the_success_changes_nothing(session):
    payment = make_payment()
    settle(payment)
    assert settle(payment, SnapshotStatus.FAILED) is EventOutcome.UNCHANGED
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert kinds(payment.service_request).count("payment_failed") == 0


def test_an_event_that_overtakes_the_intent_finds_its_payment_by_our_own_id(session):
    payment = make_payment()
    early = replace(snapshot_of(payment), gateway_intent_id="unheard-of")
    assert locked_payments.find_payment("sandbox", early).id == payment.id


def affiliate():
    user = make_user(Role.AFFILIATE)
    with transaction():
        profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == user.id)).one()
        profile.code, profile.rate_basis_points = "FRIEND", 750
    return user


def test_commission_is_entered_with_the_payment_half_up_to_the_minor_unit(session):
    sender = affiliate()
    payment = make_payment(make_service(price_minor=99_999), affiliate_code="FRIEND")
    settle(payment)
    entry = db.session.scalars(select(CommissionEntry)).one()
    assert (entry.affiliate_id, entry.amount_minor, entry.rate_basis_points) == (sender.id, 7_500, 750)


def test_buying_through_ones_own_code_earns_nothing(session):
    sender = affiliate()
    payment = make_payment(None, make_customer(email=sender.email.upper()), affiliate_code="FRIEND")
    settle(payment)
    assert count(CommissionEntry) == 0


def test_an_unknown_code_is_kept_and_blocks_nothing(session):
    payment = make_payment(affiliate_code="NOBODY")
    settle(payment)
    assert payment.service_request.affiliate_code == "NOBODY"
    assert payment.service_request.affiliate_id is None


news = st.lists(
    st.sampled_from([SnapshotStatus.PAID, SnapshotStatus.FAILED, SnapshotStatus.PENDING, SnapshotStatus.AUTHORIZED]),
    min_size=1,
    max_size=6,
)


@pytest.mark.long
@given(news)
def test_whatever_the_order_and_number_of_news_the_end_is_what_the_gateway_says(session, empty_database, heard):
    empty_database()
    make_user(Role.ADMIN)
    affiliate()
    make_provider()
    payment = make_payment(affiliate_code="FRIEND")
    for kind in heard:
        settle(payment, kind)

    is_paid, has_failed = SnapshotStatus.PAID in heard, SnapshotStatus.FAILED in heard
    payment = fresh(payment)
    expected = PaymentStatus.COMPLETED if is_paid else PaymentStatus.FAILED if has_failed else PaymentStatus.PENDING
    assert payment.status is expected
    assert payment.service_request.payment_status is expected
    assert history(payment.service_request) == (
        [RequestStatus.PAYMENT_CONFIRMED, RequestStatus.PENDING_CONTACT] if is_paid else []
    )
    assert kinds(payment.service_request).count("payment_confirmed") == int(is_paid)
    assert count(CommissionEntry) == int(is_paid)
    assert db.session.scalar(select(func.count()).where(Payment.settles_request)) == int(is_paid)
