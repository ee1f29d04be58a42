"""What is done with all that we keep about one customer: handed out, or erased."""

from collections.abc import Sequence
from typing import Any

from app.errors import NotFound
from app.models import ServiceRequest
from app.workflows import audit, customers, erasure
from app.workflows.audit import Actor
from app.workflows.erasure import StillNeeded


class NobodyKnown(NotFound):
    suggested_action = "Check the address. A customer who was erased is not known any more."

    def __init__(self, address: str) -> None:
        super().__init__(f"Nothing is kept about {address}: no request was bought with this address.")


def export(address: str, *, actor: Actor) -> dict[str, Any]:
    """Everything about one customer, with an entry in the audit log for each request. Raises NobodyKnown."""
    picture = customers.picture(address)
    if not picture["requests"]:
        raise NobodyKnown(address)
    for service_request in customers.requests_of(address):
        audit.record("customer.exported", service_request, actor=actor)
    return picture


def erase(address: str, *, actor: Actor, although_needed: bool = False) -> Sequence[str]:
    """The references of what was erased, none when that was done before. Raises StillNeeded."""
    # Locked, so that nobody begins what needs them while we look whether anything does.
    requests = customers.requests_of(address, locked=True)
    reasons = [] if although_needed else erasure.reasons_against(requests)
    if reasons:
        raise StillNeeded(" ".join(reasons))
    return [_reference(each) for each in requests if erasure.erase(each.id, actor=actor)]


def _reference(service_request: ServiceRequest) -> str:
    return service_request.reference_number
