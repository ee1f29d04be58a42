"""Storing a gateway's credentials and choosing the default."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select, update

from app import gateways
from app.db import db
from app.errors import InvalidInput
from app.models import GatewayConfig
from app.workflows import audit
from app.workflows.audit import Actor

_SECRETS = ("api_key", "api_secret", "webhook_secret")


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


def set_up(gateway: str, changes: GatewayChanges, *, actor: Actor) -> GatewayConfig:
    """Make or change a gateway's config. A new webhook secret leaves the one before valid too.

    Raises UnsupportedGateway, and InvalidInput for a gateway that may not be used here.
    """
    if not gateways.find(gateway).is_available():
        raise InvalidInput(f"The {gateway} gateway is not for production.")
    config = _find_or_make(gateway)
    before = _picture(config)
    _roll_webhook_secret(config, changes.webhook_secret)
    for name in ("api_key", "api_secret", "api_base", "mode", "is_active"):
        value = getattr(changes, name)
        if value is not None:
            setattr(config, name, value)
    if changes.is_default:
        _make_default(config)
    db.session.flush()
    audit.record("gateway.configured", config, actor=actor, before=before, after=_picture(config))
    return config


def _find_or_make(gateway: str) -> GatewayConfig:
    config = db.session.scalar(select(GatewayConfig).where(GatewayConfig.gateway == gateway).with_for_update())
    if config is None:
        config = GatewayConfig(gateway=gateway, mode="test", is_active=False, is_default=False)
        db.session.add(config)
        db.session.flush()
    return config


def _roll_webhook_secret(config: GatewayConfig, wanted: str | None) -> None:
    if wanted is not None and wanted != config.webhook_secret:
        config.previous_webhook_secret, config.webhook_secret = config.webhook_secret, wanted


def _make_default(config: GatewayConfig) -> None:
    others = update(GatewayConfig).where(GatewayConfig.id != config.id).values(is_default=False)
    db.session.execute(others.execution_options(synchronize_session="fetch"))
    config.is_active = config.is_default = True


def _picture(config: GatewayConfig) -> Mapping[str, object]:
    """What an audit entry may say: that a secret is set, never which."""
    secrets = {name: bool(getattr(config, name)) for name in _SECRETS}
    return {"mode": config.mode, "is_active": config.is_active, "is_default": config.is_default, **secrets}
