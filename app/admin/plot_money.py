"""Plots of money: what was sold, what went back, and how well the gateways collect it."""

from collections.abc import Callable, Mapping

from flask import url_for

from app.admin.plot_cards import Scene
from app.plots import drawings, wording
from app.plots.drawings import Layer
from app.plots.parts import Bar, Card, Panel, Part, Table, Way
from app.workflows.figures import Figures, Measure, Tally
from app.workflows.gateway_choice import label_of

_TALL = 232
_OUTCOMES = (("paid", "good"), ("failed", "bad"), ("open", "pale"))


def sales(scene: Scene) -> Card:
    currencies = _currencies(scene, Measure.SALES)
    # It has the place of two.
    height = _TALL if len(currencies) == 1 else drawings.HEIGHT
    panels = [_amounts(scene, Measure.SALES, currency, css="main", height=height) for currency in currencies]
    return Card(
        "sales",
        "Sales",
        _sold(scene, currencies),
        scene.table(
            (*(f"Amount, {currency}" for currency in currencies), "Sales"),
            *(_amount_of(Measure.SALES, currency, scene.locale) for currency in currencies),
            lambda figures: f"{figures.count(Measure.SALES):,}",
        ),
        panels=(*panels, _counts(scene, Measure.SALES)) if panels else (),
        empty="" if panels else "Nothing was sold in these days. Sales stand here as soon as somebody pays.",
        ways=() if panels else (Way("See the shop as customers do", url_for("checkout.home")),),
    )


def refunds(scene: Scene) -> Card:
    currencies = _currencies(scene, Measure.REFUNDS)
    panels = [_amounts(scene, Measure.REFUNDS, currency, css="bad") for currency in currencies]
    return Card(
        "refunds",
        "Refunds",
        _given_back(scene, currencies),
        scene.table(
            (*(f"Amount, {currency}" for currency in currencies), "Refunds"),
            *(_amount_of(Measure.REFUNDS, currency, scene.locale) for currency in currencies),
            lambda figures: f"{figures.count(Measure.REFUNDS):,}",
        ),
        panels=panels,
        empty="" if panels else "No money went back in these days. Refunds are given on the page of a request.",
        ways=() if panels else (Way("Find a request", url_for("requests.index_view", view="all")),),
    )


def payments(scene: Scene) -> Card:
    gateways = _by_gateway(scene.total)
    return Card(
        "payments",
        "Payment success by gateway",
        _success(scene),
        Table(
            ("Gateway", "Started", "Paid", "Failed", "Not finished", "Success"),
            [(label_of(name), *_cells(tally)) for name, tally in gateways.items()],
        ),
        bars=[_gateway_bar(name, tally) for name, tally in gateways.items()],
        note="Of the payments begun in these days; success leaves out those that nobody finished.",
        empty="" if gateways else "Nobody tried to pay in these days.",
        ways=() if gateways else (Way("See which gateways take payments", url_for("gateways.index_view")),),
    )


# --- amounts, each currency by itself


def _currencies(scene: Scene, measure: Measure) -> list[str]:
    return wording.by_count(scene.total.of(measure))


def _amounts(scene: Scene, measure: Measure, currency: str, *, css: str, height: int = drawings.HEIGHT) -> Panel:
    tallies = [figures.get(measure, currency) for figures in scene.figures]
    said = [_said(tally, currency, scene.locale) for tally in tallies]
    drawing = drawings.columns(
        scene.slots(said),
        [Layer(css, [tally.amount_minor for tally in tallies])],
        words=lambda minor: wording.short_money(minor, currency, scene.locale),
        height=height,
    )
    total = scene.total.get(measure, currency)
    return Panel(drawing, currency, wording.money(total.amount_minor, currency, scene.locale))


def _counts(scene: Scene, measure: Measure) -> Panel:
    counts = [figures.count(measure) for figures in scene.figures]
    said = [wording.count(number, "sale") for number in counts]
    drawing = drawings.columns(scene.slots(said), [Layer("calm", counts)], words=wording.whole, height=64)
    return Panel(drawing, "Number of sales", f"{sum(counts):,}")


def _said(tally: Tally, currency: str, locale: str) -> str:
    return f"{wording.money(tally.amount_minor, currency, locale)} ({tally.count:,})"


