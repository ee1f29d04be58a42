from app.gateways.base import PaymentIntent
from tests.gateways.counterparties.base import Counterparty
from tests.gateways.counterparties.simulated import Simulated, simulator


class RazorpayCounterparty(Simulated, Counterparty):
    gateway = "razorpay"
    news_names = ("payment.captured", "payment.failed")

    def approve(self, intent: PaymentIntent) -> None:
        simulator().razorpay.pay(intent.gateway_intent_id)

    def decline(self, intent: PaymentIntent) -> None:
        simulator().razorpay.pay(intent.gateway_intent_id, "payment_declined")
