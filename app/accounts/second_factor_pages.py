"""Setting up a second factor, renewing its recovery codes, turning it off.

Also for somebody who has entered the right password and must set one up before going in.
"""

import io

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from markupsafe import Markup

from app import guesses
from app.accounts import pending, sessions
from app.accounts.blueprint import actor, bp, home_of, own_account, wanted_page
from app.accounts.forms import CodeForm, DisableForm
from app.db import transaction
from app.errors import DomainError, InvalidInput
from app.extensions import limiter, refused_only, settings
from app.models import User
from app.reauthentication import confirmed, ensure_confirmed
from app.workflows import accounts, second_factor, user_sessions
from app.workflows.sign_in_limits import Target, TooManyTries

_IN_GROUPS_OF = 4


@bp.get("/account/second-factor")
def second_factor_page() -> ResponseReturnValue:
    user = _whom()
    return _ask_to_sign_in() if user is None else _show(user)


@bp.post("/account/second-factor/begin")
def begin_second_factor() -> ResponseReturnValue:
    user = _whom()
    if user is None:
        return _ask_to_sign_in()
    if current_user.is_authenticated:
        # Or whoever finds the screen open could shut its owner out.
        ensure_confirmed()
    if not user.has_second_factor:
        with transaction():
            second_factor.begin(user)
    return redirect(url_for(".second_factor_page", next=wanted_page()))


@bp.post("/account/second-factor")
@limiter.limit("60/minute", deduct_when=refused_only)
def enable_second_factor() -> ResponseReturnValue:
    user, form = _whom(), CodeForm()
    if user is None:
        return _ask_to_sign_in()
    if not form.validate_on_submit():
        return _show(user, form), 422
    try:
        with transaction():
            codes = second_factor.enable(user, form.code.data or "", actor=actor(user))
            if "visit" in g:
                # Those were begun with the password alone.
                user_sessions.end_others(user.id, g.visit.id)
    except InvalidInput as error:
        return _show(user, form, error.message), 422
    except DomainError as error:
        flash(f"{error.message} {error.suggested_action or ''}", "error")
        return redirect(url_for(".second_factor_page"))
    if not current_user.is_authenticated:
        sessions.begin(user)
    return _codes(codes, user)


@bp.post("/account/second-factor/codes")
@login_required
@confirmed
def renew_recovery_codes() -> ResponseReturnValue:
    user = own_account()
    with transaction():
        codes = second_factor.renew_codes(user, actor=actor(user))
    return _codes(codes, user)


@bp.post("/account/second-factor/off")
@login_required
@limiter.limit("60/minute", deduct_when=refused_only)
def disable_second_factor() -> ResponseReturnValue:
    user, form = own_account(), DisableForm()
    if not form.validate_on_submit():
        return _show(user, message="Enter your password and a code to turn it off."), 422
    target = Target("disable", str(user.id), request.remote_addr or "", "own")
    try:
        if not guesses.is_right(target, lambda: _may_disable(user, form)):
            return _show(user, message="The password or the code is not right. The second factor stays on."), 422
    except TooManyTries as error:
        return _show(user, message=error.message), 429
    with transaction():
        second_factor.disable(user, actor=actor(user))
    flash("The second factor is off. Your password alone signs you in now.", "success")
    return redirect(url_for(".account"))


def _may_disable(user: User, form: DisableForm) -> bool:
    if not accounts.is_password_right(user, form.password.data or ""):
        return False
    with transaction():
        return second_factor.accept(user, form.code.data or "")


def _whom() -> User | None:
    return own_account() if current_user.is_authenticated else pending.find()


def _ask_to_sign_in() -> ResponseReturnValue:
    return redirect(url_for(".login", next=url_for(".second_factor_page")))


def _show(user: User, form: CodeForm | None = None, message: str | None = None) -> str:
    return render_template(
        "accounts/second_factor.html",
        user=user,
        form=form or CodeForm(formdata=None),
        disable_form=DisableForm(formdata=None),
        message=message,
        next=wanted_page(),
        is_forced=not current_user.is_authenticated,
        must_have=user.role in settings().second_factor_roles,
        codes_left=second_factor.codes_left(user.id),
        **_secret(user),
    )


def _secret(user: User) -> dict[str, object]:
    """Shown as long as it is being set up, and never after."""
    if user.has_second_factor or not user.totp_secret_sealed:
        return {"picture": None, "groups": ()}
    secret = user.totp_secret_sealed
    # One page of a whole house, seen once by each of its people.
    import segno  # noqa: PLC0415

    picture = io.BytesIO()
    code = segno.make(second_factor.address(user, issuer=settings().business_name), error="m")
    # No style attribute and no colours that the page's policy or its dark side would mind.
    code.save(
        picture, kind="svg", border=4, xmldecl=False, svgns=False, omitsize=True, light="#fff", dark="#000", nl=False
    )
    groups = [secret[at : at + _IN_GROUPS_OF] for at in range(0, len(secret), _IN_GROUPS_OF)]
    return {"picture": Markup(picture.getvalue().decode()), "groups": groups}  # noqa: S704 - made here


def _codes(codes: list[str], user: User) -> ResponseReturnValue:
    on = wanted_page() or home_of(user)
    return render_template("accounts/recovery_codes.html", codes=codes, on=on)
