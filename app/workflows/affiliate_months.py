"""What an affiliate brought and earned, month by month of the business's time zone, and the lines behind it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, RowMapping, Select, case, func, select, tuple_
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from app.db import db
from app.kit import clock
from app.models import (
    PAID_STATUSES,
    AffiliateClick,
    CommissionEntry,
    Payout,
    PayoutReversal,
    Service,
    ServiceRequest,
)
from app.workflows import commission_months
from app.workflows.affiliate_figures import Traffic

PAGE_SIZE = 50
_MOST_PAYOUTS = 100
_USUAL = "INR"


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one currency, in minor units; what was taken back is below zero."""

    earned_minor: int = 0
    adjusted_minor: int = 0
    paid_minor: int = 0


@dataclass(slots=True)
class Month:
    """One month; `sums` by currency."""

    start: date
    clicks: int = 0
    purchases: int = 0
    sums: dict[str, Sums] = field(default_factory=dict)

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.clicks, self.purchases)

    def of(self, currency: str) -> Sums:
        return self.sums.get(currency, Sums())


@dataclass(frozen=True, slots=True)
class LinesPage:
    """The newest lines first; `older` is the key of the last one when there are more."""

    rows: Sequence[CommissionEntry]
    older: UUID | None


def months(affiliate_id: UUID, last: date, count: int, *, zone: ZoneInfo) -> list[Month]:
    """So many months up to that of `last`, the oldest first."""
    starts = _starts(last, count + 1)
    ends = [clock.start_of_day(start, zone) for start in starts]
    found = [Month(start) for start in starts[:-1]]
    for number, clicks in _counted(AffiliateClick, affiliate_id, ends):
        found[number].clicks = clicks
    for number, purchases in _counted(
        ServiceRequest, affiliate_id, ends, ServiceRequest.payment_status.in_(PAID_STATUSES)
    ):
        found[number].purchases = purchases
    for (number, currency), minors in _summed(affiliate_id, starts, ends, zone=zone).items():
        found[number].sums[currency] = Sums(**minors)
    return found


def lines(affiliate_id: UUID, *, after: UUID | None = None, options: Sequence[ExecutableOption] = ()) -> LinesPage:
    """A page of the ledger; a mark that is not one of the affiliate's own lines begins anew."""
    query = select(CommissionEntry).where(CommissionEntry.affiliate_id == affiliate_id).options(*options)
    mark = db.session.get(CommissionEntry, after) if after else None
    if mark is not None and mark.affiliate_id == affiliate_id:
        here = tuple_(CommissionEntry.created_at, CommissionEntry.id)
        query = query.where(here < tuple_(mark.created_at, mark.id))
    rows = _newest(query, CommissionEntry).limit(PAGE_SIZE + 1)
    return LinesPage(*_cut(list(db.session.scalars(rows))))


def payouts(affiliate_id: UUID) -> list[Payout]:
    """The latest, those that were taken back among them."""
    query = select(Payout).where(Payout.affiliate_id == affiliate_id).options(joinedload(Payout.reversal))
    return list(db.session.scalars(_newest(query, Payout).limit(_MOST_PAYOUTS)))


def usual_currency() -> str:
    """In which nothing is said to have been earned, before anything was: that of the shop's first service."""
    query = select(Service.currency).where(Service.is_active).order_by(Service.sort_order, Service.name).limit(1)
    return db.session.scalar(query) or _USUAL


def _newest(query: Select[Any], model: Any) -> Select[Any]:
    return query.order_by(model.created_at.desc(), model.id.desc())


def _cut(rows: list[CommissionEntry]) -> tuple[list[CommissionEntry], UUID | None]:
    shown = rows[:PAGE_SIZE]
    return shown, shown[-1].id if len(rows) > PAGE_SIZE else None


def _starts(last: date, count: int) -> list[date]:
    """First days of months: that after the month of `last`, and those before it."""
    newest = last.year * 12 + last.month
    return [date(*_year_and_month(newest - back)) for back in range(count - 1, -1, -1)]


def _year_and_month(months_in_all: int) -> tuple[int, int, int]:
    return months_in_all // 12, months_in_all % 12 + 1, 1


def _in_slots(column: Any, ends: Sequence[datetime]) -> tuple[ColumnElement[int], list[ColumnElement[bool]]]:
    """Which of the stretches between `ends` a time lies in, and that it lies in any."""
    slot = case(*((column < end, number) for number, end in enumerate(ends[1:])))
    return slot.label("slot"), [column >= ends[0], column < ends[-1]]


def _counted(
    model: Any, affiliate_id: UUID, ends: Sequence[datetime], *conditions: ColumnElement[bool]
) -> list[tuple[int, int]]:
    """Each stretch by itself: to tell of every row which one it lies in takes longer than to count it."""
    ours = select(func.count()).select_from(model).where(model.affiliate_id == affiliate_id, *conditions)
    stretches = (ours.where(model.created_at >= start, model.created_at < end) for start, end in pairwise(ends))
    return list(enumerate(db.session.execute(select(*(each.scalar_subquery() for each in stretches))).one()))


def _summed(
    affiliate_id: UUID, starts: Sequence[date], ends: Sequence[datetime], *, zone: ZoneInfo
) -> Mapping[tuple[int, str], dict[str, int]]:
    sums: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    numbers = {start: number for number, start in enumerate(starts[:-1])}
    for row in db.session.execute(commission_months.of_months(affiliate_id, numbers, zone)).mappings():
        sums[numbers[row["start"]], row["currency"]] |= _minors(row)
    for query, model in ((_entered(ends, zone), CommissionEntry), (_paid(ends), Payout)):
        of_them = query.where(model.affiliate_id == affiliate_id).group_by("slot", model.currency)
        for row in db.session.execute(of_them).mappings():
            sums[row["slot"], row["currency"]] |= _minors(row)
    return sums


def _minors(row: RowMapping) -> dict[str, int]:
    return {name: int(minor) for name, minor in row.items() if name.endswith("_minor")}


def _entered(ends: Sequence[datetime], zone: ZoneInfo) -> Select[*tuple[Any, ...]]:
    """In months that are not kept yet."""
    slot, within = _in_slots(CommissionEntry.created_at, ends)
    query = select(slot, CommissionEntry.currency, *commission_months.sums())
    return query.where(*within, commission_months.is_not_kept(zone))


def _paid(ends: Sequence[datetime]) -> Select[*tuple[Any, ...]]:
    """On the day of the transfer; what was taken back was never paid."""
    slot, within = _in_slots(Payout.paid_at, ends)
    query = select(slot, Payout.currency, func.sum(Payout.amount_minor).label("paid_minor")).where(*within)
    return query.outerjoin(PayoutReversal, PayoutReversal.payout_id == Payout.id).where(PayoutReversal.id.is_(None))
