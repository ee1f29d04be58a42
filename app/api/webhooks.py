"""Where gateways post. The raw body is verified before anything else; no network call is made in here."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from flask import Blueprint, request

from app.api.contract import Content, Header, Operation, serves
from app.db import one_statement, transaction
from app.errors import DomainError
from app.gateways.base import GatewayEvent
from app.models import EventOutcome
from app.observability.meters import webhooks_received
from app.workflows import editions, gateway_choice, gateway_health, payments, webhooks
from app.workflows.webhooks import Seen

logger = logging.getLogger(__name__)

bp = Blueprint("webhooks", __name__, url_prefix="/api/services/payment/webhook")

_ANY_GATEWAY = (
    "The raw body is verified before anything else, and every message is stored once. A repeat is answered "
    "`processed: false`. Answered 500, it is on record all the same and is tried again by us."
)
_UNADDRESSED = Operation(
    summary="News of a payment",
    tag="Gateways",
    answer="shapes.Received",
    description=f"For gateways; which one it is is told by the header its signature stands in. {_ANY_GATEWAY}",
    takes_any_body=True,
    headers=tuple(
        Header(name, f"The signature, if it is {label}.", {"type": "string"})
        for name, label in gateway_choice.signature_headers().items()
    ),
    errors=("invalid_signature", "unsupported_gateway"),
)
_ADDRESSED = Operation(
    summary="News of a payment, addressed",
    tag="Gateways",
    answer="shapes.Received",
    description=f"For gateways. {_ANY_GATEWAY}",
    takes_any_body=True,
    paths={"gateway": "Its name, as in the console."},
    errors=("invalid_signature", "unsupported_gateway"),
)


@bp.post("")
@serves(_UNADDRESSED)
def receive_unaddressed() -> Content:
    """The gateway is told by the header its signature stands in."""
    try:
        gateway = webhooks.gateway_of(dict(request.headers))
    except DomainError:
        webhooks_received.labels("unknown", "refused").inc()
        raise
    return _receive(gateway)


@bp.post("/<gateway>")
@serves(_ADDRESSED)
def receive(gateway: str) -> Content:
    return _receive(gateway)


def _receive(gateway: str) -> Content:
    event, seen = _take_in(gateway, request.get_data(), dict(request.headers))
    if not gateway_health.is_fresh(seen.last_webhook_at):
        with transaction(is_synced=False):
            gateway_health.note_webhook(gateway)
    if seen.is_handled:
        webhooks_received.labels(gateway, "duplicate").inc()
        return {"received": True, "processed": False}
    editions.remember(seen.stamps)
    payments.look_ahead()
    try:
        with transaction():
            outcome = webhooks.handle(seen.id, gateway, event)
    except Exception as error:
        with transaction():
            webhooks.note_failure(seen.id, error)
        webhooks_received.labels(gateway, "failed").inc()
        raise
    webhooks_received.labels(gateway, outcome or "duplicate").inc()
    return {"received": True, "processed": outcome not in {None, EventOutcome.REVIEW}}


def _take_in(gateway: str, body: bytes, headers: Mapping[str, str]) -> tuple[GatewayEvent, Seen]:
    """Verify and store a delivery. Most often no gateway was set up anew since the last one: then the statement that
    stores it makes sure of that, and is the only one."""
    event = _presume(gateway, body, headers)
    while True:
        event = event or _parse(gateway, body, headers)
        # No answer is given before the next transaction has been kept for good, and this one with it.
        with one_statement(is_synced=False):
            seen = webhooks.receive(gateway, event, body, headers)
        if seen is not None:
            return event, seen
        event = None
        editions.look_again()


def _presume(gateway: str, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
    """What it says if the settings that were seen last still hold; None if it cannot be verified by them."""
    if editions.presume():
        with suppress(DomainError):
            return webhooks.parse(gateway, body, headers)
        editions.look_again()
    return None


def _parse(gateway: str, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
    """A stranger's message leaves nothing but a counter and a log line."""
    try:
        return webhooks.parse(gateway, body, headers)
    except DomainError as error:
        label = gateway if error.code == "invalid_signature" else "unknown"
        webhooks_received.labels(label, "refused").inc()
        logger.warning("webhook refused", extra={"gateway": label, "reason": error.code})
        raise
