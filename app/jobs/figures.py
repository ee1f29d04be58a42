"""Keeps the dashboard's figures of days that are over, so that no page has to count them."""

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from app.db import transaction
from app.extensions import settings
from app.jobs.turn import Turn
from app.kit import clock
from app.kit.periods import Bucket, Period
from app.workflows import commission_months, figure_keeping
from app.workflows.figure_reading import Counted, read
from app.workflows.figure_sources import first_moment

LONGEST_RUN = timedelta(seconds=60)
"""The rest is left for the next run."""

_AT_ONCE = timedelta(seconds=5)
"""So much counting is kept in one transaction: a killed worker loses no more."""
_DOUBTED = 3
"""Days that each run counts anew although nothing says that they changed."""


def keep() -> None:
    """What is missing or marked, then sums of weeks and months, then a look at what was counted longest ago."""
    zone = settings().time_zone
    for month in commission_months.missing(zone):
        with transaction():
            commission_months.keep(month, zone)
    keep_missing(zone, limit=LONGEST_RUN, progress=lambda _: None)
    for bucket, period in figure_keeping.missing_sums(zone):
        with transaction():
            figure_keeping.keep_sum(bucket, period, zone)
    with transaction():
        figure_keeping.look_again(zone, _DOUBTED)


def keep_missing(zone: ZoneInfo, *, limit: timedelta, progress: Callable[[int], None]) -> None:
    """Count and keep, the newest days first; `progress` is told how many."""
    turn = Turn(seconds=limit.total_seconds())
    while (history := _history(zone)) is not None and not turn.is_over:
        reading = read(history, zone, sums=history.whole(Bucket.MONTH), patience=_AT_ONCE)
        _keep(reading.counted, zone)
        progress(len(reading.counted))
        # Without any progress another try would end the same.
        if reading.uncounted is None or not reading.counted:
            return


def _keep(counted: list[Counted], zone: ZoneInfo) -> None:
    if counted:
        with transaction():
            figure_keeping.keep(counted, zone)


def _history(zone: ZoneInfo) -> Period | None:
    """From the first day that has anything to count until today; None in a new shop."""
    first, today = first_moment(), _day(zone)
    start = first.astimezone(zone).date() if first else today
    return Period(start, today) if start < today else None


def _day(zone: ZoneInfo) -> date:
    return clock.utc_now().astimezone(zone).date()
