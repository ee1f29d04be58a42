from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.backoff import Backoff

MINUTE = timedelta(minutes=1)
backoffs = st.builds(
    Backoff, first=st.timedeltas(MINUTE, 60 * MINUTE), factor=st.integers(1, 10), retries=st.integers(0, 6)
)


def test_the_usual_waits_are_one_five_and_twenty_five_minutes_then_none():
    assert [Backoff().delay(failures) for failures in range(1, 6)] == [MINUTE, 5 * MINUTE, 25 * MINUTE, None, None]


@given(backoff=backoffs)
def test_each_wait_is_the_factor_times_the_one_before_and_there_are_as_many_as_retries(backoff):
    waits = [backoff.delay(failures) for failures in range(1, backoff.retries + 1)]
    assert waits[:1] == [backoff.first][: backoff.retries]
    assert all(after == before * backoff.factor for before, after in pairwise(waits))
    assert backoff.delay(backoff.retries + 1) is None


@given(backoff=backoffs, failures=st.integers(1, 8))
def test_jitter_shortens_a_wait_by_half_at_most(backoff, failures):
    delay, jittered = backoff.delay(failures), backoff.jittered(failures)
    if delay is None:
        assert jittered is None
    else:
        assert delay / 2 <= jittered <= delay


@pytest.mark.parametrize("failures", [0, -1])
def test_there_is_no_wait_before_a_failure(failures):
    with pytest.raises(ValueError, match="follows a failure"):
        Backoff().delay(failures)
