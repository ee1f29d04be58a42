"""Which features this visitor gets; whoever has one of a share of visitors keeps it, by a cookie that names nobody."""

import secrets
from datetime import timedelta

from flask import Response, g, request
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer

from app import protection
from app.checkout.blueprint import bp
from app.extensions import settings
from app.models import FlagState
from app.workflows import flags
from app.workflows.flags import Setting, Visitor

COOKIE = "visitor"
LIFETIME = timedelta(days=180)


def has(flag: str) -> bool:
    """Whether the flag is on for this visitor."""
    known = flags.setting(flag)
    return flags.is_on(flag, _visitor(known), known)


@bp.after_request
def keep(response: Response) -> Response:
    """Hand out the cookie of a new visitor, once a share of visitors was asked for."""
    key = g.pop("new_visitor", None)
    if key is not None:
        protection.set_cookie(response, COOKIE, _signer().dumps(key), life=LIFETIME)
    return response


def _visitor(known: Setting) -> Visitor:
    """Only what the setting looks at: nobody gets a cookie who needs none."""
    if known.state is FlagState.PERCENT:
        return Visitor(key=_key())
    if known.state is FlagState.USERS and current_user.is_authenticated:
        return Visitor(email=current_user.email)
    return Visitor()


def _key() -> str:
    key = g.get("visitor") or _key_in_cookie()
    if key is None:
        key = g.new_visitor = secrets.token_urlsafe(12)
    g.visitor = key
    return str(key)


def _key_in_cookie() -> str | None:
    try:
        key = _signer().loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return None
    return key if isinstance(key, str) else None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="visitor-cookie")
