"""Sales through an affiliate's code, at any time, by the real workflows."""

from datetime import datetime, timedelta
from typing import Any

import time_machine
from sqlalchemy import select

from app.db import db, transaction
from app.gateways.base import RefundNews
from app.kit import clock, ids
from app.kit.money import Money
from app.models import AffiliateProfile, CommissionEntry, Payment, Role, Service
from app.workflows import locked_payments, payments, refunds
from app.workflows.terms import terms
from tests.factories import make_payment, make_service, make_user, snapshot_of


def make_affiliate(**changes: Any) -> AffiliateProfile:
    """Ten percent of everything unless told otherwise."""
    user = make_user(Role.AFFILIATE, **{name: changes.pop(name) for name in ("name", "email") if name in changes})
    with transaction():
        profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == user.id)).one()
        for name, value in changes.items():
            setattr(profile, name, value)
    return profile


def long_ago(days: int = 1) -> datetime:
    """So many days before a sale of now would be past the approval delay."""
    return clock.utc_now() - terms.refund_time - timedelta(days=days)


def sell(
    profile: AffiliateProfile,
    minor: int = 100_000,
    *,
    at: datetime | None = None,
    service: Service | None = None,
    **changes: Any,
) -> Payment:
    """A paid purchase through the affiliate's code, of a service of its own unless one is given."""
    with time_machine.travel(at or clock.utc_now(), tick=False):
        service = service or make_service(price_minor=minor, **changes)
        payment = make_payment(service, affiliate_code=profile.code)
        with transaction():
            payments.settle(payment.id, snapshot_of(payment))
    return payment


def give_back(payment: Payment, minor: int, *, at: datetime | None = None) -> None:
    """A refund that the gateway reports."""
    news = RefundNews(f"rf_{ids.new_id().hex}", Money(minor, payment.currency), "success", None)
    with time_machine.travel(at or clock.utc_now(), tick=False), transaction():
        refunds.learn(locked_payments.get_locked(payment.id), news)


def ledger(profile: AffiliateProfile) -> list[CommissionEntry]:
    query = select(CommissionEntry).where(CommissionEntry.affiliate_id == profile.user_id)
    return list(db.session.scalars(query.order_by(CommissionEntry.created_at, CommissionEntry.id)))
