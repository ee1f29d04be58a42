"""Everybody and everything that requests refer to: read or sealed once, used in a million rows.

Sealed values are bound to their column, not to their row, so one customer's may stand in many requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Column, inspect, select
from sqlalchemy.orm import selectinload

from app.columns import keyring
from app.db import Model, db
from app.kit.contact import fold, name_words
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    AffiliateServiceRate,
    CommissionRule,
    NameWord,
    Notification,
    ProviderProfile,
    Role,
    SandboxPayment,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
)
from app.samples.fields import Field, Fields
from app.samples.people import SampleCustomer, make_customer

_CUSTOMERS = 4_000
Segment = tuple[Field, ...]

OFFER_COLUMNS = (
    "service_id",
    "service_tier_id",
    "service_name",
    "service_category",
    "tier_name",
    "amount_minor",
    "currency",
)
CUSTOMER_COLUMNS = (
    "customer_name",
    "customer_email",
    "customer_phone",
    "customer_requirements",
    "customer_email_hash",
    "customer_phone_hash",
)


@dataclass(frozen=True, slots=True)
class Customer:
    columns: Segment
    words: Segment
    address: Field


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in; `address` as their mails carry it."""

    user_id: UUID
    key: Field
    address: Field


@dataclass(frozen=True, slots=True)
class Affiliate:
    user_id: UUID
    key: Field
    code: Field
    basis_points: int
    own_rates: dict[UUID, int]

    def rate(self, service_id: UUID) -> tuple[int, CommissionRule]:
        if service_id in self.own_rates:
            return self.own_rates[service_id], CommissionRule.SERVICE
        return self.basis_points, CommissionRule.AFFILIATE


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a customer can have chosen; `first_contact` is its promise in microseconds."""

    service_id: UUID
    columns: Segment
    price: Money
    title: Field
    first_contact: int
    providers: tuple[Person, ...]

    @property
    def money(self) -> Segment:
        return self.columns[-2:]


@dataclass(frozen=True, slots=True)
class Scene:
    customers: Sequence[Customer]
    offers: Sequence[Offer]
    operators: Sequence[Person]
    administrators: Sequence[Person]
    affiliates: Sequence[Affiliate]

    @property
    def users(self) -> set[UUID]:
        """Everybody whom rows will name."""
        providers = (person for offer in self.offers for person in offer.providers)
        staff = {person.user_id for person in (*self.operators, *self.administrators, *providers)}
        return staff | {affiliate.user_id for affiliate in self.affiliates}


def column_of(model: type[Model], name: str) -> Column[Any]:
    """The table's column behind a model's attribute."""
    column: Column[Any] = inspect(model).columns[name]
    return column


def make_scene(fields: Fields, *, random: Random) -> Scene:
    """From the catalogue and the people that the database has now."""
    maker = _Maker(fields)
    staff = db.session.scalars(select(User).where(User.role.in_((Role.ADMIN, Role.OPERATOR)), User.is_enabled)).all()
    return Scene(
        customers=[maker.customer(make_customer(random, number)) for number in range(_CUSTOMERS)],
        offers=maker.offers(),
        operators=[maker.person(user) for user in staff],
        administrators=[maker.person(user) for user in staff if user.role is Role.ADMIN],
        affiliates=maker.affiliates(),
    )


class _Maker:
    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def _field(self, model: type[Model], name: str, value: Any) -> Field:
        return self._fields.constant(column_of(model, name), value)

    def customer(self, sample: SampleCustomer) -> Customer:
        values = (
            sample.full_name,
            sample.email,
            sample.phone,
            sample.requirements,
            keyring.hash(fold(sample.email), "email"),
            keyring.hash(sample.phone, "phone"),
        )
        pairs = zip(CUSTOMER_COLUMNS, values, strict=True)
        hashes = [keyring.hash(word, "name") for word in sorted(name_words(sample.full_name))]
        return Customer(
            columns=self._fields.merged(tuple(self._field(ServiceRequest, name, value) for name, value in pairs)),
            words=tuple(self._field(NameWord, "word_hash", word) for word in hashes),
            address=self._field(Notification, "recipient", sample.email),
        )

    def person(self, user: User) -> Person:
        return Person(user.id, self._fields.key(user.id.int), self._field(Notification, "recipient", user.email))

    def offers(self) -> list[Offer]:
        services = db.session.scalars(select(Service).where(Service.is_active).options(selectinload(Service.tiers)))
        profiles = db.session.scalars(select(ProviderProfile).options(selectinload(ProviderProfile.skills))).all()
        people = {profile.id: self.person(profile.user) for profile in profiles}
        return [
            self._offer(
                service, tier, tuple(people[profile.id] for profile in profiles if _is_skilled(profile, service))
            )
            for service in services
            for tier in _tiers(service)
        ]

    def _offer(self, service: Service, tier: ServiceTier | None, providers: tuple[Person, ...]) -> Offer:
        price = tier.price if tier else service.price
        names = (service.name, service.category, tier.name if tier else None)
        values = (service.id, tier.id if tier else None, *names, price.minor, price.currency)
        pairs = zip(OFFER_COLUMNS, values, strict=True)
        title = f"{service.name}, {tier.name}" if tier else service.name
        return Offer(
            service_id=service.id,
            columns=tuple(self._field(ServiceRequest, name, value) for name, value in pairs),
            price=price,
            title=self._field(SandboxPayment, "description", title),
            first_contact=timedelta(hours=service.first_contact_hours) // timedelta(microseconds=1),
            providers=providers,
        )

    def affiliates(self) -> list[Affiliate]:
        rates = db.session.scalars(select(AffiliateServiceRate)).all()
        return [
            Affiliate(
                user_id=profile.user_id,
                key=self._fields.key(profile.user_id.int),
                code=self._field(ServiceRequest, "affiliate_code", profile.code),
                basis_points=profile.rate_basis_points,
                own_rates={
                    rate.service_id: rate.rate_basis_points for rate in rates if rate.affiliate_id == profile.user_id
                },
            )
            for profile in db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.is_active))
        ]


def _tiers(service: Service) -> list[ServiceTier] | list[None]:
    return service.active_tiers or [None]


def _is_skilled(profile: ProviderProfile, service: Service) -> bool:
    return any(skill.service_id == service.id or skill.category == service.category for skill in profile.skills)
