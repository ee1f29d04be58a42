"""Rows for every list of the console at once, each of them referring to records of its own."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from app.db import db, transaction
from app.kit import ids
from app.models import (
    ActorKind,
    AffiliateClick,
    AffiliateProfile,
    AuditEntry,
    BulkChange,
    BulkState,
    Category,
    CommissionEntry,
    CommissionKind,
    Dispute,
    GatewayConfig,
    Look,
    Notification,
    Payment,
    PaymentStatus,
    Payout,
    PayoutLine,
    ProviderProfile,
    ProviderSkill,
    Refund,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
    WebhookEvent,
)
from tests.admin.rows import new_request

_numbers = itertools.count(1)
_PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)


def grow(rows: int) -> None:
    """So many more of everything."""
    with transaction():
        for number in itertools.islice(_numbers, rows):
            _add_one(number)


def _add_one(number: int) -> None:
    staff, provider, affiliate = (_person(number, role) for role in (Role.FINANCE, Role.PROVIDER, Role.AFFILIATE))
    service = _service(number)
    _add(
        ServiceTier(service_id=service.id, name="Express", price_minor=100_000, features=[]),
        ProviderProfile(user_id=provider.id, skills=[ProviderSkill(service_id=service.id)]),
        AffiliateProfile(user_id=affiliate.id, code=f"CODE{number}"),
        AffiliateClick(code=f"CODE{number}", affiliate_id=affiliate.id),
        GatewayConfig(gateway=f"gateway{number}", mode="test"),
    )
    request = new_request(service, assigned_provider_id=provider.id, affiliate_id=affiliate.id)
    _add(request)
    payment = _payment(request)
    _add(payment)
    _add_money(payment, staff=staff, affiliate=affiliate)
    _add_traces(request, payment, staff)


def _add_money(payment: Payment, *, staff: User, affiliate: User) -> None:
    refund = Refund(
        payment_id=payment.id, gateway="sandbox", amount_minor=100, currency="INR", requested_by_user_id=staff.id
    )
    dispute = Dispute(
        payment_id=payment.id,
        gateway="sandbox",
        gateway_dispute_id=f"dp_{payment.id.hex}",
        amount_minor=100,
        currency="INR",
    )
    payout = Payout(
        affiliate_id=affiliate.id,
        amount_minor=1_000,
        currency="INR",
        batch="2026-03-20",
        paid_at=_PAID_AT,
        recorded_by_user_id=staff.id,
    )
    _add(refund, dispute, payout)
    earned = _commission(payment, affiliate, CommissionKind.EARNED)
    _add(earned, _commission(payment, affiliate, CommissionKind.ADJUSTED, refund_id=refund.id))
    _add(PayoutLine(payout_id=payout.id, commission_entry_id=earned.id))


def _add_traces(request: ServiceRequest, payment: Payment, staff: User) -> None:
    key = ids.new_id().hex
    _add(
        WebhookEvent(
            gateway="sandbox", event_id=f"evt_{key}", kind="paid", payment_id=payment.id, body=b"{}", headers=b"{}"
        ),
        Notification(
            kind="payment_confirmed",
            dedupe_key=key,
            message_id=key,
            service_request_id=request.id,
            recipient_user_id=staff.id,
            recipient=staff.email,
        ),
        AuditEntry(
            action="request.assigned",
            subject_type="service_requests",
            subject_id=request.id,
            actor_kind=ActorKind.USER,
            actor_user_id=staff.id,
            address="192.0.2.1",
            changes=json.dumps({"before": {"provider": None}, "after": {"provider": str(staff.id)}}),
        ),
        Look(service_request_id=request.id, user_id=staff.id, hour=_PAID_AT),
        BulkChange(owner_id=staff.id, action="assign", title="Assign 3 requests", state=BulkState.DONE, total=3),
    )


def _person(number: int, role: Role) -> User:
    user = User(email=f"{role}-many{number}@example.com", name=f"{role.label} {number}", role=role, session_epoch=0)
    _add(user)
    return user


def _service(number: int) -> Service:
    service = Service(
        name=f"Service of many {number}",
        description="At length.",
        short_description="In short.",
        category=Category.CA,
        price_minor=249_900,
        sort_order=number,
        features=[],
    )
    _add(service)
    return service


def _payment(request: ServiceRequest) -> Payment:
    key = ids.new_id()
    return Payment(
        id=key,
        service_request_id=request.id,
        gateway="sandbox",
        amount_minor=request.amount_minor,
        currency="INR",
        status=PaymentStatus.COMPLETED,
        settles_request=True,
        idempotency_key=str(key),
        gateway_payment_id=f"sbp_{key.hex}",
        completed_at=_PAID_AT,
    )


def _commission(payment: Payment, affiliate: User, kind: CommissionKind, **more: Any) -> CommissionEntry:
    return CommissionEntry(
        affiliate_id=affiliate.id,
        service_request_id=payment.service_request_id,
        payment_id=payment.id,
        kind=kind,
        amount_minor=1_000 if kind is CommissionKind.EARNED else -100,
        currency="INR",
        rate_basis_points=1_000,
        cause_key=f"{kind}:{payment.id}",
        **more,
    )


def _add(*rows: Any) -> None:
    db.session.add_all(rows)
    db.session.flush()
