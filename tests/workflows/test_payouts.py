"""Paying affiliates: each line once, nothing before its time, and never more than is due."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import InvalidInput, NotFound, StaleChange
from app.kit import clock, ids
from app.kit.money import Money
from app.models import AuditEntry, CommissionEntry, Payout, PayoutLine, Role
from app.workflows import affiliate_figures, payouts
from app.workflows.audit import actor_of
from app.workflows.payouts import NothingDue, Wish
from tests.commissions import give_back, ledger, long_ago, make_affiliate, sell
from tests.factories import make_user
from tests.threads import at_once


@pytest.fixture
def finance(session):
    return actor_of(make_user(Role.FINANCE))


@pytest.fixture
def affiliate(session):
    return make_affiliate()


def due(profile, currency="INR"):
    return payouts.due(profile.user_id, currency, now=clock.utc_now())


def balances(profile):
    return affiliate_figures.balances([profile.user_id], clock.utc_now()).get(profile.user_id, [])


def wish_for(profile, minor, currency="INR", **changes):
    values = {"paid_at": clock.utc_now() - timedelta(hours=1), "batch": "2026-03-01"} | changes
    return Wish(profile.user_id, Money(minor, currency), **values)


def record(profile, minor, actor, **changes):
    with transaction():
        return payouts.record(wish_for(profile, minor, **changes), actor=actor)


def test_a_sale_is_due_once_customers_get_no_refund_for_it_any_more(affiliate):
    sell(affiliate, 100_000, at=long_ago())
    sell(affiliate, 200_000)
    assert due(affiliate) == payouts.Due(Money(10_000, "INR"), 1)


def test_a_payout_pays_every_line_that_is_due_once(session, affiliate, finance):
    sell(affiliate, 100_000, at=long_ago(9))
    sell(affiliate, 50_000, at=long_ago(2))
    sell(affiliate, 70_000)
    payout = record(affiliate, 15_000, finance, transfer_reference="UTR 991")
    assert (payout.amount, payout.transfer_reference) == (Money(15_000, "INR"), "UTR 991")
    paid = set(session.scalars(select(PayoutLine.commission_entry_id)))
    assert paid == {line.id for line in ledger(affiliate)[:2]}
    assert due(affiliate) == payouts.Due(Money(0, "INR"), 0)
    [balance] = balances(affiliate)
    assert (balance.due.minor, balance.payable.minor, balance.paid.minor) == (7_000, 0, 15_000)


def test_a_payout_is_of_one_currency(affiliate, finance):
    sell(affiliate, 100_000, at=long_ago())
    sell(affiliate, 40_000, at=long_ago(), currency="USD")
    record(affiliate, 10_000, finance)
    assert due(affiliate, "USD").amount == Money(4_000, "USD")


def test_who_saw_another_sum_is_told_and_nothing_is_recorded(session, affiliate, finance):
    payment = sell(affiliate, 100_000, at=long_ago())
    give_back(payment, 50_000)
    with pytest.raises(StaleChange, match=r"₹50\.00"):
        record(affiliate, 10_000, finance)
    assert session.scalar(select(func.count()).select_from(Payout)) == 0


def test_the_same_form_twice_is_one_payout(session, affiliate, finance):
    sell(affiliate, 100_000, at=long_ago())
    record(affiliate, 10_000, finance)
    with pytest.raises(StaleChange):
        record(affiliate, 10_000, finance)
    assert session.scalar(select(func.count()).select_from(Payout)) == 1


def test_two_people_at_the_same_moment_pay_once(app, session, affiliate, finance):
    sell(affiliate, 100_000, at=long_ago())
    # The threads share no row of this session: two that read it at once break it.
    whose = SimpleNamespace(user_id=affiliate.user_id)
    session.rollback()
    ends = at_once(app, [partial(record, whose, 10_000, finance)] * 2)
    assert sorted(type(end).__name__ for end in ends) == ["Payout", "StaleChange"]
    assert session.scalar(select(func.count()).select_from(PayoutLine)) == 1


def test_what_went_back_after_a_payout_is_taken_off_the_next_one(affiliate, finance):
    paid = sell(affiliate, 100_000, at=long_ago())
    record(affiliate, 10_000, finance)
    give_back(paid, 100_000)
    assert due(affiliate).amount == Money(-10_000, "INR")
    with pytest.raises(NothingDue):
        record(affiliate, -10_000, finance)
    sell(affiliate, 300_000, at=long_ago())
    assert record(affiliate, 20_000, finance).amount == Money(20_000, "INR")
    assert due(affiliate).amount == Money(0, "INR")


def test_what_goes_back_of_a_young_sale_is_not_taken_off_an_older_one(affiliate):
    sell(affiliate, 100_000, at=long_ago())
    give_back(sell(affiliate, 500_000), 500_000)
    assert due(affiliate).amount == Money(10_000, "INR")


def test_a_sum_of_nothing_is_not_recorded(affiliate, finance):
    give_back(sell(affiliate, 100_000, at=long_ago()), 100_000)
    with pytest.raises(NothingDue):
        record(affiliate, 0, finance)


def test_a_payout_says_in_the_audit_log_what_it_paid(session, affiliate, finance):
    sell(affiliate, 100_000, at=long_ago())
    payout = record(affiliate, 10_000, finance)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "payout.recorded")).one()
    assert (entry.subject_id, entry.actor_user_id) == (payout.id, finance.user_id)
    assert '"amount": 10000' in entry.changes


def test_a_day_to_come_and_an_unknown_affiliate_are_refused(affiliate, finance):
    sell(affiliate, 100_000, at=long_ago())
    with pytest.raises(InvalidInput, match="still to come"):
        record(affiliate, 10_000, finance, paid_at=clock.utc_now() + timedelta(minutes=1))
    with pytest.raises(InvalidInput, match="64 characters"):
        record(affiliate, 10_000, finance, transfer_reference="x" * 65)
    with pytest.raises(NotFound), transaction():
        payouts.record(Wish(ids.new_id(), Money(1, "INR"), clock.utc_now(), ""), actor=finance)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(1, 900_000), st.booleans()),
        st.tuples(st.just("give back"), st.integers(1, 900_000), st.booleans()),
        st.tuples(st.just("pay"), st.just(0), st.just(value=True)),
    ),
    max_size=8,
)


@pytest.mark.sqlite
@examples(max_examples=30)
@given(steps=STEPS)
def test_whatever_happens_payouts_and_what_is_due_make_up_the_ledger(session, empty_database, steps):
    empty_database()
    profile, actor, sales = make_affiliate(), actor_of(make_user(Role.FINANCE)), []
    for step, minor, is_old in steps:
        if step == "sell":
            sales.append(sell(profile, minor, at=long_ago() if is_old else None))
        elif step == "give back" and sales:
            give_back(sales[-1], min(minor, sales[-1].amount_minor))
        elif step == "pay" and due(profile).amount.minor > 0:
            record(profile, due(profile).amount.minor, actor)
    total = sum(line.amount_minor for line in ledger(profile))
    paid = sum(session.scalars(select(Payout.amount_minor)))
    for balance in balances(profile):
        assert (balance.due.minor, balance.paid.minor) == (total - paid, paid)
        assert balance.earned.minor + balance.adjusted.minor == total
        assert balance.payable == due(profile).amount
        assert affiliate_figures.dues(clock.utc_now()) in ([], [replace(balance, earned_minor=0, adjusted_minor=0)])
    marked = select(CommissionEntry.id).where(CommissionEntry.paid_out_at.is_not(None))
    assert set(session.scalars(marked)) == set(session.scalars(select(PayoutLine.commission_entry_id)))
    lines = select(func.sum(CommissionEntry.amount_minor)).join(PayoutLine)
    assert (db.session.scalar(lines) or 0) == paid
    net = sum(sale.amount_minor - sale.refunded_minor for sale in sales)
    assert abs(total - net // 10) <= len(sales)
