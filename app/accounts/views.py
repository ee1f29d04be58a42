"""The pages of signing in and out."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from app.accounts import sessions
from app.accounts.forms import LoginForm
from app.db import transaction
from app.models import Role, User
from app.workflows import accounts

bp = Blueprint("accounts", __name__)

_PARTNERS = {Role.PROVIDER: "portal_provider.index", Role.AFFILIATE: "portal_affiliate.index"}


@bp.get("/login")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home_of(current_user))
    return render_template("accounts/login.html", form=LoginForm(formdata=None), next=_wanted_page())


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    form = LoginForm()
    if not form.validate_on_submit():
        return _refuse(form, None)
    user = accounts.find_user(form.email.data or "")
    # One message and the same work for an unknown address, a wrong password and a closed account.
    if not accounts.is_password_right(user, form.password.data or "") or user is None or not user.is_enabled:
        return _refuse(form, "The email address or the password is not right.")
    with transaction():
        accounts.note_sign_in(user)
    sessions.begin(user)
    return redirect(_wanted_page() or home_of(user))


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(url_for("accounts.login"))


@bp.get("/home")
def home() -> ResponseReturnValue:
    """Where each role works: the way out of a page that is not theirs."""
    return redirect(home_of(current_user) if current_user.is_authenticated else url_for("accounts.login"))


def home_of(user: User) -> str:
    return url_for(_PARTNERS.get(user.role, "admin.index"))


def ask_to_sign_in() -> ResponseReturnValue:
    """To the sign-in page and back; a script is told 401 instead of getting a page that it cannot read."""
    if request.accept_mimetypes.best == "application/json" or request.path.startswith("/api/"):
        abort(401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.login", next=wanted))


def _refuse(form: LoginForm, message: str | None) -> ResponseReturnValue:
    return render_template("accounts/login.html", form=form, message=message, next=_wanted_page()), 401


def _wanted_page() -> str | None:
    """The page to go on to, only if it is one of ours: a path, never another host."""
    wanted = request.args.get("next", "")
    is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if is_path and not urlsplit(wanted).netloc else None
