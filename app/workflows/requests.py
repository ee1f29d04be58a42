"""Getting hold of a request to change it, and the notes staff leave on it."""

from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm.attributes import set_committed_value

from app.db import LOCK, db
from app.errors import AssignmentRefused, InvalidInput, NotFound, StaleChange
from app.kit.text import tidy_text
from app.models import RequestNote, Role, ServiceRequest, User
from app.workflows import audit
from app.workflows.audit import Actor
from app.workflows.found_rows import ask, columns_of, take_in, take_in_part

MAXIMUM_NOTE_LENGTH = 5000
OPERATING = (Role.ADMIN, Role.OPERATOR)
"""Who may be in charge of a request."""

_REQUESTS, _PROVIDERS = (cast(Table, model.__table__) for model in (ServiceRequest, User))
# Put together once. Whoever changes a request shows who has it.
_LOCKED = (
    select(*columns_of(ServiceRequest), _PROVIDERS.c.name.label("provider_name"))
    .select_from(_REQUESTS.outerjoin(_PROVIDERS, _PROVIDERS.c.id == _REQUESTS.c.assigned_provider_id))
    .where(_REQUESTS.c.id == bindparam("key"))
    .with_for_update(of=_REQUESTS, **LOCK)
)


def get_locked(request_id: UUID, *, version: int | None = None) -> ServiceRequest:
    """The request, read afresh and locked until the transaction ends.

    `version` is the one the person was shown: raises StaleChange when it is no longer that, and NotFound.
    """
    found = next(iter(ask(_LOCKED, {"key": request_id})), None)
    if found is None:
        raise NotFound("This request does not exist.")
    service_request = take_in(ServiceRequest, found)
    provider_id = service_request.assigned_provider_id
    provider = take_in_part(User, id=provider_id, name=found.provider_name) if provider_id else None
    set_committed_value(service_request, "provider", provider)
    if version is not None and service_request.version != version:
        raise StaleChange(what_changed(service_request))
    return service_request


def add_note(service_request: ServiceRequest, body: str, *, actor: Actor) -> RequestNote:
    """Raises InvalidInput for an empty or overlong note."""
    text = read_note(body)
    if not text:
        raise InvalidInput("Write the note first: this one is empty.", details={"note": "Write a few words."})
    note = RequestNote(service_request_id=service_request.id, author_id=actor.user_id, body=text)
    db.session.add(note)
    db.session.flush()
    audit.record("request.note_added", service_request, actor=actor, after={"note": str(note.id)})
    return note


def read_note(text: str | None) -> str:
    """A note as it was meant; empty if nothing of it can be seen. Raises InvalidInput for an overlong one."""
    note = tidy_text(text)
    if len(note) > MAXIMUM_NOTE_LENGTH:
        problem = f"Use at most {MAXIMUM_NOTE_LENGTH:,} characters; these are {len(note):,}."
        raise InvalidInput("The note is too long.", details={"note": problem})
    return note


def put_in_charge(service_request: ServiceRequest, operator: User | None, *, actor: Actor) -> None:
    """Make a member of staff look after a locked request, or (None) nobody. Raises AssignmentRefused."""
    if operator is not None and not (operator.is_enabled and operator.role in OPERATING):
        raise AssignmentRefused(f"{operator.name} does not work on requests, so cannot be in charge of one.")
    operator_id = operator.id if operator else None
    if operator_id != service_request.operator_id:
        _set_operator(service_request, operator_id, actor=actor)


def may_take(operator: User) -> bool:
    """Whether what they work on becomes theirs."""
    return operator.role in OPERATING


def take_if_free(service_request: ServiceRequest, *, actor: Actor) -> None:
    """Whoever first works on a request looks after it from then on, if they `may_take` it: asked for before the
    transaction, where the person is known anyway."""
    if service_request.operator_id is None and service_request.is_open:
        _set_operator(service_request, actor.user_id, actor=actor)


def _set_operator(service_request: ServiceRequest, operator_id: UUID | None, *, actor: Actor) -> None:
    before, service_request.operator_id = service_request.operator_id, operator_id
    audit.record(
        "request.put_in_charge",
        service_request,
        actor=actor,
        before={"operator": before},
        after={"operator": operator_id},
    )


def what_changed(service_request: ServiceRequest) -> str:
    """For whoever meant to change it as it was before."""
    latest = service_request.history[-1] if service_request.history else None
    who = latest.changed_by.name if latest and latest.changed_by else "The system"
    provider = service_request.provider.name if service_request.provider else "nobody"
    return (
        f"{service_request.reference_number} was changed in the meantime (last status change: {who}). It is now "
        f"“{service_request.status.label}”, assigned to {provider}. Nothing of yours was saved."
    )
