"""Services and tiers as lines of a CSV file: the same headings in the export, the template and the import."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.errors import wrong
from app.kit import clock
from app.kit.money import known_currencies
from app.models import Category, Service, ServiceTier
from app.workflows import catalog_rules as rules
from app.workflows.sheets import Heading

YES_NO = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
NEEDED = ("service", "price")
"""The columns that a file cannot do without."""


@dataclass(frozen=True, slots=True)
class Goods:
    """One line: a service, or one of its tiers."""

    service: Service
    tier: ServiceTier | None = None

    @property
    def sold(self) -> Service | ServiceTier:
        return self.tier or self.service


def goods(services: Iterable[Service]) -> Iterator[Goods]:
    """Each service, its tiers below it."""
    for service in services:
        yield Goods(service)
        yield from (Goods(service, tier) for tier in service.tiers)


def read_category(text: str, **_more: Any) -> str:
    for category in Category:
        if text.casefold() in {category.value, category.label.casefold()}:
            return category.value
    choices = ", ".join(category.label for category in Category)
    raise wrong("category", f"Use one of: {choices}.")


def read_price(text: str, *, currency: str, has_decimal_commas: bool) -> int:
    """Minor units. In a file of a country that writes 4.999,00 a comma is what ends the whole units."""
    if has_decimal_commas and "," in text:
        whole, _, cents = text.rpartition(",")
        if len(cents) > 2 or "," in whole:
            raise wrong("price", "Write it like 4999,00 or 4999.00: here a comma could mean two things.")
        text = f"{whole.replace('.', '')}.{cents}"
    # Without a currency of the line's own there is something else to say first.
    return rules.parse_price(text, currency if currency in known_currencies() else "INR").minor


def read_yes_no(text: str, **_more: Any) -> bool:
    if text.casefold() not in YES_NO:
        raise wrong("is_active", "Use yes or no.")
    return YES_NO[text.casefold()]


def read_lines(text: str, **_more: Any) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _moment(moment: datetime | None) -> str:
    return clock.isoformat(moment) if moment else ""


def _line_of(field: str, longest: int) -> Callable[..., str]:
    return lambda text, **_more: rules.parse_line(field, text, longest=longest)


def _of_service(write: Callable[[Service], str]) -> Callable[[Goods], str]:
    """Blank on the line of a tier."""
    return lambda line: "" if line.tier else write(line.service)


HEADINGS = (
    Heading("Id", "id", lambda line: str(line.sold.id), str),
    Heading("Service", "service", lambda line: line.service.name, _line_of("service", rules.LONGEST_NAME)),
    Heading(
        "Tier", "tier", lambda line: line.tier.name if line.tier else "", _line_of("tier", rules.LONGEST_TIER_NAME)
    ),
    Heading("Category", "category", _of_service(lambda row: row.category.label), read_category),
    Heading("Price", "price", lambda line: f"{line.sold.price.decimal:f}", read_price),
    Heading(
        "Currency", "currency", _of_service(lambda row: row.currency), lambda text, **_more: rules.parse_currency(text)
    ),
    Heading("On sale", "is_active", lambda line: "yes" if line.sold.is_active else "no", read_yes_no),
    Heading(
        "Hours to first contact",
        "first_contact_hours",
        _of_service(lambda row: str(row.first_contact_hours)),
        lambda text, **_more: rules.parse_hours(text),
    ),
    Heading(
        "In one sentence",
        "short_description",
        _of_service(lambda row: row.short_description),
        _line_of("short_description", rules.LONGEST_SUMMARY),
    ),
    Heading(
        "Description",
        "description",
        _of_service(lambda row: row.description),
        _line_of("description", rules.LONGEST_DESCRIPTION),
    ),
    Heading("What is in it", "features", lambda line: "\n".join(line.sold.features), read_lines),
    Heading("Last sold", "last_sold", lambda line: _moment(line.sold.last_sold_at)),
)
BY_FIELD: Mapping[str, Heading] = {heading.field: heading for heading in HEADINGS}

_SERVICE_ATTRIBUTES = {
    "service": "name",
    "category": "category",
    "currency": "currency",
    "price": "price_minor",
    "is_active": "is_active",
    "first_contact_hours": "first_contact_hours",
    "short_description": "short_description",
    "description": "description",
    "features": "features",
}
_TIER_ATTRIBUTES = {"tier": "name", "price": "price_minor", "is_active": "is_active", "features": "features"}
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {"service": _SERVICE_ATTRIBUTES, "tier": _TIER_ATTRIBUTES}
"""By kind of line: the attribute that each field fills."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "service": ("service", "category", "price", "currency", "first_contact_hours", "short_description", "description"),
    "tier": ("tier", "price"),
}
"""What a new one cannot do without."""

TEMPLATE = (
    {
        "service": "GST registration",
        "category": Category.CA.label,
        "price": "2499.00",
        "currency": "INR",
        "is_active": "no",
        "first_contact_hours": "24",
        "short_description": "Your GSTIN, applied for and followed up until it is issued.",
        "description": "What the customer reads before paying.",
        "features": "Application prepared and filed\nCertificate by email",
    },
    {
        "service": "GST registration",
        "tier": "Express",
        "price": "4499.00",
        "is_active": "no",
        "features": "Filed within one working day",
    },
)
