"""The outbox: one row for each message owed to one person."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, SealedBytes, SealedJson, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched
from app.models.service_request import ServiceRequest
from app.models.user import User


class NotificationStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        return {
            "pending": "Waiting",
            "sending": "Being sent",
            "sent": "Sent",
            "dead": "Failed",
            "dropped": "Not needed any more",
        }[self.value]


class Notification(Keyed, Touched, Model):
    """Written in the transaction that causes it; `dedupe_key` makes it once.

    A worker claims it with a lease (`claimed_by`, `claimed_until`); one left behind by a killed worker is free
    again when the lease is over. `message_id` never changes, so a second copy can be recognised. `bulk_change_id`
    is the change of many requests that caused it, and that may still be undone.
    """

    __tablename__ = "notifications"

    kind: Mapped[str] = mapped_column(String(64))
    dedupe_key: Mapped[str] = mapped_column(String(255), unique=True)
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    service_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    recipient_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    bulk_change_id: Mapped[UUID | None] = mapped_column(ForeignKey("bulk_changes.id"))
    recipient: Mapped[str] = mapped_column("recipient_sealed", Sealed("notifications.recipient"))
    context: Mapped[dict[str, Any]] = mapped_column("context_sealed", SealedJson("notifications.context"), default=dict)
    priority: Mapped[int] = mapped_column(SmallInteger, default=0)
    status: Mapped[NotificationStatus] = mapped_column(EnumText(NotificationStatus), default=NotificationStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_by: Mapped[UUID | None] = mapped_column(Uuid)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_copy: Mapped[bytes | None] = mapped_column("sent_copy_sealed", SealedBytes("notifications.sent_copy"))

    service_request: Mapped[ServiceRequest | None] = relationship()
    recipient_user: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_notifications_created_at_id", "created_at", "id"),
        Index("ix_notifications_service_request_id_created_at", "service_request_id", "created_at"),
        Index("ix_notifications_status_created_at_id", "status", "created_at", "id"),
        Index("ix_notifications_kind_created_at_id", "kind", "created_at", "id"),
        Index(
            "ix_notifications_of_account",
            "recipient_user_id",
            "created_at",
            "id",
            postgresql_where=text("recipient_user_id IS NOT NULL"),
            sqlite_where=text("recipient_user_id IS NOT NULL"),
        ),
        Index(
            "ix_notifications_bulk_change_id",
            "bulk_change_id",
            postgresql_where=text("bulk_change_id IS NOT NULL"),
            sqlite_where=text("bulk_change_id IS NOT NULL"),
        ),
        # The two questions of the sweep: what is due, and what did a killed worker leave behind.
        Index(
            "ix_notifications_due",
            "priority",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        Index(
            "ix_notifications_claimed",
            "claimed_until",
            postgresql_where=text("status = 'sending'"),
            sqlite_where=text("status = 'sending'"),
        ),
    )
