"""What the console remembers for its users, and the switches that guard the public flow."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed
from app.db import Model
from app.models.base import Keyed, Touched
from app.models.user import User

_LINKED = text("service_request_id IS NOT NULL")


class SavedView(Keyed, Touched, Model):
    """A named set of filters of the requests list; shared with all staff when `is_shared`.

    `query` is the query string of the list's address, sealed: a search in it may be a customer's name.
    """

    __tablename__ = "saved_views"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column("query_sealed", Sealed("saved_views.query"))
    is_shared: Mapped[bool] = mapped_column(default=False)
    sort_order: Mapped[int] = mapped_column(default=0)

    owner: Mapped[User] = relationship()

    __table_args__ = (UniqueConstraint("owner_id", "name"), Index("ix_saved_views_is_shared", "is_shared"))


class UserPreference(Keyed, Touched, Model):
    """How one person likes the console, by name: the columns of the requests list, whether single keys work."""

    __tablename__ = "user_preferences"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    value: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (UniqueConstraint("user_id", "name"),)


class FlagState(StrEnum):
    OFF = "off"
    USERS = "users"
    PERCENT = "percent"
    ON = "on"


class FeatureFlag(Keyed, Touched, Model):
    """Off, on for named users, for a share of visitors, or for all."""

    __tablename__ = "feature_flags"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[FlagState] = mapped_column(EnumText(FlagState), default=FlagState.OFF)
    percent: Mapped[int] = mapped_column(default=0)
    user_emails: Mapped[list[str]] = mapped_column(JSON, default=list)

    __table_args__ = (CheckConstraint("percent BETWEEN 0 AND 100", name="percent_within_bounds"),)


class AnalyticsEvent(Keyed, Model):
    """A step of the funnel, with the service it concerns and a visitor id that names nobody."""

    __tablename__ = "analytics_events"

    name: Mapped[str] = mapped_column(String(32))
    service_id: Mapped[UUID | None] = mapped_column(ForeignKey("services.id", ondelete="SET NULL"))
    service_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_requests.id", ondelete="SET NULL"))
    visitor: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (
        Index("ix_analytics_events_name_created_at", "name", "created_at"),
        # Until the link is let go: by its request, and by its age.
        Index("ix_analytics_events_of_request", "service_request_id", postgresql_where=_LINKED, sqlite_where=_LINKED),
        Index("ix_analytics_events_linked", "created_at", "id", postgresql_where=_LINKED, sqlite_where=_LINKED),
    )
