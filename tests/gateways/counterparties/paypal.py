from app.gateways.base import PaymentIntent
from tests.gateways.counterparties.base import Counterparty
from tests.gateways.counterparties.simulated import Simulated, simulator


class PayPalCounterparty(Simulated, Counterparty):
    gateway = "paypal"
    currency = "USD"
    news_names = ("PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.DENIED")

    def approve(self, intent: PaymentIntent) -> None:
        simulator().paypal.pay(intent.gateway_intent_id)

    def decline(self, intent: PaymentIntent) -> None:
        simulator().paypal.pay(intent.gateway_intent_id, "failed")
