"""What may go wrong beneath the rules of the business, as people and programs read it."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import exc

from app.db import is_passing
from app.errors import DomainError


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error as it is told: what happened, whether trying again helps, what to do now."""

    status: int
    code: str
    message: str
    suggested_action: str | None = None
    retryable: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


BY_STATUS = {
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
UNEXPECTED = Trouble(
    500,
    "internal_error",
    "Something went wrong on our side. We have noted it.",
    "Try again in a minute. If it happens again, write to us and quote the number below.",
    retryable=True,
)
UNREADABLE = Trouble(
    500,
    "unreadable",
    "A record could not be read. Nothing was changed.",
    "We have noted it and will see to it. If it is urgent, write to us and quote the number below.",
)
CSRF = Trouble(
    400,
    "csrf_failed",
    "This page was open too long, or cookies are switched off. Nothing was saved.",
    "Go back, reload the page, and send it again.",
    retryable=True,
)
DATABASE = Trouble(
    503,
    "database_unavailable",
    "We cannot reach our records right now.",
    "Try again in a minute: nothing is done twice.",
    retryable=True,
)
FULL = Trouble(
    503,
    "storage_full",
    "We cannot keep anything right now: our storage is full. We have been told.",
    "Try again in a few minutes: nothing is done twice.",
    retryable=True,
)
CONFLICT = Trouble(
    409,
    "conflict",
    "This clashes with something that was saved at the same moment. Nothing of yours was saved.",
    "Reload to see how it is now, then try again.",
    retryable=True,
)
ALL = (*BY_STATUS.values(), UNEXPECTED, CSRF, DATABASE, FULL, CONFLICT)

ADVICE_TO_PROGRAMS = {
    "bad_request": "Send a JSON object in UTF-8.",
    "unauthenticated": "Send a valid token, as `Authorization: Bearer cf_…`.",
    "forbidden": "Use a token with the scope, of somebody whose role may do this.",
    "csrf_failed": "With a session, send the page's token as `X-CSRFToken`.",
    "not_found": "Check the address and the id.",
    "method_not_allowed": "Use a method that the header `Allow` names.",
    "too_many_requests": "Wait as long as `Retry-After` says, then go on more slowly.",
    "internal_error": "Try again in a minute; if it happens again, write to us with the `requestId`.",
    "database_unavailable": "Try again after `Retry-After`; a purchase with the same `Idempotency-Key`.",
    "transition_refused": "Set a status that the message names.",
    "assignment_refused": "Read the message; choose another provider or none.",
    "already_paid": "Nothing: the purchase is complete.",
    "invalid_signature": "Sign the raw body with the secret of this endpoint.",
    "unsupported_gateway": "Use the address that the console shows for this gateway.",
}
"""By code, in place of what a person at a page would be told."""


def of_refusal(error: DomainError) -> Trouble:
    return Trouble(error.http_status, error.code, error.message, error.suggested_action, error.retryable, error.details)


def of_database(error: exc.SQLAlchemyError) -> Trouble | None:
    """None for a mistake of ours, which is unexpected."""
    if isinstance(error, exc.IntegrityError):
        return CONFLICT
    if not is_passing(error):
        return None
    return FULL if _is_full(error) else DATABASE


def of_system(error: OSError) -> Trouble | None:
    return FULL if error.errno in {errno.ENOSPC, errno.EDQUOT} else None


def _is_full(error: exc.SQLAlchemyError) -> bool:
    original = getattr(error, "orig", None)
    # PostgreSQL has a code for it, SQLite a sentence.
    return getattr(original, "sqlstate", None) == "53100" or "disk is full" in str(original)
