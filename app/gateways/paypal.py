"""PayPal: an Order that the payer approves on PayPal's page and we capture when they are back. Plain HTTP, no SDK."""

import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from app.gateways import failures, network, signatures
from app.gateways.amounts import Decimals, from_text
from app.gateways.base import (
    BadCredentials,
    CredentialField,
    DisputeNews,
    EventKind,
    Gateway,
    GatewayError,
    GatewayEvent,
    GatewayUnavailable,
    PaymentFailure,
    PaymentIntent,
    PaymentIntentParams,
    PaymentSnapshot,
    RefundNews,
    RefundParams,
    RefundResult,
    SnapshotStatus,
    UnknownPayment,
)
from app.gateways.signatures import header_of
from app.kit.addresses import origin_of
from app.kit.money import Money

APIS = {"live": "https://api-m.paypal.com", "test": "https://api-m.sandbox.paypal.com"}
# Without INR: only accounts inside India may use it, and those cannot sell abroad.
DECIMALS = Decimals(
    zero=frozenset({"HUF", "JPY", "TWD"}),
    two=frozenset("AUD BRL CAD CHF CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP PLN SEK SGD THB USD".split()),
)
_CERTIFICATE = r"https://(?:[a-z0-9-]+\.)+paypal\.com(?:/[A-Za-z0-9._-]+)+"
# PayPal's own event simulator signs for this id.
_SIMULATOR_ID = "WEBHOOK_ID"
# PayPal delivers an event again for three days.
_OLDEST = timedelta(days=4)
_ORDER_STATUS = {"APPROVED": SnapshotStatus.AUTHORIZED, "VOIDED": SnapshotStatus.FAILED}
_CAPTURE_STATUS = {
    "COMPLETED": SnapshotStatus.PAID,
    "REFUNDED": SnapshotStatus.PAID,
    "PARTIALLY_REFUNDED": SnapshotStatus.PAID,
    "DECLINED": SnapshotStatus.FAILED,
    "FAILED": SnapshotStatus.FAILED,
}
_REFUND_STATUS = {"COMPLETED": "success", "FAILED": "failed", "CANCELLED": "failed"}
_LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
_FAILURES = failures.by_code(
    declined="INSTRUMENT_DECLINED TRANSACTION_REFUSED REFUSED DECLINED DECLINED_BY_RISK_FRAUD_FILTERS 0500 9500",
    insufficient_funds="5120",
    expired_card="CARD_EXPIRED 5400",
    wrong_code="5110 00N7",
    wrong_details="CARD_BRAND_NOT_SUPPORTED 1330 5180",
    authentication_needed="PAYER_ACTION_REQUIRED",
    not_supported="PAYER_CANNOT_PAY PAYER_ACCOUNT_RESTRICTED PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    over_limit="TRANSACTION_LIMIT_EXCEEDED TRANSACTION_RECEIVING_LIMIT_EXCEEDED MAX_VALUE_EXCEEDED",
    cancelled="VOIDED",
    expired="APPROVAL_REVERSED ORDER_EXPIRED",
)


class Refused(GatewayError):
    """An answer that says no; `details["reason"]` is PayPal's word for why."""


