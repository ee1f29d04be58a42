"""Percentiles read from counts between fixed edges."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.kit import spread

SECONDS = st.integers(0, 90 * 86_400)


@given(st.lists(SECONDS, min_size=1), st.floats(0.01, 1))
def test_a_percentile_lies_in_the_step_of_the_true_one(lengths, share):
    ordered = sorted(lengths)
    true = next(value for number, value in enumerate(ordered, 1) if number >= share * len(ordered))
    read = spread.quantile(Counter(map(spread.place, lengths)), share)
    low, high = spread.bounds(spread.place(true))
    assert low <= read <= high


@given(st.lists(SECONDS, min_size=1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_larger_share_takes_no_less(lengths, one, other):
    counts = Counter(map(spread.place, lengths))
    assert spread.quantile(counts, min(one, other)) <= spread.quantile(counts, max(one, other))


@given(SECONDS)
def test_each_length_falls_into_one_step(seconds):
    low, high = spread.bounds(spread.place(seconds))
    assert low <= seconds < high or seconds >= low == high


def test_steps_follow_each_other_and_nothing_takes_no_time():
    assert all(one < other for one, other in pairwise(spread.EDGES))
    assert spread.quantile({}, 0.5) is None
    assert spread.quantile({3: 0}, 0.5) is None
