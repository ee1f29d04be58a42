"""How one person likes a page of the console."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.models import UserPreference


def load(user_id: UUID, name: str) -> Mapping[str, Any]:
    """Empty when nothing was chosen yet."""
    return db.session.scalar(_value(user_id, name)) or {}


def save(user_id: UUID, name: str, value: Mapping[str, Any]) -> None:
    """The last choice wins."""
    query = select(UserPreference).where(UserPreference.user_id == user_id, UserPreference.name == name)
    preference = db.session.scalar(query)
    if preference is None:
        preference = _create(user_id, name) or db.session.scalars(query).one()
    preference.value = dict(value)
    db.session.flush()


def _create(user_id: UUID, name: str) -> UserPreference | None:
    """None when another tab was faster."""
    preference = UserPreference(user_id=user_id, name=name, value={})
    try:
        with db.session.begin_nested():
            db.session.add(preference)
    except IntegrityError:
        return None
    return preference


def _value(user_id: UUID, name: str) -> Any:
    return select(UserPreference.value).where(UserPreference.user_id == user_id, UserPreference.name == name)
