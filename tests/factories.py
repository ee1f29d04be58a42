"""Plain functions that make rows with sensible defaults. Each commits, unless it says otherwise."""

import itertools
from functools import cache
from typing import Any

from sqlalchemy import select

from app.db import db, transaction
from app.extensions import links
from app.gateways.base import PaymentIntent, PaymentSnapshot, SnapshotStatus
from app.kit import clock
from app.models import (
    OPEN_STATUSES,
    Category,
    GatewayConfig,
    Payment,
    ProviderProfile,
    ProviderSkill,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
)
from app.workflows import accounts, payments, purchase
from app.workflows.audit import SYSTEM, Actor, actor_of

PASSWORD = "correct-horse-battery"
WEBHOOK_SECRET = "test-webhook-secret-0123456789"

_numbers = itertools.count(1)


def make_service(*, tiers: int = 0, **changes: Any) -> Service:
    number = next(_numbers)
    values: dict[str, Any] = {
        "name": f"Service {number}",
        "description": "What it is, at length.",
        "short_description": "What it is.",
        "category": Category.CA,
        "price_minor": 249_900,
        "currency": "INR",
        "features": ["Prepared and filed", "Certificate by email"],
        "first_contact_hours": 24,
    } | changes
    with transaction():
        service = Service(**values)
        service.tiers = [
            ServiceTier(name=f"Tier {order}", price_minor=100_000 * order, features=[f"Extra {order}"])
            for order in range(1, tiers + 1)
        ]
        db.session.add(service)
    return service


def make_tier(service: Service, **changes: Any) -> ServiceTier:
    """One more tier, after those the service has."""
    values: dict[str, Any] = {"name": "Tier", "price_minor": 100_000, "features": [], "sort_order": len(service.tiers)}
    with transaction():
        tier = ServiceTier(service_id=service.id, **(values | changes))
        db.session.add(tier)
    return tier


def make_gateway(gateway: str = "sandbox", **changes: Any) -> GatewayConfig:
    values: dict[str, Any] = {
        "gateway": gateway,
        "mode": "test",
        "is_active": True,
        "is_default": gateway == "sandbox",
        "webhook_secret": WEBHOOK_SECRET,
    } | changes
    with transaction():
        config = GatewayConfig(**values)
        db.session.add(config)
    return config


@cache
def _hash(password: str) -> str:
    """Slow on purpose, and the same for all who share a password here."""
    return accounts._hasher.hash(password)


def make_user(role: Role = Role.OPERATOR, **changes: Any) -> User:
    number = next(_numbers)
    email = changes.pop("email", f"{role}{number}@example.com")
    with transaction():
        user = accounts.create_user(
            email,
            changes.pop("name", f"{role.label} {number}"),
            role=role,
            actor=SYSTEM,
        )
        user.password_hash = _hash(changes.pop("password", PASSWORD))
        for name, value in changes.items():
            setattr(user, name, value)
    return user


def make_provider(*, categories: tuple[Category, ...] = tuple(Category), **profile: Any) -> User:
    """A provider who can do everything in `categories`; the rest goes to the profile."""
    user = make_user(Role.PROVIDER, **{key: profile.pop(key) for key in ("name", "email") if key in profile})
    with transaction():
        row = db.session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()
        row.skills = [ProviderSkill(category=category) for category in categories]
        for name, value in profile.items():
            setattr(row, name, value)
    return user


def make_customer(**changes: Any) -> purchase.Customer:
    values = {
        "full_name": "Kavya Iyer",
        "email": "kavya.iyer@example.org",
        "phone": "+917000012345",
        "requirements": "Please call me after 4 pm.",
    } | changes
    return purchase.Customer(**values)


def make_payment(service: Service | None = None, customer: purchase.Customer | None = None, **origin: Any) -> Payment:
    """An opened, unpaid request with its intent attached, ready to be paid through the sandbox."""
    ensure_gateway()
    service = service or make_service()
    tiers = service.active_tiers
    choice = purchase.Choice(service.id, tiers[0].id if tiers else None)
    origin.setdefault("submission", f"submission-{next(_numbers)}")
    with transaction():
        payment = purchase.open_request(choice, customer or make_customer(), purchase.Origin(**origin))
    attach(payment)
    return payment


def attach(payment: Payment) -> PaymentIntent:
    intent = purchase.create_intent(payment, links())
    with transaction():
        purchase.attach_intent(payment.id, intent)
        # Who looks at it later shall not begin to read with that.
        db.session.refresh(payment)
    return intent


def make_request(
    service: Service | None = None, customer: purchase.Customer | None = None, *, is_paid: bool = True, **changes: Any
) -> ServiceRequest:
    """A request bought through the real workflows and, unless told otherwise, paid; then changed as asked."""
    payment = make_payment(service, customer)
    if is_paid:
        with transaction():
            payments.settle(payment.id, snapshot_of(payment))
    service_request = payment.service_request
    if changes.get("status", service_request.status) not in OPEN_STATUSES:
        changes.setdefault("closed_at", clock.utc_now())
    if changes:
        with transaction():
            for name, value in changes.items():
                setattr(service_request, name, value)
    return service_request


def snapshot_of(payment: Payment, status: SnapshotStatus = SnapshotStatus.PAID, **changes: Any) -> PaymentSnapshot:
    """What the gateway would say of this payment."""
    values: dict[str, Any] = {
        "status": status,
        "gateway_intent_id": payment.gateway_intent_id,
        "gateway_payment_id": f"sbp_{payment.id.hex}",
        "amount": payment.amount,
        "metadata": {"payment_id": str(payment.id)},
    } | changes
    return PaymentSnapshot(**values)


def ensure_gateway() -> None:
    if db.session.scalar(select(GatewayConfig).limit(1)) is None:
        make_gateway()


def acting(user: User) -> Actor:
    return actor_of(user)
