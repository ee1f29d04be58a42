"""What is on sale now."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.errors import InvalidInput, NotFound, ServiceNotForSale
from app.models import Service, ServiceRequest, ServiceTier


def active_services() -> list[Service]:
    """All services on sale in their order, tiers loaded."""
    query = (
        select(Service)
        .where(Service.is_active)
        .order_by(Service.sort_order, Service.name)
        .options(selectinload(Service.tiers))
    )
    return list(db.session.scalars(query))


def get_for_sale(service_id: UUID) -> Service:
    """Raises NotFound for an unknown service, ServiceNotForSale for a retired one."""
    service = db.session.get(Service, service_id, options=[selectinload(Service.tiers)])
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


def was_sold(service: Service) -> bool:
    """A service that was sold can be retired, but not deleted."""
    return _exists(ServiceRequest.service_id == service.id)


def tier_was_sold(tier: ServiceTier) -> bool:
    return _exists(ServiceRequest.service_tier_id == tier.id)


def _exists(condition: object) -> bool:
    return db.session.scalar(select(ServiceRequest.id).where(condition).limit(1)) is not None  # type: ignore[arg-type]
