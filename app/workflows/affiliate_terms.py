"""What an affiliate's code is, and what they earn: in general, and for services of their own rate."""

import re
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.errors import InvalidInput, wrong
from app.kit.money import BASIS_POINTS
from app.models import AffiliateProfile, AffiliateServiceRate, Service
from app.workflows import affiliates

_CODE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{1,{affiliates.MAXIMUM_CODE_LENGTH - 1}}}", re.ASCII)


def set_code(profile: AffiliateProfile, text: str) -> None:
    """Raises InvalidInput for a code that cannot stand in a link, or that somebody else has."""
    code = text.strip()
    if _CODE.fullmatch(code) is None:
        raise wrong("code", f"Use 2 to {affiliates.MAXIMUM_CODE_LENGTH} letters, digits, dots, dashes and underscores.")
    owner = affiliates.find_by_code(code)
    if owner is not None and owner.id != profile.id:
        raise wrong("code", f"{owner.user.name} has this code.")
    profile.code = code


def rates_of(affiliate_id: UUID) -> dict[UUID, int]:
    """Basis points by service, where they differ from the affiliate's own rate on purpose."""
    query = select(AffiliateServiceRate.service_id, AffiliateServiceRate.rate_basis_points)
    rows = db.session.execute(query.where(AffiliateServiceRate.affiliate_id == affiliate_id))
    return {row.service_id: row.rate_basis_points for row in rows}


def named_rates(affiliate_id: UUID) -> list[tuple[str, int]]:
    """The same by the services' names."""
    query = select(Service.name, AffiliateServiceRate.rate_basis_points).join(
        Service, Service.id == AffiliateServiceRate.service_id
    )
    rows = db.session.execute(query.where(AffiliateServiceRate.affiliate_id == affiliate_id).order_by(Service.name))
    return [(name, rate) for name, rate in rows]


def set_rates(affiliate_id: UUID, wanted: Mapping[UUID, int]) -> None:
    """Keep exactly these; what was sold before keeps the rate it was sold with."""
    if any(not 0 <= rate <= BASIS_POINTS for rate in wanted.values()):
        raise InvalidInput("A rate is between 0 and 100 percent.")
    query = select(AffiliateServiceRate).where(AffiliateServiceRate.affiliate_id == affiliate_id)
    known = {row.service_id: row for row in db.session.scalars(query)}
    for service_id, row in known.items():
        if service_id not in wanted:
            db.session.delete(row)
    for service_id, rate in wanted.items():
        if service_id in known:
            known[service_id].rate_basis_points = rate
        else:
            db.session.add(
                AffiliateServiceRate(affiliate_id=affiliate_id, service_id=service_id, rate_basis_points=rate)
            )
