"""What the dashboard's plots are drawn from: figures of days that are over, and the counts of errors."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import EnumText, UtcDateTime
from app.db import Model
from app.kit import clock
from app.kit.periods import Bucket
from app.models.base import Keyed
from app.models.payment import Refund
from app.models.service_request import ServiceRequest


class KeptFigures(Model):
    """The figures of one day of `zone` that is over, or of a week or month of such days; see `figure_sources`.

    `edition` tells which definition of the figures they were counted by. `is_settled` is false while something in
    them waits to become something else. `version` is raised with each count, so that of two counts at the same time
    one is kept.
    """

    __tablename__ = "kept_figures"

    span: Mapped[Bucket] = mapped_column(EnumText(Bucket), primary_key=True)
    start: Mapped[date] = mapped_column(Date, primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    edition: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_settled: Mapped[bool]
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.utc_now)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index("ix_kept_figures_counted_at", "counted_at"),)


class FigureMark(Keyed, Model):
    """Something that counts at the moment `at` changed when that day was over: its figures have to be counted anew."""

    __tablename__ = "figure_marks"

    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_figure_marks_at", "at"),)


class ErrorCategory(StrEnum):
    """What an error has to do with; the order is that of the design."""

    GATEWAY = "gateway"
    DATABASE = "database"
    EMAIL = "email"
    VALIDATION = "validation"
    INTEGRATION = "integration"
    UNEXPECTED = "unexpected"

    @property
    def label(self) -> str:
        return {
            "gateway": "Payment gateways",
            "database": "Database",
            "email": "Email delivery",
            "validation": "Refused input",
            "integration": "Integrations",
            "unexpected": "Unexpected",
        }[self.value]

    @property
    def topic(self) -> str:
        """Completes the sentence "an error with"."""
        return {
            "gateway": "payment gateways",
            "database": "the database",
            "email": "email delivery",
            "validation": "input that we refused",
            "integration": "integrations",
            "unexpected": "something unexpected",
        }[self.value]


class ErrorTally(Model):
    """How many errors of a category fell into the quarter of an hour that begins at `slot`: every time zone's days
    begin with one."""

    __tablename__ = "error_tallies"

    slot: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    category: Mapped[ErrorCategory] = mapped_column(EnumText(ErrorCategory), primary_key=True)
    count: Mapped[int]


# By what figures are counted; each list has its own indexes beside its table.
_first_contact_made = text("first_contact_at IS NOT NULL")
_first_contact_promised = text("due_at IS NOT NULL")
_money_returned = text("completed_at IS NOT NULL")
Index(
    "ix_service_requests_first_contact_at",
    ServiceRequest.first_contact_at,
    postgresql_where=_first_contact_made,
    sqlite_where=_first_contact_made,
)
Index(
    "ix_service_requests_promised_at",
    ServiceRequest.due_at,
    postgresql_where=_first_contact_promised,
    sqlite_where=_first_contact_promised,
)
Index("ix_refunds_completed_at", Refund.completed_at, postgresql_where=_money_returned, sqlite_where=_money_returned)
