"""The checkout page: what is sold, the form, and on to the gateway's page."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from app import protection
from app.checkout import affiliate_cookie, signed_links, visitors
from app.checkout.blueprint import bp
from app.checkout.forms import CheckoutForm
from app.checkout.kept_pages import kept_pages
from app.checkout.visits import count
from app.errors import AlreadyPaid, DomainError
from app.exchanges import start_payment
from app.extensions import csrf, limiter
from app.kit.contact import format_phone
from app.models import Payment
from app.workflows import catalog, editions, flags, gateway_choice, gateway_health, purchase
from app.workflows.catalog import Offering
from app.workflows.gateway_choice import Offer
from app.workflows.purchase import Origin

SUBMISSION = "submission"
"""Session key of the token that makes a repeated submit one request; a new one follows a finished purchase."""


@bp.get("/services/<uuid:service_id>")
def show(service_id: UUID) -> ResponseReturnValue:
    service = catalog.get_for_sale(service_id)
    if not visitors.has(flags.PURCHASE):
        return _closed(service)
    submission = session.setdefault(SUBMISSION, secrets.token_urlsafe(16))
    count("service_selected", service_id=service.id)
    reference = request.args.get("again")
    return _fresh_page(service, submission) if reference is None else _page_again(service, submission, reference)


# The form checks the token itself, so that a lost session costs the customer a second press and not the input.
@bp.post("/services/<uuid:service_id>")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("120/minute")
def buy(service_id: UUID) -> ResponseReturnValue:
    """Most often nothing on sale was changed since somebody looked: the statement that opens the request makes sure of
    that, and needs no look before it. Any other answer is given after one."""
    editions.presume()
    try:
        return _buy(service_id)
    except editions.Outdated:
        editions.look_again()
        return _buy(service_id)


def _buy(service_id: UUID) -> ResponseReturnValue:
    service = _for_sale(service_id)
    if not visitors.has(flags.PURCHASE):
        editions.make_sure()
        return _closed(service), 409
    form = CheckoutForm(service)
    answer = _order(service, form)
    _count_start(form)
    return answer


def _order(service: Offering, form: CheckoutForm) -> ResponseReturnValue:
    if not form.validate():
        editions.make_sure()
        return _page(service, form), 422
    origin = _origin(form)
    try:
        payment = start_payment(
            lambda: purchase.open_request(form.choice, form.customer, origin),
            is_hosted=leads_away,
            # Who goes by what they presumed writes that or nothing; whom an affiliate sent is looked up beside it.
            is_one_statement=editions.is_presuming() and origin.affiliate_code is None,
        )
    except AlreadyPaid as error:
        session.pop(SUBMISSION, None)
        return redirect(signed_links.address("confirmation", error.details["reference"]), 303)
    except DomainError as error:
        return _page(service, form, trouble=error), error.http_status
    count("submitted", service_id=service.id, request_id=payment.service_request_id)
    return go_and_pay(payment)


def _for_sale(service_id: UUID) -> Offering:
    try:
        return catalog.get_for_sale(service_id)
    except DomainError:
        editions.make_sure()
        raise


@bp.post("/services/<uuid:service_id>/check")
@limiter.limit("1200/minute")
def check(service_id: UUID) -> Response:
    """The verdict of the very form that `buy` uses, for the page to show while one types."""
    form = CheckoutForm(catalog.get_for_sale(service_id))
    _count_start(form)
    return jsonify(_verdict(form))


def leads_away(payment: Payment) -> bool:
    """Whether this customer pays on the gateway's page; ours needs scripts, and the form says if they run."""
    is_able = request.form.get("scripts") == "1" and gateway_choice.script_of(payment) is not None
    return not (is_able and visitors.has(flags.PAY_ON_PAGE))


