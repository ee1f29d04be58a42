"""The form of a provider: the person's account, what they can do, and how much of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from app.admin.account_forms import NEEDED, AccountForm, fill_account
from app.admin.filters import enum_options
from app.admin.forms import CheckboxesField, choices
from app.db import db
from app.models import Availability, Category, ProviderProfile, Service
from app.workflows import providers
from app.workflows.audit import Actor


class ProviderForm(AccountForm):
    title = StringField("Title", [Length(max=providers.LONGEST_TITLE)], description="Like: Chartered accountant.")
    capacity = IntegerField(
        "Open requests at most",
        [InputRequired(NEEDED), NumberRange(0, providers.MOST_WORK, "Use a number up to 10,000.")],
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
    fill_account(row.user, form, actor=actor)
    row.title = form.title.data or ""
    row.capacity = form.capacity.data or 0
    row.availability = Availability(form.availability.data)
    categories = {Category(value) for value in form.categories.data or []}
    providers.set_skills(row, categories, {UUID(value) for value in form.services.data or []})
