"""When a provider takes work: away or not, their hours, their days off."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import working_week
from app.db import db, transaction
from app.errors import InvalidInput, NotFound
from app.models import Availability, ProviderProfile, Role
from app.portal.access import only, user
from app.workflows import audit, workload

bp = Blueprint("portal_availability", __name__, url_prefix="/provider/availability")


@bp.get("/")
@only(Role.PROVIDER)
def page() -> ResponseReturnValue:
    return _show({})


@bp.post("/")
@only(Role.PROVIDER)
def save() -> ResponseReturnValue:
    actor = audit.actor_of(user(), request.remote_addr)
    try:
        with transaction():
            message = working_week.save(request.form, provider=user(), actor=actor)
    except InvalidInput as error:
        return _show(error.details), error.http_status
    flash(message, "success")
    return redirect(url_for(".page"))


@bp.post("/away")
@only(Role.PROVIDER)
def set_away() -> ResponseReturnValue:
    wanted = Availability.AWAY if request.form.get("availability") == Availability.AWAY else Availability.AVAILABLE
    with transaction():
        workload.set_availability(user(), wanted, actor=audit.actor_of(user(), request.remote_addr))
    flash("You get no new requests until you are back." if wanted is Availability.AWAY else "Welcome back.", "success")
    return redirect(url_for(".page"))


def _show(errors: dict[str, str]) -> str:
    profile = db.session.scalar(select(ProviderProfile).where(ProviderProfile.user_id == user().id))
    if profile is None:
        raise NotFound("Your account has no provider's profile yet.")
    return render_template(
        "portal/availability.html",
        profile=profile,
        week=working_week.show(user().id, sent=request.form if errors else None, errors=errors),
        weekdays=working_week.WEEKDAYS,
    )
