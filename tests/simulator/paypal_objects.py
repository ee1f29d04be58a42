"""The ledger's rows as PayPal's API shows them. The ledger counts hundredths here."""

from typing import Any

from tests.simulator.ledger import Attempt, Order, Refund

_WHOLE = {"HUF", "JPY", "TWD"}
_REFUND_WORDS = {"success": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}


def money(hundredths: int, currency: str) -> dict[str, str]:
    whole, rest = divmod(hundredths, 100)
    return {"currency_code": currency, "value": str(whole) if currency in _WHOLE else f"{whole}.{rest:02d}"}


def order(given: Order, address: str) -> dict[str, Any]:
    unit = given.told["purchase_units"][0] | {"reference_id": "default"}
    if given.attempts:
        refunds = [refund(attempt, each, address) for attempt in given.attempts for each in attempt.refunds]
        unit["payments"] = {"captures": [capture(attempt, address) for attempt in given.attempts]}
        unit["payments"] |= {"refunds": refunds} if refunds else {}
    page = {"href": f"{address}/checkoutnow?token={given.id}", "rel": "payer-action", "method": "GET"}
    return {
        "id": given.id,
        "intent": "CAPTURE",
        "status": _status(given),
        "purchase_units": [unit],
        "links": [{"href": f"{address}/v2/checkout/orders/{given.id}", "rel": "self", "method": "GET"}, page],
    }


def capture(attempt: Attempt, address: str) -> dict[str, Any]:
    unit = attempt.order.told["purchase_units"][0]
    told = {
        "id": attempt.id,
        "status": _capture_status(attempt),
        "amount": money(attempt.order.amount, attempt.order.currency),
        "custom_id": unit.get("custom_id"),
        "final_capture": True,
        "supplementary_data": {"related_ids": {"order_id": attempt.order.id}},
        "links": [{"href": f"{address}/v2/checkout/orders/{attempt.order.id}", "rel": "up", "method": "GET"}],
    }
    return told | ({"processor_response": {"response_code": "5120"}} if attempt.status == "failed" else {})


def refund(attempt: Attempt, given: Refund, address: str) -> dict[str, Any]:
    own = attempt.order.told["purchase_units"][0].get("custom_id")
    return {
        "id": given.id,
        "status": _REFUND_WORDS[given.status],
        "amount": money(given.amount, attempt.order.currency),
        "custom_id": given.told.get("custom_id", own),
        "links": [
            {"href": f"{address}/v2/payments/refunds/{given.id}", "rel": "self", "method": "GET"},
            {"href": f"{address}/v2/payments/captures/{attempt.id}", "rel": "up", "method": "GET"},
        ],
    }


def dispute(attempt: Attempt, outcome: str | None, taken: int | None) -> dict[str, Any]:
    currency = attempt.order.currency
    amount = attempt.dispute.amount if attempt.dispute else attempt.order.amount
    told = {
        "dispute_id": f"PP-D-{attempt.id}",
        "disputed_transactions": [{"seller_transaction_id": attempt.id}],
        "dispute_amount": money(amount, currency),
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "seller_response_due_date": "2030-01-31T12:00:00.000Z",
        "status": "RESOLVED" if outcome else "WAITING_FOR_SELLER_RESPONSE",
    }
    if outcome is None:
        return told
    back = amount if taken is None else taken
    return told | {"dispute_outcome": {"outcome_code": outcome, "amount_refunded": money(back, currency)}}


def _status(given: Order) -> str:
    if given.attempts:
        return "COMPLETED"
    if given.is_cancelled:
        return "VOIDED"
    return "APPROVED" if given.is_approved else "PAYER_ACTION_REQUIRED"


def _capture_status(attempt: Attempt) -> str:
    if attempt.status != "paid":
        return {"pending": "PENDING", "failed": "DECLINED"}[attempt.status]
    if attempt.refunded == 0:
        return "COMPLETED"
    return "REFUNDED" if attempt.refunded == attempt.order.amount else "PARTIALLY_REFUNDED"
