"""What stands in the cells of services and tiers, and what changes there."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from app.admin import cells
from app.admin.inline import Inline
from app.errors import InvalidInput
from app.models import Service, ServiceTier
from app.workflows import catalog_order, catalog_rules

SALE = (("on", "on sale"), ("off", "off sale"))
_FARTHEST = 10_000

Row = Service | ServiceTier


def sale_words(row: Row) -> str:
    return "On sale" if row.is_active else "Off sale"


def price() -> Inline:
    return Inline(
        "Price",
        text=lambda row: f"{row.price.decimal:f}",
        shown=lambda row: cells.money(row.price),
        change=_set_price,
        hint="In whole units, like 4,999.00. What was sold keeps the price it was sold at.",
    )


def sale() -> Inline:
    return Inline(
        "Sale",
        text=lambda row: "on" if row.is_active else "off",
        shown=sale_words,
        change=_set_sale,
        options=SALE,
        states={"on": "active", "off": "off"},
    )


def tier_name() -> Inline:
    return Inline("Name", text=lambda row: row.name, shown=lambda row: row.name, change=_set_name)


def place(move: Callable[[Any, int], object], *, lock: Callable[..., object]) -> Inline:
    return Inline(
        "Place",
        text=lambda row: str(catalog_order.position_of(row)),
        shown=catalog_order.position_of,
        change=lambda row, text: move(row, _parse_position(text)),
        hint="1 is the first.",
        lock=lock,
        moves=True,
    )


def order(row: Row, *, number: Markup, address: str, is_last: bool) -> Markup:
    """The place of a row: a grip to drag it by, its number, and a step up and down."""
    return cells.partial_page(
        "admin/catalog/order.html",
        row=row,
        number=number,
        address=address,
        position=catalog_order.position_of(row),
        is_last=is_last,
    )


def _set_price(row: Row, text: str) -> None:
    currency = row.currency if isinstance(row, Service) else row.service.currency
    row.price_minor = catalog_rules.parse_price(text, currency).minor


def _set_sale(row: Row, text: str) -> None:
    if text not in dict(SALE):
        raise InvalidInput("Choose on sale or off sale.")
    row.is_active = text == "on"


def _set_name(row: ServiceTier, text: str) -> None:
    row.name = catalog_rules.parse_line("name", text, longest=catalog_rules.LONGEST_TIER_NAME)


def _parse_position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _FARTHEST):
        raise InvalidInput("Write a whole number; 1 is the first.")
    return int(text)
