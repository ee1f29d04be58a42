"""Amounts as gateways write them. Their number of decimals differs from ours, and from each other's, for some."""

from decimal import Decimal

from app.gateways.base import UnsupportedAmount
from app.kit.money import Money, exponent, parse_amount


def to_units(amount: Money, decimals: int) -> int:
    """The amount in units of a gateway that counts `decimals` places. Raises UnsupportedAmount."""
    if amount.minor <= 0:
        raise UnsupportedAmount
    shift = decimals - exponent(amount.currency)
    if shift >= 0:
        units: int = amount.minor * 10**shift
        return units
    units, rest = divmod(amount.minor, 10**-shift)
    if rest:
        raise UnsupportedAmount
    return units


def from_units(units: int, currency: str, decimals: int) -> Money:
    """Money from a gateway's integer. Raises ValueError for a fraction that the currency does not have."""
    shift = exponent(currency) - decimals
    if shift >= 0:
        return Money(units * 10**shift, currency)
    minor, rest = divmod(units, 10**-shift)
    if rest:
        raise ValueError(f"{units} is no whole amount of {currency}")
    return Money(minor, currency)


def to_text(amount: Money, decimals: int) -> str:
    """As a decimal number: `49.99`. Raises UnsupportedAmount."""
    return str(Decimal(to_units(amount, decimals)).scaleb(-decimals))


def from_text(text: str, currency: str) -> Money:
    """Raises ValueError when it is no amount of that currency."""
    if not isinstance(text, str):
        raise TypeError("an amount is written as text")
    return parse_amount(text, currency)


def ensure_last_digit_is_zero(amount: Money, currencies: frozenset[str]) -> None:
    """Card networks clear three-decimal currencies in steps of ten. Raises UnsupportedAmount."""
    if amount.currency in currencies and amount.minor % 10:
        raise UnsupportedAmount
