"""Chargebacks: shown with their deadline; won and lost are recorded, and a lost one counts as money gone."""

from sqlalchemy import select

from app.db import db
from app.gateways.base import DisputeNews
from app.kit import clock
from app.models import Dispute, DisputeStatus, EventOutcome, Payment
from app.workflows import audit, gateway_choice, notifications, payments, refunds
from app.workflows.audit import SYSTEM


def learn(payment: Payment, news: DisputeNews) -> EventOutcome:
    """Enter what a gateway says of a dispute over a locked payment. Won and lost are final."""
    if news.amount.currency != payment.currency:
        return EventOutcome.REVIEW
    dispute = _find(payment, news)
    is_new = dispute is None
    if dispute is None:
        dispute = _open(payment, news)
    dispute.evidence_due_at = news.evidence_due_at or dispute.evidence_due_at
    status = DisputeStatus(news.status)
    if status is dispute.status or dispute.status is not DisputeStatus.OPEN:
        return EventOutcome.APPLIED if is_new else EventOutcome.UNCHANGED
    _close(payment, dispute, news)
    return EventOutcome.APPLIED


def has_open(payment: Payment) -> bool:
    query = select(Dispute.id).where(Dispute.payment_id == payment.id, Dispute.status == DisputeStatus.OPEN)
    return db.session.scalar(query.limit(1)) is not None


def _find(payment: Payment, news: DisputeNews) -> Dispute | None:
    return db.session.scalar(
        select(Dispute).where(Dispute.gateway == payment.gateway, Dispute.gateway_dispute_id == news.gateway_dispute_id)
    )


def _open(payment: Payment, news: DisputeNews) -> Dispute:
    dispute = Dispute(
        payment_id=payment.id,
        gateway=payment.gateway,
        gateway_dispute_id=news.gateway_dispute_id,
        amount_minor=news.amount.minor,
        currency=news.amount.currency,
        status=DisputeStatus.OPEN,
        reason=(news.reason or "")[:100] or None,
        evidence_due_at=news.evidence_due_at,
    )
    db.session.add(dispute)
    db.session.flush()
    audit.record("dispute.opened", dispute, actor=SYSTEM, after={"amount": news.amount.minor})
    _tell(payment, dispute, f"The bank asks {news.amount.format()} back. Answer it at the gateway before its deadline.")
    return dispute


def _close(payment: Payment, dispute: Dispute, news: DisputeNews) -> None:
    dispute.status = DisputeStatus(news.status)
    dispute.amount_minor = news.amount.minor
    dispute.closed_at = clock.utc_now()
    after = {"status": dispute.status, "amount": dispute.amount_minor}
    audit.record("dispute.closed", dispute, actor=SYSTEM, after=after)
    db.session.flush()
    refunds.take_stock(payment)
    if gateway_choice.refunds_lost_disputes(payment.gateway):
        # Should the refund's own news be lost, this finds it.
        payments.ask_soon(payment)
    _tell(payment, dispute, f"The dispute was {dispute.status}.")


def _tell(payment: Payment, dispute: Dispute, text: str) -> None:
    reference = payment.service_request.reference_number
    notifications.alert(
        "dispute",
        f"Dispute over {reference}: {text}",
        service_request=payment.service_request,
        fold=f"{dispute.id}:{dispute.status}",
    )
