"""Who did what to which record."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed
from app.db import Model
from app.models.base import Keyed
from app.models.user import User


class ActorKind(StrEnum):
    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind of actor, not a secret
    COMMAND = "command"
    SYSTEM = "system"


class AuditEntry(Keyed, Model):
    """One change, `action` dotted and in the past tense (`request.status_changed`).

    `changes` is JSON of before and after, sealed because it may name a customer. `position` and the two hashes
    chain the entries; they are filled in order after the commit, so that no writer waits for another.
    """

    __tablename__ = "audit_entries"

    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    actor_kind: Mapped[ActorKind] = mapped_column(EnumText(ActorKind))
    actor_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str | None] = mapped_column(String(45))
    changes: Mapped[str] = mapped_column("changes_sealed", Sealed("audit_entries.changes"))
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    entry_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))

    actor: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_audit_entries_created_at_id", "created_at", "id"),
        Index("ix_audit_entries_subject_type_subject_id_created_at", "subject_type", "subject_id", "created_at"),
        Index("ix_audit_entries_actor_user_id_created_at", "actor_user_id", "created_at"),
        Index("ix_audit_entries_action_created_at", "action", "created_at"),
        Index("ix_audit_entries_subject_type_created_at", "subject_type", "created_at"),
        Index("ix_audit_entries_actor_kind_created_at", "actor_kind", "created_at"),
    )
