"""Razorpay's façade: Orders without idempotency, payments, captures, refunds, Checkout's script and hosted page."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from tests.simulator import razorpay_objects as objects
from tests.simulator.ledger import Attempt, Ledger, Order, Refund, Refusal
from tests.simulator.pages import outcome_page, script
from tests.simulator.postman import Letter, Postman

NAME = "razorpay"
KEY_ID, KEY_SECRET, WEBHOOK_SECRET = "rzp_test_simulated", "simulated-key-secret", "simulated-webhook-secret"
OUTCOMES = ("paid", "authorized", "payment_declined", "insufficient_funds", "card_expired", "payment_timed_out")
_ORDER_FIELDS = {"amount", "currency", "receipt", "notes", "payment_capture"}
_REFUSALS = {
    "other_body": "Different request body sent with same idempotency key",
    "unknown": "The id provided does not exist",
    "too_much": "The total refund amount is greater than the refund payment amount",
    "not_paid": "The payment status should be captured for action to be taken",
    "already_paid": "Order is already paid",
    "already_captured": "This payment has already been captured",
    "not_authorized": "Only payments which have been authorized and not yet captured can be captured",
}


class RazorpayCompany:
    def __init__(self, ledger: Ledger, postman: Postman) -> None:
        self.ledger = ledger
        self.postman = postman
        self.blueprint = self._blueprint()

    # What payers, banks and the dashboard do.

    def pay(self, order_id: str, outcome: str = "paid") -> Attempt:
        """`outcome` is paid, authorized, or the reason of a failure."""
        order = self.ledger.find(order_id)
        if outcome in {"paid", "authorized"}:
            attempt = self.ledger.pay(order, "pay_", outcome)
            self._announce("payment.authorized", attempt, status="authorized")
            if outcome == "paid":
                self._announce("payment.captured", attempt)
                self._announce("order.paid", attempt, with_order=True)
            return attempt
        attempt = self.ledger.pay(order, "pay_", "failed", outcome)
        self._announce("payment.failed", attempt)
        return attempt

    def arrive_late(self, attempt: Attempt) -> None:
        """The bank settles a payment that was thought lost."""
        attempt.status, attempt.error = "paid", None
        self._announce("payment.authorized", attempt, status="authorized")
        self._announce("payment.captured", attempt)

    def refund(self, payment_id: str, amount: int | None = None, told: dict[str, Any] | None = None) -> Refund:
        attempt = self.ledger.find_attempt(payment_id)
        refund = self.ledger.refund(attempt, "rfnd_", amount, told or {})
        for name in ("refund.created", "refund.processed"):
            self._announce(name, attempt, refund=objects.refund(attempt, refund))
        return refund

    def settle_refund(self, refund: Refund, status: str) -> None:
        refund.status = status
        attempt = next(a for o in self.ledger.of(NAME) for a in o.attempts if refund in a.refunds)
        name = "refund.failed" if status == "failed" else "refund.processed"
        self._announce(name, attempt, refund=objects.refund(attempt, refund))

    def dispute(self, payment_id: str, status: str = "open", amount: int | None = None) -> None:
        """`closed` ends one for which nothing was taken."""
        attempt = self.ledger.find_attempt(payment_id)
        self.ledger.dispute(attempt, "won" if status == "closed" else status, amount)
        name = "payment.dispute.created" if status == "open" else f"payment.dispute.{status}"
        self._announce(name, attempt, dispute=objects.dispute(attempt, status))

    def signature_of_return(self, order_id: str, payment_id: str) -> str:
        return _hmac(f"{order_id}|{payment_id}".encode(), KEY_SECRET)

    def _announce(
        self, name: str, attempt: Attempt, *, status: str | None = None, with_order: bool = False, **more: Any
    ) -> None:
        payment = objects.payment(attempt) | ({"status": status, "captured": False} if status else {})
        entities = {"payment": payment, **more} | ({"order": objects.order(attempt.order)} if with_order else {})
        payload = {kind: {"entity": entity} for kind, entity in entities.items()}
        event = {"entity": "event", "account_id": "acc_simulated", "event": name, "contains": list(payload)}
        body = json.dumps(event | {"payload": payload, "created_at": attempt.created}).encode()
        signing = partial(sign, secret=WEBHOOK_SECRET, event_id=self.ledger.new_id(""))
        self.postman.send(Letter(NAME, name, body, signing))

    # What its API answers.

    def _blueprint(self) -> Blueprint:
        bp = Blueprint(NAME, __name__, url_prefix=f"/{NAME}")
        bp.before_request(_check_key)
        bp.register_error_handler(Refusal, _refused)
        bp.add_url_rule("/v1/orders", view_func=self._make_order, methods=["POST"])
        bp.add_url_rule("/v1/orders", view_func=self._list_orders)
        bp.add_url_rule("/v1/orders/<order_id>", view_func=self._show_order)
        bp.add_url_rule("/v1/orders/<order_id>/payments", view_func=self._list_payments)
        bp.add_url_rule("/v1/payments/<payment_id>/capture", view_func=self._capture, methods=["POST"])
        bp.add_url_rule("/v1/payments/<payment_id>/refund", view_func=self._refund, methods=["POST"])
        bp.add_url_rule("/v1/payments/<payment_id>/refunds", view_func=self._list_refunds)
        bp.add_url_rule("/v1/checkout/embedded", view_func=self._page, methods=["POST"])
        bp.add_url_rule("/simulated/pay", view_func=self._pay_in_page, methods=["POST"])
        bp.add_url_rule("/v1/checkout.js", view_func=lambda: script("razorpay.js"), endpoint="script")
        return bp

    def _make_order(self) -> Response:
        """No idempotency: the same receipt twice makes two orders."""
        told = request.get_json()
        if unknown := set(told) - _ORDER_FIELDS:
            return _error(400, f"{unknown} is/are not required and should not be sent")
        if told["currency"] == "INR" and told["amount"] < 100:
            return _error(400, "Order amount less than minimum amount allowed")
        with self.ledger.lock:
            order = self.ledger.open(NAME, "order_", told["amount"], told["currency"], told)
        return jsonify(objects.order(order))

    def _list_orders(self) -> Response:
        receipt = request.args.get("receipt")
        found = [order for order in self.ledger.of(NAME) if receipt in {None, order.told.get("receipt")}]
        return _collection([objects.order(order) for order in found[:10]])

    def _show_order(self, order_id: str) -> Response:
        return jsonify(objects.order(self.ledger.find(order_id)))

    def _list_payments(self, order_id: str) -> Response:
        return _collection([objects.payment(attempt) for attempt in self.ledger.find(order_id).attempts])

    def _capture(self, payment_id: str) -> Response:
        attempt = self.ledger.find_attempt(payment_id)
        told = request.get_json()
        if (told["amount"], told["currency"]) != (attempt.order.amount, attempt.order.currency):
            return _error(400, "Capture amount must be equal to the amount authorized")
        self.ledger.capture(attempt)
        self._announce("payment.captured", attempt)
        return jsonify(objects.payment(attempt))

    def _refund(self, payment_id: str) -> Response:
        told = request.get_json()

        def work() -> dict[str, Any]:
            refund = self.refund(payment_id, told.get("amount"), told.get("notes"))
            return objects.refund(self.ledger.find_attempt(payment_id), refund)

        key = request.headers.get("X-Refund-Idempotency")
        return jsonify(self.ledger.once(NAME, key, request.get_data(), work))

    def _list_refunds(self, payment_id: str) -> Response:
        attempt = self.ledger.find_attempt(payment_id)
        return _collection([objects.refund(attempt, refund) for refund in attempt.refunds])

    def _page(self) -> ResponseReturnValue:
        fields = {name: value for name, value in request.form.items() if name != "outcome"}
        order = self.ledger.find(fields["order_id"])
        if "outcome" not in request.form:
            return outcome_page("Razorpay", order, OUTCOMES, fields)
        attempt = self.pay(order.id, request.form["outcome"])
        if attempt.error:
            return redirect(fields["cancel_url"], 303)
        return _form_that_posts_itself(fields["callback_url"], self._brought_back(order, attempt))

    def _pay_in_page(self) -> Response:
        order = self.ledger.find(request.form["order_id"])
        attempt = self.pay(order.id, request.form["outcome"])
        if attempt.error:
            return jsonify(error=objects.error(attempt))
        return jsonify(self._brought_back(order, attempt))

    def _brought_back(self, order: Order, attempt: Attempt) -> dict[str, str]:
        return {
            "razorpay_payment_id": attempt.id,
            "razorpay_order_id": order.id,
            "razorpay_signature": self.signature_of_return(order.id, attempt.id),
        }


def sign(body: bytes, *, secret: str, event_id: str) -> Mapping[str, str]:
    return {"X-Razorpay-Signature": _hmac(body, secret), "x-razorpay-event-id": event_id}


def _hmac(message: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _form_that_posts_itself(address: str, fields: dict[str, str]) -> str:
    """As Razorpay's page does, here with a button."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    return f'<!doctype html><form method="post" action="{address}">{inputs}<button>Return to the shop</button></form>'


def _check_key() -> Response | None:
    if not request.path.startswith((f"/{NAME}/v1/orders", f"/{NAME}/v1/payments")):
        return None
    given = request.authorization
    if given and (given.username, given.password) == (KEY_ID, KEY_SECRET):
        return None
    return _error(401, "Authentication failed")


def _refused(refusal: Refusal) -> Response:
    return _error(400, _REFUSALS[refusal.code])


def _error(status: int, description: str) -> Response:
    answer = jsonify(error={"code": "BAD_REQUEST_ERROR", "description": description, "source": "NA", "reason": "NA"})
    answer.status_code = status
    return answer


def _collection(items: list[Any]) -> Response:
    return jsonify(entity="collection", count=len(items), items=items)
