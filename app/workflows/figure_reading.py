"""Figures of any stretch of days: those of days that are over are kept, the others are counted when they are asked for.

`read` gives what is right at this moment, whether or not anything was kept before; what it had to count is handed
to `figure_keeping.keep`, so that nobody counts it again.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, or_, select, tuple_

from app.db import db
from app.kit import clock
from app.kit.periods import Bucket, Period
from app.models import FigureMark, KeptFigures
from app.workflows.figure_marks import GRACE
from app.workflows.figure_sources import EDITION, count_between, first_moment
from app.workflows.figures import Figures

FRESH = timedelta(minutes=1)
"""For so long the figures of a past day with messages under way are good enough, and those of a busy one that runs."""

BUSY = 2_000
"""Counting so many things takes long enough to be noticed; a day that runs and has fewer is counted at each look."""

PATIENCE = timedelta(seconds=2)
"""How long a page may take to count days that nobody has counted yet."""

_MOMENT = timedelta(microseconds=1)
_ROW = (
    KeptFigures.start,
    KeptFigures.zone,
    KeptFigures.edition,
    KeptFigures.figures,
    KeptFigures.is_settled,
    KeptFigures.counted_at,
    KeptFigures.version,
)


Sum = tuple[Bucket, Period]
"""A whole week or month, whose days one need not tell apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The figures of some days; those of a reading make up its period."""

    period: Period
    figures: Figures


@dataclass(frozen=True, slots=True)
class Counted:
    """A day counted just now. `version` is that of the figures it replaces; `marks` are what it knows."""

    day: date
    figures: Figures
    version: int | None
    marks: tuple[UUID, ...] = ()
    is_over: bool = True


@dataclass(slots=True)
class Reading:
    """`counted` is worth keeping; `uncounted` are the oldest days, left out for want of time."""

    pieces: list[Piece] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    uncounted: Period | None = None

    def within(self, period: Period) -> Figures:
        return Figures.total(piece.figures for piece in self.pieces if piece.period in period)


def read(period: Period, zone: ZoneInfo, *, sums: Sequence[Sum] = (), patience: timedelta = PATIENCE) -> Reading:
    """The figures of `period`, day by day; of the weeks or months `sums` in one piece where that is at hand."""
    desk = _Desk(zone, clock.utc_now(), _marks(period, zone))
    reading = Reading(_summed(desk, sums))
    summed = [piece.period for piece in reading.pieces]
    known = {row.start: row for row in _days(period, summed)}
    missing = []
    for day in _outside(period, summed):
        row = known.get(day)
        if row is not None and desk.holds(row):
            reading.pieces.append(Piece(Period(day, day), Figures(row.figures)))
        elif day <= desk.today:
            missing.append(day)
    if missing:
        _count(reading, missing, known, desk=desk, patience=patience)
    return reading


def count_day(day: date, zone: ZoneInfo) -> Figures:
    """From the rows themselves."""
    # What is due later today is neither kept nor late yet.
    end = min(clock.end_of_day(day, zone), clock.utc_now() + _MOMENT)
    return count_between(clock.start_of_day(day, zone), end)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What holds while one reading is made."""

    zone: ZoneInfo
    now: datetime
    marks: Mapping[date, tuple[UUID, ...]]

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def is_over(self, day: date) -> bool:
        return clock.end_of_day(day, self.zone) + GRACE <= self.now

    def holds(self, row: Row[Any]) -> bool:
        """Whether kept figures of a day are what counting would give, or were less than a minute ago."""
        is_ours = row.zone == self.zone.key and row.edition == EDITION and row.start not in self.marks
        return is_ours and (row.is_settled or row.counted_at > self.now - FRESH)

    def is_worth_keeping(self, day: date, figures: Figures) -> bool:
        return self.is_over(day) or figures.size >= BUSY

    def has_marks(self, period: Period) -> bool:
        return any(day in period for day in self.marks)


def _count(
    reading: Reading, missing: list[date], known: Mapping[date, Row[Any]], *, desk: _Desk, patience: timedelta
) -> None:
    """The newest first; what is not over yet in any case."""
    missing = _since_the_first(missing, desk)
    end = time.monotonic() + patience.total_seconds()
    for day in reversed(missing):
        is_over = desk.is_over(day)
        if is_over and time.monotonic() >= end:
            reading.uncounted = Period(missing[0], day)
            return
        figures = count_day(day, desk.zone)
        reading.pieces.append(Piece(Period(day, day), figures))
        if desk.is_worth_keeping(day, figures):
            version = known[day].version if day in known else None
            reading.counted.append(Counted(day, figures, version, desk.marks.get(day, ()), is_over))


def _since_the_first(missing: list[date], desk: _Desk) -> list[date]:
    """Without those before the business began: nobody keeps noughts."""
    if not desk.is_over(missing[0]):
        return missing
    first = first_moment()
    return [day for day in missing if first and day >= first.astimezone(desk.zone).date()]


def _marks(period: Period, zone: ZoneInfo) -> dict[date, tuple[UUID, ...]]:
    # Read before anything is counted: what is marked is then in the count.
    start, end = clock.start_of_day(period.start, zone), clock.end_of_day(period.end, zone)
    marks: dict[date, tuple[UUID, ...]] = defaultdict(tuple)
    for key, at in db.session.execute(
        select(FigureMark.id, FigureMark.at).where(FigureMark.at >= start, FigureMark.at < end)
    ):
        marks[at.astimezone(zone).date()] += (key,)
    return dict(marks)


def _summed(desk: _Desk, sums: Sequence[Sum]) -> list[Piece]:
    wanted = {(bucket, period.start) for bucket, period in sums if not desk.has_marks(period)}
    if not wanted:
        return []
    query = select(KeptFigures.span, KeptFigures.start, KeptFigures.figures).where(
        tuple_(KeptFigures.span, KeptFigures.start).in_(wanted),
        KeptFigures.zone == desk.zone.key,
        KeptFigures.edition == EDITION,
    )
    rows = db.session.execute(query)
    return [Piece(Period(start, span.end(start)), Figures(kept)) for span, start, kept in rows]


def _days(period: Period, summed: Sequence[Period]) -> Iterable[Row[Any]]:
    stretches = [KeptFigures.start.between(each.start, each.end) for each in _gaps(period, summed)]
    if not stretches:
        return ()
    return db.session.execute(select(*_ROW).where(KeptFigures.span == Bucket.DAY, or_(*stretches)))


def _gaps(period: Period, taken: Sequence[Period]) -> Iterator[Period]:
    """What `taken` leaves of `period`."""
    day = period.start
    for each in sorted(taken, key=lambda each: each.start):
        if day < each.start:
            yield Period(day, each.start - timedelta(days=1))
        day = each.end + timedelta(days=1)
    if day <= period.end:
        yield Period(day, period.end)


def _outside(period: Period, taken: Sequence[Period]) -> list[date]:
    return [day for gap in _gaps(period, taken) for day in gap.days()]
