"""The morning on which the daily jobs are done: what there is in the shop before each of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.db import db, transaction
from app.kit import clock
from app.models import (
    AuditEntry,
    Notification,
    NotificationStatus,
    Payment,
    RequestStatus,
    Role,
    SandboxPayment,
    Service,
    ServiceRequest,
    StatusChange,
    User,
)
from app.sandbox import ledger
from app.workflows import payments
from tests.factories import (
    make_customer,
    make_gateway,
    make_payment,
    make_provider,
    make_service,
    make_user,
    snapshot_of,
)

_TRACES = (StatusChange, AuditEntry, Notification)
_UNASSIGNED = 14
_LAST_MONTH = 9
_FIRST_NAMES = "Asha Bala Chitra Deepak Esha Farid Gauri Harish Indu Jaya Karan Lata Manish Nadia Omar Pooja".split()


@dataclass(frozen=True, slots=True)
class Scene:
    """Ids, and the words that somebody on the phone would say."""

    admin: User
    service: Service
    provider: User
    customer_email: str
    customer_request: UUID
    assigned: ServiceRequest
    paid: ServiceRequest
    stuck: ServiceRequest
    failed_mail: UUID
    last_month: frozenset[str]


def set_up() -> Scene:
    make_gateway()
    admin = make_user(Role.ADMIN, name="Asha Admin", email="admin@example.com")
    services = [make_service(name=name) for name in ("GST registration", "Trademark registration", "Legal notice")]
    # Before there is anybody to do it, so that nobody has it.
    for number in range(_UNASSIGNED):
        _sell(services[number % 3], number, at=clock.utc_now() - timedelta(hours=40 - number))
    last_month = [_sell(services[number % 3], number, at=_in_last_month(number)) for number in range(_LAST_MONTH)]
    provider = make_provider(name="Priya Raman", capacity=50)
    make_provider(name="Arvind Rao", capacity=50)
    customer = make_customer(full_name="Kavya Iyer", email="kavya.iyer@example.org")
    asked = _sell(services[0], 0, at=clock.utc_now() - timedelta(hours=3), customer=customer)
    assigned, paid = (_sell(services[1], 1, at=clock.utc_now() - timedelta(hours=2)) for _ in range(2))
    return Scene(
        admin=admin,
        service=services[0],
        provider=provider,
        customer_email="kavya.iyer@example.org",
        customer_request=asked.id,
        assigned=assigned,
        paid=paid,
        stuck=_leave_stuck(services[2]),
        failed_mail=_fail_one_mail(paid),
        last_month=frozenset(request.reference_number for request in last_month),
    )


def oldest_unassigned() -> list[UUID]:
    query = select(ServiceRequest.id).where(
        ServiceRequest.assigned_provider_id.is_(None),
        ServiceRequest.closed_at.is_(None),
        ServiceRequest.payment_completed_at.is_not(None),
    )
    return list(db.session.scalars(query.order_by(ServiceRequest.created_at).limit(10)))


@dataclass(frozen=True, slots=True)
class Traces:
    """What a change leaves behind for others: the story of the request, the audit log, mails."""

    history: int
    audit: int
    mails: int

    def since(self, before: "Traces") -> "Traces":
        return Traces(self.history - before.history, self.audit - before.audit, self.mails - before.mails)


def count_traces() -> Traces:
    db.session.rollback()
    counts = (db.session.scalar(select(func.count()).select_from(model)) for model in _TRACES)
    return Traces(*(count or 0 for count in counts))


def stored(key: UUID) -> ServiceRequest:
    db.session.rollback()
    return db.session.get_one(ServiceRequest, key, populate_existing=True)


def _sell(service: Service, number: int, *, at: datetime, customer: Any = None) -> ServiceRequest:
    name = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    payment = make_payment(
        service, customer or make_customer(full_name=f"{name} Rao", email=f"{name}{number}@example.org")
    )
    _approve(payment)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    return _backdate(payment, at)


def _backdate(payment: Payment, at: datetime) -> ServiceRequest:
    request = payment.service_request
    with transaction():
        request.created_at = request.payment_completed_at = payment.created_at = at
        if at < clock.utc_now() - timedelta(days=10):
            request.status, request.closed_at = RequestStatus.COMPLETED, at + timedelta(days=1)
    return request


def _approve(payment: Payment) -> None:
    """At the company; our webhook address hears nothing of it."""
    with transaction():
        theirs = db.session.scalars(
            select(SandboxPayment).where(SandboxPayment.intent_id == payment.gateway_intent_id)
        ).one()
        ledger.decide(theirs, "approve")


def _leave_stuck(service: Service) -> ServiceRequest:
    """Paid at the gateway, whose message never came."""
    payment = make_payment(service, make_customer(full_name="Ravi Menon", email="ravi@example.org"))
    _approve(payment)
    return _backdate_unpaid(payment)


def _backdate_unpaid(payment: Payment) -> ServiceRequest:
    request = payment.service_request
    with transaction():
        request.created_at = payment.created_at = clock.utc_now() - timedelta(hours=5)
        payment.next_check_at = clock.utc_now() + timedelta(hours=1)
    return request


def _fail_one_mail(request: ServiceRequest) -> UUID:
    """All others went out."""
    with transaction():
        for letter in db.session.scalars(select(Notification)):
            letter.status, letter.next_attempt_at = NotificationStatus.SENT, None
        query = select(Notification).where(
            Notification.service_request_id == request.id, Notification.kind == "payment_confirmed"
        )
        letter = db.session.scalars(query).one()
        letter.status, letter.attempts, letter.last_error = NotificationStatus.DEAD, 4, "550 mailbox unavailable"
    return letter.id


def _in_last_month(number: int) -> datetime:
    first_of_this = clock.utc_now().replace(day=1, hour=12)
    return first_of_this - timedelta(days=2 + 2 * number)
