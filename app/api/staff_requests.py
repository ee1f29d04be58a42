"""Requests as staff have them: a list with filters, and changes to one."""

import math
from typing import Any
from uuid import UUID

from flask import Blueprint, request

from app.api.callers import Caller, needs
from app.api.contract import Content, Header, Operation, serves
from app.api.tracking import bought_service
from app.db import transaction
from app.errors import InvalidInput, StaleChange
from app.extensions import limiter, settings
from app.kit import ids
from app.models import Category, ServiceRequest
from app.workflows import request_pages, request_update, requests
from app.workflows.api_tokens import Scope
from app.workflows.request_pages import RequestPage
from app.workflows.request_search import RequestFilters
from app.workflows.request_update import UNSAID, Wish

bp = Blueprint("api_staff_requests", __name__, url_prefix="/api/admin/services/requests")

_NOBODY = "none"


_LIST = Operation(
    summary="List requests",
    tag="Staff",
    answer="shapes.StaffRequests",
    description=(
        "All requests, also those that are not paid yet, the newest first. All filters must hold. Pages are counted "
        f"up to {request_pages.COUNTED:,} requests; `nextCursor` leads on from there at the same speed."
    ),
    query="wishes.RequestsQuery",
    errors=("validation_failed",),
    scope=Scope.READ_REQUESTS,
)
_CHANGE = Operation(
    summary="Change a request",
    tag="Staff",
    answer="shapes.ChangedRequest",
    description=(
        "Sets status and provider and adds a note, all of it or nothing, by the rules of the console. Send `If-Match` "
        "(or `version`) to change only what you have seen; without it the newest state is changed. Asking twice is "
        "harmless: what is so already is left alone, and `updated` says whether anything was done."
    ),
    body="wishes.RequestChange",
    headers=(
        Header("If-Match", 'The `ETag` of the request as it was read: `"3"`.', {"type": "string", "example": '"3"'}),
    ),
    answered=(Header("ETag", "Of the request as it is now.", {"type": "string", "example": '"4"'}),),
    paths={"key": "`id` of the request."},
    errors=("validation_failed", "not_found", "transition_refused", "assignment_refused", "stale"),
    scope=Scope.CHANGE_REQUESTS,
)


@bp.get("")
@limiter.limit("600/minute")
@needs(Scope.READ_REQUESTS)
@serves(_LIST)
def index(query: dict[str, Any], caller: Caller) -> Content:
    page = _fetch(query)
    return {
        "requests": [_shown(row, caller) for row in page.rows],
        "total": page.total,
        "is_total_exact": page.is_total_exact,
        "page": None if "cursor" in query else query.get("page", 1),
        "total_pages": math.ceil(page.total / query["limit"]),
        "next_cursor": page.next_cursor,
    }


@bp.patch("/<uuid:key>")
@limiter.limit("600/minute")
@needs(Scope.CHANGE_REQUESTS)
@serves(_CHANGE)
def change(key: UUID, body: dict[str, Any], caller: Caller) -> tuple[Content, dict[str, str]]:
    wish = Wish(body.get("status"), body.get("assigned_provider_id", UNSAID), body.get("notes") or "")
    takes = caller.is_person and requests.may_take(caller.user)
    with transaction():
        service_request = requests.get_locked(key)
        _ensure_as_seen(service_request, body.get("version"))
        is_updated = _carry_out(service_request, wish, caller)
        if is_updated and takes:
            requests.take_if_free(service_request, actor=caller.actor)
    return {"request": _shown(service_request, caller), "updated": is_updated}, {"ETag": _etag(service_request)}


def _carry_out(service_request: ServiceRequest, wish: Wish, caller: Caller) -> bool:
    try:
        return request_update.carry_out(service_request, wish, actor=caller.actor)
    except InvalidInput as error:
        # Only a note can be wrong by now, and it has another name here.
        raise InvalidInput(error.message, details={"notes": error.details["note"]}) from error


def _fetch(query: dict[str, Any]) -> RequestPage:
    if "cursor" in query and "page" in query:
        raise InvalidInput(details={"cursor": "Give either a page or a cursor."})
    filters = _filters(query)
    return request_pages.fetch(
        filters, query.get("cursor", query.get("page", 1)), limit=query["limit"], zone=settings().time_zone
    )


def _filters(query: dict[str, Any]) -> RequestFilters:
    return RequestFilters(
        **_service_type(query.get("service_type")),
        status=query.get("status"),
        payment_status=query.get("payment_status"),
        provider=_provider(query.get("assigned_provider")),
        start=query.get("start_date"),
        end=query.get("end_date"),
        include_unpaid=True,
    )


def _service_type(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if text in set(Category):
        return {"category": Category(text)}
    service_id = ids.parse_id(text)
    if service_id is None:
        raise InvalidInput(details={"serviceType": f"Give the id of a service, or one of {', '.join(Category)}."})
    return {"service_id": service_id}


def _provider(text: str | None) -> Any:
    if text is None or text == _NOBODY:
        return text
    provider_id = ids.parse_id(text)
    if provider_id is None:
        raise InvalidInput(details={"assignedProvider": "Give the id of a provider, or none."})
    return provider_id


def _ensure_as_seen(service_request: ServiceRequest, version: int | None) -> None:
    """Raises StaleChange, which tells how the request stands now."""
    etags = request.if_match
    # One that cannot be read matches nothing.
    is_match = "If-Match" not in request.headers or etags.star_tag or etags.contains(str(service_request.version))
    if is_match and version in {None, service_request.version}:
        return
    raise StaleChange(
        requests.what_changed(service_request),
        details={
            "version": str(service_request.version),
            "status": service_request.status,
            "assignedProviderId": str(service_request.assigned_provider_id or ""),
        },
    )


def _etag(service_request: ServiceRequest) -> str:
    return f'"{service_request.version}"'


def _shown(row: ServiceRequest, caller: Caller) -> dict[str, Any]:
    may_see = Scope.READ_CUSTOMERS in caller.scopes and row.erased_at is None
    return {
        "id": row.id,
        "reference_number": row.reference_number,
        "service": bought_service(row),
        "customer": _customer(row) if may_see else None,
        "payment": _payment(row),
        "status": row.status,
        "status_label": row.status.label,
        "assigned_provider": row.provider,
        "affiliate_code": row.affiliate_code,
        "due_at": row.due_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
    }


def _customer(row: ServiceRequest) -> dict[str, Any]:
    return {
        "full_name": row.customer_name,
        "email": row.customer_email,
        "phone": row.customer_phone,
        "requirements": row.customer_requirements,
    }


def _payment(row: ServiceRequest) -> dict[str, Any]:
    return {
        "status": row.payment_status,
        "gateway": row.payment_gateway,
        "transaction_id": row.payment_transaction_id,
        "amount": row.amount_minor,
        "currency": row.currency,
        "refunded_amount": row.refunded_minor,
        "completed_at": row.payment_completed_at,
    }
