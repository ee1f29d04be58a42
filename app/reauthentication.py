"""“Confirm it is you”: before what does most harm in wrong hands, the password or a code is asked for once more.

`ensure_confirmed()` stands at the top of whatever needs it. What was being sent is not lost: the page that asks holds
it, sealed, and the view goes on with it as soon as the answer is right. A proof counts for ten minutes of one session,
and signing in is one.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import ImmutableMultiDict

from app import error_pages, guesses
from app.columns import keyring
from app.db import transaction
from app.kit import clock
from app.kit.crypto import CannotOpen
from app.models import User
from app.troubles import Trouble
from app.workflows import accounts, second_factor, user_sessions
from app.workflows.sign_in_limits import Target, TooManyTries
from app.workflows.user_sessions import Visit

P = ParamSpec("P")
R = TypeVar("R")

COUNTS_FOR = timedelta(minutes=10)

_HELD = "held_form"
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_MESSAGE = "Confirm that it is you before you do this."
_ADVICE = "Open your account page, confirm with your password, then try again."


class ConfirmationNeeded(Exception):
    """Becomes the page that asks; a program gets the error shape."""


def init_app(app: Flask) -> None:
    app.before_request(_take_answer)
    app.register_error_handler(ConfirmationNeeded, _ask)


def ensure_confirmed() -> None:
    """Raises ConfirmationNeeded unless the user of this session has proved who they are lately."""
    if not is_confirmed():
        raise ConfirmationNeeded


def confirmed(view: Callable[P, R]) -> Callable[P, R]:
    """A view that opens only to who has proved it lately."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        ensure_confirmed()
        return view(*args, **kwargs)

    return guarded


def is_confirmed() -> bool:
    visit: Visit | None = g.get("visit") if current_user.is_authenticated else None
    return visit is not None and clock.utc_now() - visit.confirmed_at < COUNTS_FOR


def refusal_of(user: User, *, password: str, code: str) -> str | None:
    """Why this proves nothing, in words; None when it does, and that counts from now on. Raises TooManyTries."""
    visit: Visit = g.visit
    # Its own allowance: whoever tries elsewhere does not make them wait here.
    target = Target("confirm", str(user.id), request.remote_addr or "", visit.id.hex)
    if not guesses.is_right(target, lambda: _is_right(user, password, code)):
        return second_factor.WRONG_CODE if code else "The password is not right."
    with transaction():
        user_sessions.confirm(visit.id)
    g.visit = Visit(visit.id, clock.utc_now())
    return None


def _is_right(user: User, password: str, code: str) -> bool:
    if not code:
        return accounts.is_password_right(user, password)
    with transaction():
        return second_factor.accept(user, code)


def _take_answer() -> ResponseReturnValue | None:
    """Before the view: it goes on with the form that was held, as if it had just been sent."""
    # Programs are not asked on a page, and a webhook's raw body must be left unread.
    if request.method != "POST" or request.path.startswith("/api/") or request.mimetype not in _FORMS:
        return None
    if _HELD not in request.form or not current_user.is_authenticated:
        return None
    sealed = request.form[_HELD]
    held = _open(sealed)
    try:
        refusal = refusal_of(
            cast(User, current_user._get_current_object()),
            password=request.form.get("confirm_password", ""),
            code=request.form.get("confirm_code", "").strip(),
        )
    except TooManyTries as error:
        return _page(sealed, refusal=error.message, status=429)
    if refusal is not None:
        return _page(sealed, refusal=refusal)
    request.form = held
    return None


def _ask(_needed: ConfirmationNeeded) -> ResponseReturnValue:
    if request.is_json or error_pages.wants_json():
        trouble = Trouble(403, "confirmation_needed", _MESSAGE, _ADVICE, retryable=True)
        return jsonify(error_pages.error_shape(trouble)), 403
    if request.method != "POST":
        return redirect(url_for("accounts.confirm", next=request.full_path.rstrip("?")))
    return _page(_seal())


def _page(sealed: str, *, refusal: str | None = None, status: int = 403) -> Response:
    page = render_template(
        "accounts/confirm.html",
        address=request.full_path.rstrip("?"),
        held=sealed,
        refusal=refusal,
        back=_way_back(),
        has_code=cast(User, current_user).has_second_factor,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _way_back() -> str:
    """The page they came from, as a path of ours."""
    parts = urlsplit(request.referrer or "")
    is_ours = parts.netloc == request.host and parts.path not in {"", request.path}
    return parts._replace(scheme="", netloc="").geturl() if is_ours else url_for("accounts.home")


def _seal() -> str:
    """The fields as they were sent: secrets among them stand in no page."""
    fields = json.dumps(list(request.form.items(multi=True)))
    return base64.urlsafe_b64encode(keyring.seal(fields.encode(), _context())).decode()


def _open(sealed: str) -> ImmutableMultiDict[str, str]:
    try:
        fields: Any = json.loads(keyring.open(base64.urlsafe_b64decode(sealed.encode()), _context()))
    except (CannotOpen, binascii.Error, ValueError):
        abort(400)
    return ImmutableMultiDict([(str(name), str(value)) for name, value in fields])


def _context() -> str:
    """It opens for the same person, at the same address, only."""
    return f"held-form:{current_user.id}:{request.full_path}"
