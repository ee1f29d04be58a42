from app.db import transaction
from app.gateways import PaymentGatewayConfig
from app.gateways.base import PaymentIntent
from app.gateways.sandbox import SIGNATURE_HEADER, sign
from app.sandbox import ledger, postman
from tests.factories import WEBHOOK_SECRET
from tests.gateways.counterparties.base import Counterparty


class SandboxCounterparty(Counterparty):
    gateway = "sandbox"

    @property
    def config(self) -> PaymentGatewayConfig:
        return PaymentGatewayConfig("sandbox", "test", webhook_secrets=(WEBHOOK_SECRET,))

    def approve(self, intent: PaymentIntent) -> None:
        self._decide(intent, "approve")

    def decline(self, intent: PaymentIntent) -> None:
        self._decide(intent, "decline")

    def news(self, intent: PaymentIntent) -> tuple[bytes, dict[str, str]]:
        body = postman._body(ledger.find_payment(intent.client_secret))
        return body, {SIGNATURE_HEADER: sign(body, WEBHOOK_SECRET), "Content-Type": "application/json"}

    def _decide(self, intent: PaymentIntent, outcome: str) -> None:
        with transaction():
            ledger.decide(ledger.find_payment(intent.client_secret), outcome)
