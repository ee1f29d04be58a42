"""Drawings from numbers, what is said beside them, and the days that an address of the dashboard asks for."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admin import plot_range
from app.kit.periods import Bucket, Period
from app.plots import drawings, wording
from app.plots.drawings import Layer, Slot

TODAY = date(2026, 11, 22)


def slots(count):
    return [Slot(f"{number}", f"slot {number}: <b>", is_part=number == count - 1) for number in range(count)]


def heights(path):
    """Bottom and top of each bar."""
    return [(float(bottom), float(top)) for bottom, top in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)h", path)]


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=1, max_size=40), min_size=1, max_size=3))
def test_bars_are_as_high_as_their_values_and_stand_upon_each_other(values):
    length = min(map(len, values))
    values = [each[:length] for each in values]
    drawing = drawings.columns(slots(length), [Layer(f"l{n}", each) for n, each in enumerate(values)], words=str)
    top = drawings.nice_top(max(map(sum, zip(*values, strict=True))))
    drawn = sum(bottom - height for shape in drawing.shapes for bottom, height in heights(shape.path))
    assert drawn == pytest.approx(drawing.height * sum(map(sum, values)) / top, abs=0.2 * length * len(values))
    assert all(0 <= height <= bottom <= drawing.height for s in drawing.shapes for bottom, height in heights(s.path))


@given(st.lists(st.none() | st.integers(0, 10**6), min_size=1, max_size=60))
def test_a_line_has_a_point_for_each_known_value(values):
    drawing = drawings.lines(slots(len(values)), [Layer("line", values)], words=str)
    path = drawing.shapes[0].path
    assert len(re.findall(r"[ML]", path)) == sum(value is not None for value in values)
    assert path == "" or path.startswith("M")


@given(st.integers(1, 10**15))
def test_the_scale_ends_a_little_above_the_highest_value(highest):
    top = drawings.nice_top(highest)
    assert highest <= top <= 2 * highest + 1


@given(st.integers(1, 120))
def test_names_below_a_plot_are_few_and_the_last_one_is_there(count):
    ticks = drawings.columns(slots(count), [Layer("l", [1] * count)], words=str).ticks
    assert 1 <= len(ticks) <= 8
    assert ticks[0].text == str(count - 1)
    assert all(0 <= tick.x <= 100 for tick in ticks)


def test_what_a_pointer_reads_is_escaped():
    strips = drawings.columns(slots(3), [Layer("l", [1, 2, 3])], words=str).strips
    assert strips.count("<rect") == 3
    assert "slot 1: &lt;b&gt;" in strips


def test_a_plot_of_nothing_is_flat_and_names_no_heights():
    drawing = drawings.columns(slots(3), [Layer("l", [0, 0, 0])], words=str)
    assert drawing.shapes == []
    assert drawing.marks == []


# --- which days


@pytest.mark.parametrize(
    ("asked", "start", "bucket"),
    [
        ({}, date(2026, 10, 24), "day"),
        ({"period": "7d"}, date(2026, 11, 16), "day"),
        ({"period": "90d"}, date(2026, 8, 25), "week"),
        ({"period": "12m"}, date(2025, 12, 1), "month"),
        ({"period": "12m", "by": "week"}, date(2025, 12, 1), "week"),
        ({"period": "12m", "by": "day"}, date(2025, 12, 1), "week"),
        ({"period": "nonsense", "by": "fortnight"}, date(2026, 10, 24), "day"),
        ({"from": "2026-11-20"}, date(2026, 11, 20), "day"),
        ({"from": "2027-11-20", "to": "2028-01-01"}, TODAY, "day"),
    ],
)
def test_presets_and_days(asked, start, bucket):
    found = plot_range.parse(asked, TODAY)
    assert (found.period.start, found.period.end, found.bucket) == (start, TODAY, bucket)


@given(
    st.dictionaries(
        st.sampled_from(("period", "from", "to", "by")),
        st.sampled_from(("7d", "12m", "day", "week", "month", "x", "")) | st.dates().map(str),
    ),
    st.dates(date(2001, 1, 1), date(2100, 12, 31)),
)
def test_whatever_is_asked_there_are_days_and_not_too_many_bars(asked, today):
    found = plot_range.parse(asked, today)
    assert found.period.start <= found.period.end <= today
    assert found.period.length <= plot_range.MOST_DAYS
    assert len(found.slices) <= 122
    assert found.before is None or found.before.length == found.whole.length
    again = plot_range.parse({"from": str(found.period.start), "to": str(found.period.end), "by": found.bucket}, today)
    assert (again.period, again.bucket) == (found.period, found.bucket)


def test_only_whole_days_are_compared():
    found = plot_range.parse({"period": "7d"}, TODAY)
    assert found.whole == Period(date(2026, 11, 16), date(2026, 11, 21))
    assert found.before == Period(date(2026, 11, 10), date(2026, 11, 15))
    assert plot_range.parse({"from": str(TODAY)}, TODAY).before is None
    past = plot_range.parse({"from": "2026-11-01", "to": "2026-11-10"}, TODAY)
    assert past.whole == past.period


def test_a_bar_that_stands_for_less_than_it_seems_to_is_pale():
    found = plot_range.parse({"from": "2026-11-04", "to": str(TODAY), "by": "week"}, TODAY)
    assert [found.is_part(piece) for piece in found.slices] == [True, False, True]
    assert [found.is_part(Period(day, day)) for day in (TODAY - timedelta(days=1), TODAY)] == [True, True]
    by_day = plot_range.parse({}, TODAY)
    assert [by_day.is_part(piece) for piece in by_day.slices[-2:]] == [False, True]


def test_what_does_not_fit_is_said():
    assert "shown by week" in plot_range.parse({"period": "12m", "by": "day"}, TODAY).note
    assert "Ten years" in plot_range.parse({"from": "1990-01-01"}, TODAY).note
    links = plot_range.parse({"period": "12m"}, TODAY).buckets()
    assert [link.address is None for link in links] == [True, False, False]


# --- words


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (112, 100, ", 12 % more than before"),
        (88, 100, ", 12 % less than before"),
        (100, 100, ", as much as before"),
        (500, 100, ", 5 times as much as before"),
        (5, 0, ", and none before"),
        (0, 0, ""),
        (5, None, ""),
    ],
)
def test_changes_in_words(now, before, words):
    assert wording.change(now, before).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "1 min"), (1500, "25 min"), (3600, "1 h"), (11_520, "3.2 h"), (172_800, "2 days"), (216_000, "2.5 days")],
)
def test_lengths_in_words(seconds, words):
    assert wording.length(seconds) == words


@pytest.mark.parametrize(
    ("part", "of", "words"),
    [
        (0, 7, "0 %"),
        (1, 9000, "0.1 %"),
        (2, 65, "3.1 %"),
        (12, 65, "18 %"),
        (869, 871, "99.8 %"),
        (8999, 9000, "99.9 %"),
        (7, 7, "100 %"),
    ],
)
def test_a_few_of_many_are_neither_none_nor_all(part, of, words):
    assert wording.percent(part, of).replace("\u00a0", " ") == words


def test_names_of_days():
    week, month = Period(date(2026, 11, 16), TODAY), Period(date(2026, 11, 1), date(2026, 11, 30))
    assert plot_range.slice_words(week, Bucket.WEEK) == "16 Nov to 22 Nov 2026"
    assert plot_range.slice_words(month, Bucket.MONTH) == "Nov 2026"
    assert plot_range.slice_words(Period(TODAY, TODAY), Bucket.DAY) == "Sun 22 Nov 2026"
    assert plot_range.tick_words(Period(date(2026, 1, 1), date(2026, 1, 31)), Bucket.MONTH) == "Jan 2026"
