"""Noting that a day that is over has changed, so that its figures are counted anew."""

from datetime import datetime, timedelta

from app.kit import clock
from app.models import FigureMark
from app.workflows import bulk_writes
from app.workflows.place import here

GRACE = timedelta(hours=1)
"""A day is kept once it has been over for so long: whatever was under way at midnight is in it by then."""


def mark(at: datetime) -> None:
    """Something that counts at `at` has changed. Costs nothing on the same day, which is counted afresh anyway."""
    if is_over(at):
        bulk_writes.add(FigureMark(at=at))


def is_over(at: datetime) -> bool:
    """Whether the day that `at` lies in has ended."""
    return clock.end_of_day(at.astimezone(here.zone).date(), here.zone) <= clock.utc_now()
