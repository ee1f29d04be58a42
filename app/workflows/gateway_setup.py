"""Storing a gateway's credentials and choosing the default."""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from sqlalchemy import select, update

from app import gateways
from app.db import db
from app.errors import InvalidInput, StaleChange
from app.gateways.base import CredentialField, PaymentGatewayConfig
from app.models import GatewayConfig
from app.workflows import audit, gateway_choice
from app.workflows.audit import Actor
from app.workflows.place import here

_INSIDE = (".localhost", ".local", ".internal", ".localdomain", ".lan", ".home.arpa")
_SECRETS = ("api_key", "api_secret", "webhook_secret")
_LONGEST_BASE = 255
_IMPORTED = (*_SECRETS, "api_base", "mode")


class IncompleteGateway(InvalidInput):
    """Customers would be offered what cannot take their money."""

    code = "gateway_incomplete"
    message = "This gateway cannot take payments yet."
    suggested_action = "Give what is not set together with this change, or leave the gateway off for now."


@dataclass(frozen=True, slots=True)
class GatewayChanges:
    """What to change; None leaves a value as it is, so a secret never has to be typed again."""

    api_key: str | None = None
    api_secret: str | None = None
    webhook_secret: str | None = None
    api_base: str | None = None
    mode: str | None = None
    is_active: bool | None = None
    is_default: bool | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """Whatever else a gateway knows, such as `pays_on`: added to what is stored."""


@dataclass(frozen=True, slots=True)
class Known:
    """A gateway of the registry as a form needs it; `config` is None until it is set up."""

    name: str
    label: str
    credentials: tuple[CredentialField, ...]
    has_script: bool
    config: GatewayConfig | None

    @property
    def pays_on(self) -> str:
        """Where customers pay now: on the page of the `shop` or of the `gateway`."""
        return gateway_choice.pays_on(self.config) if self.config else "shop"


def get_known(gateway: str) -> Known:
    """Raises UnsupportedGateway, and InvalidInput for a gateway that may not be used here."""
    found = gateways.find(gateway)
    if not found.is_available():
        raise InvalidInput(f"The {gateway} gateway is not for production.")
    config = db.session.scalar(select(GatewayConfig).where(GatewayConfig.gateway == gateway))
    has_script = found(PaymentGatewayConfig(gateway, "test")).page_script() is not None
    return Known(found.name, found.label, found.credentials, has_script, config)


def not_set_up() -> list[Known]:
    """Gateways of the registry that nobody has set up yet."""
    done = set(db.session.scalars(select(GatewayConfig.gateway)))
    return [
        get_known(gateway.name)
        for gateway in gateways.registered()
        if gateway.is_available() and gateway.name not in done
    ]


def check_connection(gateway: str) -> None:
    """Ask the gateway whether it takes our credentials; outside any transaction. Raises GatewayError, for staff."""
    gateway_choice.adapter_of(gateway).check_credentials()


def set_up(gateway: str, changes: GatewayChanges, *, actor: Actor, seen: str | None = None) -> GatewayConfig:
    """Make or change a gateway's config. A new webhook secret leaves the one before valid too. `seen` is the version
    that a person was shown.

    Raises UnsupportedGateway, InvalidInput for a gateway that may not be used here, IncompleteGateway, StaleChange.
    """
    known = get_known(gateway)
    changes = replace(changes, api_base=_read_base(changes.api_base))
    config = _find_or_make(known.name)
    if seen is not None and seen != version_of(config if known.config else None):
        raise StaleChange(f"Somebody changed {known.label} in the meantime, so nothing was saved.")
    before = _picture(config)
    replaced = [name for name in _SECRETS if getattr(changes, name) not in {None, getattr(config, name)}]
    _roll_webhook_secret(config, changes.webhook_secret)
    for name in ("api_key", "api_secret", "api_base", "mode", "is_active"):
        value = getattr(changes, name)
        if value is not None:
            setattr(config, name, value)
    config.options = config.options | dict(changes.options)
    if changes.is_default:
        _make_default(config)
    if not config.is_active:
        config.is_default = False
    else:
        _ensure_payable(known, config)
    db.session.flush()
    _ensure_default()
    # Which secrets are others now, never what they are.
    after = {**_picture(config), **({"replaced": replaced} if replaced else {})}
    audit.record("gateway.configured", config, actor=actor, before=before, after=after)
    return config


def _read_base(text: str | None) -> str | None:
    """As the gateway's paths are put behind it. Raises InvalidInput."""
    if not text:
        return text
    api_base = text.strip().rstrip("/")
    if len(api_base) > _LONGEST_BASE:
        raise InvalidInput(f"Keep the API address within {_LONGEST_BASE} characters.")
    ensure_outside(api_base)
    return api_base


def ensure_outside(api_base: str) -> None:
    """Raises InvalidInput for an address that our requests, and the keys they carry, must not go to.

    In production only https to a name or number of the open internet; while trying things out, this machine too.
    """
    scheme, host = _parts_of(api_base)
    if here.is_production and (scheme != "https" or not _is_public(host)):
        raise InvalidInput("The API address must begin with https:// and name a host of the open internet.")
    if scheme not in {"http", "https"} or not host:
        raise InvalidInput("The API address must be one like https://api.example.com.")
    if scheme == "http" and not _is_loopback(host):
        raise InvalidInput("The API address must begin with https://: http:// is for this machine alone.")


