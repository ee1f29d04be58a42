"""Made-up cases to show what each kind of letter says; none of their rows is ever stored."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from app.kit import clock, ids
from app.models import (
    Category,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
    User,
)
from app.workflows import account_letters
from app.workflows.letters import KINDS, Case, Stationery

M = TypeVar("M")

REFERENCE = "SR-7K3M-9QXW-2HTB"
_AMOUNT, _CURRENCY = 249_900, "INR"
_CUSTOMER = "The customer"


@dataclass(frozen=True, slots=True)
class SampleCase(Case):
    rows: tuple[object, ...]

    def about(self, model: type[M]) -> M:
        return next(row for row in self.rows if isinstance(row, model))


def sample(kind: str, stationery: Stationery) -> SampleCase:
    """A case that this kind of letter could be about."""
    service_request = _request(is_paid=kind != "payment_failed")
    receiver = None if KINDS[kind].account.receiver == _CUSTOMER else _receiver(kind)
    notification = Notification(
        id=ids.new_id(),
        kind=kind,
        service_request=None if KINDS[kind].about_account else service_request,
        recipient=receiver.email if receiver else service_request.customer_email,
        recipient_user=receiver,
        context=_context(),
        created_at=clock.utc_now(),
    )
    return SampleCase(notification, stationery, (_payment(kind), _refund(), _change(), receiver))


def _context() -> dict[str, Any]:
    expires = clock.utc_now() + account_letters.RESET_LIFE
    return {
        "text": f"{REFERENCE} is overdue: nobody has contacted the customer yet.",
        "expires": int(expires.timestamp()),
        "epoch": 0,
        "what": "enabled",
    }


def _request(*, is_paid: bool) -> ServiceRequest:
    now = clock.utc_now()
    return ServiceRequest(
        id=ids.new_id(),
        reference_number=REFERENCE,
        service_name="GST registration",
        service_category=Category.CA,
        tier_name="Express",
        customer_name="Kavya Iyer",
        customer_email="kavya.iyer@example.org",
        customer_phone="+917000012345",
        customer_requirements="Please call me after 4 pm.",
        amount_minor=_AMOUNT,
        refunded_minor=0,
        currency=_CURRENCY,
        status=RequestStatus.PENDING_CONTACT,
        payment_status=PaymentStatus.COMPLETED if is_paid else PaymentStatus.FAILED,
        payment_completed_at=now if is_paid else None,
        payment_transaction_id="pay_29QQoUBi66xm2f" if is_paid else None,
        due_at=now + timedelta(hours=24) if is_paid else None,
        created_at=now,
    )


def _receiver(kind: str) -> User:
    if kind == "provider_assigned":
        return _user("Priya Raman", "priya.raman@example.com", Role.PROVIDER)
    return _user("Asha Menon", "asha.menon@example.com", Role.ADMIN)


def _user(name: str, email: str, role: Role) -> User:
    return User(id=ids.new_id(), name=name, email=email, role=role, session_epoch=0, is_enabled=True)


def _payment(kind: str) -> Payment:
    is_paid = kind != "payment_failed"
    return Payment(
        id=ids.new_id(),
        gateway="razorpay",
        gateway_payment_id="pay_29QQoUBi66xm2f",
        amount_minor=_AMOUNT,
        currency=_CURRENCY,
        status=PaymentStatus.COMPLETED if is_paid else PaymentStatus.FAILED,
        completed_at=clock.utc_now() if is_paid else None,
        customer_message=None if is_paid else "Your bank declined the payment. Try another card.",
    )


def _refund() -> Refund:
    return Refund(id=ids.new_id(), amount_minor=_AMOUNT, currency=_CURRENCY, completed_at=clock.utc_now())


def _change() -> StatusChange:
    return StatusChange(
        id=ids.new_id(),
        old_status=RequestStatus.TEAM_ASSIGNED,
        new_status=RequestStatus.IN_PROGRESS,
        notes="We have your papers and will file them this week.",
        created_at=clock.utc_now(),
    )
