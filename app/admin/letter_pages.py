"""Letters shown in the console, in a frame where they can do nothing."""

import logging
from dataclasses import dataclass

from flask import Response

from app import protection
from app.workflows import letters
from app.workflows.letters import Case, Letter

logger = logging.getLogger(__name__)

# A mail is somebody's text as well as ours: it runs nothing, loads nothing, and knows no page of ours.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'; base-uri 'none'"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A letter as it would go out now, or why it cannot be written."""

    letter: Letter | None
    trouble: str = ""


def proof(case: Case) -> Proof:
    try:
        return Proof(letters.preview(case))
    except Exception as error:
        # A broken template, or a row that is gone: the person is told, and the log has the rest.
        logger.exception("a letter could not be previewed", extra={"kind": case.notification.kind})
        return Proof(None, type(error).__name__)


def allow_frame() -> None:
    """Let the page that is being made hold a frame of ours."""
    protection.allow("frame-src", "'self'")


def framed(html: str) -> Response:
    """The HTML part of a letter, for a frame."""
    headers = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return Response(html, mimetype="text/html", headers=headers)
