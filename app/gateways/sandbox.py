"""Sandbox: a payment company to try things out with, whose pay page and ledger run inside this server.

Its webhooks are signed as Stripe signs: `Sandbox-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import ClassVar, Protocol

from app.gateways import signatures
from app.gateways.base import (
    CredentialField,
    EventKind,
    Gateway,
    GatewayEvent,
    GatewayUnavailable,
    PaymentFailure,
    PaymentIntent,
    PaymentIntentParams,
    PaymentSnapshot,
    RefundParams,
    RefundResult,
    SnapshotStatus,
    UnknownPayment,
)
from app.kit import clock
from app.kit.money import Money

SIGNATURE_HEADER = "Sandbox-Signature"

FAILURES = {
    "card_declined": PaymentFailure(
        "card_declined", "Your bank declined the payment.", "Try another card, or ask your bank why."
    ),
    "insufficient_funds": PaymentFailure(
        "insufficient_funds", "There was not enough money in the account.", "Try another card or account."
    ),
}


class Ledger(Protocol):
    """What the company remembers on its side of the wire."""

    def open(self, params: PaymentIntentParams) -> PaymentIntent: ...

    def snapshot(self, intent_id: str) -> PaymentSnapshot | None: ...

    def refund(self, params: RefundParams) -> RefundResult: ...


class Sandbox(Gateway):
    name = "sandbox"
    label = "Sandbox (test payments)"
    signature_header = SIGNATURE_HEADER
    credentials = (CredentialField("webhook_secret", "Webhook secret"),)

    ledger: ClassVar[Ledger | None] = None
    """Bound at start, and left empty in production: without it the gateway is not available."""

    @classmethod
    def is_available(cls) -> bool:
        return cls.ledger is not None

    def create_payment_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        return self._ledger().open(params)

    def fetch_payment(self, gateway_intent_id: str) -> PaymentSnapshot:
        snapshot = self._ledger().snapshot(gateway_intent_id)
        if snapshot is None:
            raise UnknownPayment("Sandbox knows no such payment.")
        return snapshot

    def refund(self, params: RefundParams) -> RefundResult:
        return self._ledger().refund(params)

    def check_credentials(self) -> None:
        self._ledger()

    def verify_webhook(self, payload: bytes, headers: Mapping[str, str]) -> bool:
        header = signatures.header_of(headers, self.signature_header)
        return signatures.is_signed_now(payload, header, self.config.webhook_secrets)

    def process_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        event = json.loads(payload)
        payment = event["payment"]
        snapshot = PaymentSnapshot(
            status=SnapshotStatus(payment["status"]),
            gateway_intent_id=str(payment["intent_id"]),
            gateway_payment_id=str(payment["id"]),
            amount=Money(payment["amount"], payment["currency"]),
            failure=FAILURES.get(payment.get("error") or ""),
            metadata={"payment_id": str(payment["metadata"]["payment_id"])} if payment.get("metadata") else {},
        )
        kind = {"payment.paid": EventKind.PAID, "payment.failed": EventKind.FAILED}.get(event["type"])
        return GatewayEvent(str(event["id"]), kind or EventKind.IGNORED, str(event["type"]), snapshot)

    def _ledger(self) -> Ledger:
        if self.ledger is None:
            raise GatewayUnavailable
        return self.ledger


def sign(payload: bytes, secret: str) -> str:
    """The value of the signature header for a body sent now."""
    stamp = str(int(clock.utc_now().timestamp()))
    signature = hmac.new(secret.encode(), stamp.encode() + b"." + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={signature}"
