"""What affiliates brought and what is owed for it: figures of many at once, however long the ledger is."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from app.db import db
from app.kit.money import Money
from app.models import (
    PAID_STATUSES,
    AffiliateClick,
    CommissionEntry,
    CommissionKind,
    Payout,
    PayoutReversal,
    ServiceRequest,
)
from app.workflows import commission_months
from app.workflows.terms import terms

Sums = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Balance:
    """One affiliate's account in one currency, in minor units.

    `due` is all that is not paid yet. `payable` is the part of it that may be paid now, of sales past the approval
    refund time; below zero it carries over.
    """

    affiliate_id: UUID
    currency: str
    earned_minor: int = 0
    adjusted_minor: int = 0
    paid_minor: int = 0
    due_minor: int = 0
    payable_minor: int = 0

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
        return Money(self.due_minor, self.currency)

    @property
    def payable(self) -> Money:
        return Money(self.payable_minor, self.currency)


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
    """Lines of sales that no customer gets back any more: what is taken back of a sale is approved together with it."""
    sale, old = aliased(CommissionEntry), now - terms.refund_time
    # Compared rather than asked whether there is one: that would be answered by reading the whole ledger first.
    sold_at = (
        select(sale.created_at)
        .where(sale.payment_id == CommissionEntry.payment_id, sale.kind == CommissionKind.EARNED)
        .scalar_subquery()
    )
    return or_(
        and_(CommissionEntry.kind == CommissionKind.EARNED, CommissionEntry.created_at < old),
        and_(CommissionEntry.kind == CommissionKind.ADJUSTED, sold_at < old),
    )


def balances(affiliate_ids: Collection[UUID], now: datetime) -> Mapping[UUID, list[Balance]]:
    """By affiliate, one for each currency; one without any commission has no entry."""
    found = _gather(
        commission_months.entered(affiliate_ids),
        _grouped(_waiting(now).where(CommissionEntry.affiliate_id.in_(affiliate_ids)), CommissionEntry),
        _grouped(_paid().where(Payout.affiliate_id.in_(affiliate_ids)), Payout),
    )
    by_affiliate: dict[UUID, list[Balance]] = defaultdict(list)
    for (affiliate_id, currency), minors in found:
        by_affiliate[affiliate_id].append(_balance(affiliate_id, currency, **minors))
    return by_affiliate


def dues(now: datetime) -> list[Balance]:
    """Of everybody to whom something is due; nothing is read of what was paid but its sums."""
    found = _gather(_grouped(_unpaid(now), CommissionEntry), _grouped(_paid(), Payout))
    balances = (Balance(affiliate_id, currency, **minors) for (affiliate_id, currency), minors in found)
    return [balance for balance in balances if balance.due]


def traffic(affiliate_ids: Collection[UUID], *, since: datetime | None = None) -> Mapping[UUID, Traffic]:
    """Clicks and paid purchases of these affiliates, ever or since a moment, in two queries."""
    clicks = _counts(AffiliateClick, affiliate_ids, since)
    purchases = _counts(ServiceRequest, affiliate_ids, since, ServiceRequest.payment_status.in_(PAID_STATUSES))
    return {key: Traffic(clicks.get(key, 0), purchases.get(key, 0)) for key in affiliate_ids}


def _balance(affiliate_id: UUID, currency: str, *, waiting_minor: int = 0, **minors: int) -> Balance:
    """What is due follows from the rest: each payout pays its lines, neither more nor less."""
    balance = Balance(affiliate_id, currency, **minors)
    due = balance.earned_minor + balance.adjusted_minor - balance.paid_minor
    return replace(balance, due_minor=due, payable_minor=due - waiting_minor)


def _waiting(now: datetime) -> Sums:
    """What is due and not approved yet: all of it is younger than the refund time, as nothing is taken back of a sale
    before it is sold."""
    waiting = case((is_approved(now), 0), else_=CommissionEntry.amount_minor)
    return select(
        CommissionEntry.affiliate_id, CommissionEntry.currency, func.sum(waiting).label("waiting_minor")
    ).where(CommissionEntry.created_at >= now - terms.refund_time, CommissionEntry.paid_out_at.is_(None))


def _unpaid(now: datetime) -> Sums:
    approved = case((is_approved(now), CommissionEntry.amount_minor), else_=0)
    return select(
        CommissionEntry.affiliate_id,
        CommissionEntry.currency,
        func.sum(CommissionEntry.amount_minor).label("due_minor"),
        func.sum(approved).label("payable_minor"),
    ).where(CommissionEntry.paid_out_at.is_(None))


def _paid() -> Sums:
    """But for payouts that were taken back."""
    return (
        select(Payout.affiliate_id, Payout.currency, func.sum(Payout.amount_minor).label("paid_minor"))
        .outerjoin(PayoutReversal, PayoutReversal.payout_id == Payout.id)
        .where(PayoutReversal.id.is_(None))
    )


def _grouped(query: Sums, model: Any) -> Sums:
    return query.group_by(model.affiliate_id, model.currency)


def _gather(*queries: Sums) -> list[tuple[tuple[UUID, str], dict[str, int]]]:
    """What several queries say of each affiliate and currency."""
    sums: dict[tuple[UUID, str], dict[str, int]] = defaultdict(dict)
    for query in queries:
        for row in db.session.execute(query).mappings():
            known = sums[row["affiliate_id"], row["currency"]]
            known |= {name: int(minor) for name, minor in row.items() if name.endswith("_minor")}
    return sorted(sums.items())


def _counts(
    model: Any, affiliate_ids: Collection[UUID], since: datetime | None, *conditions: ColumnElement[bool]
) -> dict[UUID, int]:
    column = model.affiliate_id
    query = select(column, func.count()).where(column.in_(affiliate_ids), *conditions).group_by(column)
    if since is not None:
        query = query.where(model.created_at >= since)
    return {key: int(count) for key, count in db.session.execute(query)}
