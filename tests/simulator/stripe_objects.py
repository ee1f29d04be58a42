"""The ledger's rows as Stripe's API shows them."""

from typing import Any

from tests.simulator.ledger import Attempt, Ledger, Order, Refund, Refusal

LISTED = 10
"""So many refunds come with their charge, the newest first."""
_WORDS = {"success": "succeeded", "pending": "pending", "failed": "failed"}


def find(ledger: Ledger, intent_id: str) -> Order:
    """A session's intent has its number."""
    try:
        return ledger.find(intent_id)
    except Refusal:
        return ledger.find(intent_id.replace("pi_", "cs_", 1))


def client_secret(order: Order) -> str:
    return f"{order.id}_secret_simulated"


def intent(order: Order, *, is_expanded: bool = False) -> dict[str, Any]:
    last = order.paid or order.last
    labels = order.told.get("payment_intent_data", order.told)
    return {
        "id": intent_id(order),
        "object": "payment_intent",
        "amount": order.amount,
        "amount_received": order.amount if order.paid else 0,
        "currency": order.currency,
        "status": _status(order),
        "client_secret": client_secret(order),
        "created": order.created,
        "description": labels.get("description"),
        "latest_charge": None if last is None else charge(last, is_expanded=True) if is_expanded else last.id,
        "last_payment_error": error(last) if last and last.error else None,
        "livemode": False,
        "metadata": labels.get("metadata", {}),
    }


def intent_id(order: Order) -> str:
    return order.id.replace("cs_", "pi_", 1)


def error(attempt: Attempt) -> dict[str, Any]:
    """A bank's refusal has one code for all and says more in `decline_code`."""
    codes = {"code": attempt.error}
    if attempt.error == "insufficient_funds":
        codes = {"code": "card_declined", "decline_code": "insufficient_funds"}
    elif attempt.error == "card_declined":
        codes = {"code": "card_declined", "decline_code": "generic_decline"}
    return codes | {"message": "Your card was declined.", "type": "card_error"}


def charge(attempt: Attempt, *, is_expanded: bool = False) -> dict[str, Any]:
    order = attempt.order
    listed = refunds(attempt)[:LISTED]
    return {
        "id": attempt.id,
        "object": "charge",
        "amount": order.amount,
        "amount_captured": order.amount if attempt.status == "paid" else 0,
        "amount_refunded": attempt.refunded,
        "captured": attempt.status == "paid",
        "currency": order.currency,
        "metadata": order.told.get("metadata", {}),
        "paid": attempt.status == "paid",
        "payment_intent": intent_id(order),
        "refunded": attempt.refunded == order.amount,
        **(
            {"refunds": {"object": "list", "data": listed, "has_more": len(attempt.refunds) > LISTED}}
            if is_expanded
            else {}
        ),
    }


def refunds(attempt: Attempt) -> list[dict[str, Any]]:
    return [refund(attempt, each) for each in reversed(attempt.refunds)]


def refund(attempt: Attempt, given: Refund) -> dict[str, Any]:
    return {
        "id": given.id,
        "object": "refund",
        "amount": given.amount,
        "charge": attempt.id,
        "created": given.created,
        "currency": attempt.order.currency,
        "metadata": given.told,
        "payment_intent": intent_id(attempt.order),
        "status": _WORDS[given.status],
    }


def dispute(attempt: Attempt, status: str) -> dict[str, Any]:
    return {
        "id": f"dp_{attempt.id}",
        "object": "dispute",
        "amount": attempt.dispute.amount if attempt.dispute else attempt.order.amount,
        "charge": attempt.id,
        "currency": attempt.order.currency,
        "evidence_details": {"due_by": attempt.created + 7 * 86400},
        "payment_intent": intent_id(attempt.order),
        "reason": "fraudulent",
        "status": status,
    }


def session(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "object": "checkout.session",
        "amount_total": order.amount,
        "currency": order.currency,
        "client_reference_id": order.told.get("client_reference_id"),
        "metadata": order.told.get("metadata", {}),
        "mode": "payment",
        "payment_intent": intent_id(order) if order.attempts else None,
        "payment_status": "paid" if order.paid else "unpaid",
        "status": "complete" if order.paid else "expired" if order.is_cancelled else "open",
        "url": f"{order.told['origin']}stripe/pay/{order.id}",
    }


def _status(order: Order) -> str:
    if order.paid:
        return "succeeded"
    if order.is_cancelled:
        return "canceled"
    if order.last and order.last.status == "pending":
        return "processing"
    return "requires_payment_method"
