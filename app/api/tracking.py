"""Where a request stands, for whoever has its reference number: nothing personal."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.extensions import limiter
from app.kit import clock
from app.models import ServiceRequest
from app.workflows import tracking
from app.workflows.tracking import TimelineStep

bp = Blueprint("api_tracking", __name__, url_prefix="/api/services/requests")


@bp.get("/<reference>")
@limiter.limit("300/minute")
def follow(reference: str) -> Response:
    service_request = tracking.find_request(reference)
    next_step = tracking.next_step(service_request)
    steps = [_step(step) for step in tracking.timeline(service_request) if step.at is not None]
    return jsonify(
        request=_public(service_request),
        timeline=steps,
        estimatedNextStep=next_step.text,
        estimatedNextStepBy=clock.isoformat(next_step.by) if next_step.by else None,
    )


def _public(service_request: ServiceRequest) -> dict[str, Any]:
    return {
        "referenceNumber": service_request.reference_number,
        "service": {
            "id": str(service_request.service_id),
            "name": service_request.service_name,
            "category": service_request.service_category,
            "tier": service_request.tier_name,
        },
        "status": service_request.status,
        "statusLabel": service_request.status.label,
        "paymentStatus": service_request.payment_status,
        "createdAt": clock.isoformat(service_request.created_at),
    }


def _step(step: TimelineStep) -> dict[str, Any]:
    return {
        "status": step.status,
        "label": step.label,
        "description": step.description,
        "timestamp": clock.isoformat(step.at) if step.at else None,
    }
