"""Stretches of the calendar: whole days from one to another, cut into days, weeks or months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)


class Bucket(StrEnum):
    """What a plot puts into one bar. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, day: date) -> date:
        """The first day of the bucket that `day` is in."""
        if self is Bucket.MONTH:
            return day.replace(day=1)
        return day - day.weekday() * _DAY if self is Bucket.WEEK else day

    def end(self, day: date) -> date:
        """The last day of the bucket that `day` is in."""
        if self is Bucket.MONTH:
            return (day.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY
        return day + (6 - day.weekday()) * _DAY if self is Bucket.WEEK else day


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"{self.end} is before {self.start}")

    def __contains__(self, other: "Period | date") -> bool:
        if isinstance(other, Period):
            return self.start <= other.start and other.end <= self.end
        return self.start <= other <= self.end

    @property
    def length(self) -> int:
        """In days."""
        return (self.end - self.start).days + 1

    def days(self) -> Iterator[date]:
        return (self.start + number * _DAY for number in range(self.length))

    def before(self, length: int) -> "Period":
        """The `length` days that end where this period begins."""
        return Period(self.start - length * _DAY, self.start - _DAY)

    def split(self, bucket: Bucket) -> list["Period"]:
        """Cut at the bucket's boundaries: the first and the last piece may be parts of one."""
        pieces = []
        day = self.start
        while day <= self.end:
            pieces.append(Period(day, min(bucket.end(day), self.end)))
            day = pieces[-1].end + _DAY
        return pieces

    def whole(self, bucket: Bucket) -> list[tuple[Bucket, "Period"]]:
        """The buckets that lie in it from their first day to their last."""
        return [(bucket, piece) for piece in self.split(bucket) if is_whole(piece, bucket)]


def is_whole(period: Period, bucket: Bucket) -> bool:
    """Whether it is a bucket from its first day to its last."""
    return period.start == bucket.start(period.start) and period.end == bucket.end(period.start)
