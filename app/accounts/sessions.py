"""What makes a session of a signed-in person, and what ends it."""

from typing import Any

from flask import current_app, g, request, session
from flask_login import login_user
from sqlalchemy.exc import OperationalError

from app.db import take_glances, transaction
from app.kit import clock
from app.models import User
from app.workflows import accounts, user_sessions
from app.workflows.user_sessions import ABSOLUTE_LIMIT, IDLE_LIMIT

__all__ = ["ABSOLUTE_LIMIT", "BACKGROUND_HEADER", "IDLE_LIMIT", "begin", "end", "load_user", "touch"]

BACKGROUND_HEADER = "X-Background"
"""Sent by pages that look for news by themselves: a forgotten screen must not keep its session alive."""

_TOKEN = "session_token"  # noqa: S105 - the name it is kept under
_SEEN_AT = "seen_at"
_TOUCH_AFTER = 60.0


def begin(user: User) -> None:
    """A fresh session: nothing of an earlier one, its CSRF token included, lives on."""
    with transaction():
        _end_of_browser()
        accounts.note_sign_in(user)
        token = user_sessions.begin(user, address=request.remote_addr, browser=str(request.user_agent))
    session.clear()
    session[_TOKEN] = token
    session[_SEEN_AT] = _now()
    login_user(user)


def end() -> None:
    with transaction():
        _end_of_browser()
    session.clear()


def load_user(session_user_id: str) -> User | None:
    """The user whom `User.get_id` named, while the session lives and no raised epoch has ended it."""
    # What a page reads beside it are glances, too. Who changes something goes on to a transaction of their own.
    if request.method == "GET":
        take_glances()
    found = user_sessions.find(str(session.get(_TOKEN, "")))
    if found is None:
        return None
    user, visit = found
    if not user.is_enabled or user.get_id() != session_user_id:
        return None
    g.visit = visit
    return user


def touch() -> None:
    """Before a view, once a minute: that is exact enough, and spares most answers a write and a new cookie."""
    # Looking into the session marks the answer as one for this visitor alone: strangers' pages stay the same for all.
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies or BACKGROUND_HEADER in request.headers:
        return
    if _TOKEN not in session or _now() - _moment(_SEEN_AT) <= _TOUCH_AFTER:
        return
    try:
        with transaction():
            user_sessions.touch(str(session[_TOKEN]), address=request.remote_addr)
    except OperationalError:
        # Somebody else holds SQLite's lock for long. The page matters more; the next one notes it.
        return
    session[_SEEN_AT] = _now()


def _end_of_browser() -> None:
    if _TOKEN in session:
        user_sessions.end(str(session[_TOKEN]))


def _moment(name: str) -> float:
    value: Any = session.get(name, 0.0)
    return float(value)


def _now() -> float:
    return clock.utc_now().timestamp()
