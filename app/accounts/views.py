"""Signing in and out."""

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import guesses
from app.accounts import known_browsers, pending, sessions
from app.accounts.blueprint import bp, home_of, wanted_page
from app.accounts.forms import CodeForm, LoginForm
from app.db import transaction
from app.extensions import limiter, refused_only, settings
from app.models import User
from app.workflows import accounts, second_factor
from app.workflows.second_factor import WRONG_CODE
from app.workflows.sign_in_limits import TooManyTries

WRONG = "The email address or the password is not right."


@bp.get("/login")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home_of(current_user))
    return render_template("accounts/login.html", form=LoginForm(formdata=None), next=wanted_page())


@bp.post("/login")
@limiter.limit("120/minute", deduct_when=refused_only)
def sign_in() -> ResponseReturnValue:
    form = LoginForm()
    if not form.validate_on_submit():
        return _refuse(form, None)
    email, password = (form.email.data or "").strip().lower(), form.password.data or ""
    user = accounts.find_user(email)
    try:
        if not guesses.is_right(known_browsers.target("password", email, user), lambda: _fits(user, password)):
            return _refuse(form, WRONG)
    except TooManyTries as error:
        return _refuse(form, error.message, status=429)
    assert user is not None
    with transaction():
        accounts.renew_hash(user, password)
    return _go_on(user)


@bp.get("/login/code")
def code() -> ResponseReturnValue:
    if pending.find() is None:
        return redirect(url_for(".login", next=wanted_page()))
    return _ask_for_code(CodeForm(formdata=None))


@bp.post("/login/code")
@limiter.limit("60/minute", deduct_when=refused_only)
def check_code() -> ResponseReturnValue:
    user = pending.find()
    if user is None:
        flash("That took too long. Sign in once more.", "error")
        return redirect(url_for(".login", next=wanted_page()))
    form = CodeForm()
    if not form.validate_on_submit():
        return _ask_for_code(form), 401
    try:
        if not guesses.is_right(known_browsers.target("code", str(user.id), user), lambda: _accept(user, form)):
            return _ask_for_code(form, WRONG_CODE), 401
    except TooManyTries as error:
        return _ask_for_code(form, error.message), 429
    return _let_in(user)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    sessions.end()
    return redirect(url_for("accounts.login"))


@bp.get("/home")
def home() -> ResponseReturnValue:
    """Where each role works: the way out of a page that is not theirs."""
    return redirect(home_of(current_user) if current_user.is_authenticated else url_for("accounts.login"))


def ask_to_sign_in() -> ResponseReturnValue:
    """To the sign-in page and back; a script is told 401 instead of getting a page that it cannot read."""
    if request.accept_mimetypes.best == "application/json" or request.path.startswith("/api/"):
        abort(401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.login", next=wanted))


def _fits(user: User | None, password: str) -> bool:
    # One message and the same work for an unknown address, a wrong password and a closed account.
    is_right = accounts.is_password_right(user, password)
    return is_right and user is not None and user.is_enabled


def _go_on(user: User) -> ResponseReturnValue:
    """To the code where there is one, to setting it up where it must be, else in."""
    must_have = user.role in settings().second_factor_roles
    if not user.has_second_factor and not must_have:
        return _let_in(user)
    pending.begin(user)
    return redirect(url_for(".code" if user.has_second_factor else ".second_factor_page", next=wanted_page()))


def _let_in(user: User) -> ResponseReturnValue:
    sessions.begin(user)
    response = make_response(redirect(wanted_page() or home_of(user)))
    known_browsers.remember(response, user)
    return response


def _accept(user: User, form: CodeForm) -> bool:
    with transaction():
        return second_factor.accept(user, form.code.data or "")


def _refuse(form: LoginForm, message: str | None, *, status: int = 401) -> ResponseReturnValue:
    return render_template("accounts/login.html", form=form, message=message, next=wanted_page()), status


def _ask_for_code(form: CodeForm, message: str | None = None) -> str:
    has_no_phone = "recovery" in request.args
    return render_template(
        "accounts/code.html", form=form, message=message, next=wanted_page(), has_no_phone=has_no_phone
    )
