"""Providers: the person, what they can do, and how much of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload
from wtforms import BooleanField, EmailField, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import choice, enum_options, switch
from app.admin.forms import AdminForm, CheckboxesField, choices
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db
from app.models import Availability, Category, ProviderProfile, ProviderSkill, Role, Service
from app.workflows import accounts

_NEEDED = "This is needed."


def _skill_words(profile: ProviderProfile) -> str:
    names = [skill.category.label for skill in profile.skills if skill.category]
    names += sorted(skill.service.name for skill in profile.skills if skill.service)
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown or "None: gets no work by rule"


class ProviderForm(AdminForm):
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=200)])
    email = EmailField("Email address", [InputRequired(_NEEDED), Length(max=254)], description="They sign in with it.")
    password = PasswordField(
        "Password",
        [Length(max=200)],
        description="At least 10 characters. Left empty, nothing changes.",
        render_kw={"autocomplete": "new-password"},
    )
    title = StringField("Title", [Length(max=100)], description="Like: Chartered accountant.")
    capacity = IntegerField(
        "Open requests at most", [InputRequired(_NEEDED), NumberRange(0, 10_000, "Use a number up to 10,000.")]
    )
    availability = SelectField("Availability", choices=choices(enum_options(Availability)))
    categories = CheckboxesField("Skilled in everything of", choices=choices(enum_options(Category)))
    services = CheckboxesField("And in these services")
    is_enabled = BooleanField("May sign in and get work")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        rows = db.session.execute(select(Service.id, Service.name).order_by(Service.name))
        self.services.choices = choices((key, name) for key, name in rows)


class ProviderView(ConsoleView):
    noun = "provider"
    form = ProviderForm
    edit_permission = Permission.MANAGE_CATALOGUE
    create_label = "New provider"
    empty = "Nobody can be assigned yet. Make the first provider."
    options = (selectinload(ProviderProfile.skills).joinedload(ProviderSkill.service),)
    orders = {"newest": Order(ProviderProfile.created_at, ProviderProfile.id)}
    columns = (
        Column("Name", lambda row: row.user.name),
        Column("Title", lambda row: row.title or "–"),
        Column("Email", lambda row: row.user.email),
        Column("Availability", lambda row: cells.state(row.availability), lambda row: row.availability.label),
        Column("Open work", lambda row: f"{row.open_work} of {row.capacity}", css="number"),
        Column("Skills", _skill_words, css="wrap"),
        Column("Last assigned", cells.moment(lambda row: row.last_assigned_at), lambda row: row.last_assigned_at),
        Column("Account", lambda row: cells.switch(row.user.is_enabled, off="Closed"), lambda row: row.user.is_enabled),
    )
    filters = (
        choice("availability", "Availability", ProviderProfile.availability, options=enum_options(Availability)),
        switch(
            "load",
            "Load",
            {
                "free": ("below capacity", ProviderProfile.open_work < ProviderProfile.capacity),
                "full": ("full", ProviderProfile.open_work >= ProviderProfile.capacity),
            },
        ),
    )

    def snapshot(self, row: ProviderProfile) -> Mapping[str, object]:
        return {
            "name": row.user.name,
            "email": row.user.email,
            "is_enabled": row.user.is_enabled,
            "title": row.title,
            "capacity": row.capacity,
            "availability": row.availability,
            "categories": sorted(skill.category for skill in row.skills if skill.category),
            "services": sorted(str(skill.service_id) for skill in row.skills if skill.service_id),
        }

    def create_form(self, obj: Any = None) -> AdminForm:
        form: ProviderForm = super().create_form(obj)
        if not form.is_submitted():
            form.capacity.data, form.is_enabled.data = 10, True
        return form

    def edit_form(self, obj: Any = None) -> AdminForm:
        form = super().edit_form(obj)
        if not form.is_submitted():
            for name, value in self.snapshot(obj).items():
                form[name].data = value
        return form

    def start_row(self, form: AdminForm) -> ProviderProfile:
        assert isinstance(form, ProviderForm)
        user = accounts.make_account(form.email.data or "", form.name.data or "", role=Role.PROVIDER)
        db.session.add(user)
        db.session.flush()
        return ProviderProfile(user_id=user.id, user=user)

    def fill(self, row: ProviderProfile, form: AdminForm) -> None:
        assert isinstance(form, ProviderForm)
        self._fill_account(row, form)
        row.title = form.title.data or ""
        row.capacity = form.capacity.data or 0
        row.availability = Availability(form.availability.data)
        _set_skills(row, {Category(value) for value in form.categories.data or []}, set(form.services.data or []))

    def _fill_account(self, row: ProviderProfile, form: ProviderForm) -> None:
        accounts.rename(row.user, form.email.data or "", form.name.data or "")
        if form.password.data:
            accounts.ensure_strong(form.password.data)
            accounts.set_password(row.user, form.password.data)
        if form.is_enabled.data != row.user.is_enabled:
            accounts.set_enabled(row.user, form.is_enabled.data, actor=self.actor)


def _set_skills(profile: ProviderProfile, categories: set[Category], services: set[str]) -> None:
    """Keep the skills that stay: their rows would clash with new ones of the same name."""
    profile.skills = [
        skill for skill in profile.skills if skill.category in categories or str(skill.service_id) in services
    ]
    known = {skill.category for skill in profile.skills}, {str(skill.service_id) for skill in profile.skills}
    profile.skills += [ProviderSkill(category=category) for category in sorted(categories - known[0])]
    profile.skills += [ProviderSkill(service_id=UUID(key)) for key in sorted(services - known[1])]
