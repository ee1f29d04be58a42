"""The browsers a person is signed in with: begun, recognised by a token, listed, ended."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, delete, select, true, update

from app.db import db, glance
from app.kit import clock
from app.models import Edition, User, UserPreference, UserSession
from app.workflows import editions, preferences
from app.workflows.found_rows import columns_of, take_in

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
MEMORY = timedelta(days=30)
_LONGEST_BROWSER = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """The session that a request belongs to; `confirmed_at` is when its user last proved who they are."""

    id: UUID
    confirmed_at: datetime


_SESSIONS, _USERS, _PREFERENCES, _EDITIONS = (
    cast(Table, model.__table__) for model in (UserSession, User, UserPreference, Edition)
)
# Put together once: it is asked on every page.
_FIND = (
    select(
        *columns_of(User),
        _SESSIONS.c.id.label("visit_id"),
        _SESSIONS.c.confirmed_at,
        _SESSIONS.c.last_seen_at,
        _SESSIONS.c.created_at.label("began_at"),
        _PREFERENCES.c.name.label("preference"),
        _PREFERENCES.c.value,
        *(_EDITIONS.c[stamp.key] for stamp in editions.STAMPS),
    )
    .select_from(_SESSIONS.join(_USERS, _USERS.c.id == _SESSIONS.c.user_id))
    .outerjoin(_PREFERENCES, _PREFERENCES.c.user_id == _USERS.c.id)
    .outerjoin(_EDITIONS, true())
    .where(_SESSIONS.c.token_hash == bindparam("hash"), _SESSIONS.c.ended_at.is_(None))
)


def begin(user: User, *, address: str | None, browser: str) -> str:
    """The token that recognises the new session; it is kept nowhere but in its browser."""
    token = secrets.token_urlsafe(32)
    now = clock.utc_now()
    session = UserSession(
        user_id=user.id,
        token_hash=_hash(token),
        last_seen_at=now,
        confirmed_at=now,
        address=address,
        browser=browser.replace("\0", "")[:_LONGEST_BROWSER] or None,
    )
    db.session.add(session)
    return token


def find(token: str) -> tuple[User, Visit] | None:
    """Whose session it is, while it is neither ended nor too old: one small query for each request.

    What nearly every page asks for comes along: how they like their pages, a row for each preference, and which
    edition stands of what is kept.
    """
    rows = glance(_FIND, {"hash": _hash(token)})
    now = clock.utc_now()
    if not rows or now - rows[0].last_seen_at > IDLE_LIMIT or now - rows[0].began_at > ABSOLUTE_LIMIT:
        return None
    user = take_in(User, rows[0])
    editions.remember(rows[0])
    preferences.remember(user.id, {row.preference: row.value for row in rows if row.preference is not None})
    return user, Visit(rows[0].visit_id, rows[0].confirmed_at)


def touch(token: str, *, address: str | None) -> None:
    """It is still used. One that has ended meanwhile stays ended."""
    now = clock.utc_now()
    alive = (UserSession.token_hash == _hash(token), *_alive(now))
    db.session.execute(update(UserSession).where(*alive).values(last_seen_at=now, address=address))


def confirm(session_id: UUID) -> None:
    """Its user has just proved who they are."""
    values = {"confirmed_at": clock.utc_now()}
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(values))


def alive_of(user_id: UUID) -> Sequence[UserSession]:
    """The one used last comes first."""
    query = select(UserSession).where(UserSession.user_id == user_id, *_alive(clock.utc_now()))
    return db.session.scalars(query.order_by(UserSession.last_seen_at.desc())).all()


def end(token: str) -> None:
    _end(UserSession.token_hash == _hash(token))


def end_one(user_id: UUID, session_id: UUID) -> None:
    """Nothing happens to somebody else's."""
    _end(UserSession.user_id == user_id, UserSession.id == session_id)


def end_others(user_id: UUID, own: UUID) -> None:
    _end(UserSession.user_id == user_id, UserSession.id != own)


def end_all(user: User) -> None:
    """Everywhere, and links to a new password with them."""
    user.session_epoch += 1
    if user.id is not None:
        _end(UserSession.user_id == user.id)


def forget_old() -> None:
    db.session.execute(delete(UserSession).where(UserSession.last_seen_at < clock.utc_now() - MEMORY))


def _end(*which: ColumnElement[bool]) -> None:
    ended = update(UserSession).where(*which, UserSession.ended_at.is_(None)).values(ended_at=clock.utc_now())
    db.session.execute(ended.execution_options(synchronize_session=False))


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        UserSession.ended_at.is_(None),
        UserSession.last_seen_at >= now - IDLE_LIMIT,
        UserSession.created_at >= now - ABSOLUTE_LIMIT,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
