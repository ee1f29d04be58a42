"""What was entered for affiliates month by month: kept once a month is over, added up while it is not.

A line of the ledger is entered at the time that it bears, and neither that nor its amount ever changes. So a job keeps
the months that are over, and whoever enters a line writes no sum, for which two sales of one affiliate would wait.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, delete, func, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from app.columns import UtcDateTime
from app.db import db
from app.kit import clock
from app.kit.periods import Bucket, Period
from app.models import CommissionEntry, CommissionKind, CommissionMonth

Sums = Select[*tuple[Any, ...]]

GRACE = timedelta(days=1)
"""A month is kept once it has been over for so long: whatever was under way at its end is in it by then."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_WHOSE = (CommissionEntry.affiliate_id, CommissionEntry.currency)


@dataclass(frozen=True, slots=True)
class Difference:
    """Kept sums, earned and adjusted, that are not those of the lines."""

    affiliate_id: UUID
    start: date
    currency: str
    kept: tuple[int, int]
    counted: tuple[int, int]


def sums() -> tuple[ColumnElement[int], ...]:
    """Of the lines that a query is about, one for each kind: `earned_minor`, `adjusted_minor`."""
    minors = (
        (kind, case((CommissionEntry.kind == kind, CommissionEntry.amount_minor), else_=0)) for kind in CommissionKind
    )
    return tuple(func.sum(minor).label(f"{kind}_minor") for kind, minor in minors)


def entered(affiliate_ids: Collection[UUID]) -> Sums:
    """The sums of all time, by affiliate and currency."""
    months = (CommissionMonth.affiliate_id, CommissionMonth.currency, *_kept_sums())
    kept = select(*months).where(CommissionMonth.affiliate_id.in_(affiliate_ids))
    since = select(*_WHOSE, *sums()).where(CommissionEntry.affiliate_id.in_(affiliate_ids), is_not_kept())
    both = union_all(kept, since.group_by(*_WHOSE)).subquery().c
    total = (func.sum(column).label(column.key) for column in (both.earned_minor, both.adjusted_minor))
    return select(both.affiliate_id, both.currency, *total).group_by(both.affiliate_id, both.currency)


def of_months(affiliate_id: UUID, starts: Collection[date], zone: ZoneInfo) -> Sums:
    """Of those of these months that are kept."""
    query = select(CommissionMonth.start, CommissionMonth.currency, *_kept_sums())
    return query.where(
        CommissionMonth.affiliate_id == affiliate_id,
        CommissionMonth.start.in_(list(starts)),
        CommissionMonth.zone == zone.key,
    )


def is_not_kept(zone: ZoneInfo | None = None) -> ColumnElement[bool]:
    """Lines that are in no kept month, of `zone` if it is given: of another zone's there may be some for a while."""
    until = select(func.max(CommissionMonth.ended_at))
    if zone is not None:
        until = until.where(CommissionMonth.zone == zone.key)
    return CommissionEntry.created_at >= func.coalesce(until.scalar_subquery(), literal(_BEGINNING, UtcDateTime))


def missing(zone: ZoneInfo) -> Sequence[Period]:
    """The months that are over and not kept, the oldest first."""
    latest = select(func.max(CommissionMonth.start)).where(CommissionMonth.zone == zone.key)
    last = db.session.scalar(latest)
    first = Bucket.MONTH.end(last) + timedelta(days=1) if last is not None else _first_month(zone)
    over = (clock.utc_now() - GRACE).astimezone(zone).date() - timedelta(days=1)
    if first is None or over < first:
        return []
    return [month for _, month in Period(first, over).whole(Bucket.MONTH)]


def keep(month: Period, zone: ZoneInfo) -> None:
    """Add up the next of the `missing` months. Those of another zone begin and end at other times: they go."""
    db.session.execute(delete(CommissionMonth).where(CommissionMonth.zone != zone.key))
    end = clock.end_of_day(month.end, zone)
    same = {"start": month.start, "ended_at": end, "zone": zone.key}
    table = CommissionMonth.__table__
    values = [literal(value, table.c[name].type).label(name) for name, value in same.items()]
    lines = _between(clock.start_of_day(month.start, zone), end).add_columns(*values)
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    # Whoever keeps it at the same time found the same.
    new = dialect.insert(CommissionMonth).from_select([column.key for column in lines.selected_columns], lines)
    db.session.execute(new.on_conflict_do_nothing())


def forget() -> None:
    """Trust no kept month any more: lines of the past were added in bulk."""
    db.session.execute(delete(CommissionMonth))


def differences() -> Iterator[Difference]:
    """Each kept month compared with its lines, and with those since the month that was kept before."""
    months = (CommissionMonth.start, CommissionMonth.ended_at)
    since = _BEGINNING
    for start, end in db.session.execute(select(*months).distinct().order_by(CommissionMonth.ended_at)).all():
        counted = _by_account(_between(since, end))
        of_month = select(CommissionMonth.affiliate_id, CommissionMonth.currency, *_kept_sums())
        kept = _by_account(of_month.where(CommissionMonth.ended_at == end))
        for account in sorted(counted.keys() | kept.keys()):
            ours, theirs = kept.get(account, (0, 0)), counted.get(account, (0, 0))
            if ours != theirs:
                yield Difference(account[0], start, account[1], ours, theirs)
        since = end


def _kept_sums() -> tuple[Any, ...]:
    return CommissionMonth.earned_minor, CommissionMonth.adjusted_minor


def _between(start: datetime, end: datetime) -> Sums:
    within = CommissionEntry.created_at >= start, CommissionEntry.created_at < end
    return select(*_WHOSE, *sums()).where(*within).group_by(*_WHOSE)


def _by_account(query: Sums) -> dict[tuple[UUID, str], tuple[int, int]]:
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in db.session.execute(query)}


def _first_month(zone: ZoneInfo) -> date | None:
    at = db.session.scalar(select(CommissionEntry.created_at).order_by(CommissionEntry.created_at).limit(1))
    return Bucket.MONTH.start(at.astimezone(zone).date()) if at is not None else None
