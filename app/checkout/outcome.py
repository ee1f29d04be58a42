"""After paying: what became of it, the receipt, and another try when it failed."""

from flask import Response, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app import protection
from app.checkout import signed_links
from app.checkout.blueprint import bp
from app.checkout.purchase import SUBMISSION, go_and_pay, leads_away, offered
from app.checkout.visits import count
from app.errors import AlreadyPaid, DomainError, NotFound
from app.exchanges import check_payment, start_payment
from app.extensions import csrf, limiter
from app.models import Payment, PaymentStatus, ServiceRequest
from app.stationery import stationery
from app.workflows import gateway_choice, payment_return, purchase, tracking


@bp.get("/requests/<reference>/confirmation")
@limiter.limit("240/minute")
def confirmation(reference: str) -> ResponseReturnValue:
    service_request, payment = _newest_state(reference)
    if service_request.payment_completed_at is not None:
        return _paid(service_request, payment)
    if payment.status is PaymentStatus.FAILED or not service_request.is_open:
        return redirect(signed_links.address("pay_again", service_request.reference_number), 303)
    return _private(render_template("checkout/checking.html", service_request=service_request, payment=payment))


@bp.get("/requests/<reference>/pay")
@limiter.limit("240/minute")
def pay_again(reference: str) -> ResponseReturnValue:
    service_request, payment = _newest_state(reference)
    if service_request.payment_completed_at is not None:
        return redirect(signed_links.address("confirmation", service_request.reference_number), 303)
    return _pay_page(service_request, payment)


@bp.post("/requests/<reference>/pay")
@limiter.limit("120/minute")
def pay(reference: str) -> ResponseReturnValue:
    service_request, payment = _newest_state(reference)
    gateway = request.form.get("gateway") or None
    try:
        return go_and_pay(start_payment(lambda: purchase.open_payment(service_request, gateway), is_hosted=leads_away))
    except AlreadyPaid:
        return redirect(signed_links.address("confirmation", service_request.reference_number), 303)
    except DomainError as error:
        return _pay_page(service_request, payment, trouble=error)


@bp.get("/requests/<reference>/handover")
@limiter.limit("240/minute")
def hand_over(reference: str) -> ResponseReturnValue:
    """For gateways whose page wants a form posted to it, or whose script takes the payment on this page."""
    service_request, payment = signed_links.get_purchase(reference)
    page = _payable(service_request, payment) if payment is not None else None
    return page or redirect(signed_links.address("pay_again", service_request.reference_number), 303)


# The gateway's page posts from its own site, without our cookies; nothing it says is believed, it is asked instead.
@bp.post("/requests/<reference>/confirmation")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("240/minute")
def come_back(reference: str) -> ResponseReturnValue:
    service_request = signed_links.get_request(reference)
    return redirect(signed_links.address("confirmation", service_request.reference_number), 303)


@bp.get("/requests/<reference>/receipt")
@limiter.limit("60/minute")
def receipt(reference: str) -> Response:
    service_request, payment = signed_links.get_purchase(reference)
    if payment is None or service_request.payment_completed_at is None:
        raise NotFound("There is no receipt yet: the payment has not arrived.")
    answer = _private(stationery().print_receipt(service_request, payment))
    answer.mimetype = "application/pdf"
    name = f"receipt-{service_request.reference_number}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _newest_state(reference: str) -> tuple[ServiceRequest, Payment]:
    """The request and its payment, after asking the gateway if it may know more than we do."""
    service_request, payment = signed_links.get_purchase(reference)
    if payment is None:
        raise NotFound("This request has no payment yet.")
    if payment_return.is_worth_asking(payment):
        # Unanswered, the customer reads "checking"; the webhook or the next refresh brings the news.
        check_payment(payment.id)
    return service_request, payment


def _paid(service_request: ServiceRequest, payment: Payment) -> Response:
    session.pop(SUBMISSION, None)
    count("confirmation_viewed", service_id=service_request.service_id, request_id=service_request.id)
    page = render_template(
        "checkout/confirmation.html",
        service_request=service_request,
        payment=payment,
        next_step=tracking.next_step(service_request),
    )
    return _private(page)


def _payable(service_request: ServiceRequest, payment: Payment) -> Response | None:
    """The page on which a pending payment is taken or handed over; None when there is nothing to pay here."""
    if payment.status is not PaymentStatus.PENDING:
        return None
    if payment.form_action is None:
        return _pay_here(service_request, payment)
    offered(service_request.currency)
    return _private(render_template("checkout/handover.html", service_request=service_request, payment=payment))


def _pay_here(service_request: ServiceRequest, payment: Payment) -> Response | None:
    """With the gateway's script and what it needs allowed for this one answer; None where it is paid elsewhere."""
    script = gateway_choice.script_of(payment)
    if script is None or not payment.client_parameters:
        return None
    for directive, sources in script.sources.items():
        for source in sources:
            protection.allow(directive, source)
    back = signed_links.address("confirmation", service_request.reference_number)
    page = render_template(
        "checkout/pay_here.html", service_request=service_request, payment=payment, script=script, back=back
    )
    return _private(page)


def _pay_page(service_request: ServiceRequest, payment: Payment, *, trouble: DomainError | None = None) -> Response:
    page = render_template(
        "checkout/pay.html",
        service_request=service_request,
        payment=payment,
        offers=offered(service_request.currency),
        key=request.args["key"],
        trouble=trouble,
    )
    answer = _private(page)
    answer.status_code = trouble.http_status if trouble else 200
    return answer


def _private(body: str | bytes) -> Response:
    """Pages with personal data stay out of every cache."""
    answer = make_response(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer
