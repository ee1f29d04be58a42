"""The figures of any period are those of its rows, whether they were kept or are counted now."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import transaction
from app.gateways.base import RefundNews
from app.kit.money import Money
from app.kit.periods import Bucket, Period
from app.models import FigureMark, KeptFigures, Notification, NotificationStatus, Payment, ServiceRequest
from app.workflows import deadlines, deliveries, figure_keeping, figure_reading, locked_payments, payments, refunds
from app.workflows.audit import SYSTEM
from app.workflows.figure_reading import FRESH, read
from app.workflows.figures import Measure
from tests.factories import make_payment, make_request, make_service, snapshot_of
from tests.workflows import figure_rows
from tests.workflows.figure_rows import ZONES

FOR_EVER = timedelta(hours=1)
EARLIEST = datetime(2026, 3, 5, tzinfo=UTC)


@st.composite
def stories(draw):
    """A time zone, a moment to look at, rows before it, and a period to look at."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    now = draw(st.integers(0, 36 * 24 * 3600).map(lambda seconds: EARLIEST + timedelta(seconds=seconds)))
    rows = draw(figure_rows.rows(zone, now))
    start = draw(st.dates(date(2026, 1, 20), now.date() - timedelta(days=1)))
    # Room for a whole month; each day more is counted by itself.
    end = draw(st.dates(start, min(start + timedelta(days=45), date(2026, 4, 15))))
    return zone, now, rows, Period(start, end)


def keep(reading, zone):
    with transaction():
        figure_keeping.keep(reading.counted, zone)


def keep_sums(zone):
    for bucket, period in figure_keeping.missing_sums(zone):
        with transaction():
            figure_keeping.keep_sum(bucket, period, zone)


@pytest.mark.long
@given(stories(), st.sampled_from(Bucket))
def test_kept_or_not_they_are_what_one_counts_by_hand(session, empty_database, story, bucket):
    empty_database()
    zone, now, rows, period = story
    sums = [] if bucket is Bucket.DAY else period.whole(bucket)
    with time_machine.travel(now, tick=False):
        figure_rows.store(rows, make_service())
        for _ in range(3):
            reading = read(period, zone, sums=sums, patience=FOR_EVER)
            for piece in period.split(bucket):
                by_hand = figure_rows.counted(rows, piece, zone=zone, now=now)
                assert reading.within(piece) == by_hand
            keep(reading, zone)
            keep_sums(zone)
        assert not read(period, zone, sums=sums).counted
        assert not list(figure_keeping.differences(zone))


INDIA = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = date(2026, 3, 10)


@pytest.fixture
def sold(session):
    """A request sold on DAY, its mails sent; the clock stands two days later, and DAY's figures are kept."""
    with time_machine.travel(START, tick=False) as traveller:
        request = make_request()
        send_all(session)
        traveller.move_to(START + timedelta(days=2))
        keep(read(one(DAY), INDIA), INDIA)
        yield request, traveller


def one(day):
    return Period(day, day)


def send_all(session, status=NotificationStatus.SENT):
    with transaction():
        session.execute(Notification.__table__.update().values(status=status))


def figures(day, zone=INDIA):
    return read(one(day), zone).within(one(day))


def test_a_payment_that_settles_days_later_is_counted_on_its_own_day(session, sold):
    with time_machine.travel(START, tick=False):
        late = make_payment()
    with transaction():
        figure_keeping.mark_all(INDIA)
    keep(read(one(DAY), INDIA), INDIA)
    assert figures(DAY).count(Measure.PAYMENTS, "sandbox:open") == 1
    with transaction():
        payments.settle(late.id, snapshot_of(late))
    assert figures(DAY).count(Measure.PAYMENTS, "sandbox:paid") == 2
    assert figures(DAY).count(Measure.PAYMENTS, "sandbox:open") == 0
    assert list(figure_keeping.differences(INDIA)) == []


def test_a_mail_sent_again_changes_its_own_day_until_it_has_arrived(session, sold):
    row = session.scalars(select(Notification)).first()
    with transaction():
        deliveries.resend(session.get_one(Notification, row.id), actor=SYSTEM)
    assert figures(DAY).count(Measure.MAIL, "pending") == 1
    keep(read(one(DAY), INDIA), INDIA)
    send_all(session, NotificationStatus.DEAD)
    assert figures(DAY).count(Measure.MAIL, "dead") == 0
    sold[1].shift(FRESH)
    assert figures(DAY).count(Measure.MAIL, "dead") > 0


def test_a_refund_that_comes_back_is_none(session, sold):
    request, traveller = sold
    payment = session.scalars(select(Payment).where(Payment.service_request_id == request.id)).one()
    learn(payment, "success")
    traveller.shift(timedelta(days=1))
    keep(read(one(DAY + timedelta(days=2)), INDIA), INDIA)
    assert figures(DAY + timedelta(days=2)).get(Measure.REFUNDS, "INR").amount_minor == 100
    learn(payment, "failed")
    assert figures(DAY + timedelta(days=2)).count(Measure.REFUNDS) == 0


def learn(payment, status):
    with transaction():
        news = RefundNews("re_1", Money(100, "INR"), status)
        refunds.learn(locked_payments.get_locked(payment.id), news)


def test_the_same_day_needs_no_mark(session):
    make_request()
    assert session.scalar(select(func.count()).select_from(FigureMark)) == 0


