"""Buying a service from a program."""

import json
import secrets
from typing import Any

from flask import Blueprint, request
from werkzeug.datastructures import MultiDict

from app.api.contract import Content, Header, Operation, read_json, serves
from app.errors import InvalidInput
from app.exchanges import start_payment
from app.extensions import limiter, links
from app.kit.contact import fold
from app.models import Payment
from app.workflows import catalog, flags, idempotency, purchase
from app.workflows.flags import OrdersPaused, Visitor
from app.workflows.purchase import Origin
from app.workflows.purchase_form import PurchaseForm

bp = Blueprint("api_purchase", __name__, url_prefix="/api/services")

_CUSTOMER = ("full_name", "email", "phone", "requirements")
_NAMES = {"tier": "serviceTierId", "full_name": "customer.fullName"} | {
    name: f"customer.{name}" for name in _CUSTOMER[1:]
}


class _Form(PurchaseForm):
    def problems_by_name(self) -> dict[str, str]:
        self.validate()
        return {_NAMES[field]: problem for field, problem in self.problems.items()}


_BUY = Operation(
    summary="Buy a service",
    tag="Buying",
    answer="shapes.Purchase",
    status=201,
    description=(
        "Opens a request and announces its payment to the gateway. Nothing is charged by this call: the customer "
        "pays at `redirectUrl`, or with the gateway's own script and `clientSecret`. The price is the catalogue's."
    ),
    body="wishes.PurchaseWish",
    headers=(
        Header(
            "Idempotency-Key",
            "Yours, one for each purchase. A repeat with the same key and body, also at the same moment, gets the "
            f"first answer and buys nothing. Kept for {idempotency.KEPT.days} days.",
            {"type": "string", "minLength": 1, "maxLength": idempotency.MAXIMUM_KEY_LENGTH, "example": "order-1042"},
        ),
    ),
    errors=(
        "validation_failed",
        "idempotency_key_reused",
        "not_found",
        "service_not_for_sale",
        "orders_paused",
        "already_paid",
        "payment_closed",
        "no_gateway",
        "gateway_error",
        "bad_credentials",
        "unsupported_amount",
        "gateway_unavailable",
    ),
)


@bp.post("/purchase")
@limiter.limit("120/minute")
@serves(_BUY)
def buy(body: dict[str, Any]) -> Content:
    """Open a request and announce its payment; with an `Idempotency-Key` a repeat gets the first answer again."""
    form = form_of(body)
    if problems := form.problems_by_name():
        raise InvalidInput(details=problems)
    # Drawn here, so that the same call tried again after a lost connection is the same purchase.
    key = request.headers.get("Idempotency-Key")
    submission = f"api:{key if key is not None else secrets.token_urlsafe(16)}"
    code = (body["affiliate_code"] or "").strip()
    origin = Origin(submission, code if code.isprintable() else None)
    # A program shows the way to pay itself: it wants the client secret.
    return _answer(start_payment(lambda: _open(form, origin, key), is_hosted=lambda _: False))


def _open(form: PurchaseForm, origin: Origin, key: str | None) -> Payment:
    if key is None:
        return _order(form, origin)
    meaning = json.dumps(read_json(), sort_keys=True)
    return idempotency.open_once(key, meaning, lambda: _order(form, origin))


def _order(form: PurchaseForm, origin: Origin) -> Payment:
    # A program has no cookie: a share of the customers is told by their address.
    if not flags.is_on(flags.PURCHASE, Visitor(key=fold(form.customer.email))):
        raise OrdersPaused
    return purchase.open_request(form.choice, form.customer, origin)


def form_of(body: dict[str, Any]) -> _Form:
    """The purchase the body asks for, not judged yet. Raises NotFound, ServiceNotForSale."""
    customer = body.get("customer") or {}
    answers = {name: customer.get(name, "") for name in _CUSTOMER}
    answers["tier"] = str(body.get("service_tier_id") or "")
    return _Form(catalog.get_for_sale(body["service_id"]), formdata=MultiDict(answers))


def _answer(payment: Payment) -> dict[str, Any]:
    """The caller told us the customer's data, so it gets the signed links too."""
    service_request = payment.service_request
    reference = service_request.reference_number
    return {
        "request_id": service_request.id,
        "reference_number": reference,
        "payment_intent": {
            # Scripts of gateways that know no secret open a payment by its id.
            "client_secret": payment.client_secret or payment.gateway_intent_id,
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "gateway": payment.gateway,
            "redirect_url": payment.redirect_url,
        },
        "links": {"confirmation": links().confirmation(reference), "tracking": links().tracking(reference)},
    }
