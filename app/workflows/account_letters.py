"""What people with an account are told about it, and the one-time links to a new password.

A link is signed rather than stored: over the account, its present password and its epoch. So it works once (using it
changes both), dies with every change of the password, and neither the outbox nor a stolen database holds one.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from app.db import db
from app.errors import DomainError
from app.kit import clock, ids
from app.links import Links
from app.models import User
from app.workflows.notifications import Recipient, queue_notification

RESET_LIFE = timedelta(hours=1)
INVITATION_LIFE = timedelta(days=7)
_SLOT = 600
"""Seconds: however often somebody asks, one letter in ten minutes is enough."""


class LinkRefused(DomainError):
    code = "link_refused"
    http_status = 410
    message = "This link does not work any more: it was used, is too old, or your password was changed since."
    suggested_action = "Ask for a new link."


def password_reset(user: User | None, email: str) -> None:
    """Owe the link to a new password. For an address that nobody has, the same is written and taken back again."""
    now = clock.utc_now()
    expires = now + RESET_LIFE
    with db.session.begin_nested() as attempt:
        whom = f"{user.id}:{user.session_epoch}" if user is not None else str(ids.new_id())
        queue_notification(
            "password_reset",
            None,
            to=Recipient(user.email if user is not None else email, user.id if user is not None else None),
            occasion=f"{whom}:{int(now.timestamp()) // _SLOT}",
            subject_id=user.id if user is not None else ids.new_id(),
            context={"expires": int(expires.timestamp()), "epoch": user.session_epoch if user is not None else 0},
        )
        if user is None or not user.is_enabled:
            attempt.rollback()


def invitation(user: User) -> None:
    """Owe the link to a first password."""
    now = clock.utc_now()
    _tell("invitation", user, f"{user.session_epoch}:{int(now.timestamp()) // 60}", now + INVITATION_LIFE)


def password_changed(user: User) -> None:
    _tell("password_changed", user, str(ids.new_id()))


def second_factor_changed(user: User, what: str) -> None:
    """`what` is `enabled`, `disabled`, `reset` (by an administrator) or `codes` (new recovery codes)."""
    _tell("second_factor_changed", user, str(ids.new_id()), what=what)


def choose_password(user: User, expires: datetime, links: Links) -> str:
    """The address that lets whoever opens it choose the password of `user`."""
    moment = int(expires.timestamp())
    key = f"{user.id.hex}.{moment}.{_signature(user, moment, links)}"
    return f"{links.base_url}/reset/choose?{urlencode({'key': key})}"


def user_of(key: str, links: Links) -> User:
    """Whose password the link may change now. Raises LinkRefused."""
    name, _, rest = key.partition(".")
    moment, _, signature = rest.partition(".")
    user_id = ids.parse_id(name)
    user = db.session.get(User, user_id) if user_id is not None else None
    if user is None or not user.is_enabled or not (moment.isascii() and moment.isdigit() and len(moment) < 12):
        raise LinkRefused
    if int(moment) < clock.utc_now().timestamp():
        raise LinkRefused
    if not hmac.compare_digest(_signature(user, int(moment), links).encode(), signature.encode("utf-8", "replace")):
        raise LinkRefused
    return user


def is_link_alive(user: User | None, context: Mapping[str, object]) -> bool:
    """Whether the link that a letter is about would still work."""
    is_early = clock.utc_now() < expiry(context)
    return user is not None and is_early and context.get("epoch") == user.session_epoch


def expiry(context: Mapping[str, object]) -> datetime:
    return datetime.fromtimestamp(int(str(context["expires"])), UTC)


def _signature(user: User, moment: int, links: Links) -> str:
    message = f"choose-password\0{user.id}\0{moment}\0{user.session_epoch}\0{user.password_hash or ''}"
    return hmac.new(links.secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()


def _tell(kind: str, user: User, occasion: str, expires: datetime | None = None, *, what: str = "") -> None:
    context: dict[str, object] = {"what": what} if what else {}
    if expires is not None:
        context |= {"expires": int(expires.timestamp()), "epoch": user.session_epoch}
    key: UUID = user.id
    queue_notification(
        kind, None, to=Recipient(user.email, key), occasion=f"{key}:{occasion}", subject_id=key, context=context
    )
