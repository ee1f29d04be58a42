"""Somebody's own account: who they are here, how they sign in, where they are signed in."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from app import reauthentication
from app.accounts.blueprint import bp, home_of, own_account, wanted_page
from app.db import transaction
from app.extensions import limiter, refused_only, settings
from app.models import UserSession
from app.workflows import second_factor, user_sessions
from app.workflows.sign_in_limits import TooManyTries

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A session as its owner recognises it."""

    id: UUID
    browser: str
    address: str
    seen_at: datetime
    began_at: datetime
    is_this: bool


@bp.get("/account")
@login_required
def account() -> ResponseReturnValue:
    user = own_account()
    return render_template(
        "accounts/account.html",
        user=user,
        home=home_of(user),
        sessions=[_shown(each) for each in user_sessions.alive_of(user.id)],
        codes_left=second_factor.codes_left(user.id),
        must_have=user.role in settings().second_factor_roles,
    )


@bp.post("/account/sessions/<uuid:key>/end")
@login_required
def end_session(key: UUID) -> ResponseReturnValue:
    with transaction():
        user_sessions.end_one(own_account().id, key)
    flash("That browser is signed out.", "success")
    return redirect(url_for(".account"))


@bp.post("/account/sessions/end-others")
@login_required
def end_other_sessions() -> ResponseReturnValue:
    visit = g.visit
    with transaction():
        user_sessions.end_others(own_account().id, visit.id)
    flash("Every other browser is signed out.", "success")
    return redirect(url_for(".account"))


@bp.get("/account/confirm")
@login_required
def confirm() -> ResponseReturnValue:
    return _ask(None)


@bp.post("/account/confirm")
@login_required
@limiter.limit("60/minute", deduct_when=refused_only)
def confirm_now() -> ResponseReturnValue:
    user = own_account()
    password, code = request.form.get("confirm_password", ""), request.form.get("confirm_code", "").strip()
    try:
        refusal = reauthentication.refusal_of(user, password=password, code=code)
    except TooManyTries as error:
        return _ask(error.message), 429
    if refusal is not None:
        return _ask(refusal), 401
    return redirect(wanted_page() or url_for(".account"))


def _ask(refusal: str | None) -> str:
    user = own_account()
    return render_template(
        "accounts/confirm.html",
        address=url_for(".confirm_now", next=wanted_page()),
        held=None,
        refusal=refusal,
        back=url_for(".account"),
        has_code=user.has_second_factor,
    )


def _shown(row: UserSession) -> Shown:
    return Shown(
        id=row.id,
        browser=_words(row.browser or ""),
        address=row.address or "unknown",
        seen_at=row.last_seen_at,
        began_at=row.created_at,
        is_this=row.id == g.visit.id,
    )


def _words(user_agent: str) -> str:
    """`Firefox on Linux`; what names neither is shown as it is, shortened."""
    browser = next((word for sign, word in _BROWSERS if sign in user_agent), "")
    system = next((word for sign, word in _SYSTEMS if re.search(sign, user_agent)), "")
    return " on ".join(filter(None, (browser, system))) or user_agent[:40] or "A program without a name"
