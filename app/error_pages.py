"""What people and programs get to read when something is refused or breaks: a page, or the JSON error shape."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from app import troubles
from app.errors import DomainError
from app.kit.crypto import CannotOpen
from app.troubles import Trouble

logger = logging.getLogger(__name__)

RETRY_AFTER = "10"
"""Seconds. A database that is started again, or a gateway that stumbled, is back by then."""

BEFORE_PAYMENT = frozenset({"checkout.home", "checkout.show", "checkout.buy", "checkout.check", "api_purchase.buy"})
"""Where no money can have moved yet."""

AROUND_PAYMENT = frozenset(
    f"checkout.{page}" for page in ("confirmation", "come_back", "pay_again", "pay", "hand_over", "receipt")
) | {"sandbox.show", "sandbox.pay"}
"""Where the customer may have paid, whatever we can find out right now."""

_NOT_CHARGED = "You have not been charged."
_MAY_HAVE_PAID = (
    "If you have paid already, your payment is safe: the payment company tells us of it, also while this page cannot "
    "be shown. Do not pay a second time until it can."
)
_SENT_AGAIN = frozenset({"checkout.buy", "checkout.pay", "sandbox.pay"})
"""Forms that may be sent twice and are then taken once; a password is never put into a page."""

_AT_WORK = frozenset({"admin", "provider", "affiliate", "account"})
"""How the addresses of staff and partners begin: they have no use for the shop."""

_LAST_RESORT = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Something went wrong</title><h1>{message}</h1><p>{money}</p><p>{action}</p><p>{number}</p>"
)


@dataclass(frozen=True, slots=True)
class Retry:
    """How a page offers to do the same again: a link, or a form with what was sent."""

    address: str
    fields: tuple[tuple[str, str], ...] | None = None


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(exc.SQLAlchemyError, _database_error)
    app.register_error_handler(OSError, _system_error)
    app.register_error_handler(CannotOpen, _key_error)


def error_shape(trouble: Trouble) -> dict[str, Any]:
    """The JSON every program gets for every error; the scripts of our pages show it to a person."""
    advice = troubles.ADVICE_TO_PROGRAMS if request.path.startswith("/api/") else {}
    return {
        "error": {
            "code": trouble.code,
            "message": trouble.message,
            "details": dict(trouble.details),
            "retryable": trouble.retryable,
            "suggestedAction": advice.get(trouble.code, trouble.suggested_action),
        },
        "requestId": g.get("request_id"),
    }


def wants_json() -> bool:
    """Programs use /api/; scripts of our pages say what they accept."""
    if request.path.startswith("/api/"):
        # The one page among them is read by people.
        return request.endpoint != "api_docs.page"
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _refused(error: DomainError) -> Response:
    return _answer(troubles.of_refusal(error))


def _http_error(error: HTTPException) -> Response | HTTPException:
    # Redirects are raised too, and an answer may be raised ready-made.
    if error.code is None or error.code < 400 or error.response is not None:
        return error
    if isinstance(error, CSRFError):
        return _answer(troubles.CSRF)
    trouble = troubles.BY_STATUS.get(error.code) or _unlisted(error)
    answer = _answer(trouble if trouble.status < 500 else _with_money(trouble))
    for name, value in error.get_headers(request.environ):
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers.setdefault(name, value)
    return answer


def _unlisted(error: HTTPException) -> Trouble:
    if error.code is None or error.code >= 500:
        return troubles.UNEXPECTED
    return Trouble(error.code, error.name.lower().replace(" ", "_"), f"We could not do this: {error.name}.")


def _database_error(error: exc.SQLAlchemyError) -> Response:
    trouble = troubles.of_database(error)
    if trouble is None:
        raise error
    logger.error("the database could not do what was asked", extra={"code": trouble.code}, exc_info=error)
    return _answer(_with_money(trouble))


def _system_error(error: OSError) -> Response:
    trouble = troubles.of_system(error)
    if trouble is None:
        raise error
    logger.error("there is no room left", exc_info=error)
    return _answer(_with_money(trouble))


def _key_error(error: CannotOpen) -> Response:
    # It names the column and the key, never a value.
    logger.critical("a sealed value could not be opened: %s", error)
    return _answer(_with_money(troubles.UNREADABLE))


def _with_money(trouble: Trouble) -> Trouble:
    """A program reads in the same sentence whether the customer was charged; a page has a line of its own for it."""
    money = _about_money() if wants_json() else ""
    return replace(trouble, message=f"{trouble.message} {money}".strip())


def _about_money() -> str:
    if request.endpoint in BEFORE_PAYMENT:
        return _NOT_CHARGED
    return _MAY_HAVE_PAID if request.endpoint in AROUND_PAYMENT else ""


def _answer(trouble: Trouble) -> Response:
    answer = jsonify(error_shape(trouble)) if wants_json() else make_response(_page(trouble))
    answer.status_code = trouble.status
    answer.headers["Cache-Control"] = "no-store"
    if trouble.status in {429, 503}:
        # The limiter makes it longer where it knows when its window ends.
        answer.headers["Retry-After"] = RETRY_AFTER
    if trouble.status == 401 and request.path.startswith("/api/"):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _page(trouble: Trouble) -> str:
    """Also when it is the templates that are broken."""
    money = _about_money() if trouble.status >= 500 else ""
    number = g.get("request_id")
    try:
        return render_template(
            "errors/error.html",
            trouble=trouble,
            money=money,
            request_id=number,
            retry=_retry(trouble),
            is_at_work=request.path.split("/")[1] in _AT_WORK,
        )
    except Exception:
        logger.exception("the page that tells of errors is broken")
        action = trouble.suggested_action or ""
        return _LAST_RESORT.format(message=trouble.message, money=money, action=action, number=number or "")


def _retry(trouble: Trouble) -> Retry | None:
    if not trouble.retryable:
        return None
    address = request.full_path if request.query_string else request.path
    if request.method == "GET":
        return Retry(address)
    if request.endpoint in _SENT_AGAIN:
        return Retry(address, tuple(request.form.items(multi=True)))
    return None
