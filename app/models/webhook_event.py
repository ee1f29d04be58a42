"""The inbox of verified gateway messages: seen and handled are two facts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, SealedBytes, UtcDateTime
from app.db import Model
from app.models.base import Keyed
from app.models.payment import Payment
from app.models.user import User


class EventOutcome(StrEnum):
    """What acting on an event came to."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    IGNORED = "ignored"
    REVIEW = "review"

    @property
    def label(self) -> str:
        return {
            "applied": "Done",
            "unchanged": "Known already",
            "ignored": "Not for us",
            "review": "Needs review",
        }[self.value]


class WebhookEvent(Keyed, Model):
    """`created_at` is when it was first seen. Raw bytes are kept sealed, so that it can be run again.

    The gateway's ids are what the message speaks of, also where no payment of ours has them.
    """

    __tablename__ = "webhook_events"

    gateway: Mapped[str] = mapped_column(String(32))
    event_id: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(64))
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id", ondelete="SET NULL"))
    gateway_payment_id: Mapped[str | None] = mapped_column(String(255))
    gateway_intent_id: Mapped[str | None] = mapped_column(String(255))
    body: Mapped[bytes] = mapped_column("body_sealed", SealedBytes("webhook_events.body"))
    headers: Mapped[bytes] = mapped_column("headers_sealed", SealedBytes("webhook_events.headers"))
    deliveries: Mapped[int] = mapped_column(default=1)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[EventOutcome | None] = mapped_column(EnumText(EventOutcome))
    detail: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    review_note: Mapped[str | None] = mapped_column("review_note_sealed", Sealed("webhook_events.review_note"))

    payment: Mapped[Payment | None] = relationship()
    reviewed_by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint("gateway", "event_id"),
        Index("ix_webhook_events_created_at_id", "created_at", "id"),
        Index("ix_webhook_events_gateway_created_at", "gateway", "created_at"),
        Index("ix_webhook_events_kind_created_at_id", "kind", "created_at", "id"),
        Index("ix_webhook_events_payment_id", "payment_id"),
        Index("ix_webhook_events_gateway_payment_id", "gateway_payment_id"),
        Index("ix_webhook_events_gateway_intent_id", "gateway_intent_id"),
        Index("ix_webhook_events_outcome_created_at", "outcome", "created_at"),
        Index(
            "ix_webhook_events_unhandled",
            "next_attempt_at",
            postgresql_where=text("handled_at IS NULL"),
            sqlite_where=text("handled_at IS NULL"),
        ),
    )

    def __str__(self) -> str:
        return self.event_id
