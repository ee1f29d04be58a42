"""Which payment companies can take a payment now, and the adapters that speak to them."""

from dataclasses import dataclass

from sqlalchemy import select

from app import gateways
from app.db import db
from app.errors import NoGateway
from app.gateways import Gateway
from app.gateways.base import PageScript, PaymentGatewayConfig, UnsupportedGateway
from app.models import GatewayConfig, Payment
from app.workflows import gateway_health


def active_gateways(currency: str) -> list[GatewayConfig]:
    """The active ones that take the currency: the default first, one that keeps failing last."""
    query = select(GatewayConfig).where(GatewayConfig.is_active).order_by(GatewayConfig.gateway)
    usable = [config for config in db.session.scalars(query) if _is_usable(config, currency)]
    return sorted(usable, key=lambda config: (gateway_health.is_resting(config), not config.is_default))


def choose_gateway(currency: str, wanted: str | None = None) -> GatewayConfig:
    """The wanted one, else the default, else any that takes the currency. Raises NoGateway."""
    usable = active_gateways(currency)
    for config in usable:
        if config.gateway == wanted:
            return config
    if not usable:
        raise NoGateway
    return usable[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to pay, as a customer is shown it."""

    gateway: str
    label: str
    is_test: bool
    origins: tuple[str, ...]
    """Where its pay pages stand."""


def offers(currency: str) -> list[Offer]:
    """The ways to pay now, the default first."""
    return [
        Offer(config.gateway, adapter.label, config.mode == "test", adapter.pay_page_origins())
        for config in active_gateways(currency)
        for adapter in [adapter_for(config)]
    ]


def script_of(payment: Payment) -> PageScript | None:
    """The gateway's script that takes this payment on our page; None where customers pay on the gateway's."""
    config = get_config(payment.gateway)
    return adapter_for(config).page_script() if pays_on(config) == "shop" else None


def pays_on(config: GatewayConfig) -> str:
    """Whose page takes the payments of customers whose browser runs scripts: `shop` or `gateway`.

    A stand-in has no script to load, so unless told otherwise a config with an `api_base` leads to its page.
    """
    return config.options.get("pays_on", "gateway" if config.api_base else "shop")


def get_config(gateway: str) -> GatewayConfig:
    """Raises UnsupportedGateway when it was never set up."""
    config = db.session.scalar(select(GatewayConfig).where(GatewayConfig.gateway == gateway))
    if config is None:
        raise UnsupportedGateway
    return config


def adapter_for(config: GatewayConfig) -> Gateway:
    return gateways.create(
        PaymentGatewayConfig(
            gateway=config.gateway,
            mode=config.mode,
            api_key=config.api_key,
            api_secret=config.api_secret,
            webhook_secrets=tuple(filter(None, (config.webhook_secret, config.previous_webhook_secret))),
            api_base=config.api_base,
            options=config.options,
        )
    )


def label_of(gateway: str) -> str:
    """How people write its name, also that of one that is no longer among us."""
    adapter = Gateway.registry.get(gateway)
    return adapter.label if adapter else gateway.capitalize()


def refunds_lost_disputes(gateway: str) -> bool:
    """What a lost dispute costs there goes as a refund of its own."""
    adapter = Gateway.registry.get(gateway)
    return adapter is not None and adapter.refunds_lost_disputes


def signature_headers() -> dict[str, str]:
    """By header: whose messages are signed there."""
    return {gateway.signature_header: gateway.label for gateway in gateways.registered()}


def find_by_signature(header_names: set[str]) -> str | None:
    """The gateway whose signature header is among these (in lower case)."""
    for gateway in gateways.registered():
        if gateway.signature_header.lower() in header_names:
            return gateway.name
    return None


def _is_usable(config: GatewayConfig, currency: str) -> bool:
    gateway = Gateway.registry.get(config.gateway)
    return gateway is not None and gateway.is_available() and gateway.takes(currency)
