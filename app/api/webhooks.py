"""Where gateways post. The raw body is verified before anything else; no network call is made in here."""

import logging
from collections.abc import Mapping

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app.db import transaction
from app.errors import DomainError
from app.gateways.base import GatewayEvent
from app.metrics import webhooks_received
from app.models import EventOutcome
from app.workflows import webhooks

logger = logging.getLogger(__name__)

bp = Blueprint("webhooks", __name__, url_prefix="/api/services/payment/webhook")


@bp.post("")
def receive_unaddressed() -> ResponseReturnValue:
    """The gateway is told by the header its signature stands in."""
    try:
        gateway = webhooks.gateway_of(dict(request.headers))
    except DomainError:
        webhooks_received.labels("unknown", "refused").inc()
        raise
    return receive(gateway)


@bp.post("/<gateway>")
def receive(gateway: str) -> ResponseReturnValue:
    body, headers = request.get_data(), dict(request.headers)
    event = _parse(gateway, body, headers)
    with transaction():
        row_id = webhooks.receive(gateway, event, body, headers)
    if row_id is None:
        webhooks_received.labels(gateway, "duplicate").inc()
        return jsonify(received=True, processed=False)
    try:
        with transaction():
            outcome = webhooks.handle(row_id)
    except Exception as error:
        with transaction():
            webhooks.note_failure(row_id, error)
        webhooks_received.labels(gateway, "failed").inc()
        raise
    webhooks_received.labels(gateway, outcome or "duplicate").inc()
    return jsonify(received=True, processed=outcome not in {None, EventOutcome.REVIEW})


def _parse(gateway: str, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
    """A stranger's message leaves nothing but a counter and a log line."""
    try:
        return webhooks.parse(gateway, body, headers)
    except DomainError as error:
        label = gateway if error.code == "invalid_signature" else "unknown"
        webhooks_received.labels(label, "refused").inc()
        logger.warning("webhook refused", extra={"gateway": label, "reason": error.code})
        raise
