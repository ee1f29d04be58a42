"""Giving a request to a provider: by a person's choice, or by the routing rule."""

from functools import cache
from typing import NamedTuple, Protocol, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, Table, bindparam, exists, func, inspect, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm.attributes import set_committed_value

from app.db import db
from app.errors import AssignmentRefused, InvalidInput
from app.kit import clock
from app.models import (
    Availability,
    Category,
    Decline,
    ProviderProfile,
    ProviderSkill,
    RequestStatus,
    Role,
    ServiceRequest,
    User,
)
from app.workflows import audit, notifications, requests, status, working_time, workload
from app.workflows.audit import SYSTEM, Actor
from app.workflows.found_rows import ask, columns_of, take_in
from app.workflows.notifications import Recipient
from app.workflows.status import Standing

_MAXIMUM_TRIES = 100
_USER = select(*columns_of(User)).where(cast(Table, User.__table__).c.id == bindparam("key"))


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


class Assignee(Protocol):
    """Whom a request is given to: as much of a `User` as is told."""

    @property
    def id(self) -> UUID: ...

    @property
    def email(self) -> str: ...


def route(service_request: ServiceRequest, *, actor: Actor = SYSTEM) -> Assignee | None:
    """Find the provider by the rule and set it; the status stays. None: nobody eligible has room.

    Eligible: enabled, available and in their working hours now, skilled in the service or its category, below
    capacity, and not one who gave this request back. Among them the lowest share of capacity in use, then the
    longest since the last assignment.
    """
    for _ in range(_MAXIMUM_TRIES):
        found = workload.take_place(_best(), _asked(service_request))
        if found is None:
            return None
        if found.is_taken:
            load = Load(found.open_work, found.capacity)
            skill = service_request.service_name if found.is_specialist else None
            give(service_request, found, actor=actor, because=reason(skill, load, eligible=found.eligible))
            return cast(Assignee, found)
    return None


@cache
def _best() -> Select[UUID, str, UUID, int, int, bool, int]:
    """The one to choose, and how many were eligible."""
    share_in_use = sql_cast(ProviderProfile.open_work, Double) / ProviderProfile.capacity
    is_specialist = ProviderProfile.skills.any(ProviderSkill.service_id == bindparam("service_id"))
    is_skilled = or_(is_specialist, ProviderProfile.skills.any(ProviderSkill.category == bindparam("category")))
    gave_it_back = exists().where(
        Decline.service_request_id == bindparam("request_id"), Decline.provider_id == ProviderProfile.user_id
    )
    return (
        select(
            User.id,
            User.email,
            ProviderProfile.id.label("profile_id"),
            ProviderProfile.open_work,
            ProviderProfile.capacity,
            is_specialist.label("is_specialist"),
            func.count().over().label("eligible"),
        )
        .join(ProviderProfile.user)
        .where(*is_ready(), is_skilled, ~gave_it_back)
        .order_by(share_in_use, ProviderProfile.last_assigned_at.asc().nulls_first(), ProviderProfile.id)
        .limit(1)
    )


def _asked(service_request: ServiceRequest) -> dict[str, object]:
    return working_time.at(clock.utc_now()) | {
        "request_id": service_request.id,
        "service_id": service_request.service_id,
        "category": service_request.service_category,
    }


def is_ready() -> tuple[ColumnElement[bool], ...]:
    """For a query over `ProviderProfile` joined to its user: who may be given work by rule at all.

    It is asked with `working_time.at`.
    """
    return (
        User.is_enabled.is_(True),
        User.role == Role.PROVIDER,
        ProviderProfile.availability == Availability.AVAILABLE,
        ProviderProfile.open_work < ProviderProfile.capacity,
        working_time.works(),
    )


class Routable(Protocol):
    """What the rule looks at in a request."""

    @property
    def id(self) -> UUID: ...

    @property
    def service_id(self) -> UUID: ...

    @property
    def service_category(self) -> Category: ...

    @property
    def service_name(self) -> str: ...


class Load(NamedTuple):
    """What a provider had to do before."""

    open_work: int
    capacity: int


def reason(skill: str | None, load: Load, *, eligible: int) -> str:
    """Why the rule chose somebody, in words for the request's page; without a `skill` it was for the category."""
    skilled, places = skill or "the category", f"{load.open_work} of {load.capacity} places in use"
    if eligible == 1:
        return f"the only available provider skilled in {skilled}, with {places}"
    return f"skilled in {skilled}, and with {places} the least busy of {eligible} available providers"


def decline(service_request: ServiceRequest, reason: str, *, actor: Actor) -> None:
    """The provider who has a locked request gives it back before the work began; the rule finds another.

    Raises AssignmentRefused once the work has begun, and InvalidInput without a reason.
    """
    if service_request.status not in {RequestStatus.PENDING_CONTACT, RequestStatus.TEAM_ASSIGNED}:
        raise AssignmentRefused(
            f"The request is “{service_request.status.label}”: ask the office to find somebody else for it."
        )
    reason = requests.read_note(reason)
    if not reason:
        raise InvalidInput("Say why you give it back.", details={"reason": "A reason is needed."})
    requests.add_note(service_request, f"Given back: {reason}", actor=actor)
    provider_id = ensure_unassignable(service_request)
    _remember_decline(service_request.id, provider_id)
    workload.hold_all()
    unassign(service_request, actor=actor)
    if route(service_request) is None:
        notifications.no_provider(service_request)


def _remember_decline(request_id: UUID, provider_id: UUID) -> None:
    known = select(Decline.id).where(Decline.service_request_id == request_id, Decline.provider_id == provider_id)
    if db.session.scalar(known) is None:
        db.session.add(Decline(service_request_id=request_id, provider_id=provider_id))
        db.session.flush()


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
    found = next(iter(ask(_USER, {"key": provider_id})), None)
    user = take_in(User, found) if found is not None else None
    if user is None or user.role is not Role.PROVIDER:
        raise AssignmentRefused("That is not a provider.")
    return user


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


def give(service_request: ServiceRequest, provider: Assignee, *, actor: Actor, because: str | None = None) -> None:
    """Put a locked request into the hands of a provider whose work has been counted; the status stays."""
    _set_provider(service_request, provider, actor=actor, because=because)


def _set_provider(
    service_request: ServiceRequest, provider: Assignee | None, *, actor: Actor, because: str | None = None
) -> None:
    before = service_request.assigned_provider_id
    now = clock.utc_now()
    service_request.assigned_provider_id = provider.id if provider else None
    # The key says it already; whose row is not here is read by it when somebody wants to see it.
    if provider is None or isinstance(provider, User):
        set_committed_value(service_request, "provider", provider)
    else:
        inspect(service_request).dict.pop("provider", None)
    service_request.assigned_at = now if provider else None
    service_request.updated_at = now
    audit.record(
        "request.assigned" if provider else "request.unassigned",
        service_request,
        actor=actor,
        before={"provider": before},
        after={"provider": service_request.assigned_provider_id} | ({"because": because} if because else {}),
    )
    if provider is not None:
        notifications.provider_assigned(service_request, Recipient(provider.email, provider.id))
