"""A provider's own requests, and what they do about them."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.db import db, transaction
from app.errors import DomainError, InvalidInput, NotFound, TransitionRefused
from app.kit import clock
from app.kit.contact import format_phone
from app.models import ProviderProfile, RequestNote, RequestStatus, Role, ServiceRequest
from app.portal.access import only, user
from app.workflows import assignment, audit, requests, status
from app.workflows.audit import Actor

bp = Blueprint("portal_provider", __name__, url_prefix="/provider")

_MOST_OPEN, _MOST_FINISHED, _MOST_NOTES = 200, 50, 100
STEPS = {
    "accept": (RequestStatus.TEAM_ASSIGNED, "Accept", {RequestStatus.PENDING_CONTACT}),
    "start": (RequestStatus.IN_PROGRESS, "Start", {RequestStatus.PENDING_CONTACT, RequestStatus.TEAM_ASSIGNED}),
    "complete": (RequestStatus.COMPLETED, "Mark completed", {RequestStatus.IN_PROGRESS}),
}
"""What a provider may do: where it leads, how the button says it, from where it is offered."""


@bp.get("/")
@only(Role.PROVIDER)
def index() -> ResponseReturnValue:
    own = select(ServiceRequest).where(ServiceRequest.assigned_provider_id == user().id)
    waiting = own.where(ServiceRequest.closed_at.is_(None)).order_by(ServiceRequest.created_at, ServiceRequest.id)
    finished = own.where(ServiceRequest.closed_at.is_not(None)).order_by(
        ServiceRequest.created_at.desc(), ServiceRequest.id.desc()
    )
    return render_template(
        "portal/requests.html",
        waiting=list(db.session.scalars(waiting.limit(_MOST_OPEN))),
        finished=list(db.session.scalars(finished.limit(_MOST_FINISHED))),
        now=clock.utc_now(),
        profile=db.session.scalar(select(ProviderProfile).where(ProviderProfile.user_id == user().id)),
    )


@bp.get("/requests/<uuid:key>")
@only(Role.PROVIDER)
def page(key: UUID) -> ResponseReturnValue:
    return _show(key)


@bp.post("/requests/<uuid:key>/<any(accept, start, complete):step>")
@only(Role.PROVIDER)
def take_step(key: UUID, step: str) -> ResponseReturnValue:
    wanted, _, _ = STEPS[step]
    return _carry_out(key, partial(_work_on, change=partial(status.change_status, wanted=wanted, actor=_actor())))


@bp.post("/requests/<uuid:key>/decline")
@only(Role.PROVIDER)
def decline(key: UUID) -> ResponseReturnValue:
    """Given back, the request is somebody else's, so there is no page of it to go back to."""
    give_back = partial(assignment.decline, reason=request.form.get("reason", ""), actor=_actor())
    return _carry_out(
        key, partial(_work_on, change=give_back), "Thank you for saying so: we find somebody else.", url_for(".index")
    )


@bp.post("/requests/<uuid:key>/notes")
@only(Role.PROVIDER)
def add_note(key: UUID) -> ResponseReturnValue:
    return _carry_out(key, partial(requests.add_note, body=request.form.get("note", ""), actor=_actor()))


def _work_on(service_request: ServiceRequest, *, change: Callable[[ServiceRequest], object]) -> None:
    """Of a closed one the change itself says why not."""
    if service_request.is_open and service_request.is_over:
        raise TransitionRefused("The customer has all their money back, so there is nothing left to do.")
    change(service_request)


def _carry_out(
    key: UUID, change: Callable[[ServiceRequest], object], message: str = "Saved.", address: str | None = None
) -> ResponseReturnValue:
    try:
        with transaction():
            service_request = requests.get_locked(key, version=_sent_version())
            _ensure_own(service_request)
            change(service_request)
    except NotFound:
        raise
    except DomainError as error:
        return _show(key, refusal=error), error.http_status
    flash(message, "success")
    return redirect(address or url_for(".page", key=key))


def _show(key: UUID, *, refusal: DomainError | None = None) -> str:
    service_request = db.session.get(ServiceRequest, key)
    if service_request is None:
        raise NotFound("This request does not exist, or is not yours.")
    _ensure_own(service_request)
    notes = (
        select(RequestNote)
        .where(RequestNote.service_request_id == key)
        .options(joinedload(RequestNote.author))
        .order_by(RequestNote.created_at.desc())
        .limit(_MOST_NOTES)
    )
    return render_template(
        "portal/request.html",
        it=service_request,
        notes=list(db.session.scalars(notes)),
        now=clock.utc_now(),
        phone=format_phone(service_request.customer_phone),
        steps=_steps_of(service_request),
        may_decline=service_request.status in {RequestStatus.PENDING_CONTACT, RequestStatus.TEAM_ASSIGNED},
        refusal=refusal,
        draft=request.form if refusal else {},
    )


def _steps_of(service_request: ServiceRequest) -> list[tuple[str, str]]:
    """Name and label of what can be done now."""
    if service_request.is_over:
        return []
    return [(name, label) for name, (_, label, sources) in STEPS.items() if service_request.status in sources]


def _ensure_own(service_request: ServiceRequest) -> None:
    # Somebody else's request does not exist here, so nobody learns which ids do.
    if service_request.assigned_provider_id != user().id:
        raise NotFound("This request does not exist, or is not yours.")


def _actor() -> Actor:
    return audit.actor_of(user(), request.remote_addr)


def _sent_version() -> int:
    text = request.form.get("version", "")
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("Reload the page and try again.")
    return int(text)
