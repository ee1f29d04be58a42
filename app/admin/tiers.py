"""Tiers: the priced variants of services, on their service's page and in a list of all."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.admin import catalog_cells, cells
from app.admin.catalog_forms import TierForm, fill_tier
from app.admin.filters import Options, choice, switch
from app.admin.forms import AdminForm
from app.admin.inline import InlineView
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db
from app.errors import DomainError
from app.kit import ids
from app.models import Service, ServiceTier
from app.workflows import audit, catalog, catalog_order


class StillNeeded(DomainError):
    """What was sold stays on record."""

    code = "was_sold"
    suggested_action = "Take it off sale instead: sold requests keep it, and nobody can buy it any more."


def _services() -> Options:
    rows: Sequence[tuple[UUID, str]] = [
        (key, name) for key, name in db.session.execute(select(Service.id, Service.name).order_by(Service.name))
    ]
    return tuple((str(key), name) for key, name in rows)


class TierView(InlineView):
    noun = "tier"
    form = TierForm
    list_template = "admin/catalog/list.html"
    edit_template = "admin/catalog/tier.html"
    edit_permission = Permission.MANAGE_CATALOGUE
    create_label = "New tier"
    delete_warning = "The tier is gone for good."
    empty = "No service has tiers. A service without tiers is sold at its own price."
    options = (joinedload(ServiceTier.service, innerjoin=True),)
    orders = {"newest": Order(ServiceTier.created_at, ServiceTier.id)}
    editable = ("service_id", "name", "price_minor", "features", "is_active")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.inlines = {
            "name": catalog_cells.tier_name(),
            "price": catalog_cells.price(),
            "sale": catalog_cells.sale(),
            "position": catalog_cells.place(self._move, lock=catalog_order.lock_tiers),
        }
        self.columns = (
            Column("Tier", lambda row: row.name),
            Column(
                "Service",
                lambda row: cells.link("services.edit_view", row.service.name, id=row.service_id),
                lambda row: row.service.name,
            ),
            Column("Price", self.cell("price"), lambda row: row.price.decimal, "number"),
            Column("On sale", self.cell("sale"), lambda row: row.is_active),
        )
        self.filters = (
            choice("service", "Service", ServiceTier.service_id, options=_services),
            switch(
                "sale",
                "Sale",
                {
                    "on": ("on sale", ServiceTier.is_active.is_(True)),
                    "off": ("off sale", ServiceTier.is_active.is_(False)),
                },
            ),
        )
        super().__init__(*arguments, **more)

    @property
    def can_delete(self) -> bool:
        return self.can_edit

    def create_form(self, obj: Any = None) -> AdminForm:
        form: TierForm = super().create_form(obj)
        if request.method == "GET":
            form.is_active.data = True
            if ids.parse_id(request.args.get("service", "")):
                form.service_id.data = request.args["service"]
        return form

    def start_row(self, form: AdminForm) -> ServiceTier:
        return ServiceTier(sort_order=catalog_order.next_place(ServiceTier))

    def fill(self, row: ServiceTier, form: AdminForm) -> None:
        assert isinstance(form, TierForm)
        fill_tier(row, form)

    def get_save_return_url(self, model: ServiceTier, is_created: bool = False) -> str:
        return self.service_address(model)

    def after_cell(self, row: ServiceTier) -> str:
        # The list sends what it asks for, be it nothing; the service's page does not.
        return super().after_cell(row) if "list" in request.values else self.service_address(row)

    def service_address(self, row: ServiceTier) -> str:
        return str(self.get_url("services.edit_view", id=row.service_id, _anchor="tiers"))

    def was_sold(self, row: ServiceTier) -> bool:
        return catalog.tier_was_sold(row)

    def ensure_deletable(self, row: ServiceTier) -> None:
        if catalog.tier_was_sold(row):
            raise StillNeeded(f"{row.name} was sold, so it cannot be deleted.")

    def order_cell(self, row: ServiceTier) -> Markup:
        number = self.show_cell(row, "position")
        address = str(self.get_url("tiers.save_cell", key=row.id, what="position"))
        return catalog_cells.order(row, number=number, address=address, is_last=row is row.service.tiers[-1])

    def _move(self, row: ServiceTier, position: int) -> None:
        before = catalog_order.position_of(row)
        after = catalog_order.move_tier(row, position)
        if after != before:
            audit.record("tier.moved", row, actor=self.actor, before={"place": before}, after={"place": after})
