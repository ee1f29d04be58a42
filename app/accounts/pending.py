"""Between the password and the second factor: somebody has proved half of who they are, and may do nothing yet."""

from datetime import timedelta
from typing import Any

from flask import session

from app.db import db
from app.kit import clock, ids
from app.models import User

LIFE = timedelta(minutes=10)

_KEY = "half_signed_in"


def begin(user: User) -> None:
    """In a fresh session, so that nothing planted in an earlier one lives on."""
    session.clear()
    session[_KEY] = {"user": user.get_id(), "at": clock.utc_now().timestamp()}


def find() -> User | None:
    """Who has entered the right password within the last minutes, unless it has changed since."""
    kept: Any = session.get(_KEY)
    if not kept or clock.utc_now().timestamp() - float(kept["at"]) > LIFE.total_seconds():
        return None
    user_id = ids.parse_id(str(kept["user"]).partition(".")[0])
    user = db.session.get(User, user_id) if user_id else None
    return user if user is not None and user.is_enabled and user.get_id() == kept["user"] else None
