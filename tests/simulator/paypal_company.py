"""PayPal's façade: tokens, Orders v2, captures, refunds, the page that approves, and webhooks signed by certificate."""

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from tests.simulator import paypal_objects as objects
from tests.simulator.certificates import Authority, Signer
from tests.simulator.ledger import Attempt, Ledger, Order, Refund, Refusal
from tests.simulator.pages import outcome_page
from tests.simulator.postman import Letter, Postman

NAME = "paypal"
CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID = "simulated-client", "simulated-client-secret", "8PT597110X687430LKGECATA"
_WHOLE = {"HUF", "JPY", "TWD"}
_TAKING = {"RESOLVED_BUYER_FAVOUR": "REVERSED", "ACCEPTED": "REFUNDED"}
_REFUSALS = {
    "other_body": (422, "DUPLICATE_REQUEST_ID"),
    "unknown": (404, "INVALID_RESOURCE_ID"),
    "too_much": (422, "REFUND_AMOUNT_EXCEEDED"),
    "not_paid": (422, "CAPTURE_NOT_COMPLETED"),
    "already_paid": (422, "ORDER_ALREADY_CAPTURED"),
    "not_approved": (422, "ORDER_NOT_APPROVED"),
    "declined": (422, "INSTRUMENT_DECLINED"),
    "decimals": (422, "DECIMALS_NOT_SUPPORTED"),
    "in_use": (409, "PREVIOUS_REQUEST_IN_PROGRESS"),
}


