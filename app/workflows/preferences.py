"""How one person likes a page of the console."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.models import UserPreference

_KNOWN = "preferences"


def load(user_id: UUID, name: str) -> Mapping[str, Any]:
    """Empty when nothing was chosen yet. All of a person's are read together: a page asks for several."""
    known = _known()
    if user_id not in known:
        query = select(UserPreference.name, UserPreference.value).where(UserPreference.user_id == user_id)
        known[user_id] = dict(db.session.execute(query).all())
    return known[user_id].get(name) or {}


def remember(user_id: UUID, found: Mapping[str, Any]) -> None:
    """All of a person's, which came along with something else: nothing is read for them while this session lasts."""
    _known()[user_id] = found


def _known() -> dict[UUID, Mapping[str, Any]]:
    known: dict[UUID, Mapping[str, Any]] = db.session().info.setdefault(_KNOWN, {})
    return known


def save(user_id: UUID, name: str, value: Mapping[str, Any]) -> None:
    """The last choice wins."""
    query = select(UserPreference).where(UserPreference.user_id == user_id, UserPreference.name == name)
    preference = db.session.scalar(query)
    if preference is None:
        preference = _create(user_id, name) or db.session.scalars(query).one()
    preference.value = dict(value)
    db.session.flush()
    db.session().info.pop(_KNOWN, None)


def _create(user_id: UUID, name: str) -> UserPreference | None:
    """None when another tab was faster."""
    preference = UserPreference(user_id=user_id, name=name, value={})
    try:
        with db.session.begin_nested():
            db.session.add(preference)
    except IntegrityError:
        return None
    return preference
