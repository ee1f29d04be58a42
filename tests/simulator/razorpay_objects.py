"""The ledger's rows as Razorpay's API shows them."""

from typing import Any

from tests.simulator.ledger import Attempt, Order, Refund

_WORDS = {"success": "processed", "pending": "pending", "failed": "failed"}


def order(given: Order) -> dict[str, Any]:
    return {
        "id": given.id,
        "entity": "order",
        "amount": given.amount,
        "amount_paid": given.amount if given.paid else 0,
        "amount_due": 0 if given.paid else given.amount,
        "attempts": len(given.attempts),
        "created_at": given.created,
        "currency": given.currency,
        # An empty object comes as an empty list.
        "notes": given.told.get("notes") or [],
        "receipt": given.told.get("receipt"),
        "status": "paid" if given.paid else "attempted" if given.attempts else "created",
    }


def payment(attempt: Attempt) -> dict[str, Any]:
    refunded = attempt.refunded
    is_paid = attempt.status == "paid"
    status = {"paid": "captured", "pending": "created"}.get(attempt.status, attempt.status)
    return {
        "id": attempt.id,
        "entity": "payment",
        "acquirer_data": {"rrn": attempt.id[-12:]} if is_paid else {},
        "amount": attempt.order.amount,
        "amount_refunded": refunded,
        "captured": is_paid,
        "created_at": attempt.created,
        "currency": attempt.order.currency,
        "method": "upi",
        "notes": [],
        "order_id": attempt.order.id,
        "refund_status": ("full" if refunded == attempt.order.amount else "partial") if refunded else None,
        "status": "refunded" if is_paid and refunded == attempt.order.amount else status,
        **{f"error_{name}": value for name, value in error(attempt).items() if name != "metadata"},
    }


def error(attempt: Attempt) -> dict[str, Any]:
    if attempt.error is None:
        return dict.fromkeys(("code", "description", "source", "step", "reason"))
    code = "GATEWAY_ERROR" if attempt.error == "payment_timed_out" else "BAD_REQUEST_ERROR"
    return {
        "code": code,
        "description": "Your payment could not be completed.",
        "source": "bank",
        "step": "payment_authorization",
        "reason": attempt.error,
        "metadata": {"payment_id": attempt.id, "order_id": attempt.order.id},
    }


def refund(attempt: Attempt, given: Refund) -> dict[str, Any]:
    return {
        "id": given.id,
        "entity": "refund",
        "amount": given.amount,
        "created_at": given.created,
        "currency": attempt.order.currency,
        "notes": given.told or [],
        "payment_id": attempt.id,
        "receipt": None,
        "status": _WORDS[given.status],
    }


def dispute(attempt: Attempt, status: str) -> dict[str, Any]:
    amount = attempt.dispute.amount if attempt.dispute else attempt.order.amount
    return {
        "id": f"disp_{attempt.id}",
        "entity": "dispute",
        "amount": amount,
        "amount_deducted": amount if status == "lost" else 0,
        "currency": attempt.order.currency,
        "payment_id": attempt.id,
        "phase": "chargeback",
        "reason_code": "goods_or_services_not_received",
        "respond_by": attempt.created + 7 * 86400,
        "status": status,
    }
