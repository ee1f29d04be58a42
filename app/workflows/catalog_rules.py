"""What a service and a tier may say; the same for a form, a cell and an imported line."""

from app.errors import wrong
from app.kit.money import Money, known_currencies, parse_typed
from app.models import Service

LONGEST_NAME, LONGEST_TIER_NAME = 200, 100
LONGEST_SUMMARY = 300
LONGEST_DESCRIPTION = 10_000
MOST_HOURS = 8760
LARGEST_PRICE = 10**15


def parse_currency(text: str) -> str:
    """Raises InvalidInput."""
    currency = text.strip().upper()
    if currency not in known_currencies():
        raise wrong("currency", "We know no such currency. Use the three letters, like INR.")
    return currency


def parse_price(text: str, currency: str) -> Money:
    """An amount in whole units, as people write it. Raises InvalidInput."""
    try:
        price = parse_typed(text, currency)
    except ValueError as error:
        raise wrong("price", f"Write an amount in {currency}, like 4,999.00.") from error
    if not 0 < price.minor <= LARGEST_PRICE:
        raise wrong("price", "A price is more than nothing, and not astronomical.")
    return price


def parse_line(field: str, text: str, *, longest: int) -> str:
    """A text that must be there. Raises InvalidInput."""
    if not text.strip():
        raise wrong(field, "This is needed.")
    if len(text) > longest:
        raise wrong(field, f"Use up to {longest:,} characters.")
    return text.strip()


def parse_hours(text: str) -> int:
    """The hours to first contact that we promise. Raises InvalidInput."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_HOURS):
        raise wrong("first_contact_hours", f"Use a number of hours between 1 and {MOST_HOURS:,}.")
    return int(text)


def ensure_currency_stays(service: Service, currency: str) -> None:
    """Tiers have numbers alone: in another currency they would mean something else. Raises InvalidInput."""
    if service.tiers and currency != service.currency:
        raise wrong("currency", f"Its tiers are priced in {service.currency}. Make a new service for {currency}.")
