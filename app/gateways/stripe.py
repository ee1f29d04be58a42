"""Stripe: PaymentIntents for the Payment Element on our page, Checkout Sessions for browsers without scripts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
)
from app.gateways.labels import labels_of, ours
from app.kit.addresses import origin_of
from app.kit.money import Money

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError

DECIMALS = Decimals(
    zero=frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()),
    three=frozenset("BHD JOD KWD OMR TND".split()),
    # Without UGX: Stripe's documents contradict each other on its decimals.
    two=frozenset(
        """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC
    CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD KES KGS KHR
    KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
    PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST
    XCD YER ZAR ZMW""".split()
    ),
)
_STATUS = {
    "succeeded": SnapshotStatus.PAID,
    "requires_capture": SnapshotStatus.AUTHORIZED,
    "canceled": SnapshotStatus.FAILED,
}
# News of a payment is taken from the intent or session that it carries.
_PAYMENT_NEWS = frozenset(
    """payment_intent.succeeded payment_intent.payment_failed payment_intent.canceled payment_intent.processing
    payment_intent.requires_action payment_intent.amount_capturable_updated checkout.session.completed
    checkout.session.async_payment_succeeded checkout.session.async_payment_failed checkout.session.expired""".split()
)
_REFUND_NEWS = frozenset("refund.created refund.updated refund.failed charge.refund.updated charge.refunded".split())
_REFUND_STATUS = {"succeeded": "success", "failed": "failed", "canceled": "failed"}
_DISPUTE_STATUS = {"won": "won", "lost": "lost", "warning_closed": "won", "prevented": "won"}
_FAILURES = failures.by_code(
    insufficient_funds="insufficient_funds",
    expired_card="expired_card",
    wrong_code="incorrect_cvc invalid_cvc",
    wrong_details="incorrect_number invalid_number invalid_expiry_month invalid_expiry_year incorrect_zip",
    authentication_needed="authentication_required",
    authentication_failed="payment_intent_authentication_failure",
    not_supported="card_not_supported currency_not_supported",
    over_limit="card_velocity_exceeded withdrawal_count_limit_exceeded",
    trouble="processing_error issuer_not_available try_again_later",
    expired="payment_intent_payment_attempt_expired",
    cancelled="canceled",
    declined="card_declined",
)


class Stripe(Gateway):
    name = "stripe"
    label = "Stripe"
    signature_header = "Stripe-Signature"
    currencies = DECIMALS.currencies
    countries = frozenset(
        """AE AT AU BE BG BR CA CH CY CZ DE DK EE ES FI FR GB GI GR HK HR HU IE IN IT JP LI LT LU LV MT MX MY NL NO NZ
        PL PT RO SE SG SI SK TH US""".split()
    )
    credentials = (
        CredentialField("api_key", "Publishable key (pk_…)", is_secret=False),
        CredentialField("api_secret", "Secret key (sk_… or rk_…)"),
        CredentialField("webhook_secret", "Webhook signing secret (whsec_…)"),
    )

    def create_payment_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        with _translated():
            return self._open_session(params) if params.is_hosted else self._open_intent(params)

    def fetch_payment(self, gateway_intent_id: str) -> PaymentSnapshot:
        with _translated():
            if gateway_intent_id.startswith("cs_"):
                session = self.client.v1.checkout.sessions.retrieve(gateway_intent_id).to_dict()
                if not session.get("payment_intent"):
                    return _of_session(session)
                gateway_intent_id = session["payment_intent"]
            wanted: Any = {"expand": ["latest_charge.refunds"]}
            intent = self.client.v1.payment_intents.retrieve(gateway_intent_id, wanted).to_dict()
            listed = (intent.get("latest_charge") or {}).get("refunds") or {}
            if listed.get("has_more"):
                # A charge comes with its last ten.
                listed |= self.client.v1.refunds.list({"payment_intent": intent["id"], "limit": 100}).to_dict()
            return _of_intent(intent)

    def refund(self, params: RefundParams) -> RefundResult:
        wanted: Any = {
            "payment_intent": params.gateway_payment_id or params.gateway_intent_id,
            "amount": DECIMALS.units_of(params.amount),
            "metadata": {"refund_key": params.idempotency_key},
        }
        with _translated("Stripe refused the refund."):
            refund = self.client.v1.refunds.create(wanted, {"idempotency_key": params.idempotency_key}).to_dict()
        news = _refund_news(refund)
        return RefundResult(news.gateway_refund_id, news.amount, news.status)

    def check_credentials(self) -> None:
        mode = self.config.mode
        for key, kinds in ((self.config.api_key, ("pk",)), (self.config.api_secret, ("sk", "rk"))):
            if not key.startswith(tuple(f"{kind}_{mode}_" for kind in kinds)):
                raise BadCredentials(f"In {mode} mode Stripe's keys begin with pk_{mode}_ and sk_{mode}_.")
        try:
            with _translated():
                self.client.v1.payment_intents.list({"limit": 1})
        except BadCredentials as error:
            raise BadCredentials("Stripe does not accept the secret key.") from error

    def pay_page_origins(self) -> tuple[str, ...]:
        return (origin_of(self.config.api_base) if self.config.api_base else "https://checkout.stripe.com",)

    def page_script(self) -> PageScript:
        hosts = ("https://js.stripe.com", "https://*.js.stripe.com")
        frames = (*hosts, "https://hooks.stripe.com")
        sources = {"script-src": hosts, "frame-src": frames, "connect-src": ("https://api.stripe.com",)}
        return PageScript("https://js.stripe.com/v3/", sources)

    def verify_webhook(self, payload: bytes, headers: Mapping[str, str]) -> bool:
        header = signatures.header_of(headers, self.signature_header)
        return signatures.is_signed_now(payload, header, self.config.webhook_secrets)

    def process_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        event = json.loads(payload)
        event_id, name, told = str(event["id"]), str(event["type"]), event["data"]["object"]
        if name in _PAYMENT_NEWS:
            snapshot = _of_session(told, name) if name.startswith("checkout.session.") else _of_intent(told, name)
            return GatewayEvent(event_id, EventKind(snapshot.status.value), name, snapshot)
        if name in _REFUND_NEWS:
            refund = next(iter(_refunds(told)), None) if name == "charge.refunded" else _refund_news(told)
            return GatewayEvent(event_id, EventKind.REFUNDED, name, _owner(told), refund=refund)
        if name.startswith("charge.dispute."):
            return GatewayEvent(event_id, EventKind.DISPUTED, name, _owner(told), dispute=_dispute_news(told))
        return GatewayEvent(event_id, EventKind.IGNORED, name)

    @cached_property
    def client(self) -> "StripeClient":
        # Loaded when first used: its first import takes some 60 ms and 17 MB, which a shop without Stripe never needs.
        import stripe  # noqa: PLC0415

        # Otherwise the SDK writes a file into the home directory to recognise this machine by.
        stripe.enable_telemetry = False
        return stripe.StripeClient(
            self.config.api_secret,
            base_addresses={"api": self.config.api_base} if self.config.api_base else None,
            # It would not repeat a 429, and would repeat a 409: the session does it as we want it.
            max_network_retries=0,
            http_client=stripe.RequestsClient(session=network.http.PatientSession()),
        )

    def _open_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        wanted: Any = {
            "amount": DECIMALS.units_of(params.amount),
            "currency": params.amount.currency.lower(),
            "automatic_payment_methods": {"enabled": True},
            "description": params.description,
            "metadata": labels_of(params),
        }
        intent = self.client.v1.payment_intents.create(wanted, {"idempotency_key": params.idempotency_key})
        client = {"publishable_key": self.config.api_key, "client_secret": intent.client_secret or ""}
        return PaymentIntent(self.name, intent.id, client["client_secret"], params.amount, client=client)

    def _open_session(self, params: PaymentIntentParams) -> PaymentIntent:
        price = {"currency": params.amount.currency.lower(), "unit_amount": DECIMALS.units_of(params.amount)}
        price |= {"product_data": {"name": params.description}}
        wanted: Any = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "customer_email": params.customer_email,
            "client_reference_id": params.idempotency_key,
            "success_url": params.return_url,
            "cancel_url": params.cancel_url,
            "metadata": labels_of(params),
            "payment_intent_data": {"description": params.description, "metadata": labels_of(params)},
        }
        # A key of its own: Stripe refuses one that was used for another kind of call.
        key = f"{params.idempotency_key}-hosted"
        session = self.client.v1.checkout.sessions.create(wanted, {"idempotency_key": key})
        return PaymentIntent(self.name, session.id, "", params.amount, redirect_url=session.url)


def _money(units: int, currency: str) -> Money:
    return DECIMALS.money(units, currency.upper())


def _of_intent(intent: Mapping[str, Any], event: str = "") -> PaymentSnapshot:
    error = intent.get("last_payment_error")
    status = _STATUS.get(intent["status"], SnapshotStatus.PENDING)
    if intent["status"] == "requires_payment_method" and (error or event.endswith("payment_failed")):
        status = SnapshotStatus.FAILED
    received = intent.get("amount_received") if status is SnapshotStatus.PAID else None
    return PaymentSnapshot(
        status=status,
        gateway_intent_id=intent["id"],
        gateway_payment_id=intent["id"],
        amount=_money(intent["amount"] if received is None else received, intent["currency"]),
        failure=_failure(error or {"code": intent["status"]}) if status is SnapshotStatus.FAILED else None,
        refunds=_refunds(intent.get("latest_charge")),
        metadata=ours(intent.get("metadata")),
    )


def _of_session(session: Mapping[str, Any], event: str = "") -> PaymentSnapshot:
    """A bank's late refusal stands in the event's name alone."""
    failure = failures.failure("expired", "session_expired") if session["status"] == "expired" else None
    if event.endswith("async_payment_failed"):
        failure = failures.failure("declined", "async_payment_failed")
    is_paid = session["payment_status"] == "paid"
    return PaymentSnapshot(
        status=SnapshotStatus.PAID if is_paid else SnapshotStatus.FAILED if failure else SnapshotStatus.PENDING,
        gateway_intent_id=session["id"],
        gateway_payment_id=session.get("payment_intent"),
        amount=_money(session["amount_total"], session["currency"]),
        failure=None if is_paid else failure,
        metadata=ours(session.get("metadata")),
    )


def _owner(told: Mapping[str, Any]) -> PaymentSnapshot:
    intent_id = told["payment_intent"]
    return PaymentSnapshot(SnapshotStatus.PENDING, intent_id, intent_id, None, metadata=ours(told.get("metadata")))


def _refunds(charge: Any) -> tuple[RefundNews, ...]:
    """Those of an expanded charge; without expansion it is an id, and has no list."""
    listed = charge.get("refunds") if isinstance(charge, Mapping) else None
    return tuple(_refund_news(refund) for refund in listed["data"]) if listed else ()


def _refund_news(refund: Mapping[str, Any]) -> RefundNews:
    return RefundNews(
        gateway_refund_id=refund["id"],
        amount=_money(refund["amount"], refund["currency"]),
        status=_REFUND_STATUS.get(refund["status"], "pending"),
        idempotency_key=(refund.get("metadata") or {}).get("refund_key"),
    )


def _dispute_news(dispute: Mapping[str, Any]) -> DisputeNews:
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeNews(
        gateway_dispute_id=dispute["id"],
        amount=_money(dispute["amount"], dispute["currency"]),
        status=_DISPUTE_STATUS.get(dispute["status"], "open"),
        reason=dispute.get("reason"),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )


def _failure(error: Mapping[str, Any]) -> PaymentFailure:
    return failures.first_known(_FAILURES, [error.get("decline_code"), error.get("code")])


@contextmanager
def _translated(message: str | None = None) -> Iterator[None]:
    """Stripe's errors in our words; `message` is for staff, without it the customer's is used."""
    import stripe  # noqa: PLC0415 - see `client`

    try:
        yield
    except stripe.StripeError as error:
        raise _our_error(error, message) from error


def _our_error(error: "StripeError", message: str | None) -> GatewayError:
    if isinstance(error.__cause__, GatewayError):
        return error.__cause__
    if not 400 <= (error.http_status or 0) < 500:
        return GatewayUnavailable(details={"reason": type(error).__name__})
    reason = error.user_message or error.code or type(error).__name__
    return GatewayError(f"{message} {reason}" if message else None, details={"reason": reason})