class PayPalCompany:
    def __init__(self, ledger: Ledger, postman: Postman) -> None:
        self.ledger = ledger
        self.postman = postman
        self.address = ""
        self.authority = Authority()
        self.certificates: dict[str, bytes] = {}
        self.signer = self.authority.issue()
        self.certificates["CERT-simulated"] = self.authority.chain(self.signer)
        self.tokens: set[str] = set()
        self.blueprint = self._blueprint()

    # What payers and the dashboard do.

    def approve(self, order_id: str, *, is_declined: bool = False) -> None:
        order = self.ledger.find(order_id)
        order.is_approved, order.told["is_declined"] = True, is_declined
        self.announce("CHECKOUT.ORDER.APPROVED", objects.order(order, self.address))

    def pay(self, order_id: str, status: str = "paid") -> Attempt:
        """Approve and capture, as it is after our own capture."""
        self.approve(order_id)
        return self.capture(self.ledger.find(order_id), status)

    def capture(self, order: Order, status: str = "paid") -> Attempt:
        if not order.is_approved:
            raise Refusal("not_approved")
        if order.told.get("is_declined"):
            raise Refusal("declined")
        attempt = self.ledger.pay(order, "CAP", status)
        name = {"paid": "COMPLETED", "pending": "PENDING", "failed": "DENIED"}[status]
        self.announce(f"PAYMENT.CAPTURE.{name}", objects.capture(attempt, self.address))
        return attempt

    def give_up(self, order_id: str) -> None:
        """Nobody captured the approved order in time."""
        told = {"order_id": order_id, "purchase_units": []}
        self.announce("CHECKOUT.PAYMENT-APPROVAL.REVERSED", told)

    def refund(
        self, capture_id: str, amount: int | None = None, told: dict[str, Any] | None = None, *, how: str = "REFUNDED"
    ) -> Refund:
        attempt = self.ledger.find_attempt(capture_id)
        refund = self.ledger.refund(attempt, "REF", amount, told or {})
        self.announce(f"PAYMENT.CAPTURE.{how}", objects.refund(attempt, refund, self.address))
        return refund

    def dispute(
        self, capture_id: str, outcome: str | None = None, amount: int | None = None, *, taken: int | None = None
    ) -> None:
        """What a lost one takes, all of it unless told, goes as a refund of its own."""
        attempt = self.ledger.find_attempt(capture_id)
        status = "open" if outcome is None else "lost" if outcome in _TAKING else "won"
        dispute = self.ledger.dispute(attempt, status, amount)
        if status == "lost" and not dispute.is_refunded:
            dispute.is_refunded = True
            self.refund(capture_id, dispute.amount if taken is None else taken, how=_TAKING[str(outcome)])
        name = "CUSTOMER.DISPUTE.RESOLVED" if outcome else "CUSTOMER.DISPUTE.CREATED"
        self.announce(name, objects.dispute(attempt, outcome, taken))

    def announce(self, name: str, told: dict[str, Any]) -> Letter:
        event = {"id": f"WH-{self.ledger.new_id('')}", "event_version": "1.0", "event_type": name, "resource": told}
        letter = Letter(
            NAME, name, json.dumps(event).encode(), partial(sign, by=self.signer, certificate=self.url_of())
        )
        self.postman.send(letter)
        return letter

    def url_of(self, certificate: str = "CERT-simulated") -> str:
        return f"{self.address}/v1/notifications/certs/{certificate}"

    # What its API answers.

    def _blueprint(self) -> Blueprint:
        bp = Blueprint(NAME, __name__, url_prefix=f"/{NAME}")
        bp.before_request(self._check_token)
        bp.register_error_handler(Refusal, _refused)
        bp.add_url_rule("/v1/oauth2/token", view_func=self._give_token, methods=["POST"])
        bp.add_url_rule("/v1/notifications/certs/<name>", view_func=self._show_certificate)
        bp.add_url_rule("/v1/notifications/webhooks/<webhook_id>", view_func=self._show_webhook)
        bp.add_url_rule("/v2/checkout/orders", view_func=self._make_order, methods=["POST"])
        bp.add_url_rule("/v2/checkout/orders/<order_id>", view_func=self._show_order)
        bp.add_url_rule("/v2/checkout/orders/<order_id>/capture", view_func=self._capture, methods=["POST"])
        bp.add_url_rule("/v2/payments/captures/<capture_id>/refund", view_func=self._refund, methods=["POST"])
        bp.add_url_rule("/checkoutnow", view_func=self._page, methods=["GET", "POST"])
        return bp

    def _check_token(self) -> Response | None:
        request.get_data()
        if not request.path.startswith((f"/{NAME}/v2/", f"/{NAME}/v1/notifications/webhooks")):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if token in self.tokens else _error(401, "INVALID_TOKEN")

    def _give_token(self) -> Response:
        given = request.authorization
        if not given or (given.username, given.password) != (CLIENT_ID, CLIENT_SECRET):
            return _error(401, "invalid_client")
        token = uuid.uuid4().hex
        self.tokens.add(token)
        return jsonify(access_token=token, token_type="Bearer", expires_in=32_400)

    def _show_certificate(self, name: str) -> Response:
        if name not in self.certificates:
            raise Refusal("unknown")
        return Response(self.certificates[name], mimetype="application/x-pem-file")

    def _show_webhook(self, webhook_id: str) -> Response:
        if webhook_id != WEBHOOK_ID:
            raise Refusal("unknown")
        return jsonify(id=webhook_id, event_types=[{"name": "*"}])

    def _make_order(self) -> Response:
        told = request.get_json()
        amount = told["purchase_units"][0]["amount"]

        def work() -> dict[str, Any]:
            hundredths = cents(amount)
            return objects.order(
                self.ledger.open(NAME, "ORDER", hundredths, amount["currency_code"], told), self.address
            )

        answer = jsonify(self._once(work))
        answer.status_code = 201
        return answer

    def _show_order(self, order_id: str) -> Response:
        return jsonify(objects.order(self.ledger.find(order_id), self.address))

    def _capture(self, order_id: str) -> Response:
        order = self.ledger.find(order_id)

        def work() -> dict[str, Any]:
            self.capture(order, order.told.get("captures_as", "paid"))
            return objects.order(order, self.address)

        return jsonify(self._once(work))

    def _refund(self, capture_id: str) -> Response:
        told = request.get_json()

        def work() -> dict[str, Any]:
            refund = self.refund(capture_id, cents(told["amount"]), told)
            return objects.refund(self.ledger.find_attempt(capture_id), refund, self.address)

        return jsonify(self._once(work))

    def _page(self) -> ResponseReturnValue:
        order = self.ledger.find(request.args["token"])
        if request.method == "GET":
            return outcome_page("PayPal", order, ("approve", "decline", "cancel"))
        places = order.told["payment_source"]["paypal"]["experience_context"]
        if request.form["outcome"] == "cancel":
            return redirect(places["cancel_url"], 303)
        self.approve(order.id, is_declined=request.form["outcome"] == "decline")
        join = "&" if "?" in places["return_url"] else "?"
        return redirect(f"{places['return_url']}{join}token={order.id}&PayerID=SIMULATED", 303)

    def _once(self, work: Any) -> Any:
        return self.ledger.once(NAME, request.headers.get("PayPal-Request-Id"), request.get_data(), work)


def cents(amount: Mapping[str, str]) -> int:
    """Hundredths, also of currencies that have none; Refusal for decimals where PayPal takes none."""
    value = Decimal(amount["value"])
    exponent = value.as_tuple().exponent
    if amount["currency_code"] in _WHOLE and exponent != 0:
        raise Refusal("decimals")
    return int(value * 100)


def sign(
    body: bytes, *, by: Signer, certificate: str, webhook_id: str = WEBHOOK_ID, at: str | None = None
) -> Mapping[str, str]:
    transmission, stamp = str(uuid.uuid4()), at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"{transmission}|{stamp}|{webhook_id}|{binascii.crc32(body)}"
    return {
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": stamp,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(by.sign(message.encode())).decode(),
        "PAYPAL-CERT-URL": certificate,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


def _refused(refusal: Refusal) -> Response:
    return _error(*_REFUSALS[refusal.code])


def _error(status: int, issue: str) -> Response:
    answer = jsonify(name="UNPROCESSABLE_ENTITY", message="See details.", details=[{"issue": issue}])
    answer.status_code = status
    return answer
