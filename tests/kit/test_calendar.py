"""Working time, held against somebody who counts every minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.kit.calendar import Calendar, Hours, NeverOpen, format_hours, parse_hours

INDIA = ZoneInfo("Asia/Kolkata")
# Clocks are changed here at two and three in the night, outside of any office hours drawn below.
ZONES = (
    INDIA,
    *map(ZoneInfo, ("UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney", "Australia/Lord_Howe")),
)
OFFICE = Calendar({day: (Hours(540, 780), Hours(840, 1080)) for day in range(5)}, INDIA)
MINUTE = timedelta(minutes=1)


def always_open(zone):
    return Calendar({day: (Hours(0, 1440),) for day in range(7)}, zone)


@st.composite
def hours_of_a_day(draw):
    """Office hours with or without a break, the whole day, or closed."""
    kind = draw(st.sampled_from(["closed", "whole", "office", "break"]))
    if kind == "closed":
        return ()
    if kind == "whole":
        return (Hours(0, 1440),)
    edges = sorted(draw(st.lists(st.integers(240, 1440), min_size=2 + 2 * (kind == "break"), max_size=4, unique=True)))
    return tuple(Hours(*edges[n : n + 2]) for n in range(0, len(edges) - 1, 2))


@st.composite
def calendars(draw):
    week = {day: draw(hours_of_a_day()) for day in range(7)}
    off = draw(st.frozensets(st.dates(date(2026, 3, 1), date(2026, 4, 20)), max_size=10))
    return Calendar(week, draw(st.sampled_from(ZONES)), off)


moments = st.integers(0, 35 * 1440).map(lambda minutes: datetime(2026, 3, 1, tzinfo=UTC) + minutes * MINUTE)


def is_working(calendar, moment):
    """Said from the clock on the wall alone."""
    local = moment.astimezone(calendar.zone)
    minute = local.hour * 60 + local.minute
    hours = calendar.week.get(local.weekday(), ())
    return local.date() not in calendar.days_off and any(each.opens <= minute < each.closes for each in hours)


def counted(calendar, start, end):
    minutes = int((end - start) / MINUTE)
    return sum(is_working(calendar, start + n * MINUTE) for n in range(minutes)) * MINUTE


@given(calendar=calendars(), start=moments, minutes=st.integers(0, 3 * 1440))
def test_working_time_between_two_moments_is_what_one_counts(calendar, start, minutes):
    end = start + minutes * MINUTE
    assert calendar.between(start, end) == counted(calendar, start, end)


@given(calendar=calendars(), start=moments, minutes=st.integers(1, 1000))
def test_a_deadline_is_the_first_moment_at_which_the_work_has_passed(calendar, start, minutes):
    try:
        end = calendar.add(start, minutes * MINUTE)
    except NeverOpen:
        assert not any(calendar.week.values())
        return
    assume(end - start < timedelta(days=21))
    assert counted(calendar, start, end) == minutes * MINUTE
    assert is_working(calendar, end - MINUTE)


@given(calendar=calendars(), start=moments, first=st.integers(0, 500), second=st.integers(0, 500))
def test_two_pieces_of_work_take_as_long_as_both_at_once(calendar, start, first, second):
    assume(any(calendar.week.values()))
    assert calendar.add(calendar.add(start, first * MINUTE), second * MINUTE) == calendar.add(
        start, (first + second) * MINUTE
    )


def test_friday_evening_to_monday_morning():
    friday = datetime(2026, 3, 6, 17, 30, tzinfo=INDIA)
    assert OFFICE.add(friday, timedelta(hours=2)) == datetime(2026, 3, 9, 10, 30, tzinfo=INDIA)
    assert OFFICE.between(friday, datetime(2026, 3, 9, 10, tzinfo=INDIA)) == timedelta(hours=1, minutes=30)


def test_an_hour_that_the_clocks_skip_or_repeat_is_counted_as_it_passes():
    york = always_open(ZoneInfo("America/New_York"))
    closed_one_day = Calendar(york.week, york.zone, frozenset({date(2026, 1, 1)}))
    assert closed_one_day.between(
        datetime(2026, 3, 8, tzinfo=york.zone).astimezone(UTC), datetime(2026, 3, 9, tzinfo=york.zone).astimezone(UTC)
    ) == timedelta(hours=23)
    assert closed_one_day.between(
        datetime(2026, 11, 1, tzinfo=york.zone).astimezone(UTC), datetime(2026, 11, 2, tzinfo=york.zone).astimezone(UTC)
    ) == timedelta(hours=25)


def test_always_open_is_plain_time():
    start = datetime(2026, 3, 6, 17, 30, 12, tzinfo=UTC)
    assert always_open(INDIA).is_always_open
    assert always_open(INDIA).add(start, timedelta(hours=30)) == start + timedelta(hours=30)
    assert always_open(INDIA).between(start, start - MINUTE) == timedelta(0)


@pytest.mark.parametrize("hours", [(0, 0), (60, 30), (-1, 60), (0, 1441)])
def test_hours_that_are_none_are_refused(hours):
    with pytest.raises(ValueError, match="no hours"):
        Hours(*hours)


def test_a_calendar_that_never_opens_says_so():
    with pytest.raises(NeverOpen):
        Calendar({}, INDIA).add(datetime(2026, 3, 6, tzinfo=UTC), MINUTE)


@given(hours=hours_of_a_day())
def test_hours_are_read_as_they_are_written(hours):
    assert parse_hours(format_hours(hours)) == hours


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("9-18", (Hours(540, 1080),)),
        ("09:30 – 13, 14 to 18:15", (Hours(570, 780), Hours(840, 1095))),
        ("14-18; 9-13", (Hours(540, 780), Hours(840, 1080))),
        ("0-24", (Hours(0, 1440),)),
        ("  ", ()),
    ],
)
def test_hours_are_read_as_people_type_them(typed, meant):
    assert parse_hours(typed) == meant


@pytest.mark.parametrize("typed", ["nine to five", "9-8", "9:60-10", "9-25", "9-13, 12-18", "9", "-", "99:99-99:99"])
def test_what_are_no_hours_is_refused(typed):
    with pytest.raises(ValueError, match="hours"):
        parse_hours(typed)


@given(typed=st.text(max_size=30))
def test_whatever_is_typed_means_hours_or_nothing(typed):
    try:
        hours = parse_hours(typed)
    except ValueError:
        return
    assert parse_hours(format_hours(hours)) == hours
