"""Codes that visitors and buyers brought along, and that count for nobody: a slip of the pen, or an old code."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from app.db import db
from app.models import AffiliateClick, AffiliateProfile, ServiceRequest

LOOKED_AT = 10_000
"""Of the latest visits with an unknown code, so many are looked at: anybody can make up codes without end."""

_MOST = 100


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """`owner` has the code by now, has it switched off, or has one that differs in its capitals alone."""

    code: str
    visits: int = 0
    purchases: int = 0
    last_at: datetime | None = None
    owner: str = ""


def recent() -> list[UnknownCode]:
    """Those that cost somebody a commission first, then the most visited."""
    found: dict[str, UnknownCode] = {}
    for code, visits, last_at in db.session.execute(_visits()):
        found[code] = UnknownCode(code, visits=visits, last_at=last_at)
    for code, purchases, last_at in db.session.execute(_purchases()):
        known = found.get(code, UnknownCode(code))
        moments = [moment for moment in (known.last_at, last_at) if moment]
        found[code] = replace(known, purchases=purchases, last_at=max(moments))
    owners = _owners(found)
    codes = [replace(each, owner=owners.get(each.code.lower(), "")) for each in found.values()]
    return sorted(codes, key=lambda each: (-each.purchases, -each.visits, each.code))[:_MOST]


def _visits() -> Select[*tuple[Any, ...]]:
    latest = (
        select(AffiliateClick.code, AffiliateClick.created_at)
        .where(AffiliateClick.affiliate_id.is_(None))
        .order_by(AffiliateClick.created_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    count = func.count().label("visits")
    query = select(latest.c.code, count, func.max(latest.c.created_at, type_=AffiliateClick.created_at.type))
    return query.group_by(latest.c.code).order_by(count.desc()).limit(_MOST)


def _purchases() -> Select[*tuple[Any, ...]]:
    count = func.count().label("purchases")
    query: Select[*tuple[Any, ...]] = (
        select(
            ServiceRequest.affiliate_code,
            count,
            func.max(ServiceRequest.created_at, type_=ServiceRequest.created_at.type),
        )
        .where(ServiceRequest.affiliate_code.is_not(None), ServiceRequest.affiliate_id.is_(None))
        .group_by(ServiceRequest.affiliate_code)
        .order_by(count.desc())
        .limit(_MOST)
    )
    return query


def _owners(codes: Iterable[str]) -> dict[str, str]:
    """By the code in small letters."""
    folded = func.lower(AffiliateProfile.code)
    rows = db.session.scalars(select(AffiliateProfile).where(folded.in_([code.lower() for code in codes])))
    return {row.code.lower(): f"{row.user.name}: {row.code}{'' if row.is_active else ', off'}" for row in rows}