def _parts_of(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    # A name before an @ looks like the host and is not.
    return parts.scheme, "" if parts.username is not None else (parts.hostname or "")


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".")
    # `2130706433` and `0x7f.1` are numbers of this machine to some resolvers.
    is_name = "." in name and not name.rpartition(".")[2][:1].isdigit()
    return is_name and not name.endswith(_INSIDE)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def version_of(config: GatewayConfig | None) -> str:
    """What a person is shown of it, in short: to notice that somebody else has changed it since."""
    if config is None:
        return "new"
    endings = [getattr(config, name)[-4:] for name in _SECRETS]
    shown = json.dumps([dict(_picture(config)), config.options, endings], sort_keys=True)
    return hashlib.blake2s(shown.encode(), digest_size=12).hexdigest()


def end_old_secret(gateway: str, *, actor: Actor) -> None:
    """Believe the webhook secret before the present one no longer. Nothing happens where there is none."""
    config = _find_locked(get_known(gateway).name)
    if config is not None and config.previous_webhook_secret:
        config.previous_webhook_secret = ""
        audit.record("gateway.old_secret_ended", config, actor=actor)


def import_credentials(env: Mapping[str, str], *, actor: Actor) -> list[GatewayConfig]:
    """Set up the gateways that the environment names and the database does not know yet; the console rules after.

    `STRIPE_API_KEY`, `_API_SECRET`, `_WEBHOOK_SECRET`, `_API_BASE`, `_MODE`, and alike for each gateway. The first
    one becomes the default where there is none.
    """
    known = set(db.session.scalars(select(GatewayConfig.gateway)))
    found = {gateway.name: _named_in(env, gateway.name) for gateway in gateways.registered() if gateway.is_available()}
    return [
        set_up(name, replace(changes, is_active=True, is_default=not _has_default() or None), actor=actor)
        for name, changes in found.items()
        if changes is not None and name not in known
    ]


def _named_in(env: Mapping[str, str], gateway: str) -> GatewayChanges | None:
    """None where the environment has no secret of this gateway. Raises InvalidInput for an unknown mode."""
    values = {name: env.get(f"{gateway}_{name}".upper(), "").strip() or None for name in _IMPORTED}
    if values["api_secret"] is None:
        return None
    if values["mode"] not in {None, "test", "live"}:
        raise InvalidInput(f"{gateway.upper()}_MODE must be test or live, not {values['mode']!r}.")
    return GatewayChanges(
        api_key=values["api_key"],
        api_secret=values["api_secret"],
        webhook_secret=values["webhook_secret"],
        api_base=values["api_base"],
        mode=values["mode"],
    )


def _has_default() -> bool:
    return db.session.scalar(select(GatewayConfig.id).where(GatewayConfig.is_default)) is not None


def _find_locked(gateway: str) -> GatewayConfig | None:
    return db.session.scalar(
        select(GatewayConfig).where(GatewayConfig.gateway == gateway).with_for_update(key_share=True)
    )


def _find_or_make(gateway: str) -> GatewayConfig:
    config = _find_locked(gateway)
    if config is None:
        config = GatewayConfig(gateway=gateway, mode="test", is_active=False, is_default=False, options={})
        db.session.add(config)
        db.session.flush()
    return config


def _ensure_payable(known: Known, config: GatewayConfig) -> None:
    """Without its keys every try to pay would fail; without a webhook secret payments are still found out by asking."""
    needed = [each for each in known.credentials if each.name != "webhook_secret"]
    lacking = [each.label for each in needed if not getattr(config, each.name)]
    if lacking:
        raise IncompleteGateway(f"{known.label} cannot take payments yet. Not set: {', '.join(lacking)}.")


def _roll_webhook_secret(config: GatewayConfig, wanted: str | None) -> None:
    if wanted is not None and wanted != config.webhook_secret:
        # An empty one switches the endpoint off, for the one before too.
        config.previous_webhook_secret, config.webhook_secret = config.webhook_secret if wanted else "", wanted


def _ensure_default() -> None:
    """While any takes payments, exactly one is the default: without one, the first by name becomes it."""
    first = select(GatewayConfig).where(GatewayConfig.is_active).order_by(GatewayConfig.gateway).limit(1)
    if not _has_default() and (config := db.session.scalar(first)) is not None:
        config.is_default = True
        db.session.flush()


def _make_default(config: GatewayConfig) -> None:
    others = update(GatewayConfig).where(GatewayConfig.id != config.id).values(is_default=False)
    db.session.execute(others.execution_options(synchronize_session="fetch"))
    config.is_active = config.is_default = True


def _picture(config: GatewayConfig) -> Mapping[str, object]:
    """What an audit entry may say: that a secret is set, never which."""
    secrets = {name: bool(getattr(config, name)) for name in _SECRETS}
    return {"mode": config.mode, "is_active": config.is_active, "is_default": config.is_default, **secrets}
