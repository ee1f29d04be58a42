"""What an affiliate sent us and earned by it: figures by month, the ledger line by line, payouts, and a link maker."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app import commission_words
from app.db import db
from app.errors import NotFound
from app.extensions import settings
from app.kit import clock, ids
from app.models import AffiliateProfile, Role
from app.portal import affiliate_links, affiliate_plot
from app.portal.access import only, user
from app.workflows import affiliate_figures, affiliate_months, affiliate_terms
from app.workflows.affiliate_figures import Balance
from app.workflows.terms import terms

bp = Blueprint("portal_affiliate", __name__, url_prefix="/affiliate")

_MONTHS = 12


@bp.get("/")
@only(Role.AFFILIATE)
def index() -> ResponseReturnValue:
    profile, zone, locale = _profile(), settings().time_zone, settings().locale
    balances = _balances(profile)
    months = affiliate_months.months(profile.user_id, clock.utc_now().astimezone(zone).date(), _MONTHS, zone=zone)
    targets = affiliate_links.targets()
    target = affiliate_links.chosen(targets, request.args.get("page", ""))
    return render_template(
        "portal/affiliate.html",
        profile=profile,
        traffic=affiliate_figures.traffic([profile.user_id])[profile.user_id],
        balances=balances,
        plot=affiliate_plot.card(months, [balance.currency for balance in balances], locale),
        rates=affiliate_terms.named_rates(profile.user_id),
        targets=targets,
        target=target,
        link=affiliate_links.make(target, profile.code),
        terms=terms,
    )


@bp.get("/commission")
@only(Role.AFFILIATE)
def commission() -> ResponseReturnValue:
    """The ledger, the newest lines first."""
    profile = _profile()
    after = ids.parse_id(request.args.get("after", ""))
    page = affiliate_months.lines(profile.user_id, after=after, options=commission_words.LINE_OPTIONS)
    return render_template(
        "portal/affiliate_lines.html", page=page, words=commission_words, is_first=after is None, terms=terms
    )


@bp.get("/payouts")
@only(Role.AFFILIATE)
def payouts() -> ResponseReturnValue:
    profile = _profile()
    return render_template(
        "portal/affiliate_payouts.html",
        payouts=affiliate_months.payouts(profile.user_id),
        balances=_balances(profile),
        terms=terms,
    )


def _profile() -> AffiliateProfile:
    query = select(AffiliateProfile).where(AffiliateProfile.user_id == user().id)
    profile = db.session.scalar(query.options(joinedload(AffiliateProfile.user)))
    if profile is None:
        raise NotFound("Your account has no affiliate code yet. Ask whoever set up your account for one.")
    return profile


def _balances(profile: AffiliateProfile) -> Sequence[Balance]:
    """One for each currency; before anything was earned, nothing of the usual one."""
    found = affiliate_figures.balances([profile.user_id], clock.utc_now()).get(profile.user_id)
    return found or [Balance(profile.user_id, affiliate_months.usual_currency())]
