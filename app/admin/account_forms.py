"""The part of a form that makes somebody an account: shared by all whose rows are people."""

from wtforms import BooleanField, EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.admin.forms import AdminForm
from app.db import db
from app.models import Role, User
from app.reauthentication import ensure_confirmed
from app.workflows import account_letters, accounts
from app.workflows.audit import Actor

NEEDED = "This is needed."


class AccountForm(AdminForm):
    """Whoever builds on it adds `is_enabled`, where it fits."""

    name = StringField("Name", [InputRequired(NEEDED), Length(max=accounts.MAXIMUM_NAME_LENGTH)])
    email = EmailField("Email address", [InputRequired(NEEDED), Length(max=254)], description="They sign in with it.")
    password = PasswordField(
        "Password",
        [Length(max=200)],
        description="At least 10 characters. Left empty, nothing changes; whoever is new gets a link to choose one.",
        render_kw={"autocomplete": "new-password"},
    )
    is_enabled: BooleanField


def start_account(form: AccountForm, role: Role) -> User:
    """A new account; without a password it gets an invitation. Raises InvalidInput, with details by field."""
    user = accounts.make_account(form.email.data or "", form.name.data or "", role=role)
    db.session.add(user)
    db.session.flush()
    if not form.password.data:
        account_letters.invitation(user)
    return user


def fill_account(user: User, form: AccountForm, *, actor: Actor) -> None:
    """Raises InvalidInput, with details by field; ConfirmationNeeded before who signs in, or with what, changes."""
    was = (user.email, user.is_enabled)
    if form.password.data or was != ((form.email.data or "").strip().lower(), form.is_enabled.data):
        ensure_confirmed()
    accounts.rename(user, form.email.data or "", form.name.data or "")
    if form.password.data:
        accounts.ensure_strong(form.password.data)
        accounts.set_password(user, form.password.data)
    if form.is_enabled.data != user.is_enabled:
        accounts.set_enabled(user, bool(form.is_enabled.data), actor=actor)
