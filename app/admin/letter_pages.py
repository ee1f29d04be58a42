"""Letters shown in the console, in a frame where they can do nothing."""

import logging
import re
from dataclasses import dataclass

from flask import Response

from app import protection
from app.workflows import letters
from app.workflows.letters import Case, Letter

logger = logging.getLogger(__name__)

# A mail is somebody's text as well as ours: it runs nothing, loads nothing, and knows no page of ours.
_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; sandbox; frame-ancestors 'self'; base-uri 'none'"
)
_STYLE = re.compile(r' style="([^"]*)"')


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
    nonce = protection.csp_nonce()
    headers = {"Content-Security-Policy": _POLICY.format(nonce=nonce), "X-Frame-Options": "SAMEORIGIN"}
    return Response(_with_one_sheet(html, nonce), mimetype="text/html", headers=headers)


def _with_one_sheet(html: str, nonce: str) -> str:
    """Mail programs want styles on the elements; our policy wants them in a sheet of this answer."""
    looks: dict[str, int] = {}
    bare = _STYLE.sub(lambda found: f' data-look="{looks.setdefault(found[1], len(looks))}"', html)
    sheet = "".join(f'[data-look="{number}"]{{{look}}}' for look, number in looks.items())
    bare = bare.replace("<style>", f'<style nonce="{nonce}">')
    return bare.replace("</head>", f'<style nonce="{nonce}">{sheet}</style></head>', 1)
