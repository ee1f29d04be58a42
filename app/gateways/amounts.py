"""Amounts as gateways write them. Their number of decimals differs from ours, and from each other's, for some."""

from dataclasses import dataclass
from decimal import Decimal

from app.gateways.errors import UnsupportedAmount
from app.kit.money import Money, exponent, parse_amount


@dataclass(frozen=True, slots=True)
class Decimals:
    """The currencies a gateway takes, by the number of decimals it counts in them."""

    two: frozenset[str]
    zero: frozenset[str] = frozenset()
    three: frozenset[str] = frozenset()

    @property
    def currencies(self) -> frozenset[str]:
        return self.two | self.zero | self.three

    def units_of(self, amount: Money) -> int:
        """The amount as the gateway's integer. Raises UnsupportedAmount."""
        if amount.minor <= 0 or amount.currency not in self.currencies:
            raise UnsupportedAmount
        if amount.currency in self.three and amount.minor % 10:
            # Card networks clear these in steps of ten.
            raise UnsupportedAmount
        return _shifted(amount.minor, self._of(amount.currency) - exponent(amount.currency))

    def text_of(self, amount: Money) -> str:
        """As a decimal number: `49.99`. Raises UnsupportedAmount."""
        return str(Decimal(self.units_of(amount)).scaleb(-self._of(amount.currency)))

    def money(self, units: int, currency: str) -> Money:
        """Raises ValueError for a fraction that the currency does not have."""
        try:
            return Money(_shifted(units, exponent(currency) - self._of(currency)), currency)
        except UnsupportedAmount as error:
            raise ValueError(f"{units} is no whole amount of {currency}") from error

    def _of(self, currency: str) -> int:
        return 0 if currency in self.zero else 3 if currency in self.three else 2


def from_text(text: str, currency: str) -> Money:
    """Raises ValueError when it is no amount of that currency."""
    if not isinstance(text, str):
        raise TypeError("an amount is written as text")
    return parse_amount(text, currency)


def _shifted(number: int, places: int) -> int:
    if places >= 0:
        shifted: int = number * 10**places
        return shifted
    shifted, rest = divmod(number, 10**-places)
    if rest:
        raise UnsupportedAmount
    return shifted
