"""What needs the signed link that a customer got: everything with personal data on it, and paying again."""

from flask import request, url_for

from app.errors import NotAllowed
from app.extensions import links
from app.kit.ids import parse_reference_number
from app.models import ServiceRequest
from app.workflows import tracking


class LinkRefused(NotAllowed):
    code = "link_refused"
    message = "This link is incomplete or was changed, so we cannot show this page."
    suggested_action = "Open the link from your email again. To see the status alone, the reference number is enough."


def address(page: str, reference: str) -> str:
    """A signed page on the host the visitor is on, whatever name they reached us by."""
    return url_for(f"checkout.{page}", reference=reference, key=links().key(reference))


def get_request(reference: str) -> ServiceRequest:
    """The request that a signed address is about. Raises LinkRefused, whether or not the reference exists."""
    canonical = parse_reference_number(reference)
    if canonical is None or not links().is_valid(canonical, request.args.get("key", "")):
        raise LinkRefused
    return tracking.find_request(canonical)
