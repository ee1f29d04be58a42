"""The ledger of commissions follows the money, and never stands in its way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from app.db import db, transaction
from app.gateways.base import DisputeNews
from app.jobs import commissions
from app.kit import clock, ids
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    AffiliateServiceRate,
    CommissionEntry,
    CommissionKind,
    CommissionRule,
    Payment,
    PaymentStatus,
    Role,
    ServiceRequest,
)
from app.workflows import affiliates, commission_checks, disputes, locked_payments, payments
from tests.commissions import give_back, ledger, make_affiliate, sell
from tests.factories import make_customer, make_payment, make_service, make_user, snapshot_of

PRICE = 299_900


def settle(payment):
    with transaction():
        return payments.settle(payment.id, snapshot_of(payment))


def lose_dispute(payment, minor):
    news = {"gateway_dispute_id": f"dp_{ids.new_id().hex}", "amount": Money(minor, payment.currency)}
    for status in ("open", "lost"):
        with transaction():
            opened = DisputeNews(status=status, reason="fraudulent", evidence_due_at=None, **news)
            disputes.learn(locked_payments.get_locked(payment.id), opened)


def total(profile):
    return sum(line.amount_minor for line in ledger(profile))


def lines_of(payment):
    return list(db.session.scalars(select(CommissionEntry).where(CommissionEntry.payment_id == payment.id)))


def earning(rate):
    """The one affiliate of a property's examples, at this rate."""
    profile = db.session.scalar(select(AffiliateProfile)) or make_affiliate()
    with transaction() as session:
        session.merge(profile).rate_basis_points = rate
    return profile


def fresh(payment):
    db.session.rollback()
    return db.session.get_one(Payment, payment.id, populate_existing=True)


@pytest.mark.sqlite
@pytest.mark.property(30)
@given(price=st.integers(1, 10**9), rate=st.integers(0, 10_000), own=st.none() | st.integers(0, 10_000))
def test_a_paid_sale_enters_the_rate_on_its_price_half_up(session, price, rate, own):
    profile, service = earning(rate), make_service(price_minor=price)
    if own is not None:
        with transaction():
            values = {"affiliate_id": profile.user_id, "service_id": service.id, "rate_basis_points": own}
            session.add(AffiliateServiceRate(**values))
    [line] = lines_of(sell(profile, service=service))
    expected = rate if own is None else own
    assert line.amount_minor == (price * expected + 5_000) // 10_000
    assert (line.kind, line.rate_basis_points) == (CommissionKind.EARNED, expected)
    assert line.rule is (CommissionRule.AFFILIATE if own is None else CommissionRule.SERVICE)


@pytest.mark.long
@pytest.mark.sqlite
@pytest.mark.property(32)
@given(
    price=st.integers(1, 900_000),
    rate=st.integers(0, 10_000),
    steps=st.lists(st.tuples(st.sampled_from(["refund", "dispute", "again"]), st.integers(1, 900_000)), max_size=3),
    is_all=st.booleans(),
)
def test_for_any_payments_and_refunds_the_ledger_is_the_rate_on_what_is_left(session, price, rate, steps, is_all):
    """To the minor unit, half up; and exactly zero once everything went back."""
    payment = sell(earning(rate), price)
    for step, minor in steps:
        left = price - fresh(payment).refunded_minor
        if step == "again" or not left:
            settle(payment)
        elif step == "refund":
            give_back(payment, min(minor, left))
        else:
            lose_dispute(payment, min(minor, left))
    if is_all and fresh(payment).refunded_minor < price:
        give_back(payment, price - fresh(payment).refunded_minor)
    left = price - fresh(payment).refunded_minor
    lines = lines_of(payment)
    assert sum(line.amount_minor for line in lines) == (left * rate + 5_000) // 10_000
    assert left == 0 or not is_all
    assert sum(line.kind is CommissionKind.EARNED for line in lines) == 1