def test_yesterday_is_kept_once_nothing_can_be_under_way_any_more(session):
    with time_machine.travel(datetime(2026, 3, 10, 19, tzinfo=UTC), tick=False) as traveller:
        make_request()
        send_all(session)
        # In India it is half past midnight, then one o'clock.
        assert read(one(DAY), INDIA).counted == []
        traveller.shift(timedelta(minutes=31))
        assert [each.day for each in read(one(date(2026, 3, 11)), INDIA).counted] == []
        assert figures(date(2026, 3, 11)).count(Measure.SALES) == 1


def test_a_busy_day_that_runs_is_counted_once_a_minute_and_again_when_it_is_over(session, monkeypatch):
    monkeypatch.setattr(figure_reading, "BUSY", 2)
    with time_machine.travel(START, tick=False) as traveller:
        make_request()
        send_all(session)
        keep(read(one(DAY), INDIA), INDIA)
        make_request()
        send_all(session)
        assert figures(DAY).count(Measure.SALES) == 1
        traveller.shift(FRESH)
        reading = read(one(DAY), INDIA)
        assert reading.within(one(DAY)).count(Measure.SALES) == 2
        keep(reading, INDIA)
        make_request()
        send_all(session)
        traveller.shift(timedelta(days=1))
        assert figures(DAY).count(Measure.SALES) == 3


def test_another_time_zone_has_other_days(session, sold):
    with time_machine.travel(START + timedelta(hours=8), tick=False):
        make_request()
    new_york = ZoneInfo("America/New_York")
    assert figures(DAY, new_york).count(Measure.SALES) == 2
    keep(read(one(DAY), new_york), new_york)
    assert figures(DAY, new_york).count(Measure.SALES) == 2
    assert figures(DAY, INDIA).count(Measure.SALES) == 1


def test_of_two_counts_at_once_the_later_to_be_kept_is_dropped_and_its_marks_stay(session, sold):
    with transaction():
        figure_keeping.mark_all(INDIA)
    first, second = read(one(DAY), INDIA), read(one(DAY), INDIA)
    keep(first, INDIA)
    assert read(one(DAY), INDIA).counted == []
    with transaction():
        figure_keeping.mark_all(INDIA)
    keep(second, INDIA)
    assert [each.day for each in read(one(DAY), INDIA).counted] == [DAY]


def test_a_month_is_a_sum_until_one_of_its_days_changes(session):
    with time_machine.travel(datetime(2026, 3, 2, tzinfo=UTC), tick=False) as traveller:
        traveller.move_to(datetime(2026, 2, 27, tzinfo=UTC))
        make_request()
        traveller.move_to(datetime(2026, 3, 15, tzinfo=UTC))
        late = make_payment()
        send_all(session)
        traveller.move_to(datetime(2026, 4, 2, tzinfo=UTC))
        keep(read(Period(date(2026, 2, 1), date(2026, 4, 2)), INDIA, patience=FOR_EVER), INDIA)
        keep_sums(INDIA)
        march = Period(date(2026, 3, 1), date(2026, 3, 31))
        sums = march.whole(Bucket.MONTH)
        assert [piece.period for piece in read(march, INDIA, sums=sums).pieces] == [march]
        with transaction():
            payments.settle(late.id, snapshot_of(late))
        reading = read(march, INDIA, sums=sums)
        assert len(reading.pieces) == 31
        assert reading.within(march).count(Measure.PAYMENTS, "sandbox:paid") == 1
        keep(reading, INDIA)
        assert session.scalars(select(KeptFigures.start).where(KeptFigures.span == Bucket.MONTH)).all() == []


def test_what_there_is_no_time_for_is_named_and_the_newest_days_come_first(session, sold):
    with transaction():
        figure_keeping.mark_all(INDIA)
    today = DAY + timedelta(days=2)
    reading = read(Period(DAY - timedelta(days=9), today), INDIA, patience=timedelta())
    assert reading.uncounted == Period(DAY, DAY + timedelta(days=1))
    assert [piece.period.end for piece in reading.pieces] == [today]


def test_days_before_the_business_began_are_neither_counted_nor_kept(session, sold):
    reading = read(Period(date(2020, 1, 1), DAY), INDIA)
    assert reading.uncounted is None
    assert reading.counted == []
    assert len(reading.pieces) == 1


def test_what_was_changed_behind_our_back_is_found_and_mended(session, sold):
    with transaction():
        session.execute(ServiceRequest.__table__.update().values(amount_minor=7))
    found = list(figure_keeping.differences(INDIA))
    assert [(each.measure, each.key, each.counted) for each in found] == [("sales", "INR", (1, 7))]
    with transaction():
        figure_keeping.look_again(INDIA, 3)
    assert list(figure_keeping.differences(INDIA)) == []


def test_a_promise_that_was_broken_is_none_once_we_wait_for_the_customer(session, sold):
    request, _ = sold
    due = session.get_one(ServiceRequest, request.id, populate_existing=True).due_at.astimezone(INDIA).date()
    keep(read(one(due), INDIA), INDIA)
    assert figures(due).count(Measure.PROMISES, "late") == 1
    with transaction():
        deadlines.wait_for_customer(session.get_one(ServiceRequest, request.id), actor=SYSTEM)
    assert figures(due).count(Measure.PROMISES) == 0
