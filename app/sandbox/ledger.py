"""What the Sandbox company remembers: payments asked of it, what the payer chose, refunds."""

import secrets

from sqlalchemy import func, select

from app.db import db, one_statement, transaction, unsynced
from app.errors import InvalidInput, NotFound
from app.extensions import links
from app.gateways.base import (
    GatewayError,
    PaymentIntent,
    PaymentIntentParams,
    PaymentSnapshot,
    RefundNews,
    RefundParams,
    RefundResult,
    SnapshotStatus,
)
from app.gateways.sandbox import FAILURES
from app.kit import clock, ids
from app.kit.money import Money
from app.models import SandboxPayment, SandboxRefund, SandboxStatus
from app.sandbox.outcomes import OUTCOMES
from app.workflows.fresh_rows import Condition, draft, insert_rows

_SEPARATOR = "_secret_"


class DatabaseLedger:
    """The ledger in our own database. Each call is a transaction of its own, as it would be at a real company."""

    def open(self, params: PaymentIntentParams) -> PaymentIntent:
        """The same idempotency key gives the same intent."""
        with one_statement(is_synced=False):
            payment = _insert(params)
        return PaymentIntent(
            gateway="sandbox",
            gateway_intent_id=payment.intent_id,
            client_secret=payment.client_secret,
            amount=Money(payment.amount_minor, payment.currency),
            redirect_url=f"{links().base_url}/sandbox/pay/{payment.client_secret}",
        )

    def snapshot(self, intent_id: str) -> PaymentSnapshot | None:
        payment = _find(SandboxPayment.intent_id == intent_id)
        return None if payment is None else snapshot_of(payment)

    def refund(self, params: RefundParams) -> RefundResult:
        """Refuses more than was paid and not yet given back; the same idempotency key refunds once."""
        with transaction() as session:
            payment = _get_locked(SandboxPayment.intent_id == params.gateway_intent_id)
            refund = session.scalar(
                select(SandboxRefund).where(SandboxRefund.idempotency_key == params.idempotency_key)
            )
            if refund is None:
                _ensure_refundable(payment, params.amount)
                refund = SandboxRefund(
                    sandbox_payment_id=payment.id,
                    idempotency_key=params.idempotency_key,
                    amount_minor=params.amount.minor,
                )
                session.add(refund)
        return RefundResult(f"sbr_{refund.id.hex}", Money(refund.amount_minor, payment.currency), "success")


def find_payment(client_secret: str) -> SandboxPayment:
    """The payment a client secret opens. Raises NotFound."""
    intent_id, _, _ = client_secret.partition(_SEPARATOR)
    payment = _find(SandboxPayment.intent_id == intent_id)
    if payment is None or not secrets.compare_digest(payment.client_secret.encode(), client_secret.encode()):
        raise NotFound("This payment page does not exist.")
    return payment


def decide(payment: SandboxPayment, outcome: str) -> bool:
    """Enter what the payer chose, in the caller's transaction; False when it was decided before.

    Raises InvalidInput for an outcome the company does not offer.
    """
    if outcome not in OUTCOMES:
        raise InvalidInput("Choose one of the outcomes.", details={"outcome": "Choose one of the outcomes."})
    locked = _get_locked(SandboxPayment.id == payment.id)
    if locked.status is not SandboxStatus.OPEN:
        return False
    chosen = OUTCOMES[outcome]
    locked.outcome = outcome
    locked.status = chosen.status
    locked.settles_at = clock.utc_now() + chosen.settles_after
    return True


def snapshot_of(payment: SandboxPayment) -> PaymentSnapshot:
    status = _status(payment)
    failed = status is SnapshotStatus.FAILED
    return PaymentSnapshot(
        status=status,
        gateway_intent_id=payment.intent_id,
        gateway_payment_id=None if status is SnapshotStatus.PENDING else f"sbp_{payment.id.hex}",
        amount=Money(payment.amount_minor, payment.currency),
        failure=FAILURES.get(OUTCOMES[payment.outcome].error or "") if failed and payment.outcome else None,
        refunds=_refunds(payment),
        metadata={"payment_id": payment.payment_reference},
    )


def _status(payment: SandboxPayment) -> SnapshotStatus:
    if payment.settles_at is None or payment.settles_at > clock.utc_now():
        return SnapshotStatus.PENDING
    return {
        SandboxStatus.OPEN: SnapshotStatus.PENDING,
        SandboxStatus.APPROVED: SnapshotStatus.PAID,
        SandboxStatus.DECLINED: SnapshotStatus.FAILED,
    }[payment.status]


def _insert(params: PaymentIntentParams) -> SandboxPayment:
    """The new payment, or the one that an earlier call with the same idempotency key made."""
    intent_id = f"sbi_{ids.new_id().hex}"
    payment = draft(
        SandboxPayment,
        idempotency_key=params.idempotency_key,
        intent_id=intent_id,
        client_secret=f"{intent_id}{_SEPARATOR}{secrets.token_urlsafe(16)}",
        amount_minor=params.amount.minor,
        currency=params.amount.currency,
        description=params.description,
        return_url=params.return_url,
        payment_reference=params.metadata.get("payment_id", ""),
    )
    unsynced_here = Condition(unsynced(db.session.get_bind().dialect.name))
    if insert_rows(beside=[payment], only_if=unsynced_here):
        return payment
    return _get_locked(SandboxPayment.idempotency_key == params.idempotency_key)


def _find(condition: object) -> SandboxPayment | None:
    return db.session.scalar(select(SandboxPayment).where(condition))  # type: ignore[arg-type]


def _get_locked(condition: object) -> SandboxPayment:
    query = select(SandboxPayment).where(condition).with_for_update(key_share=True)  # type: ignore[arg-type]
    payment = db.session.scalar(query.execution_options(populate_existing=True))
    if payment is None:
        raise GatewayError("Sandbox knows no such payment.")
    return payment


def _refunded(payment: SandboxPayment) -> int:
    total = select(func.sum(SandboxRefund.amount_minor)).where(SandboxRefund.sandbox_payment_id == payment.id)
    # PostgreSQL sums large integers to a decimal.
    return int(db.session.scalar(total) or 0)


def _refunds(payment: SandboxPayment) -> tuple[RefundNews, ...]:
    rows = db.session.scalars(select(SandboxRefund).where(SandboxRefund.sandbox_payment_id == payment.id))
    return tuple(
        RefundNews(f"sbr_{row.id.hex}", Money(row.amount_minor, payment.currency), "success", row.idempotency_key)
        for row in rows
    )


def _ensure_refundable(payment: SandboxPayment, amount: Money) -> None:
    if _status(payment) is not SnapshotStatus.PAID:
        raise GatewayError("Sandbox: this payment is not paid, so nothing can be refunded.")
    left = Money(payment.amount_minor - _refunded(payment), payment.currency)
    if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
        raise GatewayError(f"Sandbox: up to {left.format()} is left to refund.")
