"""What needs the signed link that a customer got: everything with personal data on it, and paying again."""

from flask import request, url_for

from app.db import take_glances
from app.errors import NotAllowed
from app.extensions import links
from app.kit.ids import parse_reference_number
from app.models import Payment, ServiceRequest
from app.workflows import payment_return, tracking


class LinkRefused(NotAllowed):
    code = "link_refused"
    message = "This link is incomplete or was changed, so we cannot show this page."
    suggested_action = "Open the link from your email again. To see the status alone, the reference number is enough."


def address(page: str, reference: str) -> str:
    """A signed page on the host the visitor is on, whatever name they reached us by."""
    return url_for(f"checkout.{page}", reference=reference, key=links().key(reference))


def get_request(reference: str) -> ServiceRequest:
    """The request that a signed address is about. Raises LinkRefused, whether or not the reference exists."""
    return tracking.find_request(_ensure_signed(reference))


def get_purchase(reference: str) -> tuple[ServiceRequest, Payment | None]:
    """The same with the payment that paid it, else the latest attempt."""
    canonical = _ensure_signed(reference)
    take_glances()
    return payment_return.find_purchase(canonical)


def _ensure_signed(reference: str) -> str:
    """Its canonical form."""
    canonical = parse_reference_number(reference)
    if canonical is None or not links().is_valid(canonical, request.args.get("key", "")):
        raise LinkRefused
    return canonical