def test_buying_through_ones_own_code_earns_nothing(session):
    profile = make_affiliate(email="friend@example.org")
    payment = make_payment(make_service(), make_customer(email="Friend@Example.org"), affiliate_code=profile.code)
    settle(payment)
    assert ledger(profile) == []


def broken(table):
    """The table as a half-finished change of the database would leave it."""
    with transaction() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))


def mended(table):
    with transaction() as session:
        session.execute(text(f"ALTER TABLE {table}_away RENAME TO {table}"))


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["commission_entries", "affiliate_profiles", "affiliate_service_rates"])
def test_a_broken_table_blocks_neither_payment_nor_refund_and_is_made_up_for(session, caplog, table):
    profile = make_affiliate()
    payment = make_payment(make_service(price_minor=PRICE), affiliate_code=profile.code)
    broken(table)
    try:
        settle(payment)
        give_back(payment, 99_900)
    finally:
        mended(table)
    assert (fresh(payment).status, fresh(payment).refunded_minor) == (PaymentStatus.COMPLETED, 99_900)
    assert "a commission was not entered yet" in caplog.text
    assert any(record.exc_info for record in caplog.records)
    session.rollback()
    assert ledger(profile) == []
    commissions.mend()
    commissions.mend()
    assert total(profile) == 20_000
    assert [line.kind for line in ledger(profile)] == [CommissionKind.EARNED, CommissionKind.ADJUSTED]


@pytest.mark.postgres
def test_a_broken_table_blocks_no_payment_that_many_have_to_hear_of(session):
    for _ in range(16):
        make_user(Role.ADMIN)
    payment = make_payment()
    broken("analytics_events")
    try:
        settle(payment)
    finally:
        mended("analytics_events")
    assert fresh(payment).status is PaymentStatus.COMPLETED


@pytest.mark.postgres
def test_a_broken_look_up_blocks_no_order_and_the_affiliate_is_found_later(session):
    profile = make_affiliate()
    code, service = profile.code, make_service(price_minor=PRICE)
    broken("affiliate_profiles")
    try:
        payment = make_payment(service, affiliate_code=code)
        settle(payment)
    finally:
        mended("affiliate_profiles")
    request = session.get_one(ServiceRequest, payment.service_request_id, populate_existing=True)
    assert (request.affiliate_code, request.affiliate_id) == (code, None)
    commissions.mend()
    assert total(profile) == Money(PRICE, "INR").share(1000).minor


@pytest.mark.postgres
def test_a_locked_table_is_not_waited_for(app, session, caplog):
    profile = make_affiliate()
    payment = make_payment(make_service(price_minor=PRICE), affiliate_code=profile.code)
    with db.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE commission_entries, analytics_events IN ACCESS EXCLUSIVE MODE"))
        settle(payment)
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert "LockNotAvailable" in caplog.text
    commissions.mend()
    assert total(profile) == Money(PRICE, "INR").share(1000).minor


def test_a_ledger_that_is_right_is_left_alone(session):
    profile = make_affiliate(email="friend@example.org")
    give_back(sell(profile, PRICE), 100_000)
    before = [line.id for line in ledger(profile)]
    assert commission_checks.suspects(clock.utc_now()) == []
    commissions.mend()
    assert [line.id for line in ledger(profile)] == before


def test_one_bad_visit_takes_no_other_along(session):
    now = clock.utc_now()
    with transaction():
        affiliates.record_clicks([affiliates.Click("A", now), affiliates.Click("B", now, ids.new_id())])
    assert session.scalar(select(func.count()).select_from(affiliates.AffiliateClick)) == 1


@pytest.mark.sqlite
def test_no_commission_is_entered_twice(session):
    profile = make_affiliate()
    payment = sell(profile, PRICE)
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        affiliates.earn(locked.service_request, locked)
    assert session.scalar(select(func.count()).select_from(CommissionEntry)) == 1
