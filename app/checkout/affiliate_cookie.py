"""Remembering for 30 days who sent a visitor: a signed cookie, the last code wins."""

import logging
from datetime import timedelta

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError

from app import protection
from app.checkout import visitors, visits
from app.checkout.blueprint import bp
from app.extensions import settings
from app.workflows import affiliates, flags

logger = logging.getLogger(__name__)

COOKIE = "affiliate"
PARAMETERS = ("ref", "aff", "affiliate")
LIFETIME = timedelta(days=30)


def current_code() -> str | None:
    """The code this purchase counts for: of the address if it has one, else of the cookie while it is fresh."""
    code = code_in_address()
    if code is not None and visitors.has(flags.AFFILIATE_LINKS):
        return code
    return _code_in_cookie()


@bp.after_request
def remember(response: Response) -> Response:
    """Keep a code that came with the address, and count the visit; nothing here can fail a page."""
    code = code_in_address()
    if code is None or request.method != "GET" or response.status_code >= 400 or not _counts():
        return response
    protection.set_cookie(response, COOKIE, _signer().dumps(code), life=LIFETIME)
    visits.count_click(code)
    return response


def _counts() -> bool:
    try:
        return visitors.has(flags.AFFILIATE_LINKS)
    except SQLAlchemyError:
        logger.exception("nobody knows whether affiliates' links count; this one does not")
        return False


def code_in_address() -> str | None:
    """The code of a link that an affiliate made."""
    for name in PARAMETERS:
        code = request.args.get(name, "").strip()
        if code and code.isprintable():
            return code[: affiliates.MAXIMUM_CODE_LENGTH]
    return None


def _code_in_cookie() -> str | None:
    signed = request.cookies.get(COOKIE)
    if not signed:
        return None
    try:
        code = _signer().loads(signed, max_age=int(LIFETIME.total_seconds()))
    except BadSignature:
        return None
    return code if isinstance(code, str) else None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="affiliate-cookie")
