"""Which payment companies can take a payment now, and the adapters that speak to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import gateways
from app.db import db
from app.errors import NoGateway
from app.gateways import Gateway
from app.gateways.base import PageScript, PaymentGatewayConfig, UnsupportedGateway
from app.models import GatewayConfig, Payment
from app.workflows import gateway_health
from app.workflows.editions import Kept


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """A gateway as it is set up, its secrets opened: `config` is what its adapter is made with."""

    gateway: str
    is_active: bool
    is_default: bool
    resting_until: datetime | None
    failures_in_row: int
    last_success_at: datetime | None
    config: PaymentGatewayConfig

    @property
    def pays_on(self) -> str:
        return pays_on(self.config)


def accounts() -> Mapping[str, GatewayAccount]:
    """All gateways that were ever set up, by name: read again only when one was changed, by whomever."""
    return _ACCOUNTS.now()


def get_account(gateway: str) -> GatewayAccount:
    """Raises UnsupportedGateway when it was never set up."""
    account = accounts().get(gateway)
    if account is None:
        raise UnsupportedGateway
    return account


def adapter_of(gateway: str) -> Gateway:
    """What speaks to it with the credentials that it has now. Raises UnsupportedGateway when it was never set up."""
    return gateways.create(get_account(gateway).config)


def active_gateways(currency: str) -> list[GatewayAccount]:
    """The active ones that take the currency: the default first, one that keeps failing last."""
    # Whom to ask may be decided on what was known as the customer's form came in.
    known = _ACCOUNTS.lately().values()
    usable = [account for account in known if account.is_active and _is_usable(account, currency)]
    return sorted(usable, key=lambda account: (gateway_health.is_resting(account), not account.is_default))


def choose_gateway(currency: str, wanted: str | None = None) -> GatewayAccount:
    """The wanted one, else the default, else any that takes the currency. Raises NoGateway."""
    usable = active_gateways(currency)
    for account in usable:
        if account.gateway == wanted:
            return account
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
        Offer(account.gateway, adapter.label, account.config.mode == "test", adapter.pay_page_origins())
        for account in active_gateways(currency)
        for adapter in [gateways.create(account.config)]
    ]


def script_of(payment: Payment) -> PageScript | None:
    """The gateway's script that takes this payment on our page; None where customers pay on the gateway's."""
    account = get_account(payment.gateway)
    return gateways.create(account.config).page_script() if account.pays_on == "shop" else None


def pays_on(config: GatewayConfig | PaymentGatewayConfig) -> str:
    """Whose page takes the payments of customers whose browser runs scripts: `shop` or `gateway`.

    A stand-in has no script to load, so unless told otherwise a config with an `api_base` leads to its page.
    """
    return config.options.get("pays_on", "gateway" if config.api_base else "shop")


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


def is_known_to_answer(account: GatewayAccount) -> bool:
    """Another answer of it is no news worth a statement."""
    return gateway_health.is_fresh(account.last_success_at) and not (account.failures_in_row or account.resting_until)


def _is_usable(account: GatewayAccount, currency: str) -> bool:
    gateway = Gateway.registry.get(account.gateway)
    return gateway is not None and gateway.is_available() and gateway.takes(currency)


def _read_accounts() -> Mapping[str, GatewayAccount]:
    """By name. Columns and not rows: a row that the session knows would not be read again."""
    columns = (
        GatewayConfig.gateway,
        GatewayConfig.is_active,
        GatewayConfig.is_default,
        GatewayConfig.resting_until,
        GatewayConfig.failures_in_row,
        GatewayConfig.last_success_at,
        GatewayConfig.mode,
        GatewayConfig.api_key,
        GatewayConfig.api_secret,
        GatewayConfig.webhook_secret,
        GatewayConfig.previous_webhook_secret,
        GatewayConfig.api_base,
        GatewayConfig.options,
    )
    rows = db.session.execute(select(*columns).order_by(GatewayConfig.gateway))
    return {row.gateway: _account(row) for row in rows}


def _account(row: Any) -> GatewayAccount:
    config = PaymentGatewayConfig(
        gateway=row.gateway,
        mode=row.mode,
        api_key=row.api_key,
        api_secret=row.api_secret,
        webhook_secrets=tuple(filter(None, (row.webhook_secret, row.previous_webhook_secret))),
        api_base=row.api_base,
        options=row.options,
    )
    return GatewayAccount(
        gateway=row.gateway,
        is_active=row.is_active,
        is_default=row.is_default,
        resting_until=row.resting_until,
        failures_in_row=row.failures_in_row,
        last_success_at=row.last_success_at,
        config=config,
    )


_ACCOUNTS = Kept("gateways", _read_accounts)
