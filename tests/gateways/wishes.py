"""What is asked of gateways in these tests, with sensible defaults."""

from typing import Any
from uuid import uuid4

from app.gateways.base import PaymentIntentParams, PaymentSnapshot, RefundParams
from app.kit.money import Money


def to_pay(amount: Money, **changes: Any) -> PaymentIntentParams:
    key = str(uuid4())
    values = {
        "amount": amount,
        "description": "Company registration, Premium",
        "customer_name": "Kavya Iyer",
        "customer_email": "kavya.iyer@example.org",
        "customer_phone": "+917000012345",
        "idempotency_key": key,
        "return_url": "https://shop.example.com/back",
        "cancel_url": "https://shop.example.com/pay",
        "metadata": {"payment_id": key, "reference_number": "SR-7K3M-9QXW-2HTB"},
    }
    return PaymentIntentParams(**values | changes)


def to_refund(snapshot: PaymentSnapshot, minor: int, key: str | None = None) -> RefundParams:
    assert snapshot.gateway_intent_id
    assert snapshot.gateway_payment_id
    assert snapshot.amount
    return RefundParams(
        gateway_payment_id=snapshot.gateway_payment_id,
        gateway_intent_id=snapshot.gateway_intent_id,
        amount=Money(minor, snapshot.amount.currency),
        idempotency_key=key or str(uuid4()),
    )
