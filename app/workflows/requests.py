"""Getting hold of a request to change it, and the notes staff leave on it."""

from uuid import UUID

from app.db import LOCK, db
from app.errors import InvalidInput, NotFound, StaleChange
from app.models import RequestNote, ServiceRequest
from app.workflows import audit
from app.workflows.audit import Actor

MAXIMUM_NOTE_LENGTH = 5000


def get_locked(request_id: UUID, *, version: int | None = None) -> ServiceRequest:
    """The request, read afresh and locked until the transaction ends.

    `version` is the one the person was shown: raises StaleChange when it is no longer that, and NotFound.
    """
    service_request = db.session.get(ServiceRequest, request_id, with_for_update=LOCK, populate_existing=True)
    if service_request is None:
        raise NotFound("This request does not exist.")
    if version is not None and service_request.version != version:
        raise StaleChange(_what_changed(service_request))
    return service_request


def add_note(service_request: ServiceRequest, body: str, *, actor: Actor) -> RequestNote:
    """Raises InvalidInput for an empty or overlong note."""
    text = body.strip()
    if not text or len(text) > MAXIMUM_NOTE_LENGTH:
        raise InvalidInput(f"A note needs between 1 and {MAXIMUM_NOTE_LENGTH} characters.", details={"note": text[:50]})
    note = RequestNote(service_request_id=service_request.id, author_id=actor.user_id, body=text)
    db.session.add(note)
    db.session.flush()
    audit.record("request.note_added", service_request, actor=actor, after={"note": str(note.id)})
    return note


def _what_changed(service_request: ServiceRequest) -> str:
    latest = service_request.history[-1] if service_request.history else None
    who = latest.changed_by.name if latest and latest.changed_by else "The system"
    provider = service_request.provider.name if service_request.provider else "nobody"
    return (
        f"{service_request.reference_number} was changed in the meantime (last status change: {who}). It is now "
        f"“{service_request.status.label}”, assigned to {provider}. Nothing of yours was saved."
    )
