"""The ledger of the Sandbox gateway: what a payment company would remember on its own side."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import EnumText, Sealed, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched


class SandboxStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"


class SandboxPayment(Keyed, Touched, Model):
    """`settles_at` in the future: the answer is on its way but not given yet."""

    __tablename__ = "sandbox_payments"

    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    intent_id: Mapped[str] = mapped_column(String(64), unique=True)
    client_secret: Mapped[str] = mapped_column("client_secret_sealed", Sealed("sandbox_payments.client_secret"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    description: Mapped[str] = mapped_column(Text)
    return_url: Mapped[str] = mapped_column("return_url_sealed", Sealed("sandbox_payments.return_url"))
    payment_reference: Mapped[str] = mapped_column(String(64))
    status: Mapped[SandboxStatus] = mapped_column(EnumText(SandboxStatus), default=SandboxStatus.OPEN)
    outcome: Mapped[str | None] = mapped_column(String(32))
    settles_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SandboxRefund(Keyed, Model):
    __tablename__ = "sandbox_refunds"

    sandbox_payment_id: Mapped[UUID] = mapped_column(ForeignKey("sandbox_payments.id", ondelete="CASCADE"))
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_sandbox_refunds_sandbox_payment_id", "sandbox_payment_id"),)
