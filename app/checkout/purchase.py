"""The checkout page: what is sold, the form, and on to the gateway's page."""

import secrets
from collections.abc import Callable
from uuid import UUID

from flask import Response, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app.checkout import affiliate_cookie, signed_links
from app.checkout.blueprint import bp
from app.checkout.forms import PurchaseForm
from app.checkout.visits import count
from app.db import transaction
from app.errors import AlreadyPaid, DomainError
from app.extensions import csrf, limiter, links
from app.kit.contact import format_phone
from app.models import Payment, Service
from app.workflows import catalog, gateway_choice, purchase
from app.workflows.purchase import Origin

SUBMISSION = "submission"
"""Session key of the token that makes a repeated submit one request; a new one follows a finished purchase."""


@bp.get("/services/<uuid:service_id>")
def show(service_id: UUID) -> ResponseReturnValue:
    service = catalog.get_for_sale(service_id)
    form = PurchaseForm(service)
    form.begin(session.setdefault(SUBMISSION, secrets.token_urlsafe(16)), request.args.get("tier"))
    _fill_again(form)
    count("service_selected", service_id=service.id)
    return _page(service, form)


# The form checks the token itself, so that a lost session costs the customer a second press and not the input.
@bp.post("/services/<uuid:service_id>")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("120/minute")
def buy(service_id: UUID) -> ResponseReturnValue:
    service = catalog.get_for_sale(service_id)
    form = PurchaseForm(service)
    if form.started.data != "1":
        count("checkout_started", service_id=service.id)
    if not form.validate():
        return _page(service, form), 422
    try:
        payment = start_payment(lambda: purchase.open_request(form.choice, form.customer, _origin(form)))
    except AlreadyPaid as error:
        session.pop(SUBMISSION, None)
        return redirect(links().confirmation(error.details["reference"]), 303)
    except DomainError as error:
        return _page(service, form, trouble=error), error.http_status
    count("submitted", service_id=service.id, request_id=payment.service_request_id)
    return go_and_pay(payment)


@bp.post("/services/<uuid:service_id>/check")
@limiter.limit("1200/minute")
def check(service_id: UUID) -> Response:
    """The verdict of the very form that `buy` uses, for the page to show while one types."""
    service = catalog.get_for_sale(service_id)
    form = PurchaseForm(service)
    if form.started.data != "1":
        count("checkout_started", service_id=service.id)
    return jsonify(verdict(form))


def verdict(form: PurchaseForm) -> dict[str, object]:
    form.validate()
    return {"valid": not form.problems, "errors": form.problems}


def start_payment(open_payment: Callable[[], Payment]) -> Payment:
    """Commit the pending payment, announce it to its gateway, keep the answer. Raises DomainError."""
    with transaction():
        payment = open_payment()
    if payment.gateway_intent_id is not None:
        return payment
    intent = purchase.create_intent(payment, links())
    with transaction():
        return purchase.attach_intent(payment.id, intent)


def go_and_pay(payment: Payment) -> ResponseReturnValue:
    """To the gateway's hosted page."""
    reference = payment.service_request.reference_number
    return redirect(payment.redirect_url or links().pay(reference), 303)


def _page(service: Service, form: PurchaseForm, *, trouble: DomainError | None = None) -> str:
    # A fresh page shows no errors, though its verdict has them.
    problems, token_failed = form.problems, form.token_failed
    form.show_prices()
    return render_template(
        "checkout/service.html",
        service=service,
        form=form,
        action=url_for("checkout.buy", service_id=service.id, ref=affiliate_cookie.code_in_address()),
        problems=problems,
        token_failed=token_failed,
        verdict=verdict(form),
        trouble=trouble,
        offers=gateway_choice.offers(service.currency),
    )


def _fill_again(form: PurchaseForm) -> None:
    """After a failed payment: the form as it was, for whoever has the signed link."""
    reference = request.args.get("again")
    if reference is None:
        return
    before = signed_links.get_request(reference)
    form.full_name.data, form.email.data = before.customer_name, before.customer_email
    form.phone.data = format_phone(before.customer_phone)
    form.requirements.data = before.customer_requirements


def _origin(form: PurchaseForm) -> Origin:
    return Origin(form.submission.data or secrets.token_urlsafe(16), affiliate_cookie.current_code())
