"""Where a request stands, for whoever has its reference number: nothing personal."""

from typing import Any

from flask import Blueprint

from app.api.contract import Content, Operation, serves
from app.extensions import limiter
from app.models import ServiceRequest
from app.workflows import tracking
from app.workflows.tracking import Progress

bp = Blueprint("api_tracking", __name__, url_prefix="/api/services/requests")

_FOLLOW = Operation(
    summary="Where a request stands",
    tag="Following",
    answer="shapes.Tracking",
    description="Service, status and timeline, and nothing personal: the reference number is all that is needed.",
    paths={"reference": "As the customer has it; case, spaces and dashes do not matter."},
    errors=("reference_mistyped", "reference_unknown"),
)


@bp.get("/<reference>")
@limiter.limit("300/minute")
@serves(_FOLLOW)
def follow(reference: str) -> Content:
    service_request = tracking.find_progress(reference)
    next_step = tracking.next_step(service_request)
    return {
        "request": _public(service_request),
        "timeline": [
            {"status": step.status, "label": step.label, "description": step.description, "timestamp": step.at}
            for step in tracking.timeline(service_request)
            if step.at is not None
        ],
        "estimated_next_step": next_step.text,
        "estimated_next_step_by": next_step.by,
    }


def bought_service(service_request: Progress | ServiceRequest) -> dict[str, Any]:
    return {
        "id": service_request.service_id,
        "name": service_request.service_name,
        "category": service_request.service_category,
        "tier": service_request.tier_name,
    }


def _public(service_request: Progress) -> dict[str, Any]:
    return {
        "reference_number": service_request.reference_number,
        "service": bought_service(service_request),
        "status": service_request.status,
        "status_label": service_request.status.label,
        "payment_status": service_request.payment_status,
        "created_at": service_request.created_at,
    }
