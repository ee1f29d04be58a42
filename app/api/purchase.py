"""Buying a service from a program."""

import json
import secrets
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.errors import InvalidInput
from app.exchanges import start_payment
from app.extensions import limiter, links
from app.kit import ids
from app.kit.contact import fold
from app.models import Payment
from app.workflows import catalog, flags, idempotency, purchase
from app.workflows.flags import OrdersPaused, Visitor
from app.workflows.purchase import Origin
from app.workflows.purchase_form import PurchaseForm

bp = Blueprint("api_purchase", __name__, url_prefix="/api/services")

_CUSTOMER = {"full_name": "fullName", "email": "email", "phone": "phone", "requirements": "requirements"}
_NAMES = {"tier": "serviceTierId"} | {field: f"customer.{name}" for field, name in _CUSTOMER.items()}


@bp.post("/purchase")
@limiter.limit("120/minute")
def buy() -> ResponseReturnValue:
    """Open a request and announce its payment; with an `Idempotency-Key` a repeat gets the first answer again."""
    body = _parse_body()
    form = _parse_form(body)
    # A program shows the way to pay itself: it wants the client secret.
    payment = start_payment(lambda: _open(form, body), is_hosted=lambda _: False)
    return jsonify(_answer(payment)), 201


def _open(form: PurchaseForm, body: dict[str, Any]) -> Payment:
    key = request.headers.get("Idempotency-Key")
    submission = f"api:{key if key is not None else secrets.token_urlsafe(16)}"
    code = _parse_text(body, "affiliateCode", "affiliateCode").strip()
    origin = Origin(submission, code if code.isprintable() else None)
    if key is None:
        return _order(form, origin)
    meaning = json.dumps(body, sort_keys=True)
    return idempotency.open_once(key, meaning, lambda: _order(form, origin))


def _order(form: PurchaseForm, origin: Origin) -> Payment:
    # A program has no cookie: a share of the customers is told by their address.
    if not flags.is_on(flags.PURCHASE, Visitor(key=fold(form.customer.email))):
        raise OrdersPaused
    return purchase.open_request(form.choice, form.customer, origin)


def _parse_body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest
    return body


def _parse_form(body: dict[str, Any]) -> PurchaseForm:
    """The purchase the body asks for. Raises InvalidInput that names every field at once."""
    customer = body.get("customer")
    if not isinstance(customer, dict):
        raise InvalidInput(details={"customer": "Say who buys: fullName, email, phone, requirements."})
    service_id = ids.parse_id(_parse_text(body, "serviceId", "serviceId"))
    if service_id is None:
        raise InvalidInput(details={"serviceId": "This is not the id of a service."})
    answers = {field: _parse_text(customer, name, f"customer.{name}") for field, name in _CUSTOMER.items()}
    answers["tier"] = _parse_text(body, "serviceTierId", "serviceTierId").lower()
    form = PurchaseForm(catalog.get_for_sale(service_id), formdata=MultiDict(answers))
    if not form.validate():
        raise InvalidInput(details={_NAMES[field]: problem for field, problem in form.problems.items()})
    return form


def _parse_text(values: dict[str, Any], key: str, name: str) -> str:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(details={name: "This must be text."})
    return value or ""


def _answer(payment: Payment) -> dict[str, Any]:
    """The caller told us the customer's data, so it gets the signed links too."""
    service_request = payment.service_request
    reference = service_request.reference_number
    return {
        "requestId": str(service_request.id),
        "referenceNumber": reference,
        "paymentIntent": {
            "clientSecret": payment.client_secret,
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "gateway": payment.gateway,
            "redirectUrl": payment.redirect_url,
        },
        "links": {"confirmation": links().confirmation(reference), "tracking": links().tracking(reference)},
    }