class PayPal(Gateway):
    name = "paypal"
    label = "PayPal"
    signature_header = "PAYPAL-TRANSMISSION-SIG"
    currencies = DECIMALS.currencies
    credentials = (
        CredentialField("api_key", "Client id", is_secret=False),
        CredentialField("api_secret", "Client secret"),
        CredentialField("webhook_secret", "Webhook id", is_secret=False),
    )
    refunds_lost_disputes = True

    def create_payment_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        order = self._call("POST", "/v2/checkout/orders", body=_order_of(params), key=params.idempotency_key)
        links = {link["rel"]: link["href"] for link in order["links"]}
        page = links.get("payer-action", links.get("approve"))
        return PaymentIntent(self.name, order["id"], "", params.amount, redirect_url=page)

    def fetch_payment(self, gateway_intent_id: str) -> PaymentSnapshot:
        return _of_order(self._call("GET", f"/v2/checkout/orders/{gateway_intent_id}"))

    def capture(self, gateway_intent_id: str) -> PaymentSnapshot:
        path, key = f"/v2/checkout/orders/{gateway_intent_id}/capture", f"{gateway_intent_id}-capture"
        try:
            return _of_order(self._call("POST", path, body={}, key=key))
        except Refused as error:
            reason = error.details["reason"]
            if reason in _FAILURES:
                return PaymentSnapshot(SnapshotStatus.FAILED, gateway_intent_id, None, None, _failure([reason]))
            if reason == "ORDER_ALREADY_CAPTURED":
                return self.fetch_payment(gateway_intent_id)
            raise

    def refund(self, params: RefundParams) -> RefundResult:
        amount = {"currency_code": params.amount.currency, "value": DECIMALS.text_of(params.amount)}
        body = {"amount": amount, "custom_id": params.idempotency_key}
        path = f"/v2/payments/captures/{params.gateway_payment_id}/refund"
        try:
            news = _refund_news(self._call("POST", path, body=body, key=params.idempotency_key))
        except Refused as error:
            raise Refused(f"PayPal refused the refund: {error.details['reason']}.", details=error.details) from error
        return RefundResult(news.gateway_refund_id, news.amount, news.status)

    def check_credentials(self) -> None:
        try:
            self._session.token(is_new=True)
        except BadCredentials as error:
            raise BadCredentials(f"PayPal does not accept these in {self.config.mode} mode.") from error
        for webhook_id in filter(None, self.config.webhook_secrets[:1]):
            try:
                self._call("GET", f"/v1/notifications/webhooks/{webhook_id}")
            except UnknownPayment as error:
                raise BadCredentials("PayPal's account has no webhook with this id.") from error

    def verify_webhook(self, payload: bytes, headers: Mapping[str, str]) -> bool:
        told = partial(header_of, headers)
        stamp, signature = told("PAYPAL-TRANSMISSION-TIME"), told(self.signature_header)
        if told("PAYPAL-AUTH-ALGO") != "SHA256withRSA" or not signatures.is_recent(stamp, at_most=_OLDEST):
            return False
        try:
            key = network.certificates.key_at(told("PAYPAL-CERT-URL"), self._trust)
        except network.certificates.Untrusted:
            return False
        sent, checksum = f"{told('PAYPAL-TRANSMISSION-ID')}|{stamp}", zlib.crc32(payload)
        return any(
            network.certificates.is_signed(f"{sent}|{own}|{checksum}", signature, key) for own in self._webhook_ids
        )

    def process_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        event = json.loads(payload)
        event_id, name, told = str(event["id"]), str(event["event_type"]), event["resource"]
        if name.startswith("CUSTOMER.DISPUTE."):
            capture_id = told["disputed_transactions"][0]["seller_transaction_id"]
            owner = PaymentSnapshot(SnapshotStatus.PENDING, None, capture_id, None)
            return GatewayEvent(event_id, EventKind.DISPUTED, name, owner, dispute=_dispute_news(told))
        if name in {"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"} or name.startswith("PAYMENT.REFUND."):
            owner = PaymentSnapshot(SnapshotStatus.PENDING, None, _parent(told), None)
            return GatewayEvent(event_id, EventKind.REFUNDED, name, owner, refund=_refund_news(told))
        snapshot = _of_event(name, told)
        kind = EventKind(snapshot.status.value) if snapshot else EventKind.IGNORED
        return GatewayEvent(event_id, kind, name, snapshot)

    def pay_page_origins(self) -> tuple[str, ...]:
        page = "https://www.paypal.com" if self.config.mode == "live" else "https://www.sandbox.paypal.com"
        return (origin_of(self.config.api_base) if self.config.api_base else page,)

    @property
    def _base(self) -> str:
        return self.config.api_base or APIS[self.config.mode]

    @property
    def _webhook_ids(self) -> tuple[str, ...]:
        own = tuple(filter(None, self.config.webhook_secrets))
        return (*own, _SIMULATOR_ID) if self.config.mode == "test" else own

    @property
    def _trust(self) -> "network.certificates.Trust":
        """A stand-in's certificates count in test mode alone."""
        address, roots = _CERTIFICATE, ""
        if self.config.mode == "test" and self.config.api_base:
            address += rf"|{re.escape(self.config.api_base)}(?:/[A-Za-z0-9._-]+)+"
            roots = self.config.options.get("webhook_roots", "")
        return network.certificates.Trust(re.compile(address), "paypal.com", roots)

    @cached_property
    def _session(self) -> "network.oauth.TokenSession":
        account = network.oauth.Account(self._base, self.config.api_key, self.config.api_secret)
        return network.oauth.TokenSession(account, "/v1/oauth2/token")

    def _call(self, method: str, path: str, *, body: Any = None, key: str | None = None) -> Any:
        """Raises Refused, GatewayError."""
        headers = {"Prefer": "return=representation"} | ({"PayPal-Request-Id": key} if key else {})
        return _read(self._session.call(method, path, body=body, headers=headers))


