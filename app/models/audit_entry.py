"""Who did what to which record, and how far the chain of it reaches."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, Text, Uuid, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, UtcDateTime
from app.db import Model
from app.models.base import Keyed
from app.models.user import User

_SALT_BYTES = 8
_UNCHAINED = text("position IS NULL")


class ActorKind(StrEnum):
    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind of actor, not a secret
    COMMAND = "command"
    SYSTEM = "system"


class AuditEntry(Keyed, Model):
    """One change, `action` dotted and in the past tense (`request.status_changed`).

    `changes` is JSON of before and after, sealed because it may name a customer, behind a salt that makes `digest`
    tell nothing of it. `position` and the two hashes chain the entries; they are filled in order after the commit, so
    that no writer waits for another. `erased_by` is the entry that took personal data out of this one.
    """

    __tablename__ = "audit_entries"

    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    actor_kind: Mapped[ActorKind] = mapped_column(EnumText(ActorKind))
    actor_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str | None] = mapped_column(String(45))
    salted: Mapped[str] = mapped_column("changes_sealed", Sealed("audit_entries.changes"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    entry_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    erased_by: Mapped[UUID | None] = mapped_column(Uuid)

    actor: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_audit_entries_created_at_id", "created_at", "id"),
        Index("ix_audit_entries_subject_type_subject_id_created_at", "subject_type", "subject_id", "created_at"),
        Index(
            "ix_audit_entries_by_person",
            "actor_user_id",
            "created_at",
            postgresql_where=text("actor_user_id IS NOT NULL"),
            sqlite_where=text("actor_user_id IS NOT NULL"),
        ),
        Index("ix_audit_entries_action_created_at", "action", "created_at"),
        Index("ix_audit_entries_subject_type_created_at", "subject_type", "created_at"),
        Index("ix_audit_entries_actor_kind_created_at", "actor_kind", "created_at"),
        # What waits to be chained: a short list beside a long table.
        Index("ix_audit_entries_unchained", "created_at", "id", postgresql_where=_UNCHAINED, sqlite_where=_UNCHAINED),
    )

    @staticmethod
    def salt(changes: str) -> str:
        return f"{secrets.token_hex(_SALT_BYTES)}{changes}"

    @hybrid_property
    def changes(self) -> str:
        return self.salted[self.salted.index("{") :]

    @changes.inplace.setter
    def _set_changes(self, value: str) -> None:
        self.salted = self.salt(value)

    @changes.inplace.expression
    @classmethod
    def _changes_expression(cls) -> Any:
        return cls.salted


class AuditChain(Model):
    """The single row that says how far the chain reaches, and what the last look at it found.

    `head` is `position:hash` of the newest chained entry, sealed: whoever has the database without its keys cannot
    write a chain that fits it. `is_resealing` is the gate of the triggers that guard the entries: it is opened and
    closed within one transaction, so nobody else ever sees it open.
    """

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, default=1)
    head: Mapped[str] = mapped_column("head_sealed", Sealed("audit_chain.head"))
    is_resealing: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    chained_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    verified_position: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(Text)