def _amount_of(measure: Measure, currency: str, locale: str) -> Callable[[Figures], str]:
    return lambda figures: wording.money(figures.get(measure, currency).amount_minor, currency, locale)


def _sold(scene: Scene, currencies: list[str]) -> tuple[str, str]:
    said = [_total_of(scene, Measure.SALES, currency) for currency in currencies]
    return _joined(
        [(amount, f"from {wording.count(count, 'sale')}{change}") for amount, count, change in said], "sales"
    )


def _given_back(scene: Scene, currencies: list[str]) -> tuple[str, str]:
    return _joined([_returned(scene, currency) for currency in currencies], "refunds")


def _joined(parts: list[tuple[str, str]], what: str) -> tuple[str, str]:
    """The amount of the most frequent currency leads; amounts of two are never added up."""
    if not parts:
        return "No", f"{what}."
    rest = [f"{amount} {words}" for amount, words in parts[1:]]
    return parts[0][0], f"{'; '.join((parts[0][1], *rest))}."


def _returned(scene: Scene, currency: str) -> tuple[str, str]:
    amount, count, change = _total_of(scene, Measure.REFUNDS, currency)
    given, sold = (scene.total.get(measure, currency).amount_minor for measure in (Measure.REFUNDS, Measure.SALES))
    of_sales = f", {wording.percent(given, sold)} of sales" if sold else ""
    return amount, f"went back in {wording.count(count, 'refund')}{of_sales}{change}"


def _total_of(scene: Scene, measure: Measure, currency: str) -> tuple[str, int, str]:
    """The amount in words, how many, and what changed."""
    tally = scene.total.get(measure, currency)
    before = scene.before.get(measure, currency).amount_minor if scene.before else None
    change = wording.change(scene.whole.get(measure, currency).amount_minor, before)
    return wording.money(tally.amount_minor, currency, scene.locale), tally.count, change


# --- gateways


def _by_gateway(figures: Figures) -> dict[str, Mapping[str, int]]:
    """Outcome to count for each gateway, the busiest first."""
    found: dict[str, dict[str, int]] = {}
    for key, tally in figures.of(Measure.PAYMENTS).items():
        gateway, outcome = key.split(":")
        found.setdefault(gateway, dict.fromkeys(("paid", "failed", "open"), 0))[outcome] = tally.count
    return dict(sorted(found.items(), key=lambda each: (-sum(each[1].values()), each[0])))


def _gateway_bar(name: str, tally: Mapping[str, int]) -> Bar:
    started, parts, x = sum(tally.values()), [], 0.0
    for outcome, css in _OUTCOMES:
        width = drawings.share(tally[outcome], started)
        parts += [Part(css, round(x, 2), width)] if width else []
        x += width
    started_, paid, failed, unfinished, rate = _cells(tally)
    title = f"{label_of(name)}: {started_} begun, {paid} paid, {failed} failed, {unfinished} not finished"
    return Bar(label_of(name), f"{rate} of {tally['paid'] + tally['failed']:,}", parts, title)


def _cells(tally: Mapping[str, int]) -> tuple[str, ...]:
    paid, failed, unfinished = tally["paid"], tally["failed"], tally["open"]
    rate = wording.percent(paid, paid + failed) if paid + failed else "–"
    return (f"{paid + failed + unfinished:,}", f"{paid:,}", f"{failed:,}", f"{unfinished:,}", rate)


def _success(scene: Scene) -> tuple[str, str]:
    paid, finished = _finished(scene.total)
    if not finished:
        return "No", "payment was finished."
    before = scene.before and _finished(scene.before)
    now = _finished(scene.whole)
    shift = wording.shift(_rate(now), _rate(before)) if before and before[1] and now[1] else ""
    rest = scene.total.count(Measure.PAYMENTS) - finished
    left = f"; {rest:,} {'was' if rest == 1 else 'were'} not finished" if rest else ""
    return wording.percent(paid, finished), f"of {wording.count(finished, 'payment')} succeeded{shift}{left}."


def _finished(figures: Figures) -> tuple[int, int]:
    """Paid, and paid or failed."""
    tallies = _by_gateway(figures).values()
    paid = sum(tally["paid"] for tally in tallies)
    return paid, paid + sum(tally["failed"] for tally in tallies)


def _rate(finished: tuple[int, int]) -> float:
    return finished[0] / finished[1]
