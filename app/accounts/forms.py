"""The forms about accounts: what is asked, and the words when it is missing."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.kit.contact import MAXIMUM_EMAIL_LENGTH
from app.workflows.accounts import MAXIMUM_PASSWORD_LENGTH, MINIMUM_PASSWORD_LENGTH

_ADDRESS = [InputRequired("Enter your email address."), Length(max=MAXIMUM_EMAIL_LENGTH)]


_HINT = f"At least {MINIMUM_PASSWORD_LENGTH} characters. A few words in a row are good."


def _password(label: str, missing: str, *checks: Any, hint: str = "") -> PasswordField:
    limits = [InputRequired(missing), Length(max=MAXIMUM_PASSWORD_LENGTH), *checks]
    return PasswordField(label, validators=limits, description=hint)


class LoginForm(FlaskForm):
    email = EmailField("Email address", validators=_ADDRESS)
    password = _password("Password", "Enter your password.")


class CodeForm(FlaskForm):
    code = StringField(
        "Code", validators=[InputRequired("Enter the code."), Length(max=40, message="That is too long.")]
    )


class ResetForm(FlaskForm):
    email = EmailField("Email address", validators=_ADDRESS)


class NewPasswordForm(FlaskForm):
    password = _password("New password", "Choose a password.", hint=_HINT)
    again = _password(
        "The same once more", "Enter the new password a second time.", EqualTo("password", "The two are not the same.")
    )


class ChangePasswordForm(NewPasswordForm):
    current = _password("Present password", "Enter the password you have now.")


class DisableForm(FlaskForm):
    password = _password("Password", "Enter your password.")
    code = StringField(
        "Code", validators=[InputRequired("Enter the code."), Length(max=40, message="That is too long.")]
    )
