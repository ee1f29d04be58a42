"""Making up for commissions that could not be written when their sale or refund was: the ledger is the sum of both.

Whatever is found here is entered by the very functions that failed then, and a second time changes nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from app.db import db
from app.kit.money import Money
from app.models import (
    PAID_STATUSES,
    AffiliateProfile,
    CommissionEntry,
    CommissionKind,
    Dispute,
    Payment,
    Refund,
    ServiceRequest,
)
from app.workflows import affiliates, locked_payments

LOOKED_BACK = timedelta(days=3)
_AT_ONCE = 500
_LONGEST_DISPUTE = timedelta(days=120)


def suspects(now: datetime) -> list[UUID]:
    """Payments of the last days whose commission is not what it should be, as far as can be told without a lock."""
    candidates = [*_paid_lately(now - LOOKED_BACK), *_given_back_lately(now - LOOKED_BACK)]
    ordered = list(dict.fromkeys(candidates))
    return [key for start in range(0, len(ordered), _AT_ONCE) for key in _differing(ordered[start : start + _AT_ONCE])]


def mend(payment_id: UUID) -> None:
    """Bring the ledger of one payment to what it should say."""
    payment = locked_payments.get_locked(payment_id)
    service_request = payment.service_request
    if not payment.settles_request or payment.status not in PAID_STATUSES:
        return
    _attribute_late(service_request)
    if not _is_earned(payment_id):
        affiliates.earn(service_request, payment)
    affiliates.adjust(payment)


def _paid_lately(since: datetime) -> list[UUID]:
    """Of requests that somebody sent: known, or with a code of somebody's that was not looked up."""
    is_code = select(AffiliateProfile.code).where(AffiliateProfile.is_active)
    query = (
        select(Payment.id)
        .join(ServiceRequest, ServiceRequest.id == Payment.service_request_id)
        .where(
            ServiceRequest.payment_completed_at >= since,
            Payment.settles_request,
            or_(ServiceRequest.affiliate_id.is_not(None), ServiceRequest.affiliate_code.in_(is_code)),
        )
    )
    return list(db.session.scalars(query))


def _given_back_lately(since: datetime) -> list[UUID]:
    """By refunds and disputes, as long ago as they were opened: theirs is the time that has an index."""
    long_since, earning = since - _LONGEST_DISPUTE, select(CommissionEntry.payment_id)
    found: list[UUID] = []
    for cause in (Refund, Dispute):
        is_recent = and_(cause.created_at >= long_since, cause.updated_at >= since)
        found += db.session.scalars(select(cause.payment_id).where(is_recent, cause.payment_id.in_(earning)))
    return found


def _differing(payment_ids: Collection[UUID]) -> list[UUID]:
    earned = _earned_rates(payment_ids)
    sums = select(CommissionEntry.payment_id, func.sum(CommissionEntry.amount_minor))
    query = sums.where(CommissionEntry.payment_id.in_(payment_ids)).group_by(CommissionEntry.payment_id)
    entered = {key: int(minor) for key, minor in db.session.execute(query)}
    rows = db.session.scalars(select(Payment).where(Payment.id.in_(payment_ids), Payment.settles_request))
    return [
        row.id for row in rows if row.status in PAID_STATUSES and _differs(row, earned.get(row.id), entered.get(row.id))
    ]


def _differs(payment: Payment, rate: int | None, entered: int | None) -> bool:
    if rate is None:
        return True
    return (payment.amount - payment.refunded).share(rate) != Money(entered or 0, payment.currency)


def _earned_rates(payment_ids: Collection[UUID]) -> dict[UUID, int]:
    query = select(CommissionEntry.payment_id, CommissionEntry.rate_basis_points).where(
        CommissionEntry.payment_id.in_(payment_ids), CommissionEntry.kind == CommissionKind.EARNED
    )
    return {row.payment_id: row.rate_basis_points for row in db.session.execute(query)}


def _is_earned(payment_id: UUID) -> bool:
    return bool(_earned_rates([payment_id]))


def _attribute_late(service_request: ServiceRequest) -> None:
    """Only to somebody who had this code all the time since then."""
    code = service_request.affiliate_code
    if code is None or service_request.affiliate_id is not None:
        return
    profile = affiliates.find_by_code(code)
    if profile is not None and profile.is_active and profile.updated_at <= service_request.created_at:
        service_request.affiliate_id = profile.user_id
        db.session.flush()
