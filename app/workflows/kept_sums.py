"""Sums and counts that rows keep of other rows, each compared with what it sums up: one statement for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, and_, exists, func, or_, select

from app.db import db
from app.models import (
    OPEN_STATUSES,
    PAID_STATUSES,
    CommissionEntry,
    Dispute,
    DisputeStatus,
    Payment,
    Payout,
    PayoutLine,
    ProviderProfile,
    Refund,
    RefundStatus,
    ServiceRequest,
    User,
)
from app.workflows import commission_months, gateway_choice

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Mistake:
    """`of` names the row, `kept` is what it says, `counted` what follows from the others."""

    what: str
    of: str
    kept: object
    counted: object


def mistakes() -> Iterator[Mistake]:
    """All that is not as it should be; each statement compares in one picture, so the service may go on meanwhile."""
    for what, query in (
        ("open work", _open_work()),
        ("payment status of request", _status_of_requests()),
        ("refunded of request", _refunded_of_requests()),
        ("amount of payout", _payouts()),
        ("commission marked as paid", _marks()),
    ):
        for name, kept, counted in _each(query):
            yield Mistake(what, str(name), kept, counted)
    yield from _refunded()
    for month in commission_months.differences():
        of = f"{month.affiliate_id}, {month.start}, {month.currency}"
        yield Mistake("commission of month", of, month.kept, month.counted)


def _open_work() -> Executable:
    in_hand = (
        select(func.count())
        .where(ServiceRequest.assigned_provider_id == ProviderProfile.user_id, ServiceRequest.status.in_(OPEN_STATUSES))
        .scalar_subquery()
    )
    query = select(User.name, ProviderProfile.open_work, in_hand).join(User, User.id == ProviderProfile.user_id)
    return query.where(ProviderProfile.open_work != in_hand)


def _status_of_requests() -> Executable:
    query = select(ServiceRequest.reference_number, ServiceRequest.payment_status, Payment.status)
    settled = query.join(Payment, and_(Payment.service_request_id == ServiceRequest.id, Payment.settles_request))
    return settled.where(ServiceRequest.payment_status != Payment.status)


def _refunded_of_requests() -> Executable:
    query = select(ServiceRequest.reference_number, ServiceRequest.refunded_minor, Payment.refunded_minor)
    settled = query.join(Payment, and_(Payment.service_request_id == ServiceRequest.id, Payment.settles_request))
    return settled.where(ServiceRequest.refunded_minor != Payment.refunded_minor)


def _payouts() -> Executable:
    lines = (
        select(func.coalesce(func.sum(CommissionEntry.amount_minor), 0))
        .join(PayoutLine, PayoutLine.commission_entry_id == CommissionEntry.id)
        .where(PayoutLine.payout_id == Payout.id)
        .scalar_subquery()
    )
    return select(Payout.id, Payout.amount_minor, lines).where(Payout.amount_minor != lines)


def _marks() -> Executable:
    line = exists().where(PayoutLine.commission_entry_id == CommissionEntry.id, PayoutLine.taken_back_at.is_(None))
    is_marked = CommissionEntry.paid_out_at.is_not(None)
    return select(CommissionEntry.id, is_marked, line).where(is_marked != line)


def _refunded() -> Iterator[Mistake]:
    """What went back of each payment, by refunds and by disputes that were lost."""
    returned = _by_payment(Refund.payment_id, Refund.amount_minor, Refund.status == RefundStatus.COMPLETED)
    lost = _by_payment(Dispute.payment_id, Dispute.amount_minor, Dispute.status == DisputeStatus.LOST)
    columns = (Payment.id, Payment.gateway, Payment.amount_minor, Payment.refunded_minor, returned.c.sum, lost.c.sum)
    query = (
        select(*columns)
        .outerjoin(returned, returned.c.payment_id == Payment.id)
        .outerjoin(lost, lost.c.payment_id == Payment.id)
        .where(
            Payment.status.in_(PAID_STATUSES),
            or_(Payment.refunded_minor != 0, returned.c.sum.is_not(None), lost.c.sum.is_not(None)),
        )
    )
    for key, gateway, amount, kept, back, gone in _each(query):
        taken = 0 if gateway_choice.refunds_lost_disputes(gateway) else int(gone or 0)
        counted = min(amount, int(back or 0) + taken)
        if kept != counted:
            yield Mistake("refunded of payment", str(key), kept, counted)


def _by_payment(key: Any, amount: Any, condition: Any) -> Any:
    return select(key.label("payment_id"), func.sum(amount).label("sum")).where(condition).group_by(key).subquery()


def _each(query: Executable) -> Iterator[Any]:
    return iter(db.session.execute(query.execution_options(yield_per=_BATCH)))
