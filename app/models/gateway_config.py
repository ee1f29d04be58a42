"""Stored credentials and mode of each gateway."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import Sealed, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched


class GatewayConfig(Keyed, Touched, Model):
    """Secrets are sealed and never shown again. Which gateways exist is the registry's to say, not a CHECK's.

    `previous_webhook_secret` stays valid while a secret is rolled.
    """

    __tablename__ = "payment_gateway_config"

    gateway: Mapped[str] = mapped_column(String(32), unique=True)
    is_active: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    mode: Mapped[str] = mapped_column(String(4), default="test")
    api_key: Mapped[str] = mapped_column("api_key_sealed", Sealed("payment_gateway_config.api_key"), default="")
    api_secret: Mapped[str] = mapped_column(
        "api_secret_sealed", Sealed("payment_gateway_config.api_secret"), default=""
    )
    webhook_secret: Mapped[str] = mapped_column(
        "webhook_secret_sealed", Sealed("payment_gateway_config.webhook_secret"), default=""
    )
    previous_webhook_secret: Mapped[str] = mapped_column(
        "previous_webhook_secret_sealed", Sealed("payment_gateway_config.previous_webhook_secret"), default=""
    )
    api_base: Mapped[str | None] = mapped_column(String(255))
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    last_webhook_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_failure_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_failure: Mapped[str | None] = mapped_column(Text)
    failures_in_row: Mapped[int] = mapped_column(default=0, server_default="0")
    resting_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("mode IN ('test', 'live')", name="mode_known"),
        CheckConstraint("is_active OR NOT is_default", name="default_is_active"),
        Index(
            "uq_payment_gateway_config_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default"),
            sqlite_where=text("is_default"),
        ),
    )

    def __str__(self) -> str:
        return self.gateway
