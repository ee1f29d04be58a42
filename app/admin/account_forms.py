"""The part of a form that makes somebody an account: shared by all whose rows are people."""

from wtforms import BooleanField, EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.admin.forms import AdminForm
from app.models import User
from app.workflows import accounts
from app.workflows.audit import Actor

NEEDED = "This is needed."


class AccountForm(AdminForm):
    """Whoever builds on it adds `is_enabled`, where it fits."""

    name = StringField("Name", [InputRequired(NEEDED), Length(max=200)])
    email = EmailField("Email address", [InputRequired(NEEDED), Length(max=254)], description="They sign in with it.")
    password = PasswordField(
        "Password",
        [Length(max=200)],
        description="At least 10 characters. Left empty, nothing changes.",
        render_kw={"autocomplete": "new-password"},
    )
    is_enabled: BooleanField


def fill_account(user: User, form: AccountForm, *, actor: Actor) -> None:
    """Raises InvalidInput, with details by field."""
    accounts.rename(user, form.email.data or "", form.name.data or "")
    if form.password.data:
        accounts.ensure_strong(form.password.data)
        accounts.set_password(user, form.password.data)
    if form.is_enabled.data != user.is_enabled:
        accounts.set_enabled(user, bool(form.is_enabled.data), actor=actor)
