"""Who looked at whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import UtcDateTime
from app.db import Model
from app.models.base import Keyed
from app.models.service_request import ServiceRequest
from app.models.user import User


class Look(Keyed, Model):
    """A person saw a customer's data on a request's page or preview, once or more within the hour from `hour`."""

    __tablename__ = "looks"

    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    hour: Mapped[datetime] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()
    service_request: Mapped[ServiceRequest] = relationship()

    __table_args__ = (
        UniqueConstraint("service_request_id", "user_id", "hour"),
        Index("ix_looks_user_id_created_at_id", "user_id", "created_at", "id"),
        Index("ix_looks_created_at_id", "created_at", "id"),
    )
