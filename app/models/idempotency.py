"""Answers already given to programs that may ask twice."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.base import Keyed


class IdempotencyKey(Keyed, Model):
    """`key_hash` is of the caller's key; `body_hash` tells a repeat from a reuse for something else."""

    __tablename__ = "idempotency_keys"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
