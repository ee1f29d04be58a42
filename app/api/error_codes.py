"""Every stable error code that a program may meet: what it means and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app import troubles
from app.errors import DomainError


@dataclass(frozen=True, slots=True)
class ErrorCode:
    code: str
    status: int
    message: str
    action: str
    is_retryable: bool


EVERYWHERE = ("bad_request", "method_not_allowed", "too_many_requests", "internal_error", "database_unavailable")
WITH_BODY = ("too_large", "unsupported_media_type", "storage_full", "conflict")
OF_STAFF = ("unauthenticated", "forbidden", "csrf_failed")
"""What any endpoint may answer, any that takes a body, any that asks who calls."""

_ADVICE = {
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


@cache
def all_codes() -> dict[str, ErrorCode]:
    """By code. Of two errors with one code the general one is described."""
    refusals = (
        ErrorCode(kind.code, kind.http_status, kind.message, kind.suggested_action or "", kind.retryable)
        for kind in _kinds(DomainError)
    )
    common = (
        ErrorCode(each.code, each.status, each.message, each.suggested_action or "", each.retryable)
        for each in troubles.ALL
    )
    found = {each.code: each for each in (*refusals, *common)}
    return {
        code: ErrorCode(code, each.status, each.message, _ADVICE.get(code, each.action), each.is_retryable)
        for code, each in sorted(found.items())
    }


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield from _kinds(child)
        yield child
