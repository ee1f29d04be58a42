"""Services: what is on sale, for how much, in which order; each page with its tiers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from markupsafe import Markup
from sqlalchemy import Select

from app.admin import catalog_cells, cells, listing
from app.admin.catalog_forms import ServiceForm, fill_service
from app.admin.filters import choice, enum_options, switch
from app.admin.forms import AdminForm
from app.admin.imports import ImportView
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.admin.tiers import StillNeeded, TierView
from app.ages import when
from app.errors import NotFound
from app.models import Category, Service
from app.workflows import audit, catalog, catalog_order, catalog_sheet

_LAST_SALE = catalog.last_sale(Service)


def _price_words(service: Service) -> str:
    words = cells.money(service.from_price)
    return f"from {words}" if service.active_tiers else words


class ServiceView(ImportView):
    noun = "service"
    import_kind = "services"
    form = ServiceForm
    list_template = "admin/catalog/list.html"
    edit_template = "admin/catalog/service.html"
    details_template = "admin/catalog/details.html"
    edit_permission = Permission.MANAGE_CATALOGUE
    action_permissions: Mapping[str, Permission] = dict.fromkeys(("sell", "retire"), Permission.MANAGE_CATALOGUE)
    create_label = "New service"
    delete_warning = "The service and its tiers are gone for good."
    empty = "There is nothing to sell yet. Make the first service."
    search_label = "Name contains"
    options = tuple(catalog.with_facts())
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
        "is_active",
    )
    filters = (
        choice("category", "Category", Service.category, options=enum_options(Category)),
        switch(
            "sale",
            "Sale",
            {"on": ("on sale", Service.is_active.is_(True)), "off": ("off sale", Service.is_active.is_(False))},
        ),
        switch("sold", "Ever sold", {"yes": ("yes", _LAST_SALE.is_not(None)), "no": ("no", _LAST_SALE.is_(None))}),
    )

    def __init__(self, *arguments: Any, tiers: TierView, **more: Any) -> None:
        self.tiers = tiers
        self.inlines = {
            "price": catalog_cells.price(),
            "sale": catalog_cells.sale(),
            "position": catalog_cells.place(self._move, lock=lambda _: catalog_order.lock_services()),
        }
        self.columns = (
            Column("Service", lambda row: row.name),
            Column("Price", self._price_cell, lambda row: row.from_price.decimal, "number"),
            Column("On sale", self.cell("sale"), lambda row: row.is_active),
            Column("Place", self._order_cell, lambda row: row.position),
            Column("Category", lambda row: row.category.label),
            Column("First contact", lambda row: f"{row.first_contact_hours} h", css="number"),
            Column("Last sold", lambda row: when(row.last_sold_at), lambda row: row.last_sold_at),
            Column("In the shop", self._shop_link, lambda row: row.id),
        )
        super().__init__(*arguments, **more)

    @property
    def can_delete(self) -> bool:
        return self.can_edit

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(Service.name.icontains(text, autoescape=True))

    def start_row(self, form: AdminForm) -> Service:
        return Service(sort_order=catalog_order.next_place(Service))

    def fill(self, row: Service, form: AdminForm) -> None:
        assert isinstance(form, ServiceForm)
        fill_service(row, form)

    def was_sold(self, row: Service) -> bool:
        return catalog.was_sold(row)

    def ensure_deletable(self, row: Service) -> None:
        if catalog.was_sold(row):
            raise StillNeeded(f"{row.name} was sold, so it cannot be deleted.")
        for tier in row.tiers:
            audit.record("tier.deleted", tier, actor=self.actor, before=self.tiers.snapshot(tier))

    def _chunks(self, query: Select[Any]) -> Iterator[Sequence[Any]]:
        """As the shop has them, each with its tiers below it."""
        ordered = query.order_by(None).order_by(Service.sort_order, Service.id)
        for services in super()._chunks(ordered):
            yield list(catalog_sheet.goods(services))

    # --- many at once

    @action("sell", "Put on sale")
    def sell_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self.report("Put on sale", selected, partial(self._set_sale, wanted=True))

    @action("retire", "Take off sale")
    def retire_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self.report("Take off sale", selected, partial(self._set_sale, wanted=False))

    def _set_sale(self, row: Service, *, wanted: bool) -> None:
        before = dict(self.snapshot(row))
        row.is_active = wanted
        self._record_change(row, before)

    # --- as customers see it

    @expose("/<uuid:key>/preview")
    def preview(self, key: UUID) -> ResponseReturnValue:
        """Its card in the shop, also before it is on sale."""
        row = self.get_one(key)
        if row is None:
            raise NotFound("This entry does not exist any more.")
        return self.render("admin/catalog/preview.html", service=row)

    def render(self, template: str, **context: Any) -> str:
        return super().render(template, money=cells.money, when=when, **context)

    def _shop_link(self, row: Service) -> Markup:
        if row.is_active:
            return cells.link("checkout.show", "Open", service_id=row.id)
        return cells.link("services.preview", "Preview", key=row.id)

    # --- cells

    def _price_cell(self, row: Service) -> Markup | str:
        if not self.can_edit:
            return _price_words(row)
        return cells.partial_page("admin/catalog/prices.html", service=row, view=self, tiers=self.tiers)

    def _order_cell(self, row: Service) -> Markup | str:
        # In a part of the list, the next one above is not the next one in the shop.
        if not self.can_edit or listing.searched_text(request.args) or any(map(request.args.get, self._narrowing())):
            return str(row.position)
        number = self.show_cell(row, "position")
        address = str(self.get_url(".save_cell", key=row.id, what="position"))
        return catalog_cells.order(row, number=number, address=address, is_last=False)

    def _narrowing(self) -> list[str]:
        return [each.control.name for each in self.filters]

    def _move(self, row: Service, position: int) -> None:
        before = catalog_order.position_of(row)
        after = catalog_order.move_service(row, position)
        if after != before:
            audit.record("service.moved", row, actor=self.actor, before={"place": before}, after={"place": after})
