"""A shop that sells through one simulated company."""

from app.models import GatewayConfig
from tests.factories import make_gateway
from tests.simulator import Simulator

CURRENCIES = {"stripe": "INR", "razorpay": "INR", "paypal": "USD"}


def set_up(simulator: Simulator, gateway: str) -> GatewayConfig:
    config = simulator.config(gateway)
    return make_gateway(
        gateway,
        is_default=True,
        api_key=config.api_key,
        api_secret=config.api_secret,
        webhook_secret=config.webhook_secrets[0],
        api_base=config.api_base,
        options=dict(config.options),
    )
