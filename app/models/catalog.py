"""What is sold: services and their priced tiers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from app.columns import EnumText
from app.db import Model
from app.kit.money import Money
from app.models.base import Keyed, Touched


class Category(StrEnum):
    CA = "ca"
    LEGAL = "legal"
    OTHER = "other"

    @property
    def label(self) -> str:
        return {"ca": "Chartered accountancy", "legal": "Legal", "other": "Other services"}[self.value]


class Service(Keyed, Touched, Model):
    """Something a customer can buy. Without tiers it costs `price_minor`; with tiers, what the tier costs.

    `position` (from 1, in the order of the shop) and `last_sold_at` are there when a query asks for them.
    """

    __tablename__ = "services"

    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    short_description: Mapped[str] = mapped_column(String(300))
    category: Mapped[Category] = mapped_column(EnumText(Category))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="INR")
    features: Mapped[list[str]] = mapped_column(JSON, default=list)
    first_contact_hours: Mapped[int] = mapped_column(default=24)
    sort_order: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    tiers: Mapped[list["ServiceTier"]] = relationship(
        back_populates="service",
        order_by="(ServiceTier.sort_order, ServiceTier.created_at)",
        cascade="save-update, merge, delete",
    )
    position: Mapped[int | None] = query_expression()
    last_sold_at: Mapped[datetime | None] = query_expression()

    __table_args__ = (
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint("first_contact_hours > 0", name="first_contact_positive"),
        Index("ix_services_is_active_sort_order", "is_active", "sort_order"),
    )

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    @property
    def active_tiers(self) -> list["ServiceTier"]:
        return [tier for tier in self.tiers if tier.is_active]

    @property
    def from_price(self) -> Money:
        """The cheapest way to buy it."""
        return min((tier.price for tier in self.active_tiers), default=self.price)

    def __str__(self) -> str:
        return self.name


class ServiceTier(Keyed, Touched, Model):
    """A priced variant of a service, in the service's currency. `last_sold_at` is there when a query asks for it."""

    __tablename__ = "service_tiers"

    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    features: Mapped[list[str]] = mapped_column(JSON, default=list)
    sort_order: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    service: Mapped[Service] = relationship(back_populates="tiers", lazy="joined", innerjoin=True)
    last_sold_at: Mapped[datetime | None] = query_expression()

    __table_args__ = (
        CheckConstraint("price_minor > 0", name="price_positive"),
        Index("ix_service_tiers_service_id_sort_order", "service_id", "sort_order"),
    )

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.service.currency)

    def __str__(self) -> str:
        return self.name