def _order_of(params: PaymentIntentParams) -> dict[str, Any]:
    given, _, surname = params.customer_name.rpartition(" ")
    digits = params.customer_phone.lstrip("+")
    way_back = {"return_url": params.return_url, "cancel_url": params.cancel_url}
    payer: dict[str, Any] = {
        "email_address": params.customer_email,
        "name": {"given_name": given, "surname": surname} if given else {"given_name": surname},
        # PayPal refuses more than 14 digits, and the whole order with them.
        **({"phone": {"phone_number": {"national_number": digits}}} if len(digits) <= 14 else {}),
        "experience_context": way_back | {"user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"},
    }
    unit = {
        "custom_id": params.metadata.get("payment_id", params.idempotency_key),
        "description": params.description[:127],
        "amount": {"currency_code": params.amount.currency, "value": DECIMALS.text_of(params.amount)},
    }
    return {"intent": "CAPTURE", "purchase_units": [unit], "payment_source": {"paypal": payer}}


def _read(answer: Any) -> Any:
    """Raises Refused, or GatewayUnavailable for what is not PayPal's language."""
    try:
        told = answer.json()
        if answer.ok:
            return told
        reason = next((detail["issue"] for detail in told.get("details", ())), None) or told.get("name") or "unknown"
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise GatewayUnavailable(details={"reason": f"HTTP {answer.status_code}, no JSON"}) from error
    raise Refused(details={"reason": str(reason)})


def _money(told: Mapping[str, Any]) -> Money:
    return from_text(told["value"], told["currency_code"])


def _of_order(order: Mapping[str, Any]) -> PaymentSnapshot:
    unit = order["purchase_units"][0]
    payments = unit.get("payments") or {}
    if payments.get("captures"):
        refunds = tuple(_refund_news(refund) for refund in payments.get("refunds", ()))
        return _of_capture(payments["captures"][-1], order["id"], refunds)
    status = _ORDER_STATUS.get(order["status"], SnapshotStatus.PENDING)
    return PaymentSnapshot(
        status=status,
        gateway_intent_id=order["id"],
        gateway_payment_id=None,
        amount=_money(unit["amount"]) if "amount" in unit else None,
        failure=_failure([order["status"]]) if status is SnapshotStatus.FAILED else None,
        metadata=_ours(unit),
    )


def _of_capture(
    capture: Mapping[str, Any], order_id: str | None, refunds: tuple[RefundNews, ...] = ()
) -> PaymentSnapshot:
    status = _CAPTURE_STATUS.get(capture["status"], SnapshotStatus.PENDING)
    reasons = [(capture.get("processor_response") or {}).get("response_code"), capture["status"]]
    return PaymentSnapshot(
        status=status,
        gateway_intent_id=order_id,
        gateway_payment_id=capture["id"],
        amount=_money(capture["amount"]),
        failure=_failure(reasons) if status is SnapshotStatus.FAILED else None,
        refunds=refunds,
        metadata=_ours(capture),
    )


def _of_event(name: str, told: Mapping[str, Any]) -> PaymentSnapshot | None:
    if name in {"CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED"}:
        return _of_order(told)
    if name == "CHECKOUT.PAYMENT-APPROVAL.REVERSED":
        failure = _failure(["APPROVAL_REVERSED"])
        return PaymentSnapshot(SnapshotStatus.FAILED, told["order_id"], None, None, failure=failure)
    if name.startswith("PAYMENT.CAPTURE."):
        order_id = (told.get("supplementary_data") or {}).get("related_ids", {}).get("order_id")
        is_refused = name.endswith((".DENIED", ".DECLINED"))
        return _of_capture({**told, "status": "DECLINED"} if is_refused else told, order_id)
    return None


def _parent(refund: Mapping[str, Any]) -> str:
    """The id of the capture that a refund belongs to."""
    (up,) = (link["href"] for link in refund["links"] if link["rel"] == "up")
    return str(up.rstrip("/").rpartition("/")[2])


def _refund_news(refund: Mapping[str, Any]) -> RefundNews:
    status = _REFUND_STATUS.get(refund["status"], "pending")
    return RefundNews(refund["id"], _money(refund["amount"]), status, refund.get("custom_id"))


def _dispute_news(dispute: Mapping[str, Any]) -> DisputeNews:
    outcome = dispute.get("dispute_outcome") or {}
    is_lost = outcome.get("outcome_code") in _LOST
    due = dispute.get("seller_response_due_date")
    return DisputeNews(
        gateway_dispute_id=dispute["dispute_id"],
        amount=_money((is_lost and outcome.get("amount_refunded")) or dispute["dispute_amount"]),
        status="open" if dispute["status"] != "RESOLVED" else "lost" if is_lost else "won",
        reason=dispute.get("reason"),
        evidence_due_at=datetime.fromisoformat(due).astimezone(UTC) if due else None,
    )


def _failure(reasons: list[Any]) -> PaymentFailure:
    return failures.first_known(_FAILURES, reasons)


def _ours(told: Mapping[str, Any]) -> dict[str, str]:
    return {"payment_id": str(told["custom_id"])} if told.get("custom_id") else {}
