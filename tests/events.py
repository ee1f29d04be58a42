"""Webhooks as the Sandbox company posts them, made for one payment and signed."""

import json
from typing import Any

from flask.testing import FlaskClient

from app.gateways import sandbox
from app.models import Payment
from tests.factories import WEBHOOK_SECRET

WEBHOOK_URL = "/api/services/payment/webhook/sandbox"


def event_body(payment: Payment, *, is_paid: bool = True, event_id: str | None = None, **changes: Any) -> bytes:
    """`changes` replace what the event says of the payment."""
    told = {
        "id": f"sbp_{payment.id.hex}",
        "intent_id": payment.gateway_intent_id,
        "status": "paid" if is_paid else "failed",
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "error": None if is_paid else "card_declined",
        "metadata": {"payment_id": str(payment.id)},
    } | changes
    name = "payment.paid" if is_paid else "payment.failed"
    return json.dumps({"id": event_id or f"sbe_{payment.id.hex}_{name}", "type": name, "payment": told}).encode()


def post_event(
    client: FlaskClient, body: bytes, *, secret: str = WEBHOOK_SECRET, url: str = WEBHOOK_URL, **sent: Any
) -> Any:
    return client.post(url, data=body, headers={sandbox.SIGNATURE_HEADER: sandbox.sign(body, secret)}, **sent)
