"""Giving a request to a provider: by a person's choice, or by the routing rule."""

from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, cast, or_, select

from app.db import db
from app.errors import AssignmentRefused
from app.kit import clock
from app.models import Availability, ProviderProfile, ProviderSkill, RequestStatus, Role, ServiceRequest, User
from app.workflows import audit, notifications, status, workload
from app.workflows.audit import SYSTEM, Actor
from app.workflows.status import Standing

_MAXIMUM_TRIES = 100


def assign(service_request: ServiceRequest, provider: User, *, actor: Actor) -> None:
    """Hand a locked request to a provider, over capacity if a person says so, and tell the provider.

    Raises AssignmentRefused with the reason.
    """
    ensure_assignable(service_request, provider)
    workload.hand_over(service_request.assigned_provider_id, provider.id)
    _set_provider(service_request, provider, actor=actor)
    if service_request.status is RequestStatus.PENDING_CONTACT:
        status.change_status(service_request, RequestStatus.TEAM_ASSIGNED, actor=actor)


def unassign(service_request: ServiceRequest, *, actor: Actor) -> None:
    """Take a locked request back; one that only waited for its specialist awaits first contact again."""
    workload.shift(ensure_unassignable(service_request), by=-1)
    _set_provider(service_request, None, actor=actor)
    if service_request.status is RequestStatus.TEAM_ASSIGNED:
        status.change_status(service_request, RequestStatus.PENDING_CONTACT, actor=actor)


def route(service_request: ServiceRequest, *, actor: Actor = SYSTEM) -> User | None:
    """Find the provider by the rule and set it; the status stays. None: nobody eligible has room.

    Eligible: enabled, available now, skilled in the service or its category, below capacity. Among them the
    lowest share of capacity in use, then the longest since the last assignment.
    """
    for _ in range(_MAXIMUM_TRIES):
        profile = db.session.scalar(candidates(service_request).limit(1).execution_options(populate_existing=True))
        if profile is None:
            return None
        if workload.take_place(profile):
            give(service_request, profile.user, actor=actor)
            return profile.user
    return None


def candidates(service_request: ServiceRequest) -> Select[ProviderProfile]:
    """Eligible providers, the one to choose first."""
    share_in_use = cast(ProviderProfile.open_work, Double) / ProviderProfile.capacity
    return (
        select(ProviderProfile)
        .join(ProviderProfile.user)
        .where(
            User.is_enabled,
            User.role == Role.PROVIDER,
            ProviderProfile.availability == Availability.AVAILABLE,
            ProviderProfile.open_work < ProviderProfile.capacity,
            _is_skilled(service_request),
        )
        .order_by(share_in_use, ProviderProfile.last_assigned_at.asc().nulls_first(), ProviderProfile.id)
    )


def all_providers() -> list[ProviderProfile]:
    """Everybody a person may assign, by name, with their load."""
    query = (
        select(ProviderProfile)
        .join(ProviderProfile.user)
        .where(User.is_enabled, User.role == Role.PROVIDER)
        .order_by(User.name)
    )
    return list(db.session.scalars(query))


def get_provider(provider_id: UUID) -> User:
    """Raises AssignmentRefused when that is no provider."""
    user = db.session.get(User, provider_id)
    if user is None or user.role is not Role.PROVIDER:
        raise AssignmentRefused("That is not a provider.")
    return user


def _is_skilled(service_request: ServiceRequest) -> ColumnElement[bool]:
    return ProviderProfile.skills.any(
        or_(
            ProviderSkill.service_id == service_request.service_id,
            ProviderSkill.category == service_request.service_category,
        )
    )


def ensure_assignable(standing: Standing, provider: User) -> None:
    """Raises AssignmentRefused, as `assign`."""
    if not standing.is_open:
        raise AssignmentRefused(f"The request is “{standing.status.label}”: it needs no provider any more.")
    if provider.id == standing.assigned_provider_id:
        raise AssignmentRefused(f"{provider.name} has this request already.")
    if not provider.is_enabled or provider.role is not Role.PROVIDER:
        raise AssignmentRefused(f"{provider.name} is not an active provider.")


def ensure_unassignable(standing: Standing) -> UUID:
    """Who has it. Raises AssignmentRefused, as `unassign`."""
    if standing.assigned_provider_id is None:
        raise AssignmentRefused("Nobody is assigned to this request.")
    if not standing.is_open:
        raise AssignmentRefused(f"The request is “{standing.status.label}”: its provider stays on record.")
    return standing.assigned_provider_id


def ensure_routable(standing: Standing) -> None:
    """Raises AssignmentRefused: the rule gives out what nobody has."""
    if not standing.is_open or standing.assigned_provider_id is not None:
        raise AssignmentRefused("Only an open request without a provider is given to one by rule.")


def give(service_request: ServiceRequest, provider: User, *, actor: Actor) -> None:
    """Put a locked request into the hands of a provider whose work has been counted; the status stays."""
    _set_provider(service_request, provider, actor=actor)


def _set_provider(service_request: ServiceRequest, provider: User | None, *, actor: Actor) -> None:
    before = service_request.assigned_provider_id
    now = clock.utc_now()
    service_request.assigned_provider_id = provider.id if provider else None
    service_request.provider = provider
    service_request.assigned_at = now if provider else None
    service_request.updated_at = now
    audit.record(
        "request.assigned" if provider else "request.unassigned",
        service_request,
        actor=actor,
        before={"provider": before},
        after={"provider": service_request.assigned_provider_id},
    )
    if provider is not None:
        notifications.provider_assigned(service_request, provider)
