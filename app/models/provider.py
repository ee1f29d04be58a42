"""The professionals' profiles: what they can do, when, and how much of it they have."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched
from app.models.catalog import Category, Service
from app.models.user import User


class Availability(StrEnum):
    AVAILABLE = "available"
    AWAY = "away"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class ProviderProfile(Keyed, Touched, Model):
    """`open_work` counts the assigned requests that are neither completed nor cancelled.

    It is kept by the transactions that assign and finish work, and raised only by a compare-and-set below
    `capacity`, so that routing can never overfill a provider.
    """

    __tablename__ = "provider_profiles"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    title: Mapped[str] = mapped_column(String(100), default="")
    capacity: Mapped[int] = mapped_column(default=10)
    open_work: Mapped[int] = mapped_column(default=0)
    availability: Mapped[Availability] = mapped_column(EnumText(Availability), default=Availability.AVAILABLE)
    last_assigned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    skills: Mapped[list["ProviderSkill"]] = relationship(back_populates="profile", cascade="all, delete-orphan")

    __table_args__ = (
        CheckConstraint("capacity >= 0", name="capacity_not_negative"),
        CheckConstraint("open_work >= 0", name="open_work_not_negative"),
    )

    def __str__(self) -> str:
        return self.user.name


class ProviderSkill(Keyed, Model):
    """One thing a provider can do: a service, or with `service_id` empty a whole category."""

    __tablename__ = "provider_skills"

    profile_id: Mapped[UUID] = mapped_column(ForeignKey("provider_profiles.id", ondelete="CASCADE"))
    service_id: Mapped[UUID | None] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    category: Mapped[Category | None] = mapped_column(EnumText(Category))

    profile: Mapped[ProviderProfile] = relationship(back_populates="skills")
    service: Mapped[Service | None] = relationship()

    __table_args__ = (
        CheckConstraint("(service_id IS NULL) <> (category IS NULL)", name="service_or_category"),
        UniqueConstraint("profile_id", "service_id"),
        UniqueConstraint("profile_id", "category"),
        Index("ix_provider_skills_service_id", "service_id"),
        Index("ix_provider_skills_category", "category"),
    )
