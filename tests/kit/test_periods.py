"""Stretches of the calendar."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.periods import Bucket, Period, is_whole

DAYS = st.dates(date(2019, 12, 1), date(2029, 2, 1))


def periods():
    return st.tuples(DAYS, st.integers(0, 800)).map(lambda each: Period(each[0], each[0] + timedelta(days=each[1])))


@given(periods(), st.sampled_from(Bucket))
def test_the_pieces_are_the_period_and_each_is_in_one_bucket(period, bucket):
    pieces = period.split(bucket)
    assert [day for piece in pieces for day in piece.days()] == list(period.days())
    assert all(bucket.start(piece.start) == bucket.start(piece.end) for piece in pieces)
    assert all(bucket.start(one.end) != bucket.start(next_one.start) for one, next_one in pairwise(pieces))
    assert all(is_whole(piece, bucket) for piece in pieces[1:-1])


@given(periods(), st.integers(1, 400))
def test_what_comes_before_ends_where_the_period_begins(period, length):
    before = period.before(length)
    assert before.length == length
    assert before.end + timedelta(days=1) == period.start
    assert before not in period


@given(DAYS, st.sampled_from(Bucket))
def test_a_bucket_begins_and_ends_where_its_neighbours_do(day, bucket):
    start, end = bucket.start(day), bucket.end(day)
    assert start <= day <= end
    assert is_whole(Period(start, end), bucket)
    assert bucket.start(end + timedelta(days=1)) == end + timedelta(days=1)
    assert bucket.end(start - timedelta(days=1)) == start - timedelta(days=1)


def test_weeks_begin_on_monday_and_months_on_their_first():
    assert Bucket.WEEK.start(date(2026, 11, 22)) == date(2026, 11, 16)
    assert Bucket.MONTH.end(date(2028, 2, 3)) == date(2028, 2, 29)
    months = Period(date(2026, 1, 2), date(2026, 4, 30)).whole(Bucket.MONTH)
    assert [month.start.month for _, month in months] == [2, 3, 4]


def test_a_period_that_ends_before_it_begins_is_none():
    with pytest.raises(ValueError, match="before"):
        Period(date(2026, 2, 1), date(2026, 1, 1))
