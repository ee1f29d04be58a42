"""One step that somebody had done to many requests at once, and what came of it row by row."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, SealedJson, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched
from app.models.service_request import RequestStatus
from app.models.user import User


class BulkState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"

    @property
    def label(self) -> str:
        return {
            "draft": "Preview",
            "running": "Running",
            "done": "Done",
            "undoing": "Being undone",
            "undone": "Undone",
        }[self.value]


UNFINISHED = (BulkState.RUNNING, BulkState.UNDOING)


class BulkChange(Keyed, Touched, Model):
    """What was asked for, and how far it has come.

    `turn` says who may carry it on: whoever holds an older one stops. `reached` is the position up to which the
    rows were gone through, in this direction. `parameters` (a note, the list it began in) may name a customer.
    Its emails are held until `mails_leave_at`; until then all of it can be undone.
    """

    __tablename__ = "bulk_changes"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str | None] = mapped_column(String(45))
    action: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(300))
    parameters: Mapped[dict[str, Any]] = mapped_column(
        "parameters_sealed", SealedJson("bulk_changes.parameters"), default=dict
    )
    submission_hash: Mapped[bytes | None] = mapped_column(LargeBinary(16), unique=True)
    state: Mapped[BulkState] = mapped_column(EnumText(BulkState), default=BulkState.DRAFT)
    turn: Mapped[int] = mapped_column(default=0)
    reached: Mapped[int] = mapped_column(default=0)

    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    undone: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    mails: Mapped[int] = mapped_column(default=0)

    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mails_leave_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undo_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    undone_from: Mapped[str | None] = mapped_column(String(45))

    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    undone_by: Mapped[User | None] = relationship(foreign_keys=[undone_by_id])

    __table_args__ = (
        Index("ix_bulk_changes_created_at_id", "created_at", "id"),
        Index("ix_bulk_changes_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_bulk_changes_action_created_at_id", "action", "created_at", "id"),
        Index("ix_bulk_changes_state_created_at_id", "state", "created_at", "id"),
    )

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def handled(self) -> int:
        """Rows that were gone through, in the direction it is going now."""
        is_going_back = self.state in {BulkState.UNDOING, BulkState.UNDONE}
        return self.undone + self.kept if is_going_back else self.done + self.refused

    @property
    def to_handle(self) -> int:
        """All rows; going back, those that were changed."""
        is_going_back = self.state in {BulkState.UNDOING, BulkState.UNDONE}
        return self.done + self.undone + self.kept if is_going_back else self.total

    def __str__(self) -> str:
        return self.title


class BulkRowState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"
    KEPT = "kept"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class BulkChangeRow(Model):
    """One request as it was when the change was asked for, and what came of it.

    It is a record: it names the request without holding on to it.
    """

    __tablename__ = "bulk_change_rows"

    change_id: Mapped[UUID] = mapped_column(ForeignKey("bulk_changes.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    request_id: Mapped[UUID] = mapped_column(Uuid)
    reference: Mapped[str] = mapped_column(String(17))
    state: Mapped[BulkRowState] = mapped_column(EnumText(BulkRowState), default=BulkRowState.WAITING)
    message: Mapped[str | None] = mapped_column(Text)
    version_before: Mapped[int]
    version_after: Mapped[int | None]
    status_before: Mapped[RequestStatus] = mapped_column(EnumText(RequestStatus))
    provider_before: Mapped[UUID | None] = mapped_column(Uuid)
    assigned_at_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_contact_at_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting_since_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    work_left_before: Mapped[int | None]

    __table_args__ = (
        Index("ix_bulk_change_rows_change_id_state_position", "change_id", "state", "position"),
        Index("ix_bulk_change_rows_request_id", "request_id"),
    )

    def __str__(self) -> str:
        return self.reference
