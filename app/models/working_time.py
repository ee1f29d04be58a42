"""When we work, and when each provider does."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.base import Keyed, Touched


class WorkingHours(Keyed, Touched, Model):
    """Hours of one weekday (Monday is 0), in minutes of the day in the business's time zone.

    Those of nobody (`provider_id` is empty) are the business's own, which deadlines are counted in; a provider
    without any has the business's. A business without any is always open.
    """

    __tablename__ = "working_hours"

    provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_of_a_week"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="hours_of_a_day"),
        Index("ix_working_hours_provider_id_weekday", "provider_id", "weekday"),
    )


class DayOff(Keyed, Touched, Model):
    """A day on which nobody works, or (with `provider_id`) one provider does not."""

    __tablename__ = "days_off"

    provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(100), default="")

    __table_args__ = (
        # One of each: empty keys are all different to a database, so the business's days have an index of their own.
        Index("uq_days_off_provider_id_day", "provider_id", "day", unique=True),
        Index(
            "uq_days_off_business_day",
            "day",
            unique=True,
            postgresql_where=text("provider_id IS NULL"),
            sqlite_where=text("provider_id IS NULL"),
        ),
    )


class Decline(Keyed, Model):
    """A provider gave a request back: the routing rule offers it to them no more."""

    __tablename__ = "declines"

    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id", ondelete="CASCADE"))
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))

    __table_args__ = (Index("uq_declines_request_provider", "service_request_id", "provider_id", unique=True),)
