"""What makes a session of a signed-in person, and what ends it."""

from datetime import timedelta
from typing import Any

from flask import request, session
from flask_login import login_user

from app.db import db
from app.kit import clock, ids
from app.models import User

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
BACKGROUND_HEADER = "X-Background"
"""Sent by pages that look for news by themselves: a forgotten screen must not keep its session alive."""

_SIGNED_IN_AT = "signed_in_at"
_SEEN_AT = "seen_at"
_TOUCH_AFTER = 60.0


def begin(user: User) -> None:
    """A fresh session: nothing of an earlier one, its CSRF token included, lives on."""
    session.clear()
    now = _now()
    session[_SIGNED_IN_AT] = now
    session[_SEEN_AT] = now
    login_user(user)


def load_user(session_user_id: str) -> User | None:
    """The user whom `User.get_id` named, unless time or a raised epoch has ended the session."""
    key, _, epoch = session_user_id.partition(".")
    user_id = ids.parse_id(key)
    if user_id is None or _is_over():
        return None
    user = db.session.get(User, user_id)
    if user is None or not user.is_enabled or str(user.session_epoch) != epoch:
        return None
    _touch()
    return user


def _is_over() -> bool:
    now = _now()
    idle, total = now - _moment(_SEEN_AT), now - _moment(_SIGNED_IN_AT)
    return idle > IDLE_LIMIT.total_seconds() or total > ABSOLUTE_LIMIT.total_seconds()


def _touch() -> None:
    """Once a minute is enough, and spares most answers a new cookie."""
    if BACKGROUND_HEADER not in request.headers and _now() - _moment(_SEEN_AT) > _TOUCH_AFTER:
        session[_SEEN_AT] = _now()


def _moment(name: str) -> float:
    value: Any = session.get(name, 0.0)
    return float(value)


def _now() -> float:
    return clock.utc_now().timestamp()
