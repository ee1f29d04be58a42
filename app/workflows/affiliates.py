"""Who sent the customer, and what is owed for it."""

import logging

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.db import db
from app.kit.contact import fold
from app.models import (
    AffiliateClick,
    AffiliateProfile,
    AffiliateServiceRate,
    CommissionEntry,
    CommissionKind,
    CommissionRule,
    Payment,
    Refund,
    Service,
    ServiceRequest,
)

logger = logging.getLogger(__name__)

MAXIMUM_CODE_LENGTH = 64


def find_by_code(code: str) -> AffiliateProfile | None:
    return db.session.scalar(select(AffiliateProfile).where(AffiliateProfile.code == code))


def record_click(code: str, service: Service | None = None) -> None:
    """Remember a visit; an unknown code is kept too, with nobody to credit."""
    profile = find_by_code(code)
    click = AffiliateClick(
        code=code[:MAXIMUM_CODE_LENGTH],
        affiliate_id=profile.user_id if profile else None,
        service_id=service.id if service else None,
    )
    db.session.add(click)


def attribute(service_request: ServiceRequest, code: str) -> None:
    """Write the code on the request, and whose it is if anybody's. Never stands in the way of a purchase."""
    service_request.affiliate_code = code[:MAXIMUM_CODE_LENGTH]
    try:
        with db.session.begin_nested():
            profile = find_by_code(service_request.affiliate_code)
    except SQLAlchemyError:
        logger.exception("affiliate look-up failed; the code is kept on the request")
        return
    if profile is not None and profile.is_active:
        service_request.affiliate_id = profile.user_id


def earn(service_request: ServiceRequest, payment: Payment) -> None:
    """Enter the commission for a payment, once. Buying through one's own code earns nothing."""
    if service_request.affiliate_id is None:
        return
    profile = db.session.scalar(
        select(AffiliateProfile).where(AffiliateProfile.user_id == service_request.affiliate_id)
    )
    if profile is None or fold(profile.user.email) == fold(service_request.customer_email):
        return
    rate, rule = _rate(profile, service_request)
    commission = payment.amount.share(rate)
    if not commission:
        return
    db.session.add(
        CommissionEntry(
            affiliate_id=profile.user_id,
            service_request_id=service_request.id,
            payment_id=payment.id,
            kind=CommissionKind.EARNED,
            amount_minor=commission.minor,
            currency=commission.currency,
            rate_basis_points=rate,
            rule=rule,
            cause_key=f"earned:{payment.id}",
        )
    )


def adjust(payment: Payment, refund: Refund | None = None) -> None:
    """Bring the ledger of a payment to the rate on what is left of it: to exactly zero when all of it went back.

    `refund` is what changed it, if it was one.
    """
    entries = list(db.session.scalars(select(CommissionEntry).where(CommissionEntry.payment_id == payment.id)))
    earned = next((entry for entry in entries if entry.kind is CommissionKind.EARNED), None)
    if earned is None:
        return
    due = (payment.amount - payment.refunded).share(earned.rate_basis_points)
    difference = due.minor - sum(entry.amount_minor for entry in entries)
    if difference == 0:
        return
    db.session.add(
        CommissionEntry(
            affiliate_id=earned.affiliate_id,
            service_request_id=earned.service_request_id,
            payment_id=payment.id,
            refund_id=refund.id if refund else None,
            kind=CommissionKind.ADJUSTED,
            amount_minor=difference,
            currency=payment.currency,
            rate_basis_points=earned.rate_basis_points,
            rule=earned.rule,
            # How many lines there were: two adjustments made at once would collide.
            cause_key=f"adjusted:{payment.id}:{len(entries)}",
        )
    )
    db.session.flush()


def _rate(profile: AffiliateProfile, service_request: ServiceRequest) -> tuple[int, CommissionRule]:
    own = db.session.scalar(
        select(AffiliateServiceRate.rate_basis_points).where(
            AffiliateServiceRate.affiliate_id == profile.user_id,
            AffiliateServiceRate.service_id == service_request.service_id,
        )
    )
    if own is not None:
        return own, CommissionRule.SERVICE
    return profile.rate_basis_points, CommissionRule.AFFILIATE
