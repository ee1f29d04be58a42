from app.gateways.base import PaymentIntent
from tests.gateways.counterparties.base import Counterparty
from tests.gateways.counterparties.simulated import Simulated, simulator


class StripeCounterparty(Simulated, Counterparty):
    gateway = "stripe"
    news_names = ("payment_intent.succeeded", "payment_intent.payment_failed")

    def approve(self, intent: PaymentIntent) -> None:
        simulator().stripe.pay(intent.gateway_intent_id)

    def decline(self, intent: PaymentIntent) -> None:
        simulator().stripe.pay(intent.gateway_intent_id, "4000000000000002")
