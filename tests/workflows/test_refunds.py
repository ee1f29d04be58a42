"""Money back: never more than was paid, never twice, right in every order of news."""

import itertools
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import InvalidInput, StaleChange
from app.gateways.base import DisputeNews, RefundNews
from app.kit import clock
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    CommissionEntry,
    Dispute,
    DisputeStatus,
    EventOutcome,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Role,
    SandboxPayment,
    SandboxStatus,
    ServiceRequest,
)
from app.workflows import disputes, locked_payments, payments, refunds
from app.workflows.audit import actor_of
from app.workflows.refunds import NotRefundable, Wish
from tests.factories import make_payment, make_service, make_user, snapshot_of

PRICE = 100_001


@pytest.fixture
def finance(session):
    return make_user(Role.FINANCE)


def rupees(minor):
    return Money(minor, "INR")


def make_paid(**origin):
    payment = make_payment(make_service(price_minor=PRICE), **origin)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    return payment


def ask(payment, minor, actor, *, seen=None):
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = Wish(rupees(minor), refunds.refundable(locked) if seen is None else rupees(seen), "A reason")
        return refunds.open_refund(locked, wish, actor=actor_of(actor))


def hear(payment, refund_id, minor, status="success", key=None):
    with transaction():
        return refunds.learn(locked_payments.get_locked(payment.id), RefundNews(refund_id, rupees(minor), status, key))


def hear_dispute(payment, status, minor=PRICE):
    with transaction():
        news = DisputeNews("dp_1", rupees(minor), status, "fraudulent", clock.utc_now() + timedelta(days=7))
        return disputes.learn(locked_payments.get_locked(payment.id), news)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def told(service_request):
    query = select(Notification.kind).where(Notification.service_request_id == service_request.id)
    return list(db.session.scalars(query))


def ledger(payment):
    total = select(func.coalesce(func.sum(CommissionEntry.amount_minor), 0))
    return int(db.session.scalar(total.where(CommissionEntry.payment_id == payment.id)))


def make_affiliate():
    user = make_user(Role.AFFILIATE)
    with transaction():
        profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == user.id)).one()
        profile.code, profile.rate_basis_points = "FRIEND", 333


def test_a_refund_is_on_record_before_the_gateway_is_asked_and_counts_as_under_way(finance):
    payment = make_paid()
    refund = ask(payment, 40_000, finance)
    assert refund.status is RefundStatus.REQUESTED
    assert refunds.refundable(fresh(payment)) == rupees(PRICE - 40_000)
    assert payment.refunded_minor == 0


def test_the_sandbox_refunds_once_for_one_record_however_often_it_is_sent(finance):
    payment = make_paid()
    refund = ask(payment, 40_000, finance)
    with transaction():
        company = db.session.scalars(select(SandboxPayment)).one()
        company.status, company.settles_at = SandboxStatus.APPROVED, clock.utc_now()
    answers = [refunds.send(fresh(refund)) for _ in range(3)]
    assert len({answer.gateway_refund_id for answer in answers}) == 1
    hear(payment, answers[0].gateway_refund_id, 40_000, key=str(refund.id))
    assert fresh(refund).status is RefundStatus.COMPLETED
    assert fresh(payment).refunded_minor == 40_000
    assert payment.status is PaymentStatus.COMPLETED


def test_a_full_refund_leaves_payment_and_request_refunded_and_tells_the_customer_once(finance):
    payment = make_paid()
    refund = ask(payment, PRICE, finance)
    for _ in range(2):
        hear(payment, "re_1", PRICE, key=str(refund.id))
    assert fresh(payment).status is PaymentStatus.REFUNDED
    service_request = payment.service_request
    assert (service_request.payment_status, service_request.refunded_minor) == (PaymentStatus.REFUNDED, PRICE)
    assert told(service_request).count("refund_issued") == 1


def test_a_stale_form_is_refused_and_refunds_nothing(finance):
    payment = make_paid()
    ask(payment, 40_000, finance)
    with pytest.raises(StaleChange):
        ask(payment, 40_000, finance, seen=PRICE)
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1


@pytest.mark.parametrize("minor", [0, -1, PRICE + 1])
def test_no_more_than_what_is_left_and_no_less_than_something(finance, minor):
    payment = make_paid()
    with pytest.raises(InvalidInput):
        ask(payment, minor, finance)


def test_an_unpaid_payment_has_nothing_to_refund(finance):
    payment = make_payment()
    with pytest.raises(NotRefundable):
        ask(payment, 1, finance, seen=0)


def test_two_clicks_at_the_same_moment_refund_once(app, finance):
    payment = make_paid()
    start, outcomes = threading.Barrier(2), []

    def click():
        with app.app_context():
            start.wait()
            try:
                outcomes.append(ask(payment, PRICE, finance, seen=PRICE))
            except StaleChange as error:
                outcomes.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refund", "StaleChange"]


