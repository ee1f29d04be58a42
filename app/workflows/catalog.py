"""What is on sale now, and what was ever sold."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select, tuple_
from sqlalchemy.orm import aliased, joinedload, selectinload, with_expression
from sqlalchemy.sql.base import ExecutableOption

from app.db import db
from app.errors import InvalidInput, NotFound, ServiceNotForSale
from app.models import Service, ServiceRequest, ServiceTier


def active_services() -> list[Service]:
    """All services on sale in their order, tiers loaded: few enough for one query."""
    query = (
        select(Service)
        .where(Service.is_active)
        .order_by(Service.sort_order, Service.name)
        .options(joinedload(Service.tiers))
    )
    return list(db.session.scalars(query).unique())


def get_for_sale(service_id: UUID) -> Service:
    """Raises NotFound for an unknown service, ServiceNotForSale for a retired one."""
    service = db.session.get(Service, service_id, options=[joinedload(Service.tiers)])
    if service is None:
        raise NotFound("We do not know this service.")
    if not service.is_active:
        raise ServiceNotForSale
    return service


def get_tier(service: Service, tier_id: UUID | None) -> ServiceTier | None:
    """The chosen tier; None for a service without tiers. Raises InvalidInput when the choice does not fit."""
    tiers = {tier.id: tier for tier in service.active_tiers}
    if tier_id in tiers:
        return tiers[tier_id]
    if tier_id is None and not tiers:
        return None
    raise InvalidInput("Choose one of the options.", details={"tier": "Choose one of the options."})


def last_sale(row: type[Service] | type[ServiceTier]) -> ScalarSelect[Any]:
    """When each was last bought: one look into an index, however often that was."""
    column = ServiceRequest.service_id if row is Service else ServiceRequest.service_tier_id
    return (
        select(ServiceRequest.created_at)
        .where(column == row.id)
        .order_by(ServiceRequest.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def with_facts() -> Sequence[ExecutableOption]:
    """Services with their tiers, their position in the shop, and when they were last sold."""
    before = aliased(Service)
    position = select(func.count()).where(
        tuple_(before.sort_order, before.id) <= tuple_(Service.sort_order, Service.id)
    )
    return (
        with_expression(Service.position, position.scalar_subquery()),
        with_expression(Service.last_sold_at, last_sale(Service)),
        selectinload(Service.tiers).options(with_expression(ServiceTier.last_sold_at, last_sale(ServiceTier))),
    )


def was_sold(service: Service) -> bool:
    """A service that was sold can be retired, but not deleted."""
    return _exists(ServiceRequest.service_id == service.id)


def tier_was_sold(tier: ServiceTier) -> bool:
    return _exists(ServiceRequest.service_tier_id == tier.id)


def _exists(condition: object) -> bool:
    return db.session.scalar(select(ServiceRequest.id).where(condition).limit(1)) is not None  # type: ignore[arg-type]
