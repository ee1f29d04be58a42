"""Paying everybody at once, and taking back what was wrongly recorded: each line is paid by one payout that stands."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from app.db import transaction
from app.errors import InvalidInput, NotFound, StaleChange
from app.kit import clock, ids
from app.kit.money import Money
from app.models import AuditEntry, CommissionEntry, Payout, PayoutLine, PayoutReversal, Role
from app.workflows import affiliate_figures, payout_batches, payout_reversals, payouts
from app.workflows.audit import actor_of
from app.workflows.payout_reversals import TakenBackAlready
from app.workflows.payouts import NothingDue, Transfer
from app.workflows.terms import terms
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.factories import make_user
from tests.threads import at_once


@pytest.fixture
def finance(session):
    return actor_of(make_user(Role.FINANCE))


@pytest.fixture(autouse=True)
def _minimum(session, monkeypatch):
    monkeypatch.setattr(terms, "least_payouts", {"INR": Money(10_000, "INR")})


def seen(currency="INR"):
    return payout_batches.fingerprint(payout_batches.shares(currency, now=clock.utc_now()))


def record(actor, *, fingerprint=None, batch="batch-1"):
    transfer = Transfer(clock.utc_now() - timedelta(hours=1), batch)
    with transaction():
        made = payout_batches.record("INR", transfer, seen=fingerprint or seen(), actor=actor)
        return {payout.affiliate_id: payout.amount_minor for payout in made}


def take_back(payout_id, actor, reason="Paid to the wrong account"):
    with transaction():
        payout_reversals.take_back(payout_id, reason, actor=actor)


def balance(profile):
    [found] = affiliate_figures.balances([profile.user_id], clock.utc_now())[profile.user_id]
    return found.paid_minor, found.due_minor, found.payable_minor


def test_all_who_are_due_the_minimum_are_paid_in_one_batch(session, finance):
    exactly, more, less, young, dollars = (make_affiliate() for _ in range(5))
    sell(exactly, 100_000, at=long_ago())
    sell(more, 300_000, at=long_ago())
    sell(more, 50_000, at=long_ago())
    sell(less, 99_000, at=long_ago())
    sell(young, 900_000)
    sell(dollars, 900_000, at=long_ago(), currency="USD")
    assert record(finance) == {exactly.user_id: 10_000, more.user_id: 35_000}
    assert set(session.scalars(select(Payout.batch))) == {"batch-1"}
    assert session.scalar(select(func.count()).select_from(PayoutLine)) == 3
    audited = select(func.count()).where(AuditEntry.action == "payout.recorded")
    assert session.scalar(audited) == 2
    assert balance(less) == (0, 9_900, 9_900)


def test_what_waited_for_more_is_paid_as_soon_as_it_is_enough(finance):
    profile = make_affiliate()
    sell(profile, 60_000, at=long_ago())
    with pytest.raises(NothingDue):
        record(finance)
    sell(profile, 60_000, at=long_ago())
    assert record(finance) == {profile.user_id: 12_000}


def test_a_batch_that_differs_from_what_was_shown_is_not_recorded(session, finance):
    payment = sell(make_affiliate(), 300_000, at=long_ago())
    sell(make_affiliate(), 300_000, at=long_ago())
    shown = seen()
    give_back(payment, 100_000)
    with pytest.raises(StaleChange):
        record(finance, fingerprint=shown)
    assert session.scalar(select(func.count()).select_from(Payout)) == 0


def test_the_same_batch_twice_or_at_the_same_moment_is_one(app, session, finance):
    for _ in range(3):
        sell(make_affiliate(), 300_000, at=long_ago())
    shown = seen()
    session.rollback()
    ends = at_once(app, [partial(record, finance, fingerprint=shown)] * 2)
    assert sorted(type(end).__name__ for end in ends) == ["StaleChange", "dict"]
    with pytest.raises(StaleChange):
        record(finance, fingerprint=shown)
    assert session.scalar(select(func.count()).select_from(Payout)) == 3


def test_a_day_to_come_is_refused(finance):
    sell(make_affiliate(), 300_000, at=long_ago())
    transfer = Transfer(clock.utc_now() + timedelta(days=1), "b")
    with pytest.raises(InvalidInput, match="still to come"), transaction():
        payout_batches.record("INR", transfer, seen="", actor=finance)


def test_two_batches_of_a_day_are_told_apart():
    day = clock.utc_now().date()
    assert payout_batches.name_batch(day, "INR") != payout_batches.name_batch(day, "INR")


def test_a_payout_taken_back_stays_on_record_and_its_lines_are_paid_again(session, finance):
    profile = make_affiliate()
    payment = sell(profile, 300_000, at=long_ago())
    record(finance)
    payout = session.scalars(select(Payout)).one()
    take_back(payout.id, finance, "  The bank sent it back ")
    assert balance(profile) == (0, 30_000, 30_000)
    reversal = session.scalars(select(PayoutReversal)).one()
    assert (reversal.reason, reversal.reversed_by_user_id) == ("The bank sent it back", finance.user_id)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "payout.taken_back")).one()
    assert (entry.subject_id, entry.actor_user_id) == (payout.id, finance.user_id)
    give_back(payment, 100_000)
    record(finance, batch="batch-2")
    assert balance(profile) == (20_000, 0, 0)
    assert sorted(session.scalars(select(Payout.amount_minor))) == [20_000, 30_000]
    unpaid = select(func.count()).select_from(CommissionEntry).where(CommissionEntry.paid_out_at.is_(None))
    assert session.scalar(unpaid) == 0


def test_taking_back_twice_or_at_the_same_moment_is_once(app, session, finance):
    sell(make_affiliate(), 300_000, at=long_ago())
    record(finance)
    payout_id = session.scalars(select(Payout.id)).one()
    session.rollback()
    ends = at_once(app, [partial(take_back, payout_id, finance)] * 2)
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "TakenBackAlready"]
    record(finance, batch="batch-2")
    with pytest.raises(TakenBackAlready):
        take_back(payout_id, finance)
    assert session.scalar(select(func.sum(Payout.amount_minor)).where(~Payout.reversal.has())) == 30_000


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_taking_back_needs_a_reason(session, finance, reason):
    sell(make_affiliate(), 300_000, at=long_ago())
    record(finance)
    with pytest.raises(InvalidInput, match="Say why"):
        take_back(session.scalars(select(Payout.id)).one(), finance, reason)
    assert session.scalar(select(PayoutReversal)) is None


def test_what_was_never_paid_is_not_taken_back(finance):
    with pytest.raises(NotFound):
        take_back(ids.new_id(), finance)


def test_a_payout_and_taking_one_back_at_the_same_moment_pay_each_line_once(app, session, finance):
    profile = make_affiliate()
    sell(profile, 300_000, at=long_ago())
    record(finance)
    payout_id = session.scalars(select(Payout.id)).one()
    sell(profile, 200_000, at=long_ago())
    wish = payouts.Wish(profile.user_id, Money(20_000, "INR"), clock.utc_now(), "single")
    session.rollback()

    def pay():
        with transaction():
            payouts.record(wish, actor=finance)

    ends = at_once(app, [pay, partial(take_back, payout_id, finance)])
    assert None in ends
    standing = session.scalar(select(func.sum(Payout.amount_minor)).where(~Payout.reversal.has())) or 0
    paid, due, _ = balance(profile)
    assert (paid, paid + due) == (standing, 50_000)
