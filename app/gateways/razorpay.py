"""Razorpay: an Order for each payment, paid in its Checkout on our page or on its hosted page.

A payment that failed may still arrive days later, and events come in any order: only a captured payment is paid.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from app.gateways import failures, network, signatures
from app.gateways.amounts import Decimals
from app.gateways.base import (
    BadCredentials,
    CredentialField,
    DisputeNews,
    EventKind,
    Gateway,
    GatewayError,
    GatewayEvent,
    GatewayUnavailable,
    PageScript,
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
from app.gateways.labels import labels_of, ours
from app.kit.addresses import origin_of
from app.kit.money import Money

API = "https://api.razorpay.com"
DECIMALS = Decimals(
    zero=frozenset({"JPY"}),
    three=frozenset({"BHD", "KWD", "OMR"}),
    # Without those whose decimals are in doubt.
    two=frozenset(
        """AED AMD ARS AUD AWG AZN BBD BDT BMD BND BOB BSD BWP BZD CAD CHF CNY COP CRC CZK DKK DOP DZD EGP ETB EUR FJD
    GBP GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LKR LRD LSL MAD MDL MKD MNT MOP MUR MVR
    MWK MXN MYR NAD NGN NIO NOK NPR NZD PEN PGK PHP PKR QAR RUB SAR SCR SEK SGD SZL THB TTD TZS USD UYU ZAR""".split()
    ),
)
_STATUS = {
    "captured": SnapshotStatus.PAID,
    "refunded": SnapshotStatus.PAID,
    "authorized": SnapshotStatus.AUTHORIZED,
    "failed": SnapshotStatus.FAILED,
}
# Of several payments for one order the one that says most is the order's.
_RANK = (SnapshotStatus.PAID, SnapshotStatus.AUTHORIZED, SnapshotStatus.PENDING, SnapshotStatus.FAILED)
_PAYMENT_NEWS = frozenset({"payment.captured", "payment.authorized", "payment.failed", "order.paid"})
_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUND_STATUS = {"processed": "success", "failed": "failed"}
_FAILURES = failures.by_code(
    insufficient_funds="insufficient_funds",
    expired_card="card_expired",
    wrong_code="incorrect_cvv",
    wrong_details="""incorrect_card_details incorrect_card_expiry_date incorrect_cardholder_name card_number_invalid
    invalid_vpa bank_account_invalid incorrect_pin""",
    authentication_failed="authentication_failed incorrect_otp invalid_otp otp_expired otp_attempts_exceeded",
    not_supported="""card_type_not_supported card_network_not_supported international_transaction_not_allowed
    card_not_enrolled card_disabled_for_online_payments user_not_eligible""",
    over_limit="transaction_limit_exceeded card_daily_limit_exceeded transaction_daily_limit_exceeded",
    declined="payment_declined card_declined transaction_declined card_lost_or_stolen debit_declined",
    no_answer="payment_timed_out payment_pending request_timed_out",
    trouble="gateway_technical_error bank_technical_error issuer_technical_error server_error",
    cancelled="payment_cancelled payment_collect_request_expired",
)


class Razorpay(Gateway):
    name = "razorpay"
    label = "Razorpay"
    signature_header = "X-Razorpay-Signature"
    currencies = DECIMALS.currencies
    countries = frozenset({"IN", "MY", "SG", "US"})
    credentials = (
        CredentialField("api_key", "Key id (rzp_…)", is_secret=False),
        CredentialField("api_secret", "Key secret"),
        CredentialField("webhook_secret", "Webhook secret (chosen by you, not the key secret)"),
    )

    def create_payment_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        """Orders have no idempotency key: the receipt is ours, and is looked for before an order is made (again)."""
        wanted = {
            "amount": DECIMALS.units_of(params.amount),
            "currency": params.amount.currency,
            "receipt": params.idempotency_key,
            "notes": labels_of(params),
            "payment_capture": True,
        }
        find, make = partial(self._find_order, params.idempotency_key), partial(self.client.order.create, wanted)
        with _translated():
            order = find() or network.http.PatientSession.patience.insist(make, recover=find)
        return self._intent(params, order["id"])

    def fetch_payment(self, gateway_intent_id: str) -> PaymentSnapshot:
        with _translated():
            order = self.client.order.fetch(gateway_intent_id)
            payments = self.client.order.payments(gateway_intent_id)["items"]
            if not payments:
                return _of_order(order)
            newest_first = sorted(payments, key=lambda payment: payment["created_at"], reverse=True)
            leading = min(newest_first, key=lambda payment: _RANK.index(_status(payment)))
            return _of_payment(leading, order, self._refunds(leading))

    def capture(self, gateway_intent_id: str) -> PaymentSnapshot:
        """A capture has no idempotency key: how the payment stands is asked before it is tried (again)."""
        snapshot = self.fetch_payment(gateway_intent_id)
        if snapshot.status is not SnapshotStatus.AUTHORIZED or snapshot.amount is None:
            return snapshot
        wanted = {"currency": snapshot.amount.currency}
        take = partial(
            self.client.payment.capture, snapshot.gateway_payment_id, DECIMALS.units_of(snapshot.amount), wanted
        )
        with _translated("Razorpay refused to capture the payment."):
            network.http.PatientSession.patience.insist(take, recover=lambda: self._taken(gateway_intent_id))
        return self.fetch_payment(gateway_intent_id)

    def refund(self, params: RefundParams) -> RefundResult:
        wanted = {
            "amount": DECIMALS.units_of(params.amount),
            "speed": "normal",
            "notes": {"refund_key": params.idempotency_key},
        }
        headers = {"X-Refund-Idempotency": params.idempotency_key}
        with _translated("Razorpay refused the refund."):
            refund = self.client.payment.refund(params.gateway_payment_id, wanted, headers=headers)
        news = _refund_news(refund)
        return RefundResult(news.gateway_refund_id, news.amount, news.status)

    def check_credentials(self) -> None:
        prefix = f"rzp_{self.config.mode}_"
        if not self.config.api_key.startswith(prefix):
            raise BadCredentials(f"In {self.config.mode} mode Razorpay's key id begins with {prefix}.")
        try:
            self.client.order.all({"count": 1})
        except BadCredentials as error:
            raise BadCredentials("Razorpay does not accept the key id and secret.") from error

    def pay_page_origins(self) -> tuple[str, ...]:
        return (origin_of(self.config.api_base or API),)

    def page_script(self) -> PageScript:
        hosts = ("https://checkout.razorpay.com", "https://cdn.razorpay.com")
        frames = ("https://api.razorpay.com", "https://checkout.razorpay.com")
        calls = ("https://api.razorpay.com", "https://lumberjack.razorpay.com", "https://lumberjack-cx.razorpay.com")
        sources = {"script-src": hosts, "frame-src": frames, "connect-src": calls, "img-src": hosts}
        return PageScript("https://checkout.razorpay.com/v1/checkout.js", sources | {"form-action": (API,)})

    def verify_return(self, gateway_intent_id: str, parameters: Mapping[str, str]) -> bool:
        """Over our own order id, whatever order the browser names."""
        message = f"{gateway_intent_id}|{parameters.get('razorpay_payment_id', '')}".encode("utf-8", "replace")
        return signatures.is_signed(message, parameters.get("razorpay_signature", ""), [self.config.api_secret])

    def verify_webhook(self, payload: bytes, headers: Mapping[str, str]) -> bool:
        given = signatures.header_of(headers, self.signature_header)
        return signatures.is_signed(payload, given, self.config.webhook_secrets)

    def process_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        event = json.loads(payload)
        name, told = str(event["event"]), event.get("payload") or {}
        event_id = signatures.header_of(headers, "X-Razorpay-Event-Id")
        if _EVENT_ID.fullmatch(event_id) is None:
            # The header is not signed; without a plausible one the message stands for itself.
            event_id = hashlib.sha256(payload).hexdigest()
        if name.startswith("refund."):
            refund = told["refund"]["entity"]
            return GatewayEvent(event_id, EventKind.REFUNDED, name, _owner(refund, told), refund=_refund_news(refund))
        if name.startswith("payment.dispute."):
            dispute = told["dispute"]["entity"]
            owner, news = _owner(dispute, told), _dispute_news(dispute)
            return GatewayEvent(event_id, EventKind.DISPUTED, name, owner, dispute=news)
        if name in _PAYMENT_NEWS:
            snapshot = _of_payment(told["payment"]["entity"], told.get("order", {}).get("entity") or {})
            return GatewayEvent(event_id, EventKind(snapshot.status.value), name, snapshot)
        return GatewayEvent(event_id, EventKind.IGNORED, name)

    @cached_property
    def client(self) -> Any:
        import razorpay  # noqa: PLC0415 - as `app.gateways.network`

        auth = (self.config.api_key, self.config.api_secret)
        return razorpay.Client(session=network.http.PatientSession(), auth=auth, base_url=self.config.api_base or API)

    def _find_order(self, receipt: str) -> Any:
        found = self.client.order.all({"receipt": receipt})["items"]
        return next((order for order in found if order["receipt"] == receipt), None)

    def _taken(self, gateway_intent_id: str) -> PaymentSnapshot | None:
        snapshot = self.fetch_payment(gateway_intent_id)
        return None if snapshot.status is SnapshotStatus.AUTHORIZED else snapshot

    def _refunds(self, payment: Mapping[str, Any]) -> tuple[RefundNews, ...]:
        if _status(payment) is not SnapshotStatus.PAID:
            return ()
        # The payment itself does not tell of a refund that failed.
        listed = self.client.payment.fetch_multiple_refund(payment["id"], {"count": 100})["items"]
        return tuple(_refund_news(refund) for refund in listed)

    def _intent(self, params: PaymentIntentParams, order_id: str) -> PaymentIntent:
        amount = {"amount": str(DECIMALS.units_of(params.amount)), "currency": params.amount.currency}
        client = {"order_id": order_id, "description": params.description, **amount}
        person = {"name": params.customer_name, "email": params.customer_email, "contact": params.customer_phone}
        if not params.is_hosted:
            client |= person | {"key": self.config.api_key}
            return PaymentIntent(self.name, order_id, "", params.amount, client=client)
        client |= {f"prefill[{name}]": value for name, value in person.items()}
        client |= {"key_id": self.config.api_key, "callback_url": params.return_url, "cancel_url": params.cancel_url}
        page = f"{self.config.api_base or API}/v1/checkout/embedded"
        return PaymentIntent(self.name, order_id, "", params.amount, client=client, form_action=page)


def _money(told: Mapping[str, Any]) -> Money:
    return DECIMALS.money(told["amount"], told["currency"])


def _status(payment: Mapping[str, Any]) -> SnapshotStatus:
    return _STATUS.get(payment["status"], SnapshotStatus.PENDING)


def _of_payment(
    payment: Mapping[str, Any], order: Mapping[str, Any], refunds: tuple[RefundNews, ...] = ()
) -> PaymentSnapshot:
    bank = payment.get("acquirer_data") or {}
    references = (bank.get(name) for name in ("rrn", "utr", "bank_transaction_id", "upi_transaction_id"))
    return PaymentSnapshot(
        status=_status(payment),
        gateway_intent_id=payment["order_id"],
        gateway_payment_id=payment["id"],
        amount=_money(payment),
        failure=_failure(payment) if _status(payment) is SnapshotStatus.FAILED else None,
        bank_reference=next((str(reference)[:64] for reference in references if reference), None),
        refunds=refunds,
        metadata=ours(order.get("notes")) or ours(payment.get("notes")),
    )


def _of_order(order: Mapping[str, Any]) -> PaymentSnapshot:
    return PaymentSnapshot(SnapshotStatus.PENDING, order["id"], None, _money(order), metadata=ours(order["notes"]))


def _owner(told: Mapping[str, Any], payload: Mapping[str, Any]) -> PaymentSnapshot:
    payment = payload.get("payment", {}).get("entity")
    if payment is None:
        return PaymentSnapshot(SnapshotStatus.PENDING, None, told["payment_id"], None)
    return _of_payment(payment, {})


def _refund_news(refund: Mapping[str, Any]) -> RefundNews:
    notes = refund.get("notes")
    return RefundNews(
        gateway_refund_id=refund["id"],
        amount=_money(refund),
        status=_REFUND_STATUS.get(refund["status"], "pending"),
        idempotency_key=notes.get("refund_key") if isinstance(notes, Mapping) else None,
    )


def _dispute_news(dispute: Mapping[str, Any]) -> DisputeNews:
    status = dispute["status"]
    if status == "closed":
        status = "lost" if dispute.get("amount_deducted") else "won"
    due = dispute.get("respond_by")
    taken = (status == "lost" and dispute.get("amount_deducted")) or dispute["amount"]
    return DisputeNews(
        gateway_dispute_id=dispute["id"],
        amount=DECIMALS.money(taken, dispute["currency"]),
        status=status if status in {"won", "lost"} else "open",
        reason=dispute.get("reason_code"),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )


def _failure(payment: Mapping[str, Any]) -> PaymentFailure:
    return failures.first_known(_FAILURES, [payment.get("error_reason"), payment.get("error_code")])


@contextmanager
def _translated(message: str | None = None) -> Iterator[None]:
    """Razorpay's errors in our words; `message` is for staff, without it the customer's is used."""
    from razorpay import errors  # noqa: PLC0415 - see `client`

    try:
        yield
    except json.JSONDecodeError as error:
        raise GatewayUnavailable(details={"reason": "no JSON"}) from error
    except (errors.BadRequestError, errors.GatewayError, errors.ServerError) as error:
        # Razorpay answers 400 for what it does not know.
        kind = UnknownPayment if "does not exist" in str(error) else GatewayError
        raise kind(f"{message} {error}" if message else None, details={"reason": str(error)}) from error
