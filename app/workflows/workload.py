"""How much open work each provider has: one counter, changed with the work it counts."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, update

from app.db import db
from app.kit import clock
from app.models import Availability, ProviderProfile


def shift(provider_id: UUID, *, by: int) -> None:
    """Count work in or out whatever the capacity: a person decided it, or it is done."""
    db.session.execute(
        update(ProviderProfile)
        .where(ProviderProfile.user_id == provider_id)
        .values(open_work=ProviderProfile.open_work + by, updated_at=clock.utc_now())
        .execution_options(synchronize_session=False)
    )


def take_place(profile: ProviderProfile) -> bool:
    """Count one in if nothing changed since the profile was read; False means: look again."""
    result = db.session.execute(
        update(ProviderProfile)
        .where(
            ProviderProfile.id == profile.id,
            ProviderProfile.open_work == profile.open_work,
            ProviderProfile.open_work < ProviderProfile.capacity,
            ProviderProfile.availability == Availability.AVAILABLE,
        )
        .values(open_work=ProviderProfile.open_work + 1, last_assigned_at=clock.utc_now())
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], result).rowcount == 1


def hand_over(previous_id: UUID | None, provider_id: UUID) -> None:
    """Count work out of one hand and into another.

    In the order of their keys: two requests that change hands crosswise at once would wait for each other for ever.
    """
    moves = {provider_id: 1} if previous_id is None else {provider_id: 1, previous_id: -1}
    for user_id in sorted(moves):
        shift(user_id, by=moves[user_id])
    db.session.execute(
        update(ProviderProfile)
        .where(ProviderProfile.user_id == provider_id)
        .values(last_assigned_at=clock.utc_now())
        .execution_options(synchronize_session=False)
    )
