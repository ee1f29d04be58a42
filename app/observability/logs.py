"""One JSON line for each event, with the id of the request or job it belongs to, and nothing personal."""

import json
import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request, session
from flask_login import AnonymousUserMixin

from app.kit import log_context

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
# Whatever the message of somebody else's exception quotes.
_LONG_NUMBER = re.compile(r"\+?\d[\d -]{8,}\d")
_PHONE = re.compile(r"\+\d[\d -]{6,}\d")
_OURS = {"time", "level", "logger", "request_id", "user", "job_id"}
# What every record has: the rest is what was given as `extra`.
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_QUIET_PATHS = ("/static/", "/healthz", "/readyz", "/metrics")

_STACK_DEPTH = 20

logger = logging.getLogger(__name__)


def configure(level: str) -> None:
    """Send every log line of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # It would write a line of its own for each of ours.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # It says which database it found each time readiness is asked for.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # A line for each call; our own lines and counters tell of calls too.
    logging.getLogger("stripe").setLevel(logging.WARNING)


def make_formatter() -> logging.Formatter:
    return _Lines()


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"event": record.getMessage(), **log_context.current()}
        line |= {name: value for name, value in record.__dict__.items() if name not in _USUAL}
        line["level"], line["logger"] = record.levelname.lower(), record.name
        line["time"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(_redact(_complete(line)), default=str)


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
    # Flask's own names the path, which may carry a reference number or a secret.
    app.log_exception = _log_exception  # type: ignore[method-assign, assignment]


def _log_exception(error: Any) -> None:
    rule = request.url_rule.rule if request.url_rule else None
    logger.error("a page broke", exc_info=error, extra={"route": rule, "method": request.method})


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    g.started_at = time.perf_counter()
    log_context.begin(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if not request.path.startswith(_QUIET_PATHS):
        logger.info("request", extra=_facts(response))
    return response


def _facts(response: Response) -> dict[str, Any]:
    # The rule, not the path: an address may carry a reference number or a secret.
    return {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.get("started_at", time.perf_counter())) * 1000, 1),
        "user": _user_id(),
    }


def _user_id() -> str | None:
    """Only if the view looked: a public page needs no user, and a log line is worth no query.

    Read from the session, since the row may have to be read again, from a database that is what went wrong.
    """
    if "caller_id" in g:
        return str(g.caller_id)
    if "_login_user" not in g or isinstance(g._login_user, AnonymousUserMixin) or "_user_id" not in session:
        return None
    return str(session["_user_id"]).partition(".")[0]


def _complete(event: dict[str, Any]) -> dict[str, Any]:
    """What whoever looks into an error needs: who met it (an id, no name), and where in the code."""
    if event.get("level") in {"error", "critical"}:
        event.setdefault("user", (_user_id() or "anonymous") if has_request_context() else "system")
        if "exception" not in event:
            event["stack"] = "".join(traceback.format_stack(limit=_STACK_DEPTH))
    return event


def _redact(event: dict[str, Any]) -> dict[str, Any]:
    for key, text in event.items():
        if not isinstance(text, str):
            continue
        if key in {"event", "exception", "stack"}:
            event[key] = _LONG_NUMBER.sub("[number]", _EMAIL.sub("[email]", text))
        elif key not in _OURS:
            # Ids and days are numbers too, so here only what is written as a phone number goes.
            event[key] = _PHONE.sub("[number]", _EMAIL.sub("[email]", text))
    return event
