"""How the dashboard's plots say numbers: in short words, and what changed."""

from functools import lru_cache

from babel.numbers import format_compact_currency

from app.kit.money import Money, exponent
from app.workflows.figures import Tally

_HOUR, _DAY = 3600, 86_400
_TIMES = 4
# No line ends between a number and its sign.
_PERCENT = "\u00a0%"


@lru_cache(maxsize=8192)
def money(minor: int, currency: str, locale: str) -> str:
    """Kept, as a page says hundreds of amounts, and those of days that are over stay the same."""
    return Money(minor, currency).format(locale)


@lru_cache(maxsize=1024)
def short_money(minor: float, currency: str, locale: str) -> str:
    """For a scale: `₹1.2L`."""
    amount = minor / 10 ** exponent(currency)
    return format_compact_currency(amount, currency, locale=locale, fraction_digits=1)


def whole(value: float) -> str:
    """For a scale of things that are counted: nothing between two of them."""
    return f"{value:,.0f}" if value == int(value) else ""


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(part: float, of: float) -> str:
    """`9 %`, with a decimal where it is near none or all: a few of many are neither."""
    share = 100 * part / of if of else 0.0
    if share == int(share) or not (0 < share < 10 or 99 < share < 100):
        return f"{share:.0f}{_PERCENT}"
    return f"{min(max(share, 0.1), 99.9):.1f}{_PERCENT}"


def length(seconds: float) -> str:
    """`25 min`, `3.2 h`, `2.5 days`."""
    if seconds < _HOUR:
        return f"{max(round(seconds / 60), 1)} min"
    if seconds < 2 * _DAY:
        return f"{_short(seconds / _HOUR)} h"
    return f"{_short(seconds / _DAY)} days"


def change(now: float, before: float | None) -> str:
    """Against the days before, with the comma that leads to it; nothing where there is nothing to compare with."""
    if before is None or now == before == 0:
        return ""
    if before == 0:
        return ", and none before"
    if now >= _TIMES * before:
        return f", {_short(now / before)} times as much as before"
    difference = round(100 * (now - before) / before)
    if difference == 0:
        return ", as much as before"
    return f", {abs(difference):,}{_PERCENT} {'more' if difference > 0 else 'less'} than before"


def shift(now: float, before: float | None) -> str:
    """The same for shares, in points; both are between 0 and 1."""
    if before is None:
        return ""
    points = round(100 * (now - before), 1)
    if points == 0:
        return ", as before"
    unit = "point" if abs(points) == 1 else "points"
    return f", {_short(abs(points))} {unit} {'more' if points > 0 else 'less'} than before"


def listed(parts: list[str]) -> str:
    """`this, that and the other`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def by_count(tallies: dict[str, Tally]) -> list[str]:
    """Their keys, the most frequent first."""
    return sorted(tallies, key=lambda key: (-tallies[key].count, key))


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 or round(number, 1) == int(number) else f"{number:.1f}"
