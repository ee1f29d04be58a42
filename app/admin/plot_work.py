"""Plots of the work: from looking to buying, how soon customers are called, and who has how much to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from app.admin.plot_cards import Scene
from app.kit import spread
from app.models import Availability
from app.plots import drawings, wording
from app.plots.drawings import Layer
from app.plots.parts import Bar, Card, Ending, Panel, Part, Table, Way
from app.workflows.figures import FUNNEL, Figures, Measure

_STEPS = dict(zip(FUNNEL, ("Looked at a service", "Began the form", "Sent the form", "Paid"), strict=True))
_MOST_PROVIDERS = 12


@dataclass(frozen=True, slots=True)
class Load:
    """How much of a provider's capacity is taken at this moment."""

    name: str
    open_work: int
    capacity: int
    availability: Availability

    @property
    def share(self) -> float:
        return self.open_work / self.capacity if self.capacity else float(self.open_work > 0)


def funnel(scene: Scene) -> Card:
    counts = [scene.total.count(Measure.FUNNEL, step) for step in FUNNEL]
    looked, paid = counts[0], counts[-1]
    return Card(
        "funnel",
        "From looking to paying",
        _how_many_bought(scene, looked, paid),
        Table(
            ("Step", "Visitors", "Of the step before"), [_step_cells(number, counts) for number in range(len(counts))]
        ),
        bars=[_step_bar(number, counts) for number in range(len(counts))] if any(counts) else (),
        note="Each visitor counts once a day; whoever a gateway reports as paid counts as one.",
        empty="" if any(counts) else "Nobody looked at a service in these days.",
        ways=() if any(counts) else (Way("See the shop as customers do", url_for("checkout.home")),),
    )


def first_contact(scene: Scene) -> Card:
    steps = [_waits(figures) for figures in scene.figures]
    halves, nines = ([spread.quantile(each, share) for each in steps] for share in (0.5, 0.9))
    said = [
        f"half within {wording.length(half)}, nine of ten within {wording.length(nine)} ({sum(each.values()):,})"
        if half is not None and nine is not None
        else "nobody"
        for half, nine, each in zip(halves, nines, steps, strict=True)
    ]
    is_any = any(sum(each.values()) for each in steps)
    return Card(
        "first-contact",
        "Time to first contact",
        _how_soon(scene),
        Table(
            (scene.range.bucket.capitalize(), "Half within", "Nine of ten within", "Contacted"),
            [
                (name, *_lengths((half, nine)), f"{sum(each.values()):,}")
                for name, half, nine, each in zip(scene.names, halves, nines, steps, strict=True)
            ][::-1],
        ),
        panels=[_lines_of(scene, halves, nines, said)] if is_any else (),
        endings=_endings_of(_waits(scene.total)),
        note="From payment to first contact, by the day of the contact.",
        empty="" if is_any else "Nobody was contacted for the first time in these days.",
        ways=() if is_any else (Way("See who waits", url_for("requests.index_view", status="pending_contact")),),
    )


def promises(scene: Scene, overdue: int) -> Card:
    kept, late = ([figures.count(Measure.PROMISES, key) for figures in scene.figures] for key in ("kept", "late"))
    said = [f"{one + other:,} due, {other:,} late" for one, other in zip(kept, late, strict=True)]
    layers = [Layer("calm", kept), Layer("bad", late)]
    is_any = bool(sum(kept) + sum(late))
    return Card(
        "overdue",
        "Overdue first contacts",
        _how_late(scene, overdue),
        scene.table(
            ("Due", "In time", "Late"),
            lambda figures: f"{figures.count(Measure.PROMISES, 'kept', 'late'):,}",
            lambda figures: f"{figures.count(Measure.PROMISES, 'kept'):,}",
            lambda figures: f"{figures.count(Measure.PROMISES, 'late'):,}",
        ),
        panels=[Panel(drawings.columns(scene.slots(said), layers, words=wording.whole))] if is_any else (),
        endings=(Ending("bad", "late", f"{sum(late):,}"), Ending("calm", "in time", f"{sum(kept):,}"))
        if is_any
        else (),
        note="By the day on which the first contact was due.",
        empty="" if is_any else "No first contact was due in these days. Each service says how soon one is promised.",
        ways=_ways_of(overdue, is_any=is_any),
    )


def workload(loads: Sequence[Load]) -> Card:
    ordered = sorted(loads, key=lambda load: (-load.share, -load.open_work, load.name))
    more = len(ordered) - _MOST_PROVIDERS
    address = url_for("providers.index_view")
    return Card(
        "workload",
        "Workload by provider",
        _how_busy(ordered),
        Table(
            ("Provider", "Open", "Capacity", "Availability"),
            [(each.name, f"{each.open_work:,}", f"{each.capacity:,}", each.availability.label) for each in ordered],
        ),
        bars=[_load_bar(each) for each in ordered[:_MOST_PROVIDERS]],
        note="At this moment, whatever days are chosen."
        + (f" {more:,} with less to do are in the table." if more > 0 else ""),
        empty="" if loads else "There is no provider yet, so nobody can be given work.",
        ways=(Way("Add a provider" if not loads else "All providers", address),),
    )


# --- the funnel


