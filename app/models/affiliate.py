"""Who sent customers, and the append-only ledger of what is owed for it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, UtcDateTime
from app.db import Model
from app.kit.money import Money
from app.models.base import Keyed, Touched
from app.models.catalog import Service
from app.models.payment import Payment, Refund
from app.models.service_request import ServiceRequest
from app.models.user import User

_UNPAID = text("paid_out_at IS NULL")
_PAID = text("paid_out_at IS NOT NULL")
_STANDING = text("taken_back_at IS NULL")


class AffiliateProfile(Keyed, Touched, Model):
    """`rate_basis_points` is 1/100 of a percent of the amount paid."""

    __tablename__ = "affiliate_profiles"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    rate_basis_points: Mapped[int] = mapped_column(default=1000)
    is_active: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (CheckConstraint("rate_basis_points BETWEEN 0 AND 10000", name="rate_within_bounds"),)

    def __str__(self) -> str:
        return self.user.name


class AffiliateServiceRate(Keyed, Touched, Model):
    """A service's own rate for one affiliate; it takes the place of the affiliate's."""

    __tablename__ = "affiliate_service_rates"

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    rate_basis_points: Mapped[int] = mapped_column()

    service: Mapped[Service] = relationship()

    __table_args__ = (
        UniqueConstraint("affiliate_id", "service_id"),
        CheckConstraint("rate_basis_points BETWEEN 0 AND 10000", name="rate_within_bounds"),
    )


class AffiliateClick(Keyed, Model):
    """A visit through an affiliate's link; an unknown code is recorded with no affiliate."""

    __tablename__ = "affiliate_clicks"

    code: Mapped[str] = mapped_column(String(64))
    affiliate_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    service_id: Mapped[UUID | None] = mapped_column(ForeignKey("services.id", ondelete="SET NULL"))

    __table_args__ = (Index("ix_affiliate_clicks_affiliate_id_created_at", "affiliate_id", "created_at"),)


class CommissionKind(StrEnum):
    EARNED = "earned"
    ADJUSTED = "adjusted"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class CommissionRule(StrEnum):
    """Whose rate a line was reckoned with: the affiliate's, or the one they have for that service."""

    AFFILIATE = "affiliate"
    SERVICE = "service"


class Payout(Keyed, Model):
    """Money sent to an affiliate, recorded by finance. Those of one `batch` are sent to the bank together."""

    __tablename__ = "payouts"

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    batch: Mapped[str] = mapped_column(String(64), default="")
    transfer_reference: Mapped[str] = mapped_column(String(64), default="", server_default="")
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recorded_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    affiliate: Mapped[User] = relationship(foreign_keys=[affiliate_id])
    recorded_by: Mapped[User | None] = relationship(foreign_keys=[recorded_by_user_id])
    reversal: Mapped["PayoutReversal | None"] = relationship(back_populates="payout", viewonly=True)

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_payouts_affiliate_id_created_at", "affiliate_id", "created_at"),
        Index("ix_payouts_created_at_id", "created_at", "id"),
        Index("ix_payouts_batch_created_at_id", "batch", "created_at", "id"),
        Index("ix_payouts_transfer_reference", "transfer_reference"),
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def __str__(self) -> str:
        return f"payout {self.batch}"


class PayoutReversal(Keyed, Model):
    """Takes back a payout that was wrongly recorded. Both stay; the lines that it had paid are due again."""

    __tablename__ = "payout_reversals"

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(500))
    reversed_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    payout: Mapped[Payout] = relationship(back_populates="reversal")
    reversed_by: Mapped[User | None] = relationship()


class CommissionEntry(Keyed, Model):
    """One line of the ledger: never deleted, and never changed but for `paid_out_at`, the mark of a paid one.

    `cause_key` makes each cause enter once. Which payout paid it is in `payout_lines`, whose unique key lets no
    second one do so; the mark keeps what is not paid yet a short list beside a long ledger.
    """

    __tablename__ = "commission_entries"

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    service_request_id: Mapped[UUID] = mapped_column(ForeignKey("service_requests.id"))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    kind: Mapped[CommissionKind] = mapped_column(EnumText(CommissionKind))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    rate_basis_points: Mapped[int] = mapped_column()
    rule: Mapped[CommissionRule] = mapped_column(
        EnumText(CommissionRule), default=CommissionRule.AFFILIATE, server_default=CommissionRule.AFFILIATE
    )
    cause_key: Mapped[str] = mapped_column(String(100), unique=True)
    paid_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    affiliate: Mapped[User] = relationship()
    service_request: Mapped[ServiceRequest] = relationship()
    payment: Mapped[Payment] = relationship()
    refund: Mapped[Refund | None] = relationship()
    payout_line: Mapped["PayoutLine | None"] = relationship(
        primaryjoin="and_(PayoutLine.commission_entry_id == CommissionEntry.id, PayoutLine.taken_back_at.is_(None))",
        uselist=False,
        viewonly=True,
    )

    __table_args__ = (
        # The ledger of one affiliate, newest first, and all that its sums look at.
        Index(
            "ix_commission_entries_of_affiliate",
            "affiliate_id",
            "created_at",
            "id",
            "kind",
            "currency",
            "amount_minor",
        ),
        Index("ix_commission_entries_service_request_id", "service_request_id"),
        Index("ix_commission_entries_payment_id", "payment_id"),
        Index("ix_commission_entries_created_at_id", "created_at", "id"),
        Index("ix_commission_entries_kind_created_at_id", "kind", "created_at", "id"),
        # What is paid, of which there may be little, and what is not paid yet.
        Index("ix_commission_entries_paid", "created_at", "id", postgresql_where=_PAID, sqlite_where=_PAID),
        Index("ix_commission_entries_unpaid", "created_at", "id", postgresql_where=_UNPAID, sqlite_where=_UNPAID),
        Index(
            "ix_commission_entries_unpaid_sums",
            "affiliate_id",
            "currency",
            "kind",
            "created_at",
            "amount_minor",
            postgresql_where=_UNPAID,
            sqlite_where=_UNPAID,
        ),
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class CommissionMonth(Model):
    """What was entered for an affiliate, in one currency, in the month of `zone` that began on `start` and was over at
    `ended_at`. All that was entered before the latest `ended_at` is in such rows."""

    __tablename__ = "commission_months"

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    start: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    zone: Mapped[str] = mapped_column(String(64))
    earned_minor: Mapped[int] = mapped_column(BigInteger)
    adjusted_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_commission_months_ended_at", "ended_at"),)


class PayoutLine(Keyed, Model):
    """A ledger entry paid by a payout; an entry is paid once, and again only if that payout was taken back."""

    __tablename__ = "payout_lines"

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id", ondelete="CASCADE"))
    commission_entry_id: Mapped[UUID] = mapped_column(ForeignKey("commission_entries.id"))
    taken_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    payout: Mapped[Payout] = relationship()
    entry: Mapped[CommissionEntry] = relationship()

    __table_args__ = (
        Index("ix_payout_lines_payout_id", "payout_id"),
        Index("ix_payout_lines_commission_entry_id", "commission_entry_id"),
        Index(
            "uq_payout_lines_paid",
            "commission_entry_id",
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
    )
