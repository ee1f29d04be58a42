"""Columns that most tables share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import UtcDateTime
from app.kit import clock, ids


class Keyed:
    """A UUIDv7 key and the time the row was made."""

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=ids.new_id, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.utc_now, sort_order=90)


class Touched:
    """The time of the last change."""

    updated_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=clock.utc_now, onupdate=clock.utc_now, sort_order=91
    )
