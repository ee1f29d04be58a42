"""The browsers that an account has signed in with: a signed cookie gives each an allowance of wrong tries of its own.

It lets nobody in. It only keeps the tries of strangers from making the owner wait.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app import protection
from app.extensions import settings
from app.models import User
from app.workflows.sign_in_limits import Target

COOKIE = "browser"
_LIFE = timedelta(days=180)
_MOST_ACCOUNTS = 5
"""People who share a machine; the one longest away is forgotten first."""


def target(purpose: str, whom: str, user: User | None) -> Target:
    """A try at `purpose` for `whom`, from this browser."""
    device = _known().get(user.id.hex, "") if user is not None else ""
    return Target(purpose, whom, request.remote_addr or "", device)


def remember(response: Response, user: User) -> None:
    """This browser has proved that it is used by the owner of the account."""
    known = _known()
    device = known.pop(user.id.hex, None) or uuid4().hex
    kept = dict([*known.items(), (user.id.hex, device)][-_MOST_ACCOUNTS:])
    protection.set_cookie(response, COOKIE, _signer().dumps(kept), life=_LIFE)


def _known() -> dict[str, str]:
    try:
        found: Any = _signer().loads(request.cookies.get(COOKIE, ""), max_age=int(_LIFE.total_seconds()))
    except BadSignature:
        return {}
    return {UUID(user).hex: str(device) for user, device in found.items()}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="known-browser")
