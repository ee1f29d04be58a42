"""The plot of an affiliate's months: what they earned in each, what was taken back, and how many came."""

from collections.abc import Sequence

from app.plots import drawings, wording
from app.plots.drawings import Layer, Slot
from app.plots.parts import Card, Panel, Table
from app.workflows.affiliate_months import Month

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOW = 64


def month_name(month: Month) -> str:
    return f"{_NAMES[month.start.month - 1]} {month.start.year}"


def card(months: Sequence[Month], currencies: Sequence[str], locale: str) -> Card:
    """`currencies` in the order in which they are shown."""
    is_empty = not any(month.clicks or month.sums for month in months)
    panels = [panel for currency in currencies for panel in _panels(months, currency, locale)]
    return Card(
        "months",
        "By month",
        _says(months, currencies, locale),
        _table(months, currencies, locale),
        panels=() if is_empty else (*panels, _clicks(months)),
        empty="Nobody came through your links in these months. Share one: the first visit shows up here."
        if is_empty
        else "",
    )


def _says(months: Sequence[Month], currencies: Sequence[str], locale: str) -> tuple[str, str]:
    last = months[-1]
    amounts = [
        wording.money(last.of(each).earned_minor + last.of(each).adjusted_minor, each, locale) for each in currencies
    ]
    purchases = wording.count(last.purchases, "purchase")
    return " and ".join(amounts), f"in {month_name(last)}, by {purchases} so far."


def _panels(months: Sequence[Month], currency: str, locale: str) -> list[Panel]:
    earned = [month.of(currency).earned_minor for month in months]
    taken_back = [-month.of(currency).adjusted_minor for month in months]
    panels = [
        _amounts(months, earned, currency, f"Earned, {currency}", css="main", height=drawings.HEIGHT, locale=locale)
    ]
    if any(minor > 0 for minor in taken_back):
        heading = f"Taken back, {currency}"
        panels.append(_amounts(months, taken_back, currency, heading, css="bad", height=_LOW, locale=locale))
    return panels


def _amounts(
    months: Sequence[Month], minors: Sequence[int], currency: str, heading: str, *, css: str, height: int, locale: str
) -> Panel:
    said = [wording.money(minor, currency, locale) for minor in minors]
    drawing = drawings.columns(
        _slots(months, said),
        [Layer(css, [max(minor, 0) for minor in minors])],
        words=lambda minor: wording.short_money(minor, currency, locale),
        height=height,
    )
    return Panel(drawing, heading, wording.money(sum(minors), currency, locale))


def _clicks(months: Sequence[Month]) -> Panel:
    clicks = [month.clicks for month in months]
    said = [f"{wording.count(month.clicks, 'click')}, {month.purchases:,} bought" for month in months]
    drawing = drawings.columns(_slots(months, said), [Layer("calm", clicks)], words=wording.whole, height=_LOW)
    return Panel(drawing, "Clicks", f"{sum(clicks):,}")


def _slots(months: Sequence[Month], said: Sequence[str]) -> list[Slot]:
    return [
        Slot(_NAMES[month.start.month - 1], f"{month_name(month)}: {words}", month is months[-1])
        for month, words in zip(months, said, strict=True)
    ]


def _table(months: Sequence[Month], currencies: Sequence[str], locale: str) -> Table:
    headings = ["Month", "Clicks", "Purchases", "Conversion"]
    headings += [f"{name}, {each}" for each in currencies for name in ("Earned", "Taken back", "Paid")]
    return Table(headings, [_row(month, currencies, locale) for month in reversed(months)])


def _row(month: Month, currencies: Sequence[str], locale: str) -> list[str]:
    cells = [month_name(month), f"{month.clicks:,}", f"{month.purchases:,}", month.traffic.conversion]
    for currency in currencies:
        sums = month.of(currency)
        minors = (sums.earned_minor, sums.adjusted_minor, sums.paid_minor)
        cells += [wording.money(minor, currency, locale) for minor in minors]
    return cells
