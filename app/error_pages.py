"""What people and programs get to read when something is refused or breaks: a page, or the JSON error shape."""

import logging
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app.errors import DomainError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error as it is told: what happened, whether trying again helps, what to do now."""

    status: int
    code: str
    message: str
    suggested_action: str | None = None
    retryable: bool = False
    details: dict[str, str] = field(default_factory=dict)


_BY_STATUS = {
    400: Trouble(400, "bad_request", "We could not read this.", "Go back, reload the page and try again."),
    401: Trouble(401, "unauthenticated", "You are not signed in.", "Sign in, then try again."),
    403: Trouble(403, "forbidden", "You may not open this.", "Sign in with an account that may."),
    404: Trouble(404, "not_found", "There is no page at this address.", "Check it, or start from the home page."),
    405: Trouble(405, "method_not_allowed", "This address does not take that kind of request."),
    410: Trouble(410, "gone", "This is not here any more.", "Start from the home page."),
    413: Trouble(413, "too_large", "This is larger than we accept.", "Send less at once."),
    415: Trouble(415, "unsupported_media_type", "We do not read this format.", "Send JSON, with its content type."),
    429: Trouble(
        429, "too_many_requests", "That was too many tries.", "Wait a minute, then try again.", retryable=True
    ),
    503: Trouble(503, "unavailable", "We cannot do this right now.", "Try again in a minute.", retryable=True),
}
_UNEXPECTED = Trouble(
    500,
    "internal_error",
    "Something went wrong on our side. We have noted it.",
    "Try again in a minute. If it happens again, write to us and quote the number below.",
    retryable=True,
)
_CSRF = Trouble(
    400,
    "csrf_failed",
    "This page was open too long, or cookies are switched off. Nothing was saved.",
    "Go back, reload the page, and send it again.",
    retryable=True,
)
_DATABASE = Trouble(
    503,
    "database_unavailable",
    "We cannot reach our records right now. Nothing was changed, and you have not been charged.",
    "Try again in a minute.",
    retryable=True,
)


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_error)


def error_shape(trouble: Trouble) -> dict[str, Any]:
    """The JSON every program gets for every error."""
    return {
        "error": {
            "code": trouble.code,
            "message": trouble.message,
            "details": trouble.details,
            "retryable": trouble.retryable,
            "suggestedAction": trouble.suggested_action,
        },
        "requestId": g.get("request_id"),
    }


def wants_json() -> bool:
    """Programs use /api/; scripts of our pages say what they accept."""
    if request.path.startswith("/api/"):
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _refused(error: DomainError) -> Response:
    return _answer(
        Trouble(
            error.http_status, error.code, error.message, error.suggested_action, error.retryable, dict(error.details)
        )
    )


def _http_error(error: HTTPException) -> Response | HTTPException:
    # Redirects are raised too, and an answer may be raised ready-made.
    if error.code is None or error.code < 400 or error.response is not None:
        return error
    if isinstance(error, CSRFError):
        return _answer(_CSRF)
    trouble = _BY_STATUS.get(error.code) or _unlisted(error)
    answer = _answer(trouble)
    for name, value in error.get_headers(request.environ):
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers.setdefault(name, value)
    return answer


def _unlisted(error: HTTPException) -> Trouble:
    if error.code is None or error.code >= 500:
        return _UNEXPECTED
    return Trouble(error.code, error.name.lower().replace(" ", "_"), f"We could not do this: {error.name}.")


def _database_error(error: OperationalError) -> Response:
    logger.error("the database could not be reached or is locked", exc_info=error)
    return _answer(_DATABASE)


def _answer(trouble: Trouble) -> Response:
    if wants_json():
        answer = jsonify(error_shape(trouble))
    else:
        answer = make_response(render_template("errors/error.html", trouble=trouble, request_id=g.get("request_id")))
    answer.status_code = trouble.status
    answer.headers["Cache-Control"] = "no-store"
    return answer
