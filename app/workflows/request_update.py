"""Several changes to one request in one go: all of them or none, and none that is so already."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from app.db import db
from app.models import RequestStatus, ServiceRequest
from app.workflows import assignment, requests, status, workload
from app.workflows.audit import Actor


class Unsaid(Enum):
    """Told apart from None, which means nobody."""

    UNSAID = "unsaid"


UNSAID = Unsaid.UNSAID


@dataclass(frozen=True, slots=True)
class Wish:
    """How a request shall be. `note` goes with a change of status; without one it is a note of staff."""

    status: RequestStatus | None = None
    provider_id: UUID | Unsaid | None = UNSAID
    note: str = ""


def carry_out(service_request: ServiceRequest, wish: Wish, *, actor: Actor) -> bool:
    """Whether anything of a locked request changed. Raises TransitionRefused, AssignmentRefused and InvalidInput."""
    before = service_request.version
    note = requests.read_note(wish.note)
    with workload.gathered():
        # A closed request takes no provider until it is open again.
        if not service_request.is_open and _moves(service_request, wish):
            note = _set_status(service_request, wish, note, actor=actor)
        is_assigned = _set_provider(service_request, wish.provider_id, actor=actor)
        if _moves(service_request, wish):
            note = _set_status(service_request, wish, note, actor=actor)
    if note:
        requests.add_note(service_request, note, actor=actor)
    # Raises the version that is answered.
    db.session.flush()
    return is_assigned or bool(note) or service_request.version != before


def _moves(service_request: ServiceRequest, wish: Wish) -> bool:
    """Assigning may have set the status already."""
    return wish.status is not None and wish.status is not service_request.status


def _set_status(service_request: ServiceRequest, wish: Wish, note: str, *, actor: Actor) -> str:
    """What is left of the note: nothing, it stands in the history."""
    assert wish.status is not None
    status.change_status(service_request, wish.status, actor=actor, note=note)
    return ""


def _set_provider(service_request: ServiceRequest, provider_id: UUID | Unsaid | None, *, actor: Actor) -> bool:
    if provider_id is UNSAID or provider_id == service_request.assigned_provider_id:
        return False
    if provider_id is None:
        assignment.unassign(service_request, actor=actor)
    else:
        assert isinstance(provider_id, UUID)
        assignment.assign(service_request, assignment.get_provider(provider_id), actor=actor)
    return True
