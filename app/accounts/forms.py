"""The forms about accounts: what is asked, and the words when it is missing."""

from typing import Any

from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.kit.contact import MAXIMUM_EMAIL_LENGTH
from app.text_forms import TextForm
from app.workflows.accounts import MAXIMUM_PASSWORD_LENGTH, MINIMUM_PASSWORD_LENGTH

_ADDRESS = [InputRequired("Enter your email address."), Length(max=MAXIMUM_EMAIL_LENGTH)]


_HINT = f"At least {MINIMUM_PASSWORD_LENGTH} characters. A few words in a row are good."


def _password(label: str, missing: str, *checks: Any, hint: str = "") -> PasswordField:
    limits = [InputRequired(missing), Length(max=MAXIMUM_PASSWORD_LENGTH), *checks]
    return PasswordField(label, validators=limits, description=hint)


class LoginForm(TextForm):
    email = EmailField("Email address", validators=_ADDRESS)
    password = _password("Password", "Enter your password.")


class CodeForm(TextForm):
    code = StringField(
        "Code", validators=[InputRequired("Enter the code."), Length(max=40, message="That is too long.")]
    )


class ResetForm(TextForm):
    email = EmailField("Email address", validators=_ADDRESS)


class NewPasswordForm(TextForm):
    password = _password("New password", "Choose a password.", hint=_HINT)
    again = _password(
        "The same once more", "Enter the new password a second time.", EqualTo("password", "The two are not the same.")
    )


class ChangePasswordForm(NewPasswordForm):
    current = _password("Present password", "Enter the password you have now.")


class DisableForm(TextForm):
    password = _password("Password", "Enter your password.")
    code = StringField(
        "Code", validators=[InputRequired("Enter the code."), Length(max=40, message="That is too long.")]
    )
