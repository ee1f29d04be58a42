"""The routing rule for many requests at once: who can take them is read once, and their places are taken together.

It decides as `assignment.route` does for one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.kit import clock
from app.models import Category, Decline, ProviderProfile, ServiceRequest, User
from app.workflows import assignment, working_time, workload
from app.workflows.assignment import Load, Routable

_NEVER = datetime.min.replace(tzinfo=UTC)


class RosterChanged(Exception):
    """Somebody else was given work in the same moment: nothing of this may stay, but it can be tried again."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose turn it is, and why in words."""

    provider: User
    because: str


@dataclass(slots=True)
class _Place:
    """One provider as the rule sees them; `taken` of their open work was given to them here."""

    profile: ProviderProfile
    open_work: int
    last_assigned_at: datetime
    taken: int = 0

    @property
    def has_room(self) -> bool:
        return self.open_work < self.profile.capacity

    @property
    def rank(self) -> tuple[float, datetime, UUID]:
        return self.open_work / self.profile.capacity, self.last_assigned_at, self.profile.id

    def is_specialist(self, service_id: UUID) -> bool:
        return any(skill.service_id == service_id for skill in self.profile.skills)

    def is_skilled(self, service_id: UUID, category: Category) -> bool:
        return any(skill.service_id == service_id or skill.category is category for skill in self.profile.skills)


class Roster:
    """Who is eligible now, with their skills and room. Without `for_requests` it knows of all that were given back."""

    def __init__(self, for_requests: Collection[UUID] | None = None) -> None:
        self._places = [
            _Place(profile, profile.open_work, profile.last_assigned_at or _NEVER) for profile in _load_ready()
        ]
        self._declined = _load_declined(for_requests)
        self._skilled: dict[tuple[UUID, Category], list[_Place]] = {}

    @property
    def has_room(self) -> bool:
        return any(place.has_room for place in self._places)

    def take(self, request: Routable) -> Chosen | None:
        """A place for this request; None when nobody eligible has room."""
        free = [place for place in self._skilled_in(request) if self._is_eligible(place, request)]
        if not free:
            return None
        place = min(free, key=lambda place: place.rank)
        skill = request.service_name if place.is_specialist(request.service_id) else None
        because = assignment.reason(skill, Load(place.open_work, place.profile.capacity), eligible=len(free))
        place.open_work += 1
        place.taken += 1
        place.last_assigned_at = clock.utc_now()
        return Chosen(place.profile.user, because)

    def keep(self) -> None:
        """Count what was taken, in the order of the providers' keys. Raises RosterChanged."""
        taken = [place for place in self._places if place.taken]
        for place in sorted(taken, key=lambda place: place.profile.user_id):
            if not workload.take_places(place.profile.id, place.taken, at=place.last_assigned_at):
                raise RosterChanged

    def _skilled_in(self, request: Routable) -> list[_Place]:
        asked = (request.service_id, request.service_category)
        if asked not in self._skilled:
            self._skilled[asked] = [place for place in self._places if place.is_skilled(*asked)]
        return self._skilled[asked]

    def _is_eligible(self, place: _Place, request: Routable) -> bool:
        return place.has_room and (request.id, place.profile.user_id) not in self._declined


def _load_ready() -> Sequence[ProviderProfile]:
    query = (
        select(ProviderProfile)
        .join(ProviderProfile.user)
        .where(*assignment.is_ready())
        .options(selectinload(ProviderProfile.skills))
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query, working_time.at(clock.utc_now())).all()


def _load_declined(for_requests: Collection[UUID] | None) -> set[tuple[UUID, UUID]]:
    """Request and provider who gave it back."""
    query = select(Decline.service_request_id, Decline.provider_id)
    if for_requests is None:
        # Only what somebody can still be chosen for.
        waiting = ServiceRequest.assigned_provider_id.is_(None) & ServiceRequest.closed_at.is_(None)
        query = query.join(ServiceRequest, ServiceRequest.id == Decline.service_request_id).where(waiting)
    else:
        query = query.where(Decline.service_request_id.in_(for_requests))
    return {(request_id, provider_id) for request_id, provider_id in db.session.execute(query).all()}
