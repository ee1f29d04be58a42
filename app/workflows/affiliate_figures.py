"""What affiliates brought and what is owed for it: figures of many at once, however long the ledger is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.db import db
from app.kit.money import Money
from app.models import AffiliateClick, CommissionEntry, CommissionKind, PaymentStatus, Payout, ServiceRequest

APPROVAL_DELAY = timedelta(days=14)
"""A sale is paid out once it is as old as this: as long as customers may ask for their money back."""

Sums = Select[*tuple[Any, ...]]

_BOUGHT = (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)


@dataclass(frozen=True, slots=True)
class Balance:
    """One affiliate's account in one currency, in minor units. `approved` counts sales past the delay alone."""

    affiliate_id: UUID
    currency: str
    earned_minor: int = 0
    adjusted_minor: int = 0
    approved_minor: int = 0
    paid_minor: int = 0

    @property
    def earned(self) -> Money:
        return Money(self.earned_minor, self.currency)

    @property
    def adjusted(self) -> Money:
        return Money(self.adjusted_minor, self.currency)

    @property
    def paid(self) -> Money:
        return Money(self.paid_minor, self.currency)

    @property
    def due(self) -> Money:
        """All that is not paid yet."""
        return Money(self.earned_minor + self.adjusted_minor - self.paid_minor, self.currency)

    @property
    def payable(self) -> Money:
        """The part of it that may be paid now; below zero it carries over."""
        return Money(self.approved_minor - self.paid_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many came through an affiliate's links, and how many of their purchases were paid."""

    clicks: int = 0
    purchases: int = 0

    @property
    def conversion(self) -> str:
        """`4.2 %`; a dash where nobody clicked."""
        tenths = (2000 * self.purchases + self.clicks) // (2 * self.clicks) if self.clicks else 0
        return f"{tenths // 10}.{tenths % 10} %" if self.clicks else "–"


def is_approved(now: datetime) -> ColumnElement[bool]:
    """Lines of sales that are past the delay: what is taken back of a sale is approved together with it."""
    sale = aliased(CommissionEntry)
    of_old_sale = exists().where(
        sale.payment_id == CommissionEntry.payment_id,
        sale.kind == CommissionKind.EARNED,
        sale.created_at < now - APPROVAL_DELAY,
    )
    return or_(
        and_(CommissionEntry.kind == CommissionKind.EARNED, CommissionEntry.created_at < now - APPROVAL_DELAY),
        and_(CommissionEntry.kind == CommissionKind.ADJUSTED, of_old_sale),
    )


def balances(now: datetime, affiliate_ids: Collection[UUID] | None = None) -> list[Balance]:
    """Of these affiliates, or of all; by affiliate and currency, in three queries."""
    found: dict[tuple[UUID, str], Balance] = {}

    def add(affiliate_id: UUID, currency: str, **minors: Any) -> None:
        balance = found.get((affiliate_id, currency), Balance(affiliate_id, currency))
        sums = {name: getattr(balance, name) + int(minor) for name, minor in minors.items()}
        found[affiliate_id, currency] = replace(balance, **sums)

    for affiliate_id, currency, kind, total, approved in db.session.execute(_entry_sums(now, affiliate_ids)):
        name = "earned_minor" if kind is CommissionKind.EARNED else "adjusted_minor"
        add(affiliate_id, currency, **{name: total}, approved_minor=approved)
    for affiliate_id, currency, approved in db.session.execute(_approved_adjustments(now, affiliate_ids)):
        add(affiliate_id, currency, approved_minor=approved)
    for affiliate_id, currency, total in db.session.execute(_paid_sums(affiliate_ids)):
        add(affiliate_id, currency, paid_minor=total)
    return sorted(found.values(), key=lambda balance: (balance.affiliate_id, balance.currency))


def balances_of(affiliate_ids: Collection[UUID], now: datetime) -> Mapping[UUID, list[Balance]]:
    """The same, by affiliate; one without any commission has no entry."""
    return _grouped(balances(now, affiliate_ids))


def traffic(affiliate_ids: Collection[UUID]) -> Mapping[UUID, Traffic]:
    """Clicks and paid purchases of these affiliates, in two queries."""
    clicks = _counts(AffiliateClick.affiliate_id, affiliate_ids)
    purchases = _counts(ServiceRequest.affiliate_id, affiliate_ids, ServiceRequest.payment_status.in_(_BOUGHT))
    return {key: Traffic(clicks.get(key, 0), purchases.get(key, 0)) for key in affiliate_ids}


def _entry_sums(now: datetime, affiliate_ids: Collection[UUID] | None) -> Sums:
    is_old_sale = and_(CommissionEntry.kind == CommissionKind.EARNED, CommissionEntry.created_at < now - APPROVAL_DELAY)
    query: Sums = select(
        CommissionEntry.affiliate_id,
        CommissionEntry.currency,
        CommissionEntry.kind,
        func.sum(CommissionEntry.amount_minor),
        func.sum(case((is_old_sale, CommissionEntry.amount_minor), else_=0)),
    ).group_by(CommissionEntry.affiliate_id, CommissionEntry.currency, CommissionEntry.kind)
    return _only(query, CommissionEntry.affiliate_id, affiliate_ids)


def _approved_adjustments(now: datetime, affiliate_ids: Collection[UUID] | None) -> Sums:
    query: Sums = (
        select(CommissionEntry.affiliate_id, CommissionEntry.currency, func.sum(CommissionEntry.amount_minor))
        .where(CommissionEntry.kind == CommissionKind.ADJUSTED, is_approved(now))
        .group_by(CommissionEntry.affiliate_id, CommissionEntry.currency)
    )
    return _only(query, CommissionEntry.affiliate_id, affiliate_ids)


def _paid_sums(affiliate_ids: Collection[UUID] | None) -> Sums:
    query: Sums = select(Payout.affiliate_id, Payout.currency, func.sum(Payout.amount_minor))
    return _only(query.group_by(Payout.affiliate_id, Payout.currency), Payout.affiliate_id, affiliate_ids)


def _only(query: Sums, column: Any, affiliate_ids: Collection[UUID] | None) -> Sums:
    return query if affiliate_ids is None else query.where(column.in_(affiliate_ids))


def _counts(column: Any, affiliate_ids: Collection[UUID], *conditions: ColumnElement[bool]) -> dict[UUID, int]:
    query = select(column, func.count()).where(column.in_(affiliate_ids), *conditions).group_by(column)
    return {key: int(count) for key, count in db.session.execute(query)}


def _grouped(rows: Iterable[Balance]) -> Mapping[UUID, list[Balance]]:
    grouped: dict[UUID, list[Balance]] = defaultdict(list)
    for balance in rows:
        grouped[balance.affiliate_id].append(balance)
    return grouped
