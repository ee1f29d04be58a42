"""The money in a request's story: payments, what was given back, and what the bank asked back."""

import json
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.admin import cells
from app.admin.request_money import Account
from app.admin.story import Entry, who_of
from app.db import db
from app.kit.money import Money
from app.models import AuditEntry, Dispute, DisputeStatus, Payment, Refund, RefundStatus

_MOST = 200
_REFUND_STEPS = {
    RefundStatus.PENDING: ("refund", "is under way"),
    RefundStatus.COMPLETED: ("refund-done", "is done"),
    RefundStatus.FAILED: ("refund-failed", "failed: the amount stays with us"),
}
_DISPUTE_ENDS = {
    DisputeStatus.WON: ("dispute-won", "won: the money stays with us"),
    DisputeStatus.LOST: ("dispute-lost", "lost: the bank took the money"),
}


def tell(accounts: Sequence[Account]) -> Iterator[Entry]:
    """What happened to these payments, in no order: one query more for all of them."""
    for account in accounts:
        yield from _payment(account.payment)
    refunds = {refund.id: refund for account in accounts for refund in account.refunds}
    disputes = {dispute.id: dispute for account in accounts for dispute in account.disputes}
    for entry in _audited({*refunds, *disputes}):
        if entry.subject_id in refunds:
            yield from _refund(refunds[entry.subject_id], entry)
        elif entry.subject_id in disputes:
            yield from _dispute(disputes[entry.subject_id], entry)


def _payment(payment: Payment) -> Iterator[Entry]:
    gateway = cells.gateway_name(payment.gateway)
    yield Entry(payment.created_at, "payment", f"Payment started with {gateway}", row=payment)
    if payment.failed_at:
        title = f"{gateway}: payment failed"
        yield Entry(payment.failed_at, "payment-failed", title, payment.error_code or "", row=payment)
    if payment.completed_at:
        yield Entry(payment.completed_at, "payment-done", f"{gateway}: paid", row=payment)


def _audited(keys: set[UUID]) -> list[AuditEntry]:
    """Their steps are told by the audit log alone: a row knows only where it stands now."""
    if not keys:
        return []
    tables = (Refund.__tablename__, Dispute.__tablename__)
    query = (
        select(AuditEntry)
        .where(AuditEntry.subject_type.in_(tables), AuditEntry.subject_id.in_(keys))
        .options(joinedload(AuditEntry.actor))
        .order_by(AuditEntry.created_at.desc())
        .limit(_MOST)
    )
    return list(db.session.scalars(query))


def _refund(refund: Refund, step: AuditEntry) -> Iterator[Entry]:
    amount, gateway = cells.money(refund.amount), cells.gateway_name(refund.gateway)
    if step.action == "refund.requested":
        yield Entry(step.created_at, "refund", f"Refund of {amount} asked for", refund.reason or "", who_of(step))
    elif step.action == "refund.taken_in":
        yield Entry(step.created_at, "refund", f"Refund of {amount} made at {gateway}, not in this console")
    elif step.action == "refund.changed":
        kind, what = _REFUND_STEPS[RefundStatus(_after(step, "status"))]
        text = (refund.error_code or "") if kind == "refund-failed" else ""
        yield Entry(step.created_at, kind, f"Refund of {amount} {what}", text, gateway)


def _dispute(dispute: Dispute, step: AuditEntry) -> Iterator[Entry]:
    gateway = cells.gateway_name(dispute.gateway)
    if step.action == "dispute.opened":
        asked = Money(int(_after(step, "amount")), dispute.currency)
        title = f"Dispute over {cells.money(asked)}: the bank asks it back"
        yield Entry(step.created_at, "dispute", title, dispute.reason or "", gateway)
    elif step.action == "dispute.closed":
        kind, what = _DISPUTE_ENDS[DisputeStatus(_after(step, "status"))]
        yield Entry(step.created_at, kind, f"Dispute over {cells.money(dispute.amount)} {what}", who=gateway)


def _after(step: AuditEntry, name: str) -> str:
    return str(json.loads(step.changes)["after"][name])
