"""What an affiliate sent us and earned by it."""

from collections.abc import Iterable
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from app.db import db
from app.errors import NotFound
from app.extensions import links
from app.kit.money import Money
from app.models import AffiliateClick, AffiliateProfile, CommissionEntry, PaymentStatus, Role, Service, ServiceRequest
from app.portal.access import only, user

bp = Blueprint("portal_affiliate", __name__, url_prefix="/affiliate")

_BOUGHT = (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)
_LATEST = 50


@bp.get("/")
@only(Role.AFFILIATE)
def index() -> ResponseReturnValue:
    profile = db.session.scalar(select(AffiliateProfile).where(AffiliateProfile.user_id == user().id))
    if profile is None:
        raise NotFound("Your account has no affiliate code yet.")
    services = select(Service).where(Service.is_active).order_by(Service.sort_order, Service.name)
    return render_template(
        "portal/affiliate.html",
        profile=profile,
        clicks=_count_clicks(profile.user_id),
        purchases=_count_purchases(profile.user_id),
        earned=_earned(profile.user_id),
        entries=_latest_entries(profile.user_id),
        services=list(db.session.scalars(services)),
        home=links().home(),
    )


def _count_clicks(affiliate_id: UUID) -> int:
    query = select(func.count()).select_from(AffiliateClick).where(AffiliateClick.affiliate_id == affiliate_id)
    return db.session.scalar(query) or 0


def _count_purchases(affiliate_id: UUID) -> int:
    query = (
        select(func.count())
        .select_from(ServiceRequest)
        .where(ServiceRequest.affiliate_id == affiliate_id, ServiceRequest.payment_status.in_(_BOUGHT))
    )
    return db.session.scalar(query) or 0


def _earned(affiliate_id: UUID) -> list[Money]:
    """What the ledger adds up to, refunds taken off: one sum for each currency."""
    query = (
        select(CommissionEntry.currency, func.sum(CommissionEntry.amount_minor))
        .where(CommissionEntry.affiliate_id == affiliate_id)
        .group_by(CommissionEntry.currency)
        .order_by(CommissionEntry.currency)
    )
    rows: Iterable[tuple[str, int]] = ((currency, total) for currency, total in db.session.execute(query))
    return [Money(int(total), currency) for currency, total in rows]


def _latest_entries(affiliate_id: UUID) -> list[CommissionEntry]:
    query = (
        select(CommissionEntry)
        .where(CommissionEntry.affiliate_id == affiliate_id)
        .order_by(CommissionEntry.created_at.desc(), CommissionEntry.id.desc())
        .limit(_LATEST)
    )
    return list(db.session.scalars(query))
