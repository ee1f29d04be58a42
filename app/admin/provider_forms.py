"""The form of a provider: the person's account, what they can do, and how much of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import BooleanField, EmailField, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from app.admin.filters import enum_options
from app.admin.forms import AdminForm, CheckboxesField, choices
from app.db import db
from app.models import Availability, Category, ProviderProfile, Service
from app.workflows import accounts, providers
from app.workflows.audit import Actor

_NEEDED = "This is needed."


class ProviderForm(AdminForm):
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=providers.LONGEST_NAME)])
    email = EmailField("Email address", [InputRequired(_NEEDED), Length(max=254)], description="They sign in with it.")
    password = PasswordField(
        "Password",
        [Length(max=200)],
        description="At least 10 characters. Left empty, nothing changes.",
        render_kw={"autocomplete": "new-password"},
    )
    title = StringField("Title", [Length(max=providers.LONGEST_TITLE)], description="Like: Chartered accountant.")
    capacity = IntegerField(
        "Open requests at most",
        [InputRequired(_NEEDED), NumberRange(0, providers.MOST_WORK, "Use a number up to 10,000.")],
    )
    availability = SelectField("Availability", choices=choices(enum_options(Availability)))
    categories = CheckboxesField("Skilled in everything of", choices=choices(enum_options(Category)))
    services = CheckboxesField("And in these services")
    is_enabled = BooleanField("May sign in and get work")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        rows = db.session.execute(select(Service.id, Service.name).order_by(Service.name))
        self.services.choices = choices((key, name) for key, name in rows)


def fill_provider(row: ProviderProfile, form: ProviderForm, *, actor: Actor) -> None:
    """Raises InvalidInput, with details by field."""
    _fill_account(row, form, actor=actor)
    row.title = form.title.data or ""
    row.capacity = form.capacity.data or 0
    row.availability = Availability(form.availability.data)
    categories = {Category(value) for value in form.categories.data or []}
    providers.set_skills(row, categories, {UUID(value) for value in form.services.data or []})


def _fill_account(row: ProviderProfile, form: ProviderForm, *, actor: Actor) -> None:
    accounts.rename(row.user, form.email.data or "", form.name.data or "")
    if form.password.data:
        accounts.ensure_strong(form.password.data)
        accounts.set_password(row.user, form.password.data)
    if form.is_enabled.data != row.user.is_enabled:
        accounts.set_enabled(row.user, form.is_enabled.data, actor=actor)
