"""The catalogue as JSON."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.kit.money import Money
from app.models import Service, ServiceTier
from app.workflows import catalog

bp = Blueprint("api_catalog", __name__, url_prefix="/api/services")


@bp.get("")
def services() -> Response:
    return jsonify(services=[_service(service) for service in catalog.active_services()])


def _service(service: Service) -> dict[str, Any]:
    return {
        "id": str(service.id),
        "name": service.name,
        "shortDescription": service.short_description,
        "description": service.description,
        "category": service.category,
        "features": service.features,
        "firstContactHours": service.first_contact_hours,
        "pricing": {**_amount(service.from_price), "tiers": [_tier(tier) for tier in service.active_tiers]},
    }


def _tier(tier: ServiceTier) -> dict[str, Any]:
    return {"id": str(tier.id), "name": tier.name, **_amount(tier.price), "features": tier.features}


def _amount(price: Money) -> dict[str, Any]:
    return {"amount": price.minor, "currency": price.currency}
