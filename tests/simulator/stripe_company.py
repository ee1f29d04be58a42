"""Stripe's façade: PaymentIntents, Checkout Sessions, refunds, and the script and page that take the card."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from tests.simulator import stripe_objects as objects
from tests.simulator.ledger import Attempt, Ledger, Order, Refund, Refusal
from tests.simulator.pages import outcome_page, script
from tests.simulator.postman import Letter, Postman

NAME = "stripe"
PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET = "pk_test_simulated", "sk_test_simulated", "whsec_simulated"
# The codes that Stripe gives for its test cards; None pays.
CARDS = {
    "4242424242424242": None,
    "4000000000000002": "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000002500003155": "authentication_required",
    "4000000000000119": "processing_error",
}
_INTENT_FIELDS = {"amount", "currency", "automatic_payment_methods", "description", "metadata"}
_DISPUTE_WORDS = {"won": "won", "warning_closed": "won", "lost": "lost"}
_REFUSALS = {
    "other_body": (400, "idempotency_error", None, "Keys for idempotent requests can only be used with the same body."),
    "unknown": (404, "invalid_request_error", "resource_missing", "No such object."),
    "too_much": (400, "invalid_request_error", "charge_already_refunded", "Refund is greater than what is left."),
    "not_paid": (400, "invalid_request_error", "payment_intent_unexpected_state", "It has no successful charge."),
    "already_paid": (400, "invalid_request_error", "payment_intent_unexpected_state", "It has succeeded already."),
    "cancelled": (400, "invalid_request_error", "payment_intent_unexpected_state", "It was canceled."),
    "in_use": (409, "idempotency_error", "idempotency_key_in_use", "Another request with this key is being worked on."),
}


class StripeCompany:
    def __init__(self, ledger: Ledger, postman: Postman) -> None:
        self.ledger = ledger
        self.postman = postman
        self.blueprint = self._blueprint()

    # What payers, banks and the dashboard do.

    def pay(self, intent_id: str, card: str = "4242424242424242") -> Attempt:
        return self.charge(self.ledger.find(intent_id), CARDS[card])

    def charge(self, order: Order, error: str | None) -> Attempt:
        attempt = self.ledger.pay(order, "ch_", "failed" if error else "paid", error)
        name = "payment_intent.payment_failed" if error else "payment_intent.succeeded"
        self.announce(name, objects.intent(order))
        if not error and order.id.startswith("cs_"):
            self.announce("checkout.session.completed", objects.session(order))
        return attempt

    def cancel(self, intent_id: str) -> None:
        order = self.ledger.find(intent_id)
        order.is_cancelled = True
        self.announce("payment_intent.canceled", objects.intent(order))

    def refund(self, intent_id: str, amount: int | None = None, told: dict[str, Any] | None = None) -> Refund:
        attempt = self._paid(intent_id)
        refund = self.ledger.refund(attempt, "re_", amount, told or {})
        self.announce("refund.created", objects.refund(attempt, refund))
        self.announce("charge.refunded", objects.charge(attempt))
        return refund

    def settle_refund(self, refund: Refund, status: str) -> None:
        refund.status = status
        attempt = next(a for o in self.ledger.of(NAME) for a in o.attempts if refund in a.refunds)
        name = "refund.failed" if status == "failed" else "refund.updated"
        self.announce(name, objects.refund(attempt, refund))

    def dispute(self, intent_id: str, status: str = "needs_response", amount: int | None = None) -> None:
        attempt = self._paid(intent_id)
        self.ledger.dispute(attempt, _DISPUTE_WORDS.get(status, "open"), amount)
        name = "charge.dispute.created" if status == "needs_response" else "charge.dispute.closed"
        self.announce(name, objects.dispute(attempt, status))

    def announce(self, name: str, told: dict[str, Any]) -> Letter:
        event = {"id": self.ledger.new_id("evt_"), "object": "event", "type": name, "created": int(time.time())}
        body = json.dumps(event | {"livemode": False, "data": {"object": told}}).encode()
        letter = Letter(NAME, name, body, partial(sign, secret=WEBHOOK_SECRET))
        self.postman.send(letter)
        return letter

    def _paid(self, intent_id: str) -> Attempt:
        attempt = objects.find(self.ledger, intent_id).paid
        if attempt is None:
            raise Refusal("not_paid")
        return attempt

    # What its API answers.

    def _blueprint(self) -> Blueprint:
        bp = Blueprint(NAME, __name__, url_prefix=f"/{NAME}")
        bp.before_request(_check_key)
        bp.register_error_handler(Refusal, _refused)
        bp.add_url_rule("/v1/payment_intents", view_func=self._open_intent, methods=["POST"])
        bp.add_url_rule("/v1/payment_intents", view_func=self._list_intents)
        bp.add_url_rule("/v1/payment_intents/<intent_id>", view_func=self._show_intent)
        bp.add_url_rule("/v1/payment_intents/<intent_id>/confirm", view_func=self._confirm, methods=["POST"])
        bp.add_url_rule("/v1/checkout/sessions", view_func=self._open_session, methods=["POST"])
        bp.add_url_rule("/v1/checkout/sessions/<session_id>", view_func=self._show_session)
        bp.add_url_rule("/v1/refunds", view_func=self._refund, methods=["POST"])
        bp.add_url_rule("/v1/refunds", view_func=self._list_refunds)
        bp.add_url_rule("/pay/<session_id>", view_func=self._page, methods=["GET", "POST"])
        bp.add_url_rule("/v3/", view_func=lambda: script("stripe.js"), endpoint="script")
        return bp

    def _open_intent(self) -> Response:
        form = nested(request.form)
        if unknown := set(form) - _INTENT_FIELDS:
            return _error(400, "invalid_request_error", "parameter_unknown", f"Received unknown parameter: {unknown}")
        return jsonify(self._once(lambda: objects.intent(self._open("pi_", form))))

    def _open(self, prefix: str, form: dict[str, Any]) -> Order:
        return self.ledger.open(NAME, prefix, int(form["amount"]), form["currency"], form)

    def _list_intents(self) -> Response:
        return jsonify(object="list", data=[], has_more=False, url="/v1/payment_intents")

    def _show_intent(self, intent_id: str) -> Response:
        expand = request.args.getlist("expand[0]") + request.args.getlist("expand[]")
        order = objects.find(self.ledger, intent_id)
        return jsonify(objects.intent(order, is_expanded="latest_charge.refunds" in expand))

    def _confirm(self, intent_id: str) -> Response:
        """What the script in the page calls, with the publishable key and the client secret."""
        order = self.ledger.find(intent_id)
        if request.form["client_secret"] != objects.client_secret(order):
            raise Refusal("unknown")
        attempt = self.charge(order, CARDS[request.form["card"].replace(" ", "")])
        if attempt.error:
            body = {"error": {"type": "card_error", **objects.error(attempt), "payment_intent": objects.intent(order)}}
            answer = jsonify(body)
            answer.status_code = 402
            return answer
        return jsonify(objects.intent(order))

    def _open_session(self) -> Response:
        form = nested(request.form)
        price = form["line_items"]["0"]["price_data"]
        told = form | {"amount": price["unit_amount"], "currency": price["currency"]}
        told["origin"] = request.host_url
        return jsonify(self._once(lambda: objects.session(self._open("cs_", told))))

    def _show_session(self, session_id: str) -> Response:
        return jsonify(objects.session(self.ledger.find(session_id)))

    def _refund(self) -> Response:
        form = nested(request.form)

        def work() -> dict[str, Any]:
            refund = self.refund(form["payment_intent"], int(form["amount"]), form.get("metadata", {}))
            return objects.refund(self._paid(form["payment_intent"]), refund)

        return jsonify(self._once(work))

    def _list_refunds(self) -> Response:
        listed = objects.refunds(self._paid(request.args["payment_intent"]))
        most = int(request.args.get("limit", objects.LISTED))
        return jsonify(object="list", data=listed[:most], has_more=len(listed) > most, url="/v1/refunds")

    def _page(self, session_id: str) -> ResponseReturnValue:
        order = self.ledger.find(session_id)
        if request.method == "GET":
            return outcome_page("Stripe", order, list(CARDS))
        attempt = self.charge(order, CARDS[request.form["outcome"]])
        return redirect(order.told["cancel_url" if attempt.error else "success_url"], 303)

    def _once(self, work: Any) -> Any:
        return self.ledger.once(NAME, request.headers.get("Idempotency-Key"), request.get_data(), work)


def sign(body: bytes, *, secret: str, at: int | None = None) -> Mapping[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={digest}"}


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """`a[b][c]=d` as {"a": {"b": {"c": "d"}}}."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        *outer, last = name.replace("]", "").split("[")
        branch = tree
        for part in outer:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def _check_key() -> Response | None:
    request.get_data()
    if not request.path.startswith(f"/{NAME}/v1/"):
        return None
    given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.form.get("key", "")
    allowed = {SECRET_KEY, PUBLISHABLE_KEY} if request.path.endswith("/confirm") else {SECRET_KEY}
    return None if given in allowed else _error(401, "invalid_request_error", None, "Invalid API Key provided")


def _refused(refusal: Refusal) -> Response:
    return _error(*_REFUSALS[refusal.code])


def _error(status: int, kind: str, code: str | None, message: str) -> Response:
    answer = jsonify(error={"type": kind, "code": code, "message": message})
    answer.status_code = status
    return answer
