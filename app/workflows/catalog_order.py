"""The order in which services stand in the shop, and tiers in their service."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from app.db import db
from app.models import Service, ServiceTier


def lock_services() -> None:
    """To be called before one of them is locked by itself: whoever moves one may renumber them all.

    In the order of their keys, so that two who move at once do not wait for each other for ever.
    """
    db.session.execute(select(Service.id).order_by(Service.id).with_for_update(key_share=True)).all()


def lock_tiers(tier_id: UUID) -> None:
    """The same, for the tiers of the service that this one belongs to."""
    service_id = select(ServiceTier.service_id).where(ServiceTier.id == tier_id).scalar_subquery()
    query = select(ServiceTier.id).where(ServiceTier.service_id == service_id).order_by(ServiceTier.id)
    db.session.execute(query.with_for_update(key_share=True)).all()


def move_service(service: Service, position: int) -> int:
    """Put a service at a position from 1, beyond the ends at the end, and tell where it is then; all are locked."""
    query = select(Service).order_by(Service.sort_order, Service.id)
    return _move(service, position, list(db.session.scalars(query.execution_options(populate_existing=True))))


def move_tier(tier: ServiceTier, position: int) -> int:
    """The same, among the tiers of a service."""
    return _move(tier, position, tier.service.tiers)


def position_of(row: Service | ServiceTier) -> int:
    """Where it stands, from 1, as the console and the shop show it."""
    if isinstance(row, ServiceTier):
        return row.service.tiers.index(row) + 1
    before = select(func.count()).where(
        (Service.sort_order < row.sort_order) | ((Service.sort_order == row.sort_order) & (Service.id < row.id))
    )
    return row.position or (db.session.scalar(before) or 0) + 1


def next_place(services_or_tiers: type[Service] | type[ServiceTier]) -> int:
    """After all that there are, for a new one."""
    return (db.session.scalar(select(func.max(services_or_tiers.sort_order))) or 0) + 1


def _move(row: Service | ServiceTier, position: int, rows: Sequence[Service | ServiceTier]) -> int:
    others = [other for other in rows if other.id != row.id]
    place = min(max(position, 1), len(rows))
    for number, each in enumerate([*others[: place - 1], row, *others[place - 1 :]], 1):
        if each.sort_order != number:
            each.sort_order = number
    return place
