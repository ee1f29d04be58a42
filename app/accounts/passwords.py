"""Passwords: forgotten, chosen by a link from a letter, changed."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from app import guesses
from app.accounts import known_browsers, sessions
from app.accounts.blueprint import actor, bp, own_account
from app.accounts.forms import ChangePasswordForm, NewPasswordForm, ResetForm
from app.db import LOCK, db, transaction
from app.errors import InvalidInput
from app.extensions import limiter, links
from app.models import User
from app.workflows import account_letters, accounts
from app.workflows.account_letters import LinkRefused
from app.workflows.sign_in_limits import Target, TooManyTries


@bp.get("/reset")
def reset() -> ResponseReturnValue:
    return render_template("accounts/reset.html", form=ResetForm(formdata=None), asked_for=None)


@bp.post("/reset")
@limiter.limit("10/minute;60/hour")
def send_reset() -> ResponseReturnValue:
    """The same answer, and the same work, for an address that nobody has."""
    form = ResetForm()
    if not form.validate_on_submit():
        return render_template("accounts/reset.html", form=form, asked_for=None), 422
    email = (form.email.data or "").strip().lower()
    with transaction():
        account_letters.password_reset(accounts.find_user(email), email)
    return render_template("accounts/reset.html", form=form, asked_for=email)


@bp.get("/reset/choose")
@limiter.limit("60/minute")
def choose() -> ResponseReturnValue:
    try:
        user = account_letters.user_of(_key(), links())
    except LinkRefused as error:
        return _refuse(error)
    return _choose(NewPasswordForm(formdata=None), user)


@bp.post("/reset/choose")
@limiter.limit("60/minute")
def save_choice() -> ResponseReturnValue:
    form = NewPasswordForm()
    try:
        user = account_letters.user_of(_key(), links())
        if not form.validate_on_submit():
            return _choose(form, user), 422
        with transaction():
            # Read again under the lock: of two who use the link at once, the second finds it used.
            db.session.get_one(User, user.id, with_for_update=LOCK, populate_existing=True)
            account_letters.user_of(_key(), links())
            accounts.change_password(user, form.password.data or "", actor=actor(user))
    except LinkRefused as error:
        return _refuse(error)
    except InvalidInput as error:
        form.password.errors = [error.message]
        return _choose(form, user), 422
    flash("Your password is set. Sign in with it.", "success")
    response = make_response(redirect(url_for(".login")))
    # Who reads the account's mail is its owner: strangers' tries must not make them wait.
    known_browsers.remember(response, user)
    return response


@bp.get("/account/password")
@login_required
def password() -> ResponseReturnValue:
    return _show(ChangePasswordForm(formdata=None))


@bp.post("/account/password")
@login_required
def change_password() -> ResponseReturnValue:
    form, user = ChangePasswordForm(), own_account()
    if not form.validate_on_submit():
        return _show(form), 422
    target = Target("change", str(user.id), request.remote_addr or "", "own")
    try:
        if not guesses.is_right(target, lambda: accounts.is_password_right(user, form.current.data or "")):
            form.current.errors = ["This is not your present password."]
            return _show(form), 422
        with transaction():
            accounts.change_password(user, form.password.data or "", actor=actor(user))
    except TooManyTries as error:
        form.current.errors = [error.message]
        return _show(form), 429
    except InvalidInput as error:
        form.password.errors = [error.message]
        return _show(form), 422
    # Every session has ended, this one too; it goes on as a new one.
    sessions.begin(user)
    flash("Your password is changed. Everywhere else you are signed out.", "success")
    return redirect(url_for(".account"))


def _key() -> str:
    return request.args.get("key", "")


def _show(form: ChangePasswordForm) -> str:
    return render_template("accounts/password.html", form=form, user=own_account())


def _choose(form: NewPasswordForm, user: User) -> str:
    return render_template("accounts/choose.html", form=form, user=user, key=_key())


def _refuse(error: LinkRefused) -> ResponseReturnValue:
    return render_template("accounts/link_refused.html", error=error), error.http_status
