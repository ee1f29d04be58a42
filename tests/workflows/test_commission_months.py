"""Months of commission that are kept are the sums of their lines, and no page tells whether they are."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.db import transaction
from app.jobs import figures as job
from app.kit import clock
from app.kit.periods import Period
from app.models import CommissionEntry, CommissionMonth
from app.samples import requests as samples
from app.workflows import affiliate_figures, affiliate_months, commission_months, kept_sums
from tests.commissions import give_back, make_affiliate, sell

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
KOLKATA, LORD_HOWE = ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")


@pytest.fixture
def old(session):
    """One sale in January and one in May, of which a part was given back in June."""
    with time_machine.travel(NOW, tick=False) as traveller:
        profile = make_affiliate()
        sell(profile, 100_000, at=datetime(2026, 1, 20, tzinfo=UTC))
        give_back(sell(profile, 300_000, at=datetime(2026, 5, 20, tzinfo=UTC)), 100_000)
        yield profile, traveller


def keep(zone):
    months = commission_months.missing(zone)
    for month in months:
        with transaction():
            commission_months.keep(month, zone)
    return months


def shown(profile, zone=KOLKATA):
    """All that pages tell of an affiliate's money."""
    now = clock.utc_now()
    months = affiliate_months.months(profile.user_id, now.astimezone(zone).date(), 12, zone=zone)
    sums = {month.start: month.sums for month in months if month.sums}
    return affiliate_figures.balances([profile.user_id], now), sums


def kept(session):
    session.rollback()
    return dict(session.execute(select(CommissionMonth.start, CommissionMonth.earned_minor)).all())


def test_months_that_are_over_are_kept_and_the_others_added_up(session, old):
    profile, _ = old
    before = shown(profile)
    job.keep()
    assert {start.month: minor for start, minor in kept(session).items()} == {1: 10_000, 5: 30_000}
    assert shown(profile) == before
    [balance] = before[0][profile.user_id]
    assert (balance.earned_minor, balance.adjusted_minor, balance.due_minor) == (40_000, -10_000, 30_000)
    assert not list(commission_months.differences())


def test_a_month_is_kept_a_day_after_its_end_and_once(session, old):
    _, traveller = old
    keep(KOLKATA)
    traveller.move_to(clock.start_of_day(date(2026, 7, 1), KOLKATA) + commission_months.GRACE)
    traveller.shift(timedelta(seconds=-1))
    assert keep(KOLKATA) == []
    traveller.shift(timedelta(seconds=1))
    assert [month.start.month for month in keep(KOLKATA)] == [6]
    with transaction():
        commission_months.keep(Period(date(2026, 6, 1), date(2026, 6, 30)), KOLKATA)
    assert date(2026, 6, 1) in kept(session)
    assert not list(commission_months.differences())


def test_another_time_zone_has_other_months(session, old):
    profile, _ = old
    keep(KOLKATA)
    there = shown(profile, LORD_HOWE)
    keep(LORD_HOWE)
    assert set(session.scalars(select(CommissionMonth.zone))) == {LORD_HOWE.key}
    assert shown(profile, LORD_HOWE) == there


def test_a_wrong_sum_and_a_line_of_the_past_are_named_and_counted_anew(app, session, old):
    keep(KOLKATA)
    with transaction():
        session.execute(update(CommissionMonth).values(adjusted_minor=7))
    names = {mistake.what for mistake in kept_sums.mistakes()}
    assert names == {"commission of month"}
    runner = app.test_cli_runner()
    runner.invoke(args=["figures", "--recount"])
    assert runner.invoke(args=["figures", "--check"]).exit_code == 0
    with transaction():
        session.execute(update(CommissionEntry).values(created_at=NOW - timedelta(days=90)))
    assert "commission of month" in {mistake.what for mistake in kept_sums.mistakes()}


def test_lines_that_are_loaded_into_the_past_are_counted_with_it(session, old):
    keep(KOLKATA)
    with transaction():
        samples._count_in({})
    assert session.scalar(select(func.count()).select_from(CommissionMonth)) == 0


@examples(max_examples=25)
@given(
    sales=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 900_000), st.none() | st.integers(0, 60)), max_size=6),
    zone=st.sampled_from((KOLKATA, LORD_HOWE, ZoneInfo("America/New_York"))),
)
def test_what_is_shown_is_the_same_with_kept_months_and_without(session, empty_database, sales, zone):
    """Sales so many days ago, some of them given back so many days later."""
    empty_database()
    with time_machine.travel(NOW, tick=False):
        profile, other = make_affiliate(), make_affiliate()
        for number, (days, minor, later) in enumerate(sales):
            at = NOW - timedelta(days=days)
            payment = sell((profile, other)[number % 2], minor, at=at)
            if later is not None:
                give_back(payment, minor // 2 or 1, at=min(NOW, at + timedelta(days=later)))
        before = [shown(each, zone) for each in (profile, other)]
        keep(zone)
        assert [shown(each, zone) for each in (profile, other)] == before
        assert not list(commission_months.differences())
