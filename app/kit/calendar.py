"""Working time: the hours of a week, and the days that are off."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
_ZERO = timedelta(0)
_LONGEST_SEARCH = timedelta(days=366 * 20)
_SPAN = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*(?:-|–|to)\s*([0-9]{1,2})(?::([0-9]{2}))?")


class NeverOpen(ValueError):
    """No working time lies ahead: the week is empty, or every day of it is off."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the day to another, counted from midnight: 540 to 1080 is 09:00 to 18:00."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise ValueError(f"no hours of a day: {self.opens} to {self.closes}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """`week` has the hours of each weekday (Monday is 0), in order and apart; a missing one is closed.

    Working time is counted in minutes that really pass, also on the days on which the clocks are changed.
    """

    week: Mapping[int, tuple[Hours, ...]]
    zone: ZoneInfo
    days_off: frozenset[date] = field(default=frozenset())

    @property
    def is_always_open(self) -> bool:
        whole = (Hours(0, DAY_MINUTES),)
        return not self.days_off and all(self.week.get(weekday) == whole for weekday in range(7))

    def add(self, start: datetime, work: timedelta) -> datetime:
        """The instant at which `work` has passed since `start`, closed times left out. Raises NeverOpen."""
        if self.is_always_open:
            return start + work
        left = work
        for opens, closes in self._spans_from(start):
            begin = max(opens, start)
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        raise NeverOpen

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; none when `end` is earlier."""
        if self.is_always_open:
            return max(end - start, _ZERO)
        total, day, last = _ZERO, self._day(start), self._day(end)
        while day <= last:
            for opens, closes in self._spans_of(day):
                total += max(min(closes, end) - max(opens, start), _ZERO)
            day += timedelta(days=1)
        return total

    def _spans_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open spans that end after `at`, in order. Raises NeverOpen when none comes in twenty years."""
        day = self._day(at)
        last = day + _LONGEST_SEARCH
        while day < last:
            yield from (span for span in self._spans_of(day) if span[1] > at)
            day += timedelta(days=1)
        raise NeverOpen

    def _spans_of(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.days_off:
            return []
        hours = self.week.get(day.weekday(), ())
        return [(self._instant(day, each.opens), self._instant(day, each.closes)) for each in hours]

    def _instant(self, day: date, minute: int) -> datetime:
        if minute == DAY_MINUTES:
            return self._instant(day + timedelta(days=1), 0)
        return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self.zone).astimezone(UTC)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def format_hours(hours: Sequence[Hours]) -> str:
    """`09:00-13:00, 14:00-18:00`; empty for closed."""
    return ", ".join(f"{_clock(each.opens)}-{_clock(each.closes)}" for each in hours)


def parse_hours(text: str) -> tuple[Hours, ...]:
    """The hours of one day as people type them: `9-13, 14:00 – 18:00`. Raises ValueError.

    Those that touch or overlap are no mistake of the calendar's to mend, so they are refused.
    """
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    hours = sorted((_parse_span(part) for part in parts), key=lambda each: each.opens)
    if any(first.closes > second.opens for first, second in pairwise(hours)):
        raise ValueError("hours of one day overlap")
    return tuple(hours)


def _parse_span(text: str) -> Hours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"no hours: {text!r}")
    first_hour, first_minute, last_hour, last_minute = (int(part or 0) for part in found.groups())
    if first_minute > 59 or last_minute > 59:
        raise ValueError(f"no hours: {text!r}")
    return Hours(first_hour * 60 + first_minute, last_hour * 60 + last_minute)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
