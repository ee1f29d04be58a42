"""The forms of services and tiers, and how they are read into rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from app.admin.filters import enum_options
from app.admin.forms import AdminForm, AmountField, LinesField, choices
from app.db import db
from app.errors import InvalidInput
from app.kit.money import Money, known_currencies, parse_amount
from app.models import Category, Service, ServiceTier

_NEEDED = "This is needed."
_LARGEST_PRICE = 10**15
_BOUNDS = NumberRange(-10_000, 10_000, "Use a number between -10,000 and 10,000.")


class ServiceForm(AdminForm):
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=200)])
    short_description = StringField(
        "In one sentence", [InputRequired(_NEEDED), Length(max=300)], description="Stands on the card of the shop."
    )
    description = TextAreaField("Description", [InputRequired(_NEEDED), Length(max=10_000)])
    category = SelectField("Category", choices=choices(enum_options(Category)))
    price = AmountField(
        "Price", [InputRequired(_NEEDED)], description="In whole units, like 4,999.00. With tiers, theirs count."
    )
    currency = StringField("Currency", [InputRequired(_NEEDED), Length(3, 3, "Use the three letters, like INR.")])
    features = LinesField("What is in it", description="One on each line.")
    first_contact_hours = IntegerField(
        "Hours to first contact",
        [InputRequired(_NEEDED), NumberRange(1, 8760, "Use a number of hours between 1 and 8,760.")],
        description="What we promise; later than that is overdue.",
    )
    sort_order = IntegerField("Order", [InputRequired(_NEEDED), _BOUNDS], description="Lower numbers come first.")
    is_active = BooleanField("On sale")


class TierForm(AdminForm):
    service_id = SelectField("Service")
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=100)])
    price = AmountField("Price", [InputRequired(_NEEDED)], description="In whole units, in the service's currency.")
    features = LinesField("What is in it", description="One on each line.")
    sort_order = IntegerField("Order", [InputRequired(_NEEDED), _BOUNDS], description="Lower numbers come first.")
    is_active = BooleanField("On sale")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        rows = db.session.execute(select(Service.id, Service.name).order_by(Service.sort_order, Service.name))
        self.service_id.choices = choices((key, name) for key, name in rows)


def fill_service(service: Service, form: ServiceForm) -> None:
    """Raises InvalidInput, with details by field."""
    currency = (form.currency.data or "").strip().upper()
    if currency not in known_currencies():
        raise _wrong("currency", "We know no such currency.")
    service.price_minor = _price(form.price.data, currency).minor
    service.currency = currency
    service.name = form.name.data or ""
    service.short_description = form.short_description.data or ""
    service.description = form.description.data or ""
    service.category = Category(form.category.data)
    service.features = list(form.features.data or [])
    service.first_contact_hours = form.first_contact_hours.data or 0
    service.sort_order = form.sort_order.data or 0
    service.is_active = form.is_active.data


def fill_tier(tier: ServiceTier, form: TierForm) -> None:
    """Raises InvalidInput, with details by field."""
    service = db.session.scalars(select(Service).where(Service.id == UUID(form.service_id.data))).one()
    tier.price_minor = _price(form.price.data, service.currency).minor
    tier.service = service
    tier.name = form.name.data or ""
    tier.features = list(form.features.data or [])
    tier.sort_order = form.sort_order.data or 0
    tier.is_active = form.is_active.data


def _price(text: str | None, currency: str) -> Money:
    try:
        price = parse_amount(text or "", currency)
    except ValueError as error:
        raise _wrong("price", f"Write an amount in {currency}, like 4,999.00.") from error
    if not 0 < price.minor <= _LARGEST_PRICE:
        raise _wrong("price", "A price is more than nothing, and not astronomical.")
    return price


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(message, details={field: message})
