"""Amounts of money as integers of minor units, and the only place that rounds them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol

BASIS_POINTS = 10_000
# Commas only where they group thousands, here or in India: 4,99 is no 499.
_AMOUNT = re.compile(r"-?(\d+|\d{1,3}(,\d{2,3})*,\d{3})(\.\d+)?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))? ?%?", re.ASCII)


@lru_cache(maxsize=1)
def known_currencies() -> frozenset[str]:
    """ISO 4217 codes of the Unicode CLDR data that Babel ships."""
    return frozenset(get_global("all_currencies"))


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Number of decimal places of a currency: 2 for INR, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units of `currency`: `Money(499900, "INR")` is ₹4,999.00.

    Raises TypeError for anything but an integer, ValueError for an unknown currency or for mixing two.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"money is an integer of minor units, not {self.minor!r}")
        if self.currency not in known_currencies():
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.minor

    def share(self, basis_points: int) -> "Money":
        """This amount times `basis_points`/10,000, rounded half away from zero to the minor unit."""
        product = abs(self.minor) * basis_points
        rounded = (2 * product + BASIS_POINTS) // (2 * BASIS_POINTS)
        return Money(rounded if self.minor >= 0 else -rounded, self.currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact: `Decimal("4999.00")`."""
        return Decimal(f"{self.minor}E-{exponent(self.currency)}")

    def format(self, locale: str = "en_IN") -> str:
        """As a reader of `locale` writes it: `₹1,23,456.00` in en_IN."""
        return _formatted(self.minor, self.currency, locale)


@lru_cache(maxsize=4096)
def _formatted(minor: int, currency: str, locale: str) -> str:
    """Kept: a list shows the same few prices over and over, and Babel takes its time."""
    return format_currency(Money(minor, currency).decimal, currency, locale=locale, currency_digits=True)


def parse_amount(text: str, currency: str) -> Money:
    """Money from a person's input in major units ("4,999.00").

    Raises ValueError when it is no number or has more decimals than the currency.
    """
    written = text.strip()
    if _AMOUNT.fullmatch(written) is None:
        raise ValueError(f"{text!r} is not an amount")
    whole, _, fraction = written.replace(",", "").partition(".")
    decimals = exponent(currency)
    if len(fraction.rstrip("0")) > decimals:
        raise ValueError(f"{text!r} has more decimals than {currency} has")
    return Money(int(whole + fraction[:decimals].ljust(decimals, "0")), currency)


def parse_typed(text: str, currency: str) -> Money:
    """As `parse_amount`, also with the currency's own sign or code, as pages show it: it may have been copied there."""
    written, symbol = text.strip(), get_currency_symbol(currency, "en")
    # Where a sign has several owners it is written with the country's letters: US$, JP¥.
    for sign in (currency[:2] + symbol, currency, symbol):
        written = written.removeprefix(sign).removesuffix(sign).strip()
    return parse_amount(written, currency)


def parse_percent(text: str) -> int:
    """Basis points from a person's input in percent ("7.5", "12 %"). Raises ValueError beyond 100 or two decimals."""
    written = _PERCENT.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"{text!r} is not a percentage")
    basis_points = int(written[1]) * 100 + int((written[2] or "").ljust(2, "0"))
    if basis_points > BASIS_POINTS:
        raise ValueError(f"{text!r} is more than everything")
    return basis_points


def format_percent(basis_points: int) -> str:
    """As people write it: `7.5` for 750."""
    whole, fraction = divmod(basis_points, 100)
    return f"{whole}.{fraction:02}".rstrip("0").rstrip(".") if fraction else str(whole)
