"""What is on sale now, and what was ever sold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, and_, func, select, tuple_
from sqlalchemy.orm import aliased, selectinload, with_expression
from sqlalchemy.sql.base import ExecutableOption

from app.db import db
from app.errors import InvalidInput, NotFound, ServiceNotForSale
from app.kit.money import Money
from app.models import Category, Service, ServiceRequest, ServiceTier
from app.workflows.editions import Kept


@dataclass(frozen=True, slots=True)
class OfferedTier:
    """A tier on sale."""

    id: UUID
    name: str
    price: Money
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offering:
    """A service as the shop shows and sells it, with those of its tiers that are on sale. A value: equal to another
    when nothing about it differs."""

    id: UUID
    name: str
    description: str
    short_description: str
    category: Category
    price: Money
    features: tuple[str, ...]
    first_contact_hours: int
    is_active: bool
    active_tiers: tuple[OfferedTier, ...]
    from_price: Money
    """The cheapest way to buy it."""

    @property
    def currency(self) -> str:
        return self.price.currency


def active_services() -> list[Offering]:
    """All services on sale in their order."""
    return [service for service in _SERVICES.now().values() if service.is_active]


def get_for_sale(service_id: UUID) -> Offering:
    """Raises NotFound for an unknown service, ServiceNotForSale for a retired one."""
    # What is bought is what stood there as the customer's form came in, and was checked against.
    service = _SERVICES.lately().get(service_id)
    if service is None:
        raise NotFound("We do not know this service.")
    if not service.is_active:
        raise ServiceNotForSale
    return service


def get_tier(service: Offering, tier_id: UUID | None) -> OfferedTier | None:
    """The chosen tier; None for a service without tiers. Raises InvalidInput when the choice does not fit."""
    tiers = {tier.id: tier for tier in service.active_tiers}
    if tier_id in tiers:
        return tiers[tier_id]
    if tier_id is None and not tiers:
        return None
    raise InvalidInput("Choose one of the options.", details={"tier": "Choose one of the options."})


def _read() -> Mapping[UUID, Offering]:
    """Services in the order of the shop: few enough for one query."""
    return _offerings(db.session.execute(_ALL))


def _offerings(rows: Iterable[Any]) -> Mapping[UUID, Offering]:
    return {key: _offering(list(of_service)) for key, of_service in groupby(rows, attrgetter("id"))}


_ALL = (
    select(
        Service.id,
        Service.name,
        Service.description,
        Service.short_description,
        Service.category,
        Service.price_minor,
        Service.currency,
        Service.features,
        Service.first_contact_hours,
        Service.is_active,
        ServiceTier.id.label("tier_id"),
        ServiceTier.name.label("tier_name"),
        ServiceTier.price_minor.label("tier_price_minor"),
        ServiceTier.features.label("tier_features"),
    )
    .outerjoin(ServiceTier, and_(ServiceTier.service_id == Service.id, ServiceTier.is_active))
    .order_by(Service.sort_order, Service.name, Service.id, ServiceTier.sort_order, ServiceTier.created_at)
)
_SERVICES = Kept("catalog", _read)


def _offering(rows: Sequence[Any]) -> Offering:
    """`rows` are one for each tier on sale, or a single one without."""
    row = rows[0]
    tiers = tuple(_tier(each) for each in rows if each.tier_id is not None)
    price = Money(row.price_minor, row.currency)
    return Offering(
        id=row.id,
        name=row.name,
        description=row.description,
        short_description=row.short_description,
        category=row.category,
        price=price,
        features=tuple(row.features),
        first_contact_hours=row.first_contact_hours,
        is_active=row.is_active,
        active_tiers=tiers,
        from_price=min((tier.price for tier in tiers), default=price),
    )


def _tier(row: Any) -> OfferedTier:
    return OfferedTier(row.tier_id, row.tier_name, Money(row.tier_price_minor, row.currency), tuple(row.tier_features))


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