def go_and_pay(payment: Payment) -> ResponseReturnValue:
    """To the gateway's page, or to ours that hands over to it; once it is decided, to what came of it."""
    if payment.is_payable and payment.redirect_url:
        return redirect(payment.redirect_url, 303)
    page = "hand_over" if payment.is_payable else "confirmation"
    return redirect(signed_links.address(page, payment.service_request.reference_number), 303)


def offered(currency: str) -> list[Offer]:
    """The ways to pay, whose pages the forms of this answer may lead to."""
    offers = gateway_choice.offers(currency)
    for offer in offers:
        for origin in offer.origins:
            protection.allow("form-action", origin)
    return offers


def _fresh_page(service: Offering, submission: str) -> str:
    """As everybody first meets it but for three values, so it is kept."""
    offers = tuple(offered(service.currency))
    tier = request.args.get("tier")
    chosen = tier if tier in {str(each.id) for each in service.active_tiers} else None

    def write(holes: Mapping[str, str]) -> str:
        form = CheckoutForm(service, meta={"csrf": False})
        form.begin(holes["submission"], chosen)
        return _write(Shown(service, form, offers, holes["action"], holes["token"]))

    values = {"action": lambda: _action(service), "token": generate_csrf, "submission": lambda: submission}
    return kept_pages().page(("service", service, chosen, offers), write, values)


def _page_again(service: Offering, submission: str, reference: str) -> str:
    """After a failed payment: the form as it was, for whoever has the signed link."""
    form = CheckoutForm(service, meta={"csrf": False})
    form.begin(submission, request.args.get("tier"))
    before = signed_links.get_request(reference)
    form.fill(
        {
            "full_name": before.customer_name,
            "email": before.customer_email,
            "phone": format_phone(before.customer_phone),
            "requirements": before.customer_requirements,
        }
    )
    return _page(service, form)


def _page(service: Offering, form: CheckoutForm, *, trouble: DomainError | None = None) -> str:
    return _write(Shown(service, form, offered(service.currency), _action(service), generate_csrf()), trouble=trouble)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a checkout page is made of. `action` is where its form goes, with `token` against forgery."""

    service: Offering
    form: CheckoutForm
    offers: Sequence[Offer]
    action: str
    token: str


def _write(shown: Shown, *, trouble: DomainError | None = None) -> str:
    form = shown.form
    # A fresh page shows no errors, though its verdict has them.
    problems, token_failed = form.problems, form.token_failed
    form.show_prices()
    return render_template(
        "checkout/service.html",
        service=shown.service,
        form=form,
        action=shown.action,
        token=shown.token,
        problems=problems,
        token_failed=token_failed,
        verdict=_verdict(form),
        trouble=trouble,
        offers=shown.offers,
        others=_others(shown.offers) if trouble and gateway_health.is_at_fault(trouble) else [],
    )


def _action(service: Offering) -> str:
    return url_for("checkout.buy", service_id=service.id, ref=affiliate_cookie.code_in_address())


def _closed(service: Offering) -> str:
    """What is sold, and that it cannot be ordered now."""
    return render_template("checkout/closed.html", service=service)


def _verdict(form: CheckoutForm) -> dict[str, object]:
    form.validate()
    return {"valid": not form.problems, "errors": form.problems}


def _count_start(form: CheckoutForm) -> None:
    """The page says so once it has told us that somebody began to fill it in."""
    if form.started.data != "1":
        count("checkout_started", service_id=form.service.id)


def _origin(form: CheckoutForm) -> Origin:
    # Drawn once, so that what is tried again after a lost connection, or after another look, is the same purchase.
    submission = form.submission.data or g.setdefault(SUBMISSION, secrets.token_urlsafe(16))
    return Origin(submission, affiliate_cookie.current_code(), request.form.get("gateway") or None)


def _others(offers: Sequence[Offer]) -> list[Offer]:
    """The ways to pay but the one that has just failed."""
    tried = request.form.get("gateway") or (offers[0].gateway if offers else None)
    return [offer for offer in offers if offer.gateway != tried]
