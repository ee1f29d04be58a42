"""The routing rule for many requests at once: who can take them is read once, and their places are taken together.

It decides as `assignment.route` does for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.kit import clock
from app.models import Category, ProviderProfile, User
from app.workflows import assignment, workload

_NEVER = datetime.min.replace(tzinfo=UTC)


class RosterChanged(Exception):
    """Somebody else was given work in the same moment: nothing of this may stay, but it can be tried again."""


@dataclass(slots=True)
class Place:
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


class Roster:
    """Who is eligible now, with their skills and room."""

    def __init__(self) -> None:
        self._places = [
            Place(profile, profile.open_work, profile.last_assigned_at or _NEVER) for profile in _load_eligible()
        ]
        self._skilled: dict[tuple[UUID, Category], list[Place]] = {}

    @property
    def has_room(self) -> bool:
        return any(place.has_room for place in self._places)

    def take(self, service_id: UUID, category: Category) -> User | None:
        """Whose turn it is for this service; None when nobody skilled has room."""
        asked = (service_id, category)
        if asked not in self._skilled:
            self._skilled[asked] = [place for place in self._places if _is_skilled(place.profile, *asked)]
        free = [place for place in self._skilled[asked] if place.has_room]
        if not free:
            return None
        chosen = min(free, key=lambda place: place.rank)
        chosen.open_work += 1
        chosen.taken += 1
        chosen.last_assigned_at = clock.utc_now()
        return chosen.profile.user

    def keep(self) -> None:
        """Count what was taken, in the order of the providers' keys. Raises RosterChanged."""
        taken = [place for place in self._places if place.taken]
        for place in sorted(taken, key=lambda place: place.profile.user_id):
            if not workload.take_places(place.profile.id, place.taken, at=place.last_assigned_at):
                raise RosterChanged


def _load_eligible() -> Sequence[ProviderProfile]:
    query = (
        select(ProviderProfile)
        .join(ProviderProfile.user)
        .where(*assignment.is_ready(clock.utc_now()))
        .options(selectinload(ProviderProfile.skills))
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).all()


def _is_skilled(profile: ProviderProfile, service_id: UUID, category: Category) -> bool:
    return any(skill.service_id == service_id or skill.category is category for skill in profile.skills)
