"""One customer's purchase of one service, and everything that happened to it."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, KeyedHash, Sealed, UtcDateTime
from app.db import Model
from app.kit.contact import fold
from app.kit.money import Money
from app.models.base import Keyed, Touched
from app.models.catalog import Category, Service
from app.models.payment import PaymentStatus
from app.models.user import User

if TYPE_CHECKING:
    from app.models.request_history import StatusChange


class RequestStatus(StrEnum):
    """Where the work stands; `label` is what people read."""

    PAYMENT_CONFIRMED = "payment_confirmed"
    PENDING_CONTACT = "pending_contact"
    TEAM_ASSIGNED = "team_assigned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    RequestStatus.PAYMENT_CONFIRMED: "Payment confirmed",
    RequestStatus.PENDING_CONTACT: "Awaiting first contact",
    RequestStatus.TEAM_ASSIGNED: "Specialist assigned",
    RequestStatus.IN_PROGRESS: "In progress",
    RequestStatus.COMPLETED: "Completed",
    RequestStatus.CANCELLED: "Cancelled",
}

OPEN_STATUSES = frozenset(RequestStatus) - {RequestStatus.COMPLETED, RequestStatus.CANCELLED}
"""Work somebody still has to do."""


def title_of(service: str, tier: str | None) -> str:
    """What was bought, in a few words: `GST registration, Express`."""
    return f"{service}, {tier}" if tier else service


class ServiceRequest(Keyed, Touched, Model):
    """Service, tier and price are copies made at purchase: a later catalogue edit never changes a sold request.

    The payment columns sum up the rows of `payments`. `submission_hash` makes a repeated submit of the same
    form the same request. `version` is raised by every change, so that a stale edit is noticed. `operator` is the
    member of staff who looks after it. While we wait for the customer (`waiting_since`) there is no `due_at`:
    `work_left_seconds` keeps the working time that was left until then.
    """

    __tablename__ = "service_requests"

    # Compared byte by byte, so that a search for its beginning can use the index.
    reference_number: Mapped[str] = mapped_column(
        String(17).with_variant(String(17, collation="C"), "postgresql"), unique=True
    )
    submission_hash: Mapped[bytes | None] = mapped_column(LargeBinary(16), unique=True)

    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id"))
    service_tier_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_tiers.id"))
    service_name: Mapped[str] = mapped_column(String(200))
    service_category: Mapped[Category] = mapped_column(EnumText(Category))
    tier_name: Mapped[str | None] = mapped_column(String(100))

    customer_name: Mapped[str] = mapped_column("customer_name_sealed", Sealed("service_requests.customer_name"))
    customer_email: Mapped[str] = mapped_column("customer_email_sealed", Sealed("service_requests.customer_email"))
    customer_phone: Mapped[str] = mapped_column("customer_phone_sealed", Sealed("service_requests.customer_phone"))
    customer_requirements: Mapped[str] = mapped_column(
        "customer_requirements_sealed", Sealed("service_requests.customer_requirements")
    )
    customer_email_hash: Mapped[bytes] = mapped_column(KeyedHash("email", of="customer_email_sealed", form=fold))
    customer_phone_hash: Mapped[bytes] = mapped_column(KeyedHash("phone", of="customer_phone_sealed"))

    payment_status: Mapped[PaymentStatus] = mapped_column(EnumText(PaymentStatus), default=PaymentStatus.PENDING)
    payment_gateway: Mapped[str | None] = mapped_column(String(32))
    payment_transaction_id: Mapped[str | None] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    payment_completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    status: Mapped[RequestStatus] = mapped_column(EnumText(RequestStatus), default=RequestStatus.PENDING_CONTACT)
    assigned_provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    assigned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_contact_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    work_left_seconds: Mapped[int | None] = mapped_column()
    overdue_alerted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    affiliate_code: Mapped[str | None] = mapped_column(String(64))
    affiliate_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    service: Mapped[Service] = relationship()
    provider: Mapped[User | None] = relationship(foreign_keys=[assigned_provider_id])
    operator: Mapped[User | None] = relationship(foreign_keys=[operator_id])
    history: Mapped[list["StatusChange"]] = relationship(
        back_populates="service_request", order_by="(StatusChange.created_at, StatusChange.id)", viewonly=True
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded_within_amount"),
        # Every list is sorted by purchase date, newest first; each filter gets its own way in. What stands after the
        # key is what it is often joined with: rows that do not fit are passed over without being read.
        Index("ix_service_requests_created_at_id", "created_at", "id"),
        Index("ix_service_requests_by_status", "status", "created_at", "id", "payment_status", "service_category"),
        Index("ix_service_requests_by_payment", "payment_status", "created_at", "id", "status"),
        Index(
            "ix_service_requests_of_service",
            "service_id",
            "created_at",
            "id",
            "status",
            "payment_status",
            "assigned_provider_id",
            "service_category",
        ),
        Index(
            "ix_service_requests_tier_created_at",
            "service_tier_id",
            "created_at",
            postgresql_where=text("service_tier_id IS NOT NULL"),
            sqlite_where=text("service_tier_id IS NOT NULL"),
        ),
        Index("ix_service_requests_by_category", "service_category", "created_at", "id", "status", "payment_status"),
        Index(
            "ix_service_requests_of_provider",
            "assigned_provider_id",
            "created_at",
            "id",
            "status",
            "payment_status",
            "service_id",
            "service_category",
            postgresql_where=text("assigned_provider_id IS NOT NULL"),
            sqlite_where=text("assigned_provider_id IS NOT NULL"),
        ),
        Index("ix_service_requests_gateway_created_at_id", "payment_gateway", "created_at", "id"),
        Index(
            "ix_service_requests_by_affiliate",
            "affiliate_id",
            "created_at",
            "id",
            "status",
            "payment_status",
            postgresql_where=text("affiliate_id IS NOT NULL"),
            sqlite_where=text("affiliate_id IS NOT NULL"),
        ),
        Index("ix_service_requests_email_hash_created_at", "customer_email_hash", "created_at"),
        Index("ix_service_requests_phone_hash_created_at", "customer_phone_hash", "created_at"),
        # What waits for its payment: a short list, like those of open work below.
        Index(
            "ix_service_requests_unpaid",
            "created_at",
            "id",
            postgresql_where=text("payment_completed_at IS NULL"),
            sqlite_where=text("payment_completed_at IS NULL"),
        ),
        # What was paid since a moment: news for the console, sales by day.
        Index(
            "ix_service_requests_paid_at",
            "payment_completed_at",
            postgresql_where=text("payment_completed_at IS NOT NULL"),
            sqlite_where=text("payment_completed_at IS NOT NULL"),
        ),
        # Purchases with a code that nobody has.
        Index(
            "ix_service_requests_unknown_code",
            "affiliate_code",
            postgresql_where=text("affiliate_code IS NOT NULL AND affiliate_id IS NULL"),
            sqlite_where=text("affiliate_code IS NOT NULL AND affiliate_id IS NULL"),
        ),
        # All open work, work nobody has yet, and work that is late: short lists within a long table, with all that
        # their counts look at.
        Index(
            "ix_service_requests_open",
            "created_at",
            "id",
            "payment_status",
            "assigned_provider_id",
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_service_requests_without_provider",
            "created_at",
            "id",
            "payment_status",
            postgresql_where=text("assigned_provider_id IS NULL AND closed_at IS NULL"),
            sqlite_where=text("assigned_provider_id IS NULL AND closed_at IS NULL"),
        ),
        # What nobody did although it is over: most of it was never paid.
        Index(
            "ix_service_requests_over_without_provider",
            "status",
            "created_at",
            "id",
            "payment_status",
            postgresql_where=text("assigned_provider_id IS NULL AND closed_at IS NOT NULL"),
            sqlite_where=text("assigned_provider_id IS NULL AND closed_at IS NOT NULL"),
        ),
        Index(
            "ix_service_requests_of_operator",
            "operator_id",
            "created_at",
            "id",
            "status",
            "payment_status",
            postgresql_where=text("operator_id IS NOT NULL"),
            sqlite_where=text("operator_id IS NOT NULL"),
        ),
        Index(
            "ix_service_requests_operator_created_at_id",
            "operator_id",
            "created_at",
            "id",
            postgresql_where=text("closed_at IS NULL AND operator_id IS NOT NULL"),
            sqlite_where=text("closed_at IS NULL AND operator_id IS NOT NULL"),
        ),
        Index(
            "ix_service_requests_late",
            "due_at",
            "id",
            "payment_status",
            postgresql_where=text("first_contact_at IS NULL AND closed_at IS NULL"),
            sqlite_where=text("first_contact_at IS NULL AND closed_at IS NULL"),
        ),
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.currency)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_over(self) -> bool:
        """Nothing is owed to the customer any more: it is closed, or all of their money went back."""
        return not self.is_open or self.payment_status is PaymentStatus.REFUNDED

    @property
    def is_paid(self) -> bool:
        return self.payment_status is PaymentStatus.COMPLETED

    @property
    def title(self) -> str:
        return title_of(self.service_name, self.tier_name)

    def __str__(self) -> str:
        return self.reference_number


REQUESTS = cast(Table, ServiceRequest.__table__).c
"""The columns as the table has them. A query of these alone takes less time to put together, and to read, than one of
the mapped class."""
