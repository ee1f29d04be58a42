"""Attempts to pay, money given back, and money the bank took back."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, SealedJson, UtcDateTime
from app.db import Model
from app.kit.money import Money
from app.models.base import Keyed, Touched
from app.models.user import User

if TYPE_CHECKING:
    from app.models.service_request import ServiceRequest


class PaymentStatus(StrEnum):
    """`failed` is not final: a bank may settle days later."""

    PENDING = "pending"
    FAILED = "failed"
    COMPLETED = "completed"
    REFUNDED = "refunded"

    @property
    def label(self) -> str:
        return {"pending": "Not paid yet", "failed": "Failed", "completed": "Paid", "refunded": "Refunded"}[self.value]


PAID_STATUSES = (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)
"""The money came, whether or not it went back since."""

UNPAID_STATUSES = (PaymentStatus.PENDING, PaymentStatus.FAILED)
"""It may still come."""


class PaymentFlag(StrEnum):
    """Why a person has to look at a payment."""

    LATE = "late"
    DUPLICATE = "duplicate"
    AMOUNT_MISMATCH = "amount_mismatch"

    @property
    def label(self) -> str:
        return {
            "late": "Paid after the request was cancelled: refund it",
            "duplicate": "Paid a second time: refund it",
            "amount_mismatch": "The gateway reports another amount than was asked",
        }[self.value]


class Payment(Keyed, Touched, Model):
    """One attempt to collect one amount through one gateway.

    The customer pays at `redirect_url`, or at `form_action`, which wants the `client_parameters` posted to it.
    `settles_request` is true for the one payment that pays the request; a unique index lets no second one be.
    """

    __tablename__ = "payments"

    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    gateway: Mapped[str] = mapped_column(String(32))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[PaymentStatus] = mapped_column(EnumText(PaymentStatus), default=PaymentStatus.PENDING)
    settles_request: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    gateway_intent_id: Mapped[str | None] = mapped_column(String(255))
    gateway_payment_id: Mapped[str | None] = mapped_column(String(255))
    bank_reference: Mapped[str | None] = mapped_column(String(64))
    client_secret: Mapped[str | None] = mapped_column("client_secret_sealed", Sealed("payments.client_secret"))
    redirect_url: Mapped[str | None] = mapped_column("redirect_url_sealed", Sealed("payments.redirect_url"))
    form_action: Mapped[str | None] = mapped_column(String(255))
    client_parameters: Mapped[dict[str, Any]] = mapped_column(
        "client_parameters_sealed", SealedJson("payments.client_parameters"), default=dict
    )
    error_code: Mapped[str | None] = mapped_column(String(64))
    customer_message: Mapped[str | None] = mapped_column(Text)
    flag: Mapped[PaymentFlag | None] = mapped_column(EnumText(PaymentFlag))
    flag_resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    service_request: Mapped["ServiceRequest"] = relationship()

    __table_args__ = (
        UniqueConstraint("gateway", "gateway_intent_id"),
        UniqueConstraint("gateway", "gateway_payment_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded_within_amount"),
        Index(
            "uq_payments_settling",
            "service_request_id",
            unique=True,
            postgresql_where=text("settles_request"),
            sqlite_where=text("settles_request"),
        ),
        Index("ix_payments_service_request_id_created_at", "service_request_id", "created_at"),
        Index("ix_payments_created_at_id", "created_at", "id"),
        Index("ix_payments_status_created_at_id", "status", "created_at", "id"),
        Index("ix_payments_gateway_created_at_id", "gateway", "created_at", "id"),
        Index(
            "ix_payments_by_bank_reference",
            "bank_reference",
            postgresql_where=text("bank_reference IS NOT NULL"),
            sqlite_where=text("bank_reference IS NOT NULL"),
        ),
        Index(
            "ix_payments_next_check_at",
            "next_check_at",
            postgresql_where=text("next_check_at IS NOT NULL"),
            sqlite_where=text("next_check_at IS NOT NULL"),
        ),
        Index(
            "ix_payments_flagged",
            "created_at",
            postgresql_where=text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
            sqlite_where=text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
        ),
    )

    @property
    def is_payable(self) -> bool:
        """Whether it waits for the customer, and we know where or with what they pay it."""
        ways = (self.redirect_url, self.form_action, self.client_secret, self.client_parameters)
        return self.status is PaymentStatus.PENDING and any(ways)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.currency)


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def label(self) -> str:
        return {
            "requested": "Asked for",
            "pending": "Under way",
            "completed": "Refunded",
            "failed": "Failed",
        }[self.value]


class Refund(Keyed, Touched, Model):
    """Money given back. Our own is committed before the gateway is called: its id is the idempotency key."""

    __tablename__ = "refunds"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"))
    gateway: Mapped[str] = mapped_column(String(32))
    gateway_refund_id: Mapped[str | None] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[RefundStatus] = mapped_column(EnumText(RefundStatus), default=RefundStatus.REQUESTED)
    is_external: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column("reason_sealed", Sealed("refunds.reason"))
    requested_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    payment: Mapped[Payment] = relationship()
    requested_by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint("gateway", "gateway_refund_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("ix_refunds_created_at_id", "created_at", "id"),
        Index("ix_refunds_status_created_at_id", "status", "created_at", "id"),
        Index("ix_refunds_gateway_created_at_id", "gateway", "created_at", "id"),
        Index("ix_refunds_requested_by_created_at_id", "requested_by_user_id", "created_at", "id"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Dispute(Keyed, Touched, Model):
    """The bank asks the money back on the customer's word; `evidence_due_at` is the last day to answer.

    `urgent_from` is what open ones are sorted by: that day, or where the gateway names none, the day it was opened.
    """

    __tablename__ = "disputes"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"))
    gateway: Mapped[str] = mapped_column(String(32))
    gateway_dispute_id: Mapped[str] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[DisputeStatus] = mapped_column(EnumText(DisputeStatus), default=DisputeStatus.OPEN)
    reason: Mapped[str | None] = mapped_column(String(100))
    evidence_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    urgent_from: Mapped[datetime] = mapped_column(
        UtcDateTime, Computed("coalesce(evidence_due_at, created_at)", persisted=True), nullable=True
    )

    payment: Mapped[Payment] = relationship()

    __table_args__ = (
        UniqueConstraint("gateway", "gateway_dispute_id"),
        Index("ix_disputes_payment_id", "payment_id"),
        Index("ix_disputes_status_urgent_from_id", "status", "urgent_from", "id"),
        Index("ix_disputes_urgent_from_id", "urgent_from", "id"),
        Index("ix_disputes_created_at_id", "created_at", "id"),
        Index("ix_disputes_status_created_at_id", "status", "created_at", "id"),
        Index("ix_disputes_gateway_created_at_id", "gateway", "created_at", "id"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
