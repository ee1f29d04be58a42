"""Days are those of the business's time zone, also where clocks jump."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import end_of_day, isoformat, start_of_day, utc_now

KOLKATA = ZoneInfo("Asia/Kolkata")
SECOND = timedelta(seconds=1)
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
days = st.dates(date(2000, 1, 1), date(2045, 12, 31))
moments = st.datetimes(datetime(2000, 1, 2), datetime(2045, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_now_is_aware_and_in_utc():
    assert utc_now().utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("Asia/Kolkata", "2026-11-22", "2026-11-21T18:30Z", "2026-11-22T18:30Z"),
        # 23 hours and 25 hours.
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        # Clocks jump at midnight itself: the day begins at one o'clock.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        # They fall back at midnight: the hour before it comes twice, and belongs to the day before.
        ("America/Sao_Paulo", "2019-02-17", "2019-02-17T03:00Z", "2019-02-18T03:00Z"),
        # A day that Samoa left out.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
        ("UTC", "2028-02-29", "2028-02-29T00:00Z", "2028-03-01T00:00Z"),
    ],
)
def test_a_day_begins_and_ends_with_its_zone(zone, day, start, end):
    bounds = [bound(date.fromisoformat(day), ZoneInfo(zone)) for bound in (start_of_day, end_of_day)]
    assert bounds == [at(start), at(end)]


@given(moment=moments)
def test_every_moment_lies_within_its_day_in_india(moment):
    day = moment.astimezone(KOLKATA).date()
    assert start_of_day(day, KOLKATA) <= moment < end_of_day(day, KOLKATA)


@given(day=days, zone=zones)
def test_nothing_before_the_first_instant_is_of_that_day_anywhere(day, zone):
    start = start_of_day(day, zone)
    assert start.astimezone(zone).date() >= day
    assert (start - SECOND).astimezone(zone).date() < day


@given(day=days, zone=zones)
def test_days_follow_each_other_without_gap(day, zone):
    assert end_of_day(day, zone) == start_of_day(day + timedelta(days=1), zone)
    assert start_of_day(day, zone).utcoffset() == timedelta()


@given(moment=st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_json_times_end_in_z_and_read_back_to_the_millisecond(moment):
    text = isoformat(moment)
    assert text.endswith("Z")
    assert timedelta() <= moment - at(text) < timedelta(milliseconds=1)
