"""Keeping the figures of days that are over, adding them up by week and month, and comparing them with the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import delete, false, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from app.db import db
from app.kit import clock, ids
from app.kit.periods import Bucket, Period
from app.models import FigureMark, KeptFigures
from app.workflows.figure_reading import Counted, Sum, count_day
from app.workflows.figure_sources import EDITION
from app.workflows.figures import Figures

SUMS = (Bucket.WEEK, Bucket.MONTH)


@dataclass(frozen=True, slots=True)
class Difference:
    """Kept figures that are not what counting gives."""

    span: Bucket
    start: date
    measure: str
    key: str
    kept: tuple[int, int]
    counted: tuple[int, int]


def keep(counted: Iterable[Counted], zone: ZoneInfo) -> None:
    """Of two counts made at the same time one is kept; the other's marks stay, so that the day is counted again."""
    # In one order, whoever keeps: two at once would wait for each other for ever.
    kept = [each for each in sorted(counted, key=lambda each: each.day) if _put_day(each, zone)]
    marks = [mark for each in kept for mark in each.marks]
    if marks:
        db.session.execute(delete(FigureMark).where(FigureMark.id.in_(marks)))
    sums = {(bucket, bucket.start(each.day)) for bucket in SUMS for each in kept}
    if sums:
        db.session.execute(delete(KeptFigures).where(tuple_(KeptFigures.span, KeptFigures.start).in_(sums)))


def keep_sum(bucket: Bucket, period: Period, zone: ZoneInfo) -> bool:
    """Add up a whole week or month; False while a day of it is missing, marked, or has messages under way."""
    query = select(KeptFigures).where(
        KeptFigures.span == Bucket.DAY, KeptFigures.start.between(period.start, period.end)
    )
    # Nobody can change a day between our adding up and our writing down.
    days = db.session.scalars(query.order_by(KeptFigures.start).with_for_update(key_share=True)).all()
    is_ready = len(days) == period.length and all(day.is_settled and _is_ours(day, zone) for day in days)
    if not is_ready or _is_marked(period, zone):
        return False
    total = Figures.total(Figures(day.figures) for day in days)
    return _put(bucket, period.start, total, zone=zone, version=None)


def missing_sums(zone: ZoneInfo) -> list[Sum]:
    """Whole weeks and months that have kept days and no sum yet."""
    query = select(KeptFigures.span, KeptFigures.start).where(
        KeptFigures.zone == zone.key, KeptFigures.edition == EDITION
    )
    known = {(row.span, row.start) for row in db.session.execute(query)}
    days = {start for span, start in known if span is Bucket.DAY}
    wanted = {(bucket, bucket.start(day)) for bucket in SUMS for day in days if bucket.end(day) in days} - known
    return [(bucket, Period(start, bucket.end(start))) for bucket, start in sorted(wanted)]


def look_again(zone: ZoneInfo, limit: int) -> None:
    """Count anew what was counted longest ago: whatever changed without a mark is found out in time."""
    settled = select(KeptFigures).where(KeptFigures.span == Bucket.DAY, KeptFigures.is_settled)
    query = settled.order_by(KeptFigures.counted_at).limit(limit)
    for row in db.session.scalars(query.with_for_update(skip_locked=True, key_share=True)).all():
        figures = count_day(row.start, zone)
        row.counted_at = clock.utc_now()
        if not _is_ours(row, zone) or figures != Figures(row.figures):
            keep([Counted(row.start, figures, row.version)], zone)


def mark_all(zone: ZoneInfo) -> None:
    """Trust no kept day any more: rows of the past were added or changed in bulk."""
    days = db.session.scalars(select(KeptFigures.start).where(KeptFigures.span == Bucket.DAY)).all()
    now = clock.utc_now()
    rows = [{"id": ids.new_id(), "created_at": now, "at": clock.start_of_day(day, zone)} for day in days]
    if rows:
        db.session.execute(insert(FigureMark), rows)


def differences(zone: ZoneInfo) -> Iterator[Difference]:
    """Count everything anew, which takes a while, and compare. Marked days are left out: they are not shown."""
    query = select(KeptFigures).order_by(KeptFigures.start, KeptFigures.span)
    for row in db.session.scalars(query).all():
        period = Period(row.start, row.span.end(row.start))
        if not _is_ours(row, zone) or not row.is_settled or _is_marked(period, zone):
            continue
        counted = Figures.total(count_day(day, zone) for day in period.days())
        yield from _compare(row, counted)


def _compare(row: KeptFigures, counted: Figures) -> Iterator[Difference]:
    ours = {(measure, key): (count, amount) for measure, key, count, amount in Figures(row.figures).entries()}
    theirs = {(measure, key): (count, amount) for measure, key, count, amount in counted.entries()}
    for measure, key in sorted(ours.keys() | theirs.keys()):
        kept, found = ours.get((measure, key), (0, 0)), theirs.get((measure, key), (0, 0))
        if kept != found:
            yield Difference(row.span, row.start, measure, key, kept, found)


def _put_day(counted: Counted, zone: ZoneInfo) -> bool:
    is_settled = counted.is_over and counted.figures.is_settled
    return _put(Bucket.DAY, counted.day, counted.figures, zone=zone, version=counted.version, is_settled=is_settled)


def _put(
    span: Bucket, start: date, figures: Figures, *, zone: ZoneInfo, version: int | None, is_settled: bool = True
) -> bool:
    """Write them where there were none, or in place of the `version` that they were counted to replace."""
    values = {
        "zone": zone.key,
        "edition": EDITION,
        "figures": figures.as_json(),
        "is_settled": is_settled,
        "counted_at": clock.utc_now(),
    }
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(KeptFigures).values(span=span, start=start, version=1, **values)
    upsert = statement.on_conflict_do_update(
        index_elements=["span", "start"],
        set_=values | {"version": KeptFigures.version + 1},
        where=KeptFigures.version == version if version is not None else false(),
    )
    return db.session.scalar(upsert.returning(KeptFigures.version)) is not None


def _is_ours(row: KeptFigures, zone: ZoneInfo) -> bool:
    return row.zone == zone.key and row.edition == EDITION


def _is_marked(period: Period, zone: ZoneInfo) -> bool:
    start, end = clock.start_of_day(period.start, zone), clock.end_of_day(period.end, zone)
    query = select(FigureMark.id).where(FigureMark.at >= start, FigureMark.at < end)
    return db.session.scalar(query.limit(1)) is not None
