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
        code: ErrorCode(
            code, each.status, each.message, troubles.ADVICE_TO_PROGRAMS.get(code, each.action), each.is_retryable
        )
        for code, each in sorted(found.items())
    }


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield from _kinds(child)
        yield child
