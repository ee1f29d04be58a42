"""Plots of what keeps running: mail on its way, and errors."""

from collections.abc import Callable

from flask import url_for

from app.admin.plot_cards import Scene
from app.models import ErrorCategory, NotificationStatus
from app.plots import drawings, wording
from app.plots.drawings import Layer
from app.plots.parts import Card, Ending, Panel, Way
from app.workflows.figures import WAITING, Figures, Measure

_TALL = 208
"""Beside the errors, which have several drawings."""
_SENT, _FAILED = (NotificationStatus.SENT,), (NotificationStatus.DEAD,)


def mail(scene: Scene) -> Card:
    kinds = (("calm", "sent", _SENT), ("wait", "waiting", WAITING), ("bad", "failed", _FAILED))
    counts = {label: [figures.count(Measure.MAIL, *keys) for figures in scene.figures] for _, label, keys in kinds}
    said = [
        ", ".join(f"{counts[label][number]:,} {label}" for _, label, _ in kinds) for number in range(len(scene.slices))
    ]
    layers = [Layer(css, counts[label]) for css, label, _ in kinds]
    is_any = any(map(sum, counts.values()))
    failed = sum(counts["failed"])
    return Card(
        "mail",
        "Email delivery",
        _delivered(scene),
        scene.table(
            ("Sent", "Waiting", "Failed"),
            *(_count_of(Measure.MAIL, keys) for _, _, keys in kinds),
        ),
        panels=[Panel(drawings.columns(scene.slots(said), layers, words=wording.whole, height=_TALL))]
        if is_any
        else (),
        endings=[Ending(css, label, f"{sum(counts[label]):,}") for css, label, _ in reversed(kinds)] if is_any else (),
        note="By the day on which a message was owed.",
        empty="" if is_any else "No message was owed to anybody in these days. Each purchase writes some.",
        ways=_ways(failed, is_any=is_any),
    )


def _ways(failed: int, *, is_any: bool) -> tuple[Way, ...]:
    if not is_any:
        return (Way("See all messages", url_for("notifications.index_view")),)
    return (Way("See what failed", url_for("notifications.index_view", status="dead")),) if failed else ()


def errors(scene: Scene) -> Card:
    found = [category for category in ErrorCategory if scene.total.count(Measure.ERRORS, category)]
    return Card(
        "errors",
        "Errors by category",
        _how_many(scene, found),
        scene.table(
            [category.label for category in ErrorCategory],
            *(_count_of(Measure.ERRORS, (category,)) for category in ErrorCategory),
        ),
        panels=[_category(scene, category) for category in found],
        note="Each on a scale of its own. Refused input is what people sent and we could not take as it was.",
        empty="" if found else "No errors in these days: everything worked.",
    )


def _category(scene: Scene, category: ErrorCategory) -> Panel:
    counts = [figures.count(Measure.ERRORS, category) for figures in scene.figures]
    said = [wording.count(number, "error") for number in counts]
    css = "calm" if category is ErrorCategory.VALIDATION else "bad"
    drawing = drawings.columns(scene.slots(said), [Layer(css, counts)], words=wording.whole, height=36)
    return Panel(drawing, category.label, f"{sum(counts):,}")


def _count_of(measure: Measure, keys: tuple[str, ...]) -> Callable[[Figures], str]:
    return lambda figures: f"{figures.count(measure, *keys):,}"


def _delivered(scene: Scene) -> tuple[str, str]:
    sent, waiting, failed = (scene.total.count(Measure.MAIL, *keys) for keys in (_SENT, WAITING, _FAILED))
    owed = sent + waiting + failed
    if not owed:
        return "No", "messages."
    before = scene.before.count(Measure.MAIL, *_FAILED) if scene.before else None
    change = wording.change(scene.whole.count(Measure.MAIL, *_FAILED), before)
    trouble = f"{failed:,} failed{change}" if failed else "none failed"
    waits = f"; {waiting:,} {'waits' if waiting == 1 else 'wait'}" if waiting else ""
    return wording.percent(sent, owed), f"of {wording.count(owed, 'message')} went out; {trouble}{waits}."


def _how_many(scene: Scene, found: list[ErrorCategory]) -> tuple[str, str]:
    number = scene.total.count(Measure.ERRORS)
    if not number:
        return "No", "errors."
    before = scene.before.count(Measure.ERRORS) if scene.before else None
    change = wording.change(scene.whole.count(Measure.ERRORS), before)
    most = max(found, key=lambda category: scene.total.count(Measure.ERRORS, category))
    share = "most with" if len(found) > 1 else "with"
    return f"{number:,}", f"{'error' if number == 1 else 'errors'}, {share} {most.topic}{change}."
