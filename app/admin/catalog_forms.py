"""The forms of services and tiers, and how they are read into rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from app.admin.filters import enum_options
from app.admin.forms import AdminForm, AmountField, LinesField, choices
from app.db import db
from app.models import Category, Service, ServiceTier
from app.workflows import catalog_rules as rules

_NEEDED = "This is needed."


class ServiceForm(AdminForm):
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=rules.LONGEST_NAME)])
    short_description = StringField(
        "In one sentence",
        [InputRequired(_NEEDED), Length(max=rules.LONGEST_SUMMARY)],
        description="Stands on the card of the shop.",
    )
    description = TextAreaField("Description", [InputRequired(_NEEDED), Length(max=rules.LONGEST_DESCRIPTION)])
    category = SelectField("Category", choices=choices(enum_options(Category)))
    price = AmountField(
        "Price", [InputRequired(_NEEDED)], description="In whole units, like 4,999.00. With tiers, theirs count."
    )
    currency = StringField(
        "Currency",
        [InputRequired(_NEEDED), Length(3, 3, "Use the three letters, like INR.")],
        description="Its three letters, like INR.",
    )
    features = LinesField("What is in it", description="One on each line.")
    first_contact_hours = IntegerField(
        "Hours to first contact",
        [InputRequired(_NEEDED), NumberRange(1, rules.MOST_HOURS, "Use a number of hours between 1 and 8,760.")],
        description="What we promise; later than that is overdue.",
    )
    is_active = BooleanField("On sale")


class TierForm(AdminForm):
    service_id = SelectField("Service")
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=rules.LONGEST_TIER_NAME)])
    price = AmountField("Price", [InputRequired(_NEEDED)], description="In whole units, in the service's currency.")
    features = LinesField("What is in it", description="One on each line.")
    is_active = BooleanField("On sale")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        rows = db.session.execute(select(Service.id, Service.name).order_by(Service.sort_order, Service.name))
        self.service_id.choices = choices((key, name) for key, name in rows)


def fill_service(service: Service, form: ServiceForm) -> None:
    """Raises InvalidInput, with details by field."""
    currency = rules.parse_currency(form.currency.data or "")
    rules.ensure_currency_stays(service, currency)
    service.price_minor = rules.parse_price(form.price.data or "", currency).minor
    service.currency = currency
    service.name = rules.parse_line("name", form.name.data or "", longest=rules.LONGEST_NAME)
    service.short_description = rules.parse_line(
        "short_description", form.short_description.data or "", longest=rules.LONGEST_SUMMARY
    )
    service.description = rules.parse_line(
        "description", form.description.data or "", longest=rules.LONGEST_DESCRIPTION
    )
    service.category = Category(form.category.data)
    service.features = list(form.features.data or [])
    service.first_contact_hours = form.first_contact_hours.data or 0
    service.is_active = form.is_active.data


def fill_tier(tier: ServiceTier, form: TierForm) -> None:
    """Raises InvalidInput, with details by field."""
    service = db.session.scalars(select(Service).where(Service.id == UUID(form.service_id.data))).one()
    tier.price_minor = rules.parse_price(form.price.data or "", service.currency).minor
    tier.service = service
    tier.name = rules.parse_line("name", form.name.data or "", longest=rules.LONGEST_TIER_NAME)
    tier.features = list(form.features.data or [])
    tier.is_active = form.is_active.data
