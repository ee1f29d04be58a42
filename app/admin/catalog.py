"""Services and their tiers: what is on sale, for how much, in which order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.catalog_forms import ServiceForm, TierForm, fill_service, fill_tier
from app.admin.filters import Options, choice, enum_options, switch
from app.admin.forms import AdminForm
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db
from app.errors import DomainError
from app.kit import ids
from app.models import Category, Service, ServiceTier
from app.workflows import catalog


def _services() -> Options:
    rows: Sequence[tuple[UUID, str]] = [
        (key, name) for key, name in db.session.execute(select(Service.id, Service.name).order_by(Service.name))
    ]
    return tuple((str(key), name) for key, name in rows)


def _sale(row: Service | ServiceTier) -> str:
    return cells.switch(row.is_active, on="On sale", off="Off sale")


def _price_words(service: Service) -> str:
    words = cells.money(service.from_price)
    return f"from {words}" if service.active_tiers else words


class StillNeeded(DomainError):
    """What was sold stays on record."""

    code = "was_sold"
    suggested_action = "Take it off sale instead: sold requests keep it, and nobody can buy it any more."


class ServiceView(ConsoleView):
    noun = "service"
    form = ServiceForm
    edit_permission = Permission.MANAGE_CATALOGUE
    create_label = "New service"
    delete_warning = "The service and its tiers are gone for good. One that was sold is kept: take it off sale instead."
    empty = "There is nothing to sell yet. Make the first service."
    search_label = "Name contains"
    options = (selectinload(Service.tiers),)
    orders = {"order": Order(Service.sort_order, Service.id, descending=False)}
    editable = (
        "name",
        "short_description",
        "description",
        "category",
        "price_minor",
        "currency",
        "features",
        "first_contact_hours",
        "sort_order",
        "is_active",
    )
    columns = (
        Column("Service", lambda row: row.name),
        Column("Category", lambda row: row.category.label),
        Column("Price", _price_words, lambda row: row.from_price.decimal, "number"),
        Column("Tiers", lambda row: len(row.active_tiers), css="number"),
        Column("First contact", lambda row: f"{row.first_contact_hours} h", css="number"),
        Column("Order", lambda row: row.sort_order, css="number"),
        Column("On sale", _sale, lambda row: row.is_active),
    )
    filters = (
        choice("category", "Category", Service.category, options=enum_options(Category)),
        switch(
            "sale",
            "Sale",
            {"on": ("on sale", Service.is_active.is_(True)), "off": ("off sale", Service.is_active.is_(False))},
        ),
    )

    @property
    def can_delete(self) -> bool:
        return self.can_edit

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(or_(Service.name.icontains(text, autoescape=True)))

    def fill(self, row: Service, form: AdminForm) -> None:
        assert isinstance(form, ServiceForm)
        fill_service(row, form)

    def ensure_deletable(self, row: Service) -> None:
        if catalog.was_sold(row):
            raise StillNeeded(f"{row.name} was sold, so it cannot be deleted.")

    def below_form(self, row: Service) -> str:
        return cells.partial_page("admin/catalog/tiers.html", service=row, money=cells.money, sale=_sale)


class TierView(ConsoleView):
    noun = "tier"
    form = TierForm
    edit_permission = Permission.MANAGE_CATALOGUE
    create_label = "New tier"
    delete_warning = "The tier is gone for good. One that was sold is kept: take it off sale instead."
    empty = "No service has tiers. A service without tiers is sold at its own price."
    orders = {"newest": Order(ServiceTier.created_at, ServiceTier.id)}
    editable = ("service_id", "name", "price_minor", "features", "sort_order", "is_active")
    columns = (
        Column("Tier", lambda row: row.name),
        Column("Service", lambda row: row.service.name),
        Column("Price", lambda row: cells.money(row.price), lambda row: row.price.decimal, "number"),
        Column("Order", lambda row: row.sort_order, css="number"),
        Column("On sale", _sale, lambda row: row.is_active),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.filters = (choice("service", "Service", ServiceTier.service_id, options=_services),)
        super().__init__(*arguments, **more)

    @property
    def can_delete(self) -> bool:
        return self.can_edit

    def create_form(self, obj: Any = None) -> AdminForm:
        form: TierForm = super().create_form(obj)
        if request.method == "GET" and ids.parse_id(request.args.get("service", "")):
            form.service_id.data = request.args["service"]
        return form

    def fill(self, row: ServiceTier, form: AdminForm) -> None:
        assert isinstance(form, TierForm)
        fill_tier(row, form)

    def ensure_deletable(self, row: ServiceTier) -> None:
        if catalog.tier_was_sold(row):
            raise StillNeeded(f"{row.name} was sold, so it cannot be deleted.")