def _step_cells(number: int, counts: Sequence[int]) -> tuple[str, ...]:
    # Who buys through the API sends no form of ours: more may have paid than that.
    is_share = number > 0 and 0 < counts[number] <= counts[number - 1]
    of_before = wording.percent(counts[number], counts[number - 1]) if is_share else "–"
    return (_STEPS[FUNNEL[number]], f"{counts[number]:,}", of_before)


def _step_bar(number: int, counts: Sequence[int]) -> Bar:
    label, value, of_before = _step_cells(number, counts)
    words = value if of_before == "–" else f"{value} · {of_before} of those before"
    return Bar(label, words, [Part("main", 0, drawings.share(counts[number], max(counts)))], f"{label}: {words}")


def _how_many_bought(scene: Scene, looked: int, paid: int) -> tuple[str, str]:
    if not looked:
        return "No", f"visit was counted, and {wording.count(paid, 'purchase')}."
    return wording.percent(paid, looked), f"of {wording.count(looked, 'visitor')} bought{_conversion(scene)}."


def _conversion(scene: Scene) -> str:
    if scene.before is None:
        return ""
    now, before = (
        [each.count(Measure.FUNNEL, step) for step in (FUNNEL[0], FUNNEL[-1])] for each in (scene.whole, scene.before)
    )
    return wording.shift(now[1] / now[0], before[1] / before[0]) if now[0] and before[0] else ""


# --- how soon


def _waits(figures: Figures) -> dict[int, int]:
    return {int(key): tally.count for key, tally in figures.of(Measure.FIRST_CONTACT).items()}


def _lengths(values: Sequence[float | None]) -> list[str]:
    return ["–" if value is None else wording.length(value) for value in values]


def _lines_of(scene: Scene, halves: Sequence[float | None], nines: Sequence[float | None], said: list[str]) -> Panel:
    layers = [Layer("line calm", nines), Layer("line main", halves)]
    return Panel(drawings.lines(scene.slots(said), layers, unit=_unit(nines), words=wording.length))


def _endings_of(steps: dict[int, int]) -> list[Ending]:
    kinds = (("calm", "nine of ten", 0.9), ("main", "half", 0.5))
    values = [(css, label, spread.quantile(steps, share)) for css, label, share in kinds]
    return [Ending(css, label, wording.length(value)) for css, label, value in values if value is not None]


def _unit(values: Sequence[float | None]) -> int:
    """Seconds of what the scale counts in: round hours read better than round seconds."""
    highest = max((value or 0 for value in values), default=0)
    return 86_400 if highest > 4 * 86_400 else 3600 if highest > 2 * 3600 else 60


def _how_soon(scene: Scene) -> tuple[str, str]:
    steps = _waits(scene.total)
    half, nine = spread.quantile(steps, 0.5), spread.quantile(steps, 0.9)
    if half is None or nine is None:
        return "Nobody", "was contacted."
    now, before = (spread.quantile(_waits(each), 0.5) if each else None for each in (scene.whole, scene.before))
    change = ""
    if now is not None and before is not None and round(now) != round(before):
        change = f"; half took {wording.length(abs(now - before))} {'longer' if now > before else 'less'} than before"
    who = wording.count(sum(steps.values()), "customer")
    return wording.length(half), f"until half of {who} heard from us, {wording.length(nine)} until nine of ten{change}."


def _how_late(scene: Scene, overdue: int) -> tuple[str, str]:
    late, due = _late(scene.total)
    waits = f"; {overdue:,} {'waits' if overdue == 1 else 'wait'} too long now" if overdue else ""
    if not due:
        return "None", f"was due{waits}."
    shift = ""
    if scene.before:
        now, before = _late(scene.whole), _late(scene.before)
        shift = wording.shift(now[0] / now[1], before[0] / before[1]) if now[1] and before[1] else ""
    return wording.percent(late, due), f"of {wording.count(due, 'first contact')} came late{shift}{waits}."


def _ways_of(overdue: int, *, is_any: bool) -> list[Way]:
    late = [Way("See who waits too long", url_for("requests.index_view", view="overdue"))] if overdue else []
    return late if is_any else [*late, Way("See what is promised", url_for("services.index_view"))]


def _late(figures: Figures) -> tuple[int, int]:
    return figures.count(Measure.PROMISES, "late"), figures.count(Measure.PROMISES, "kept", "late")


# --- who has how much to do


def _load_bar(load: Load) -> Bar:
    words = f"{load.open_work:,} of {load.capacity:,}{'' if load.availability is Availability.AVAILABLE else ', away'}"
    of = max(load.capacity, load.open_work, 1)
    filled = Part("bad" if load.share > 1 else "main", 0, drawings.share(load.open_work, of))
    room = Part("pale", filled.width, round(100 - filled.width, 2))
    return Bar(load.name, words, [filled, room], f"{load.name}: {words} open")


def _how_busy(loads: Sequence[Load]) -> tuple[str, str]:
    if not loads:
        return "Nobody", "to give work to."
    taken, places = sum(load.open_work for load in loads), sum(load.capacity for load in loads)
    full = [load.name for load in loads if load.share >= 1]
    who = ""
    if full:
        who = f"; {full[0]} is full" if len(full) == 1 else f"; {len(full)} are full"
    return f"{taken:,} of {places:,}", f"places are taken{who}."
