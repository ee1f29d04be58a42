"""What stands beside a request: the steps of its history, what staff noted, the words its customer is found by."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, UtcDateTime
from app.db import Model
from app.models.base import Keyed
from app.models.service_request import RequestStatus, ServiceRequest
from app.models.user import User


class StatusChange(Keyed, Model):
    """One step of a request's history; `changed_by_user_id` is empty when the system took it.

    `is_undone` marks a step that was taken back before the customer was told, and the step back: staff see both,
    the customer neither.
    """

    __tablename__ = "service_request_status_history"

    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    old_status: Mapped[RequestStatus | None] = mapped_column(EnumText(RequestStatus))
    new_status: Mapped[RequestStatus] = mapped_column(EnumText(RequestStatus))
    changed_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    notes: Mapped[str | None] = mapped_column("notes_sealed", Sealed("service_request_status_history.notes"))
    is_undone: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    service_request: Mapped[ServiceRequest] = relationship(back_populates="history")
    changed_by: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_service_request_status_history_request_created_at", "service_request_id", "created_at"),
    )


class RequestNote(Keyed, Model):
    """What staff tell each other about a request; customers never see it."""

    __tablename__ = "service_request_notes"

    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column("body_sealed", Sealed("service_request_notes.body"))

    author: Mapped[User | None] = relationship()

    __table_args__ = (Index("ix_service_request_notes_request_created_at", "service_request_id", "created_at"),)


class NameWord(Model):
    """The keyed hash of one word of a customer's name: what a search by name asks for.

    With the time of the request, so that those who have a word stand in the order of the list.
    """

    __tablename__ = "service_request_name_words"

    word_hash: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    service_request_id: Mapped[UUID] = mapped_column(
        ForeignKey("service_requests.id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (Index("ix_service_request_name_words_service_request_id", "service_request_id"),)
