"""The catalogue as JSON."""

from typing import Any

from flask import Blueprint

from app.api.contract import Content, Operation, serves
from app.kit.money import Money
from app.workflows import catalog
from app.workflows.catalog import OfferedTier, Offering

bp = Blueprint("api_catalog", __name__, url_prefix="/api/services")

_LIST = Operation(
    summary="What is on sale",
    tag="Buying",
    answer="shapes.Catalogue",
    description="Every service that can be bought now, with its tiers, in the order of the shop.",
)


@bp.get("")
@serves(_LIST)
def services() -> Content:
    return {"services": [_service(service) for service in catalog.active_services()]}


def _service(service: Offering) -> dict[str, Any]:
    return {
        "id": service.id,
        "name": service.name,
        "short_description": service.short_description,
        "description": service.description,
        "category": service.category,
        "features": service.features,
        "first_contact_hours": service.first_contact_hours,
        "pricing": {**_amount(service.from_price), "tiers": [_tier(tier) for tier in service.active_tiers]},
    }


def _tier(tier: OfferedTier) -> dict[str, Any]:
    return {"id": tier.id, "name": tier.name, **_amount(tier.price), "features": tier.features}


def _amount(price: Money) -> dict[str, Any]:
    return {"amount": price.minor, "currency": price.currency}