def test_our_own_refund_is_not_entered_again_from_its_webhook(finance):
    payment = make_paid()
    refund = ask(payment, 40_000, finance)
    hear(payment, "re_1", 40_000)
    hear(payment, "re_1", 40_000, key=str(refund.id))
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1
    assert fresh(refund).gateway_refund_id == "re_1"


def test_a_refund_made_in_the_gateways_dashboard_is_taken_in(finance):
    payment = make_paid()
    assert hear(payment, "re_theirs", 1_000) is EventOutcome.APPLIED
    assert hear(payment, "re_theirs", 1_000) is EventOutcome.UNCHANGED
    refund = db.session.scalars(select(Refund)).one()
    assert refund.is_external
    assert fresh(payment).refunded_minor == 1_000


def test_a_refund_heard_of_before_its_payment_counts_once_that_is_complete(session):
    payment = make_payment(make_service(price_minor=PRICE))
    hear(payment, "re_early", PRICE)
    assert fresh(payment).status is PaymentStatus.PENDING
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    assert fresh(payment).status is PaymentStatus.REFUNDED


def test_a_refund_that_fails_later_gives_the_money_back_to_the_account(finance):
    payment = make_paid()
    hear(payment, "re_1", PRICE)
    hear(payment, "re_1", PRICE, "failed")
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert payment.service_request.refunded_minor == 0
    assert refunds.refundable(payment) == rupees(PRICE)


def test_a_lost_dispute_counts_as_money_gone_and_a_won_one_does_not(finance):
    make_user(Role.ADMIN)
    for status, gone in (("won", 0), ("lost", PRICE)):
        payment = make_paid()
        with transaction():
            news = DisputeNews(f"dp_{status}", rupees(PRICE), "open")
            disputes.learn(locked_payments.get_locked(payment.id), news)
            disputes.learn(locked_payments.get_locked(payment.id), DisputeNews(f"dp_{status}", rupees(PRICE), status))
        assert fresh(payment).refunded_minor == gone


def test_a_closed_dispute_is_not_opened_again_by_old_news(session):
    payment = make_paid()
    hear_dispute(payment, "lost")
    assert hear_dispute(payment, "open") is EventOutcome.UNCHANGED
    assert db.session.scalars(select(Dispute)).one().status is DisputeStatus.LOST


def test_a_refund_that_fails_at_the_gateway_is_told_to_administrators(finance):
    make_user(Role.ADMIN)
    payment = make_paid()
    for _ in range(2):
        hear(payment, "re_1", PRICE, "failed")
    assert told(payment.service_request).count("alert") == 1


@pytest.mark.parametrize("order", list(itertools.permutations(("pending", "success", "failed"))))
def test_a_refund_that_failed_has_failed_in_any_order_of_its_news(finance, order):
    """Gateways revive no refund: what is heard after its failure was sent before."""
    payment = make_paid()
    for status in order:
        hear(payment, "re_1", PRICE, status)
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert refunds.refundable(payment) == rupees(PRICE)


def test_a_refund_that_was_refused_and_done_nevertheless_counts(finance):
    payment = make_paid()
    refund = ask(payment, 40_000, finance)
    with transaction():
        refunds.note_no_answer(locked_payments.get_locked(payment.id), refund.id, NotRefundable())
    assert fresh(refund).status is RefundStatus.FAILED
    hear(payment, "re_1", 40_000, "success", key=str(refund.id))
    assert fresh(refund).status is RefundStatus.COMPLETED
    assert fresh(payment).refunded_minor == 40_000


amounts = st.lists(st.integers(1, PRICE), min_size=1, max_size=4).map(
    lambda parts: [part for part, total in zip(parts, itertools.accumulate(parts), strict=True) if total <= PRICE]
)


@pytest.mark.long
@given(parts=amounts, paid_at=st.integers(0, 4), repeats=st.integers(1, 2), data=st.data())
def test_in_any_order_of_news_the_books_say_what_the_gateway_did(
    session, empty_database, parts, paid_at, repeats, data
):
    """Payment and refunds heard of in any order and number: money, commission and mails are entered once."""
    empty_database()
    make_affiliate()
    payment = make_payment(make_service(price_minor=PRICE), affiliate_code="FRIEND")
    news = [(f"re_{number}", part) for number, part in enumerate(parts)] * repeats
    news = data.draw(st.permutations(news))
    news.insert(min(paid_at, len(news)), "paid")
    for item in news:
        if item == "paid":
            with transaction():
                payments.settle(payment.id, snapshot_of(payment))
        else:
            hear(payment, *item)

    gone = sum(parts)
    payment = fresh(payment)
    service_request = db.session.get_one(ServiceRequest, payment.service_request_id)
    assert payment.refunded_minor == service_request.refunded_minor == gone
    assert payment.status is (PaymentStatus.REFUNDED if gone == PRICE else PaymentStatus.COMPLETED)
    assert service_request.payment_status is payment.status
    assert ledger(payment) == rupees(PRICE - gone).share(333).minor
    assert told(service_request).count("refund_issued") == len(parts)
    assert told(service_request).count("payment_confirmed") == 1
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1
