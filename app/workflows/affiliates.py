"""Who sent the customer, and what is owed for it.

None of it stands in the way of a purchase or a refund: what cannot be written is logged, and made up for later
(`commission_checks`).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, insert, select

from app.db import Model, db
from app.kit import ids
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
    ServiceRequest,
    User,
)
from app.workflows import bulk_writes
from app.workflows.beside import Step, beside, store_beside

logger = logging.getLogger(__name__)

MAXIMUM_CODE_LENGTH = 64

_OWN_RATE = and_(
    AffiliateServiceRate.affiliate_id == AffiliateProfile.user_id,
    AffiliateServiceRate.service_id == bindparam("service_id"),
)
_TERMS = (
    select(
        AffiliateProfile.rate_basis_points,
        AffiliateServiceRate.rate_basis_points.label("own_rate"),
        User.email,
    )
    .join(User, User.id == AffiliateProfile.user_id)
    .outerjoin(AffiliateServiceRate, _OWN_RATE)
    .where(AffiliateProfile.user_id == bindparam("affiliate_id"))
)
"""What an affiliate gets for a service, and whom it must not be bought by."""


@dataclass(frozen=True, slots=True)
class Click:
    """A visit through a link with this code, kept until it is convenient to store it."""

    code: str
    at: datetime
    service_id: UUID | None = None


def find_by_code(code: str) -> AffiliateProfile | None:
    return db.session.scalar(select(AffiliateProfile).where(AffiliateProfile.code == code))


def record_clicks(clicks: Sequence[Click]) -> None:
    """Remember visits; those with an unknown code too, with nobody to credit."""
    store_beside(logger, "visits through affiliates' links were not stored", clicks, _insert_clicks)


def _insert_clicks(clicks: Sequence[Click]) -> None:
    codes = {click.code for click in clicks}
    query = select(AffiliateProfile.code, AffiliateProfile.user_id).where(AffiliateProfile.code.in_(codes))
    owners = {row.code: row.user_id for row in db.session.execute(query)}
    rows = [
        {
            "id": ids.new_id(),
            "code": click.code[:MAXIMUM_CODE_LENGTH],
            "affiliate_id": owners.get(click.code),
            "service_id": click.service_id,
            "created_at": click.at,
        }
        for click in clicks
    ]
    db.session.execute(insert(AffiliateClick), rows)


def attribution(code: str) -> dict[str, Any]:
    """The columns of a request that say who sent the customer: the code, and whose it is if anybody's. Never stands in
    the way of a purchase."""
    columns: dict[str, Any] = {"affiliate_code": code[:MAXIMUM_CODE_LENGTH]}
    with beside(logger, "an affiliate was not looked up; the code is kept on the request"):
        profile = find_by_code(columns["affiliate_code"])
        if profile is not None and profile.is_active:
            columns["affiliate_id"] = profile.user_id
    return columns


def earn(service_request: ServiceRequest, payment: Payment) -> None:
    """Enter the commission for a payment, once. Buying through one's own code earns nothing."""
    bulk_writes.add_beside(*earning(service_request, payment))


def earning(service_request: ServiceRequest, payment: Payment) -> tuple[Step, ...]:
    """The steps that do so, to be written with others beside a sale; none where nobody sent the customer."""
    if service_request.affiliate_id is None:
        return ()
    entries = partial(_earned, service_request, payment)
    return (Step(logger, "a commission was not entered yet", entries, {"payment": payment.id}),)


def _earned(service_request: ServiceRequest, payment: Payment) -> Iterator[tuple[type[Model], Mapping[str, Any]]]:
    sent_by = {"affiliate_id": service_request.affiliate_id, "service_id": service_request.service_id}
    terms = db.session.connection().execute(_TERMS, sent_by).one_or_none()
    if terms is None or fold(terms.email) == fold(service_request.customer_email):
        return
    rate, rule = terms.rate_basis_points, CommissionRule.AFFILIATE
    if terms.own_rate is not None:
        rate, rule = terms.own_rate, CommissionRule.SERVICE
    # Also where it comes to nothing: the affiliate sees that the sale was counted.
    commission = payment.amount.share(rate)
    entry = {
        "affiliate_id": service_request.affiliate_id,
        "service_request_id": service_request.id,
        "payment_id": payment.id,
        "kind": CommissionKind.EARNED,
        "amount_minor": commission.minor,
        "currency": commission.currency,
        "rate_basis_points": rate,
        "rule": rule,
        "cause_key": f"earned:{payment.id}",
    }
    yield CommissionEntry, entry


def adjust(payment: Payment, refund: Refund | None = None) -> None:
    """Bring the ledger of a payment to the rate on what is left of it: to exactly zero when all of it went back.

    `refund` is what changed it, if it was one.
    """
    if payment.service_request.affiliate_id is None:
        return
    with beside(logger, "a commission was not adjusted yet", payment=payment.id):
        _adjust(payment, refund)


def _adjust(payment: Payment, refund: Refund | None) -> None:
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
