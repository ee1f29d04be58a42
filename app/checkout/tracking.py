"""Following a request by its reference number: service, status and timeline, and nothing personal."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.checkout.blueprint import bp
from app.checkout.visits import count
from app.errors import NotFound
from app.extensions import limiter
from app.kit.ids import parse_reference_number
from app.workflows import tracking


@bp.get("/track")
@limiter.limit("300/minute")
def ask() -> ResponseReturnValue:
    typed = request.args.get("reference", "").strip()
    if not typed:
        return render_template("checkout/track.html", typed="", trouble=None)
    reference = parse_reference_number(typed)
    if reference is None:
        return _not_found(typed, tracking.MistypedReference())
    return redirect(url_for("checkout.follow", reference=reference), 303)


@bp.get("/track/<reference>")
@limiter.limit("300/minute")
def follow(reference: str) -> ResponseReturnValue:
    try:
        service_request = tracking.find_progress(reference)
    except NotFound as error:
        return _not_found(reference, error)
    count("tracking_viewed", service_id=service_request.service_id, request_id=service_request.id)
    return render_template(
        "checkout/tracking.html",
        service_request=service_request,
        timeline=tracking.timeline(service_request),
        next_step=tracking.next_step(service_request),
    )


def _not_found(typed: str, trouble: NotFound) -> ResponseReturnValue:
    """The form again, with what was typed and what is wrong with it."""
    return render_template("checkout/track.html", typed=typed, trouble=trouble), trouble.http_status
