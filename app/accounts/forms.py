"""The sign-in form."""

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from app.kit.contact import MAXIMUM_EMAIL_LENGTH
from app.workflows.accounts import MAXIMUM_PASSWORD_LENGTH


class LoginForm(FlaskForm):
    email = EmailField(
        "Email address", validators=[InputRequired("Enter your email address."), Length(max=MAXIMUM_EMAIL_LENGTH)]
    )
    password = PasswordField(
        "Password", validators=[InputRequired("Enter your password."), Length(max=MAXIMUM_PASSWORD_LENGTH)]
    )
